"""The requirements of the FinOps FOCUS specification 1.0 on rows, as far as a data set can show them.

Written from the specification's normative text (columns and attributes), not from what we export.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

Row = Mapping[str, str | None]

#: Columns that must be in every data set; then those that a provider with resources, commitments,
#: measured use, published prices, sub accounts and tags must have.
MANDATORY = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
)
CONDITIONAL = (
    *("ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName"),
    *("CommitmentDiscountStatus", "CommitmentDiscountType", "ConsumedQuantity", "ConsumedUnit"),
    *("ContractedUnitPrice", "ListUnitPrice", "PricingCategory", "ResourceId", "ResourceName"),
    *("ResourceType", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags"),
)
NOT_NULL = (
    *("BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart"),
    *("ChargeCategory", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart"),
    *("ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "ProviderName", "PublisherName"),
    *("ServiceCategory", "ServiceName"),
)
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "CommitmentDiscountCategory": {"Spend", "Usage"},
    "CommitmentDiscountStatus": {"Used", "Unused"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {
        *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases"),
        *("Developer Tools", "Multicloud", "Identity", "Integration", "Internet of Things", "Media"),
        *("Management and Governance", "Migration", "Mobile", "Networking", "Security", "Storage"),
        *("Web", "Other"),
    },
}
NUMERIC = (
    *("BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost"),
    *("ListCost", "ListUnitPrice", "PricingQuantity"),
)
MOMENTS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
OF_PRICED = ("ContractedUnitPrice", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit")
UNITS = ("ConsumedUnit", "PricingUnit")

_NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_UNIT = re.compile(r"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)?", re.ASCII)


def broken_rules(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """What a data set does against the specification; each with the number of its row, from 1."""
    found = [f"no column {name}" for name in (*MANDATORY, *CONDITIONAL) if name not in columns]
    found += [f"column {name} is not Pascal case" for name in columns if not _is_pascal(name)]
    for at, row in enumerate(rows, start=1):
        found += [
            f"row {at}: {rule}"
            for rule in (*_values(row), *_pricing(row), *_costs(row), *_commitment(row), *_covered(row))
        ]
    return [*found, *_sku_prices(rows)]


def _is_pascal(name: str) -> bool:
    return bool(re.fullmatch(r"(x_)?([A-Z][a-z]+)+", name))


def _values(row: Row) -> Iterator[str]:
    yield from (f"{name} is null" for name in NOT_NULL if row[name] is None)
    yield from (f"{name} is blank" for name, text in row.items() if text is not None and not text.strip())
    for name, values in ALLOWED.items():
        if row[name] is not None and row[name] not in values:
            yield f"{name} is {row[name]}"
    yield from (f"{name} is no number" for name in NUMERIC if not _fits(_NUMBER, row[name]))
    yield from (f"{name} is no moment" for name in MOMENTS if not _fits(_MOMENT, row[name]))
    yield from (f"{name} is no unit" for name in UNITS if not _fits(_UNIT, row[name]))
    if not re.fullmatch(r"[A-Z]{3}", row["BillingCurrency"] or ""):
        yield "BillingCurrency is no code of ISO 4217"
    for side in ("Billing", "Charge"):
        if (row[f"{side}PeriodStart"] or "") >= (row[f"{side}PeriodEnd"] or ""):
            yield f"{side}Period ends before it begins"
    if row["Tags"] is not None:
        tags = json.loads(row["Tags"])
        if not isinstance(tags, dict) or any(isinstance(value, list | dict) for value in tags.values()):
            yield "Tags is no object of plain values"


def _pricing(row: Row) -> Iterator[str]:
    is_correction = row["ChargeClass"] == "Correction"
    is_priced = row["ChargeCategory"] in ("Usage", "Purchase") and not is_correction
    if is_priced:
        yield from (f"{name} is null" for name in (*OF_PRICED, "SkuId", "SkuPriceId") if row[name] is None)
    for name in ("ConsumedQuantity", "ConsumedUnit"):
        if row["ChargeCategory"] != "Usage" and row[name] is not None:
            yield f"{name} is for usage only"
        if row["ChargeCategory"] == "Usage" and not is_correction and row[name] is None:
            yield f"{name} is null"
    if row["ChargeCategory"] == "Purchase" and row["ChargeFrequency"] == "Usage-Based":
        yield "ChargeFrequency of a purchase is Usage-Based"


def _costs(row: Row) -> Iterator[str]:
    for kind in ("List", "Contracted"):
        price, quantity = row[f"{kind}UnitPrice"], row["PricingQuantity"]
        if price is not None and quantity is not None and row["ChargeClass"] != "Correction":
            if Decimal(price) < 0:
                yield f"{kind}UnitPrice is negative"
            if Decimal(price) * Decimal(quantity) != Decimal(row[f"{kind}Cost"] or "NaN"):
                yield f"{kind}Cost is not price by quantity"
    if (row["ResourceType"] is None) != (row["ResourceId"] is None):
        yield "ResourceType goes with ResourceId"
    if row["ResourceName"] is not None and row["ResourceName"] == row["ResourceId"]:
        yield "ResourceName repeats ResourceId"


def _commitment(row: Row) -> Iterator[str]:
    number = row["CommitmentDiscountId"]
    for name in ("CommitmentDiscountCategory", "CommitmentDiscountType"):
        if (row[name] is None) != (number is None):
            yield f"{name} goes with CommitmentDiscountId"
    if number is None:
        if row["CommitmentDiscountStatus"] or row["CommitmentDiscountName"]:
            yield "a status or a name without CommitmentDiscountId"
        if row["PricingCategory"] == "Committed":
            yield "Committed without CommitmentDiscountId"


def _covered(row: Row) -> Iterator[str]:
    number = row["CommitmentDiscountId"]
    if number is None:
        return
    if row["PricingCategory"] != "Committed":
        yield "PricingCategory with CommitmentDiscountId is Committed"
    if (row["CommitmentDiscountStatus"] is None) != (row["ChargeCategory"] != "Usage"):
        yield "CommitmentDiscountStatus is for usage, and there it is not null"
    if row["ChargeCategory"] == "Usage" and Decimal(row["BilledCost"] or 1):
        yield "BilledCost of what a commitment covers is not 0"
    if row["ChargeCategory"] == "Purchase" and Decimal(row["EffectiveCost"] or 1):
        yield "EffectiveCost of a prepaid purchase is not 0"
    if row["CommitmentDiscountStatus"] != "Used" and row["ResourceId"] != number:
        yield "ResourceId of the commitment itself is CommitmentDiscountId"


def _sku_prices(rows: Iterable[Row]) -> Iterator[str]:
    skus: defaultdict[str, set[str | None]] = defaultdict(set)
    prices: defaultdict[str, set[str | None]] = defaultdict(set)
    for row in rows:
        if row["SkuPriceId"] is not None:
            skus[row["SkuPriceId"]].add(row["SkuId"])
            prices[row["SkuPriceId"]].add(row["ListUnitPrice"])
    yield from (f"{name} has several SKUs" for name, found in skus.items() if len(found) > 1)
    yield from (f"{name} has several prices" for name, found in prices.items() if len(found) > 1)


def _fits(pattern: re.Pattern[str], text: str | None) -> bool:
    return text is None or pattern.fullmatch(text) is not None
