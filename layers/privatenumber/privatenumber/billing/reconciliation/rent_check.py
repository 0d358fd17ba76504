"""The rents on the platform's bill against those the calendar expects (billing-rules.md §9.3, rent ↔ I6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from privatenumber.billing.rating.rent import Rent, RentReason
from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import BillCheck, count, table_row, total
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
_MOST_NAMED: Final = 10
"""Numbers that a difference names: an account may have thousands that pay the same rent."""

Parts: TypeAlias = Mapping[NumberType | None, tuple[Sequence[ImportedCharge], Sequence[Rent]]]
"""Lines of the bill and the rents to expect, by number type; under `None` when they cannot be told apart."""


def check_rents(charges: Iterable[ImportedCharge], rents: Sequence[Rent]) -> BillCheck:
    """Compare rents by X where the bill names its numbers, else by number type, else altogether."""
    lines = [charge for charge in charges if charge.item == Item.RENT]
    check = BillCheck(table=tuple(_table(lines, rents)))
    if lines and all(line.x is not None and not line.x.masked for line in lines):
        return check + _by_number(lines, rents)
    parts = by_type(lines, rents)
    counts = {kind: more_rents(billed, expected) for kind, (billed, expected) in parts.items()}
    if len(counts) > 1 and all(counts.values()) and not total(counts.values()):
        return check + _swapped(parts, counts)
    for kind, (billed, expected) in parts.items():
        check += _by_type(kind, billed, expected)
    return check


def by_type(lines: Sequence[ImportedCharge], rents: Sequence[Rent]) -> Parts:
    """Lines and rents by number type; altogether as soon as one line does not tell its own."""
    untold = any(line.number_type is None for line in lines)
    return {
        kind: (
            [line for line in lines if kind in (None, line.number_type)],
            [rent for rent in rents if kind in (None, rent.number_type)],
        )
        for kind in ((None,) if untold else tuple(NumberType))
    }


def more_rents(billed: Iterable[ImportedCharge], expected: Sequence[Rent]) -> Decimal:
    """How many rents more are on the bill than are expected."""
    return total(line.pieces for line in billed) - len(expected)


def _swapped(parts: Parts, counts: Mapping[NumberType | None, Decimal]) -> BillCheck:
    """As many rents too many of one type as too few of the other: the numbers have another type."""
    more = next(kind for kind, quantity in counts.items() if quantity > 0)
    off = total(_billed(billed) - _expected(expected) for billed, expected in parts.values())
    difference = Difference(
        kind=Kind.NUMBER_TYPE,
        cause=f"{count(max(counts.values()))} rents stand under {more} numbers that we have under the other "
        f"type: {money(off)}",
        action="import the console's number table, which tells the type of every X",
        quantity=max(counts.values()),
        amount=off,
        item=Item.RENT,
        evidence={
            "item": Item.RENT.value,
            "bill_lines": [line.line for billed, _ in parts.values() for line in billed],
        },
    )
    return BillCheck(differences=(difference,))


def _by_number(lines: Sequence[ImportedCharge], rents: Sequence[Rent]) -> BillCheck:
    differences: list[Difference] = []
    found: defaultdict[str, tuple[list[ImportedCharge], list[Rent]]] = defaultdict(lambda: ([], []))
    for line in lines:
        found[line.x.text if line.x else ""][0].append(line)
    for rent in rents:
        found[rent.x][1].append(rent)
    for x, (billed, expected) in sorted(found.items()):
        evidence = {"item": "rent", "bill_lines": [line.line for line in billed]}
        quantity = total(line.pieces for line in billed)
        off = _billed(billed) - _expected(expected)
        if quantity != len(expected):
            differences.append(_number_diff(x, quantity, expected, off, evidence))
        elif off:
            differences.append(_price_diff(off, {**evidence, "x": mask(x)}))
    return BillCheck(differences=tuple(differences))


def _number_diff(
    x: str, quantity: Decimal, expected: Sequence[Rent], off: Decimal, evidence: Mapping[str, Any]
) -> Difference:
    missing = quantity < len(expected)
    rules = "; ".join(_RULES[rent.reason] for rent in expected) or "no rule of the calendar asks for one"
    return Difference(
        kind=Kind.RENT_MISSING if missing else Kind.RENT_UNEXPECTED,
        cause=f"rent of X {mask(x)}: the bill has {count(quantity)}, expected {len(expected)} ({rules})",
        action=_ACTIONS[missing],
        quantity=quantity - len(expected),
        amount=off,
        item=Item.RENT,
        application=expected[0].application if expected else None,
        x=mask(x),
        evidence=evidence,
    )


def _by_type(
    kind: NumberType | None, billed: Sequence[ImportedCharge], expected: Sequence[Rent]
) -> BillCheck:
    quantity = total(line.pieces for line in billed)
    off = _billed(billed) - _expected(expected)
    named = f"{kind.value} numbers" if kind else "numbers"
    evidence = {
        "item": "rent",
        "number_type": kind.value if kind else None,
        "bill_lines": [line.line for line in billed],
        "expected": sorted(mask(rent.x) for rent in expected)[:_MOST_NAMED],
        "expected_count": len(expected),
    }
    if quantity == len(expected):
        return BillCheck(differences=(_price_diff(off, evidence),) if off else ())
    missing = quantity < len(expected)
    # A price that is off as well is a second cause; how much of it is which, only one expected price tells.
    prices = {rent.amount for rent in expected}
    by_count = (quantity - len(expected)) * prices.pop() if len(prices) == 1 else off
    difference = Difference(
        kind=Kind.RENT_MISSING if missing else Kind.RENT_UNEXPECTED,
        cause=f"rent of {named}: the bill has {count(quantity)}, the calendar expects {len(expected)}",
        action=_ACTIONS[missing],
        quantity=quantity - len(expected),
        amount=by_count,
        item=Item.RENT,
        evidence=evidence,
    )
    rest = off - by_count
    return BillCheck(differences=(difference, *((_price_diff(rest, evidence),) if rest else ())))


def _price_diff(off: Decimal, evidence: Mapping[str, Any]) -> Difference:
    return Difference(
        kind=Kind.PRICE_DIFF,
        cause=f"the bill's rents are {money(off)} apart from the price list beyond their number",
        action="check the rent in the price list in force and the number types in the inventory",
        amount=off,
        evidence=evidence,
    )


_ACTIONS: Final = {
    True: "check state, date of issue and of unsubscription in the inventory; a later bill may still have it",
    False: "compare the inventory with the console's number table; dispute the rent if they agree",
}


def _table(lines: Sequence[ImportedCharge], rents: Sequence[Rent]) -> list[Mapping[str, Any]]:
    """One line per number type, all of it explained by the differences beside it."""
    return [
        _row(kind, billed, expected)
        for kind, (billed, expected) in by_type(lines, rents).items()
        if billed or expected
    ]


def _row(
    kind: NumberType | None, billed: Sequence[ImportedCharge], expected: Sequence[Rent]
) -> Mapping[str, Any]:
    quantity = total(line.pieces for line in billed)
    ours, theirs = _expected(expected), total(line.amount for line in billed)
    return table_row(
        (Item.RENT.value, kind.value if kind else None),
        ours={"quantity": str(len(expected)), "amount": plain(ours), "unpriced": 0},
        explained=(quantity - len(expected), theirs - ours),
        bill={"quantity": count(quantity), "package_quantity": "0", "amount": plain(theirs)},
        unexplained=(0, Decimal(0)),
    )


def _billed(lines: Iterable[ImportedCharge]) -> Decimal:
    return total(line.gross for line in lines)


def _expected(rents: Iterable[Rent]) -> Decimal:
    return total(rent.amount for rent in rents)
