"""The platform's bill against our month, to the fen: usage, packages, rents, numbers (billing-rules.md §9.3).

    bill - ours = single records + differences + accepted rounding        (`BillCheck`)

What no cause explains stands in the differences, too, and is told apart: the residual, zero in a clean month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import BillCheck, total
from privatenumber.billing.reconciliation.number_check import NumberCheck
from privatenumber.billing.reconciliation.rent_check import check_rents
from privatenumber.billing.reconciliation.usage_check import check_usage
from privatenumber.billing.reconciliation.usage_groups import Own
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

_NAMES: Final[Mapping[Item, str]] = {
    Item.RENT: "rents",
    Item.CALL: "call minutes",
    Item.SMS: "SMS parts",
    Item.PACKAGE: "packages",
}


def check_bill(charges: Sequence[ImportedCharge], own: Own, numbers: NumberCheck) -> BillCheck:
    """Compare the bill of a month. `numbers`: the rents to expect, and what the number table changes."""
    check = check_usage(charges, replace(own, sums=numbers.sums))
    check += BillCheck(differences=numbers.differences)
    check += check_rents(charges, numbers.rents) + _other(charges) + _discounts(charges)
    return replace(check, differences=_types_together(check.differences))


def residual(check: BillCheck) -> dict[str, Any]:
    """The unexplained amount as JSON, by component and in total; ``None`` where a price for it is missing.

    The total has no signs: what is too much here and too little there explains nothing.
    """
    return {
        "total": plain(check.residual),
        "components": [
            {name: row[name] for name in ("item", "number_type")} | dict(row["unexplained"])
            for row in check.table
        ],
    }


def _other(charges: Iterable[ImportedCharge]) -> BillCheck:
    """List what the bill charges beside calls, SMS, rents and packages: nothing here can know it."""
    found = [charge for charge in charges if charge.item not in tuple(Item) and charge.amount]
    return BillCheck(
        not_compared=tuple(
            {
                "item": charge.item,
                "number_type": charge.number_type.value if charge.number_type else None,
                "amount": plain(charge.amount),
                "bill_line": charge.line,
            }
            for charge in found
        )
    )


def _discounts(charges: Iterable[ImportedCharge]) -> BillCheck:
    """One difference for the discounts of an item and number type: we rate at list price."""
    given: dict[tuple[Item, NumberType | None], list[ImportedCharge]] = {}
    for charge in charges:
        if charge.discount and charge.item in tuple(Item):
            given.setdefault((Item(charge.item), charge.number_type), []).append(charge)
    return BillCheck(differences=tuple(_discount(*of, lines) for of, lines in given.items()))


def _discount(item: Item, number_type: NumberType | None, lines: Sequence[ImportedCharge]) -> Difference:
    amount = -total(line.discount for line in lines)
    return Difference(
        kind=Kind.DISCOUNT,
        cause=f"the bill takes {money(-amount)} off {_NAMES[item]} as a discount, our statement does not",
        action="enter the prices of your contract if the discount is one of it; it re-rates the month",
        amount=amount,
        item=item,
        number_type=number_type,
        evidence={"item": item.value, "bill_lines": [line.line for line in lines]},
    )


def _types_together(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Calls, SMS and rents under the other number type are one cause, as long as no X is known."""
    same = [found for found in differences if found.kind is Kind.NUMBER_TYPE and found.x is None]
    if len(same) < 2:
        return tuple(differences)
    amounts = [found.amount for found in same]
    amount = None if None in amounts else total(each for each in amounts if each is not None)
    evidence: Mapping[str, Any] = {
        "items": [found.evidence["item"] for found in same],
        "bill_lines": sorted(line for found in same for line in found.evidence["bill_lines"]),
    }
    one = replace(
        same[0],
        cause=f"{'; '.join(found.cause for found in same)}; {money(amount)} together",
        quantity=total(found.quantity or Decimal(0) for found in same),
        amount=amount,
        item=None,
        evidence=evidence,
    )
    return (*(found for found in differences if found not in same), one)
