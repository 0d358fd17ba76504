"""Months as the money checks see them: our sums on one side, lines of a bill on the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from privatenumber.billing.reconciliation.bill_check import check_bill
from privatenumber.billing.reconciliation.edges import Edge
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import (
    BillCheck,
    Component,
    Explained,
    Explanations,
    PackageSums,
    UsageSums,
    explain,
)
from privatenumber.billing.reconciliation.number_check import NumberCheck
from privatenumber.billing.reconciliation.usage_groups import Own
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import TOLERANCE_LINE
from privatenumber.store.numbers import NumberType

VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
CALLS, CARRIER_CALLS = (Item.CALL, VIRTUAL), (Item.CALL, CARRIER)
TEXTS, CARRIER_TEXTS = (Item.SMS, VIRTUAL), (Item.SMS, CARRIER)
PRICES: Mapping[Component, Decimal] = {
    CALLS: Decimal("0.10"),
    CARRIER_CALLS: Decimal("0.10"),
    TEXTS: Decimal("0.28"),
    CARRIER_TEXTS: Decimal("0.27"),
}
_LINES = itertools.count(2)


def line(
    item: str, number_type: NumberType | None, quantity: Any, price: Any, **changes: Any
) -> ImportedCharge:
    """One line of the bill of September; its amount follows from quantity and price."""
    amount = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"))
    fields: dict[str, Any] = {
        "line": next(_LINES),
        "period": "2026-09",
        "item": item,
        "number_type": number_type,
        "x": None,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
        "package_quantity": Decimal(0),
        "amount": amount,
    }
    return ImportedCharge(**{**fields, **changes})


def used(component: Component, units: int, package: int = 0, **changes: Any) -> UsageSums:
    """What we have of a component at its price."""
    price = changes.pop("price", PRICES[component])
    return UsageSums(units, package, (units - package) * price, unit_prices=frozenset({price}), **changes)


def record(component: Component, units: int, *, covered: bool = False) -> Explained:
    """What a record of so many units explains."""
    return explain(units, units * PRICES[component], covered=covered)


def check(
    charges: Sequence[ImportedCharge],
    sums: Mapping[Component, UsageSums],
    *,
    rows: Mapping[Component, Explained] | None = None,
    ended: Mapping[Component, Explained] | None = None,
    unlisted: Mapping[Component, Explained] | None = None,
    edges: Iterable[Edge] = (),
    packages: Mapping[Item, PackageSums] | None = None,
    bought: Sequence[PackageOrder] = (),
    numbers: NumberCheck | None = None,
    tolerance_line: Decimal = TOLERANCE_LINE,
) -> BillCheck:
    """Compare; what is not given has nothing."""
    nothing = Explained()
    explanations = {
        component: Explanations(
            rows=(rows or {}).get(component, nothing),
            ended=(ended or {}).get(component, nothing),
            unlisted=(unlisted or {}).get(component, nothing),
        )
        for component in PRICES
    }
    own = Own(sums, explanations, tuple(edges), packages or {}, bought, tolerance_line)
    found = check_bill(charges, own, numbers or NumberCheck(sums=sums))
    assert_balanced(found, charges, sums, numbers, bought)
    return found


def assert_balanced(
    found: BillCheck,
    charges: Iterable[ImportedCharge],
    sums: Mapping[Component, UsageSums],
    numbers: NumberCheck | None,
    bought: Iterable[PackageOrder],
) -> None:
    """Whatever was found: the bill is our month plus records, differences and what was accepted."""
    amounts = [difference.amount for difference in found.differences]
    if None in amounts or found.residual is None:
        return
    ours = sum((each.amount for each in sums.values()), Decimal(0))
    ours += sum((rent.amount for rent in (numbers.rents if numbers else ())), Decimal(0))
    ours += sum((order.price for order in bought), Decimal(0))
    told = sum((amount for amount in amounts if amount is not None), Decimal(0))
    accepted = sum((Decimal(each["amount"]) for each in (*found.accepted, *found.not_compared)), Decimal(0))
    billed = sum((charge.amount for charge in charges), Decimal(0))
    assert billed - ours == found.records + told + accepted
