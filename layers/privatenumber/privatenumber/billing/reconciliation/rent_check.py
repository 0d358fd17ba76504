"""The rents on the platform's bill against those the calendar expects (billing-rules.md §9.3, rent ↔ I6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.rating.rent import Rent, RentReason
from privatenumber.billing.reconciliation.bill_check import BillCheck
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask
from privatenumber.store.numbers import NumberType

_RULES: Final[Mapping[RentReason, str]] = {
    RentReason.MONTHLY: "a number in any state but returned pays on the 1st",
    RentReason.ISSUED: "a new number pays its first month on the day of issue",
    RentReason.ISSUED_ON_LAST_DAY: "a number issued on a month's last day pays that month on the next 1st",
    RentReason.UNSUBSCRIBED_AFTER_25TH: "a number unsubscribed after the 25th still pays the next month",
}


def check_rents(charges: Iterable[ImportedCharge], rents: Sequence[Rent]) -> BillCheck:
    """Compare rents by X where the bill names its numbers, else by number type, else altogether."""
    lines = [charge for charge in charges if charge.item == Item.RENT]
    check = BillCheck(table=tuple(_table(lines, rents)))
    if lines and all(line.x is not None and not line.x.masked for line in lines):
        return check + _by_number(lines, rents)
    for kind in (None,) if any(line.number_type is None for line in lines) else tuple(NumberType):
        billed = [line for line in lines if kind in (None, line.number_type)]
        expected = [rent for rent in rents if kind in (None, rent.number_type)]
        check += _by_type(kind, billed, expected)
    return check


def _by_number(lines: Sequence[ImportedCharge], rents: Sequence[Rent]) -> BillCheck:
    differences: list[Difference] = []
    for x in sorted({line.x.text for line in lines if line.x} | {rent.x for rent in rents}):
        billed = [line for line in lines if line.x and line.x.text == x]
        expected = [rent for rent in rents if rent.x == x]
        evidence = {"item": "rent", "bill_lines": [line.line for line in billed]}
        count = sum((_count(line) for line in billed), Decimal(0))
        off = _billed(billed) - _expected(expected)
        if count != len(expected):
            differences.append(_number_diff(x, count, expected, off, evidence))
        elif off:
            differences.append(_price_diff(off, {**evidence, "x": mask(x)}))
    return BillCheck(differences=tuple(differences))


def _number_diff(
    x: str, count: Decimal, expected: Sequence[Rent], off: Decimal, evidence: Mapping[str, Any]
) -> Difference:
    missing = count < len(expected)
    rules = "; ".join(_RULES[rent.reason] for rent in expected) or "no rule of the calendar asks for one"
    return Difference(
        kind=Kind.RENT_MISSING if missing else Kind.RENT_UNEXPECTED,
        cause=f"rent of X {mask(x)}: the bill has {_text(count)}, expected {len(expected)} ({rules})",
        action=_ACTIONS[missing],
        quantity=count - len(expected),
        amount=off,
        application=expected[0].application if expected else None,
        x=mask(x),
        evidence=evidence,
    )


def _by_type(
    kind: NumberType | None, billed: Sequence[ImportedCharge], expected: Sequence[Rent]
) -> BillCheck:
    count = sum((_count(line) for line in billed), Decimal(0))
    off = _billed(billed) - _expected(expected)
    named = f"{kind.value} numbers" if kind else "numbers"
    evidence = {
        "item": "rent",
        "number_type": kind.value if kind else None,
        "bill_lines": [line.line for line in billed],
        "expected": sorted(mask(rent.x) for rent in expected),
    }
    if count == len(expected):
        return BillCheck(differences=(_price_diff(off, evidence),) if off else ())
    missing = count < len(expected)
    difference = Difference(
        kind=Kind.RENT_MISSING if missing else Kind.RENT_UNEXPECTED,
        cause=f"rent of {named}: the bill has {_text(count)}, the calendar expects {len(expected)}",
        action=_ACTIONS[missing],
        quantity=count - len(expected),
        amount=off,
        evidence=evidence,
    )
    return BillCheck(differences=(difference,))


def _price_diff(off: Decimal, evidence: Mapping[str, Any]) -> Difference:
    return Difference(
        kind=Kind.PRICE_DIFF,
        cause=f"as many rents as expected, but the bill is {plain(off)} CNY apart from the price list",
        action="check the rent in the price list in force and the number types in the inventory",
        amount=off,
        evidence=evidence,
    )


_ACTIONS: Final = {
    True: "check state, date of issue and of unsubscription in the inventory; a later bill may still have it",
    False: "compare the inventory with the console's number table; dispute the rent if they agree",
}


def _table(lines: Sequence[ImportedCharge], rents: Sequence[Rent]) -> list[Mapping[str, Any]]:
    if not lines and not rents:
        return []
    billed, expected = _billed(lines), _expected(rents)
    count = sum((_count(line) for line in lines), Decimal(0))
    return [
        {
            "item": "rent",
            "number_type": None,
            "ours": {"quantity": str(len(rents)), "amount": plain(expected), "unpriced": 0},
            "explained": {"quantity": "0", "amount": "0.00"},
            "bill": {"quantity": _text(count), "package_quantity": "0", "amount": plain(billed)},
            "unexplained": {"quantity": _text(count - len(rents)), "amount": plain(billed - expected)},
        }
    ]


def _count(line: ImportedCharge) -> Decimal:
    """Rents on a line: its quantity, else one."""
    return Decimal(1) if line.quantity is None else line.quantity


def _billed(lines: Iterable[ImportedCharge]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


def _expected(rents: Iterable[Rent]) -> Decimal:
    return sum((rent.amount for rent in rents), Decimal(0))


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
