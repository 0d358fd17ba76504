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

#: Every column of the specification: its feature level, whether it allows nulls, its value format.
SPECIFICATION = {
    "AvailabilityZone": ("recommended", "null", "text"),
    "BilledCost": ("mandatory", "never", "number"),
    "BillingAccountId": ("mandatory", "never", "text"),
    "BillingAccountName": ("mandatory", "null", "text"),
    "BillingCurrency": ("mandatory", "never", "text"),
    "BillingPeriodEnd": ("mandatory", "never", "moment"),
    "BillingPeriodStart": ("mandatory", "never", "moment"),
    "ChargeCategory": ("mandatory", "never", "text"),
    "ChargeClass": ("mandatory", "null", "text"),
    "ChargeDescription": ("mandatory", "null", "text"),
    "ChargeFrequency": ("recommended", "never", "text"),
    "ChargePeriodEnd": ("mandatory", "never", "moment"),
    "ChargePeriodStart": ("mandatory", "never", "moment"),
    "CommitmentDiscountCategory": ("conditional", "null", "text"),
    "CommitmentDiscountId": ("conditional", "null", "text"),
    "CommitmentDiscountName": ("conditional", "null", "text"),
    "CommitmentDiscountStatus": ("conditional", "null", "text"),
    "CommitmentDiscountType": ("conditional", "null", "text"),
    "ConsumedQuantity": ("conditional", "null", "number"),
    "ConsumedUnit": ("conditional", "null", "unit"),
    "ContractedCost": ("mandatory", "never", "number"),
    "ContractedUnitPrice": ("conditional", "null", "number"),
    "EffectiveCost": ("mandatory", "never", "number"),
    "InvoiceIssuerName": ("mandatory", "never", "text"),
    "ListCost": ("mandatory", "never", "number"),
    "ListUnitPrice": ("conditional", "null", "number"),
    "PricingCategory": ("conditional", "null", "text"),
    "PricingQuantity": ("mandatory", "null", "number"),
    "PricingUnit": ("mandatory", "null", "unit"),
    "ProviderName": ("mandatory", "never", "text"),
    "PublisherName": ("mandatory", "never", "text"),
    "RegionId": ("conditional", "null", "text"),
    "RegionName": ("conditional", "null", "text"),
    "ResourceId": ("conditional", "null", "text"),
    "ResourceName": ("conditional", "null", "text"),
    "ResourceType": ("conditional", "null", "text"),
    "ServiceCategory": ("mandatory", "never", "text"),
    "ServiceName": ("mandatory", "never", "text"),
    "SkuId": ("conditional", "null", "text"),
    "SkuPriceId": ("conditional", "null", "text"),
    "SubAccountId": ("conditional", "null", "text"),
    "SubAccountName": ("conditional", "null", "text"),
    "Tags": ("conditional", "null", "text"),
}
#: A provider without zones and regions needs no columns for them.
NEEDED = [name for name in SPECIFICATION if name not in ("AvailabilityZone", "RegionId", "RegionName")]
#: A description may be null and should not be.
NOT_NULL = [
    name for name, (_, nulls, _) in SPECIFICATION.items() if nulls == "never" or name == "ChargeDescription"
]
NUMERIC, MOMENTS, UNITS = (
    [name for name, (_, _, form) in SPECIFICATION.items() if form == wanted]
    for wanted in ("number", "moment", "unit")
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
OF_PRICED = ("ContractedUnitPrice", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit")

_NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_UNIT = re.compile(r"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)?", re.ASCII)


def broken_rules(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """What a data set does against the specification; each with the number of its row, from 1."""
    found = [f"no column {name}" for name in NEEDED if name not in columns]
    found += [f"{name} is no column of the specification" for name in columns if name not in SPECIFICATION]
    for at, row in enumerate(rows, start=1):
        found += [
            f"row {at}: {rule}"
            for rules in (_values, _pricing, _costs, _correction, _commitment, _covered)
            for rule in rules(row)
        ]
    return [*found, *_sku_prices(rows)]


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


def _correction(row: Row) -> Iterator[str]:
    is_correction = row["ChargeClass"] == "Correction"
    if is_correction and (row["ChargePeriodStart"] or "") >= (row["BillingPeriodStart"] or ""):
        yield "Correction is of a previous billing period"
    if row["ChargeCategory"] == "Credit":
        yield from (
            f"{name} of a credit is not BilledCost"
            for name in ("ListCost", "ContractedCost", "EffectiveCost")
            if row[name] != row["BilledCost"]
        )


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
