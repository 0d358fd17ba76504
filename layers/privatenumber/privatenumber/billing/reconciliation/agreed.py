"""Agreed amounts that a comparison no longer bears out: what they were agreed for is in our books by now.

A decided dispute books what facts did not say. When a fact says it later (a push comes, its row is imported,
a price is corrected), recomputing the month books it a second time, and no comparison of facts with a bill
sees that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.disputes import Dispute

_BY_NUMBERS: Final = frozenset({Kind.NUMBER_UNKNOWN, Kind.NUMBER_TYPE, Kind.NUMBER_STATE})
_BY_BILL: Final = frozenset({Kind.PRICE_DIFF, Kind.DISCOUNT, Kind.PACKAGE_NOT_APPLIED, Kind.PACKAGE_DIFF})
#: What tells a difference from others, whatever file and line it was found by.
_SAYS: Final = ("kind", "application", "x", "at", "amount", "quantity")


@dataclass(frozen=True, slots=True)
class AgreedAmount:
    """What is booked of a dispute in all, taken back and anew."""

    dispute: Dispute
    amount: Decimal


def not_borne_out(
    agreed: Iterable[AgreedAmount], found: Iterable[Difference], files: Collection[str]
) -> Iterator[Difference]:
    """The agreed amounts whose difference a comparison with ``files`` should have found, and has not."""
    told = [each.document() for each in found]
    # Of a kind that is told as a sum nobody can say which records are in it.
    sums = {line["kind"] for line in told if "count" in line["evidence"]}
    left = Counter(map(_says, told))
    for each in sorted(agreed, key=lambda each: each.dispute.id):
        said = each.dispute.said
        if not each.amount or said["kind"] in sums or not _is_seen(said, files):
            continue
        if left[_says(said)]:
            left[_says(said)] -= 1
            continue
        yield _difference(each)


def _says(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line.get(name) for name in _SAYS)


def _is_seen(said: Mapping[str, Any], files: Collection[str]) -> bool:
    """Whether files of these kinds show such a difference."""
    needed = {"calls", "bill"}
    if said["kind"] in _BY_NUMBERS:
        needed.add("numbers")
    if said.get("evidence", {}).get("item") == Item.SMS and said["kind"] not in _BY_BILL:
        needed.add("sms")
    return needed <= set(files)


def _difference(agreed: AgreedAmount) -> Difference:
    dispute = agreed.dispute
    return Difference(
        kind=Kind.STALE_ADJUSTMENT,
        cause=f"{money(agreed.amount)} were booked for a dispute about {dispute.kind}, a difference that is "
        "found no more: what our records, prices and rents say by now comes on top of it",
        action="reopen the dispute and withdraw it: what it has booked is taken back",
        amount=-agreed.amount,
        application=dispute.application,
        x=dispute.x,
        evidence={"dispute": dispute.id},
    )
