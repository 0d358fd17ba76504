"""What single records that differ come to on the bill: not more than it charges, less what packages pay.

A record that only one side has is first valued at list price, because that is all that it can tell itself.
Only the bill of the month tells whether it is charged at all, and how much of it packages paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from privatenumber.billing.reconciliation.differences import Difference, money
from privatenumber.billing.reconciliation.edges import Covers
from privatenumber.billing.reconciliation.money import EXACT, PART_OF, BillCheck, count
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType


def settled_records(
    differences: Iterable[Difference], check: BillCheck, covered: Covers
) -> Iterator[Difference]:
    """The differences of single records as the bill has them, in the order given.

    Their amounts then add up to `BillCheck.records`, where the bill could be read.
    """
    left = dict(check.moved)
    for found in differences:
        if found.kind not in PART_OF or found.item is None:
            yield found
        elif not _on_bill(found, check):
            yield _not_charged(found)
        else:
            units = _paid_of(found, left, covered)
            left[found.item] = left.get(found.item, 0) - units
            yield _less(found, units) if units else found


def _on_bill(found: Difference, check: BillCheck) -> bool:
    """Whether the bill follows what the difference says; where nothing is known of the bill, it does."""
    if found.item is None:
        return True
    follows = check.readings.get((found.item, found.number_type or NumberType.VIRTUAL))
    return follows is None or PART_OF[found.kind] in follows


def _not_charged(found: Difference) -> Difference:
    """The bill says what we have: the difference is one of records, not of money."""
    if not found.amount:
        return found
    return replace(
        found,
        amount=Decimal(0),
        cause=f"{found.cause}; the bill follows our records, so it makes no difference in money",
        evidence={**found.evidence, "list_amount": money(found.amount)},
    )


def _paid_of(found: Difference, left: Mapping[Item, int], covered: Covers) -> int:
    """Units of a difference that packages pay."""
    if found.item is None or found.at is None or not found.quantity:
        return 0
    moved, units = left.get(found.item, 0), int(found.quantity)
    if moved * units <= 0 or not covered(found.item, found.number_type or NumberType.VIRTUAL, found.at):
        return 0
    return min(moved, units) if moved > 0 else max(moved, units)


def _less(found: Difference, units: int) -> Difference:
    if found.amount is None or not found.quantity:
        return found
    return replace(
        found,
        amount=found.amount - (found.amount * units / found.quantity).quantize(EXACT),
        cause=f"{found.cause}; packages pay {count(abs(units))} of them",
        evidence={**found.evidence, "package_units": units},
    )
