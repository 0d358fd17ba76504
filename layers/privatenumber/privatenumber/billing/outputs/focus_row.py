"""A row of a FOCUS 1.0 data set: its columns, and the defaults that every charge of this service shares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from privatenumber.billing.rating.rent import first_day, next_month
from privatenumber.times import day_bounds, from_iso

COLUMNS: Final = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
)
"""All columns of the specification, in alphabetical order."""

PROVIDER: Final = "Huawei Cloud"
SERVICE: Final = "Private Number"
ACCOUNT: Final = "private-number"
"""The billing account when nobody says which cloud account pays: one deployment bills one (§1, level)."""

_TAG_PREFIX: Final = "privatenumber/"
_OWN_TAGS: Final = frozenset({"mode", "side", "number_type", "binding"})
"""Tags that we define; the rest are words of the company."""


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to another, itself excluded; aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Commitment:
    """A package as a commitment discount. ``status``: "Used" or "Unused" for usage, None for its purchase."""

    number: str
    name: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge. ``listed`` is what it would cost at list price; ``quantity`` × ``unit_price``."""

    category: str
    description: str
    frequency: str
    period: Period
    billed: Decimal
    effective: Decimal
    listed: Decimal | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    sku: str | None = None
    resource: str | None = field(default=None, repr=False)
    resource_type: str | None = None
    application: str | None = None
    commitment: Commitment | None = None
    is_correction: bool = False
    consumed: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    def row(self, billing: Period, account: str) -> dict[str, str | None]:
        """The row of this charge in a billing period."""
        listed = self.billed if self.listed is None else self.listed
        return {
            **dict.fromkeys(COLUMNS),
            "BilledCost": number(self.billed),
            "BillingAccountId": account,
            "BillingAccountName": account,
            "BillingCurrency": "CNY",
            "BillingPeriodEnd": moment(billing.end),
            "BillingPeriodStart": moment(billing.start),
            "ChargeCategory": self.category,
            "ChargeClass": "Correction" if self.is_correction else None,
            "ChargeDescription": self.description,
            "ChargeFrequency": self.frequency,
            "ChargePeriodEnd": moment(self.period.end),
            "ChargePeriodStart": moment(self.period.start),
            "ContractedCost": number(listed),
            "EffectiveCost": number(self.effective),
            "InvoiceIssuerName": PROVIDER,
            "ListCost": number(listed),
            "ProviderName": PROVIDER,
            "PublisherName": PROVIDER,
            "ResourceId": self.resource,
            "ResourceType": self.resource_type if self.resource else None,
            "ServiceCategory": "Mobile",
            "ServiceName": SERVICE,
            "SubAccountId": self.application,
            "SubAccountName": self.application,
            "Tags": self._tags(),
            **self._pricing(),
            **self._commitment(),
        }

    def _pricing(self) -> dict[str, str | None]:
        if self.quantity is None:
            return {}
        return {
            "ConsumedQuantity": number(self.quantity) if self.consumed else None,
            "ConsumedUnit": self.unit if self.consumed else None,
            "ContractedUnitPrice": number(self.unit_price),
            "ListUnitPrice": number(self.unit_price),
            "PricingCategory": "Committed" if self.commitment else "Standard",
            "PricingQuantity": number(self.quantity),
            "PricingUnit": self.unit,
            "SkuId": self.sku,
            "SkuPriceId": f"{self.sku}@{number(self.unit_price)}",
        }

    def _commitment(self) -> dict[str, str | None]:
        if self.commitment is None:
            return {}
        return {
            "CommitmentDiscountCategory": "Usage",
            "CommitmentDiscountId": self.commitment.number,
            "CommitmentDiscountName": self.commitment.name,
            "CommitmentDiscountStatus": self.commitment.status,
            "CommitmentDiscountType": "Package",
        }

    def _tags(self) -> str | None:
        named = {(_TAG_PREFIX if name in _OWN_TAGS else "") + name: text for name, text in self.tags.items()}
        return json.dumps(named, ensure_ascii=False, sort_keys=True) if named else None


def number(value: Decimal | None) -> str | None:
    """A number by the specification's numeric format: no exponent, no sign for what is positive."""
    return None if value is None else f"{value.normalize():f}"


def moment(at: datetime) -> str:
    """A moment by the specification's date/time format."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def month_period(month: str) -> Period:
    """A Beijing month."""
    first = first_day(month)
    return Period(day_bounds(first)[0], day_bounds(next_month(first))[0])


def days_period(days: Sequence[str]) -> Period:
    """From the first to the last of some Beijing days, which are sorted."""
    first, last = (day_bounds(date.fromisoformat(days[at])) for at in (0, -1))
    return Period(first[0], last[1])


def between(start: str, end: str) -> Period:
    """From one stored time to another."""
    return Period(from_iso(start), from_iso(end))
