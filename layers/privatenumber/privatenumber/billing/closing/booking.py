"""What was said of a closed month until now: its statement and the corrections that were booked since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice, takewhile
from operator import itemgetter
from typing import Any, Final

from privatenumber.billing.closing.components import CORRECTION, Component, read_component
from privatenumber.billing.closing.moved_shares import moved_shares
from privatenumber.billing.closing.statement import Booked, Statement
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.rent import first_day, month_text, months_back, next_month
from privatenumber.store.statements import MonthStore
from privatenumber.store.versions import Version

_MONTHS_CORRECTED: Final = 14
"""So long facts are kept by default, and with them what can make a correction; then a month is history."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A closed month with its corrections: its components, its inputs, and the hashes of its day closes.

    ``correction`` is the last one, None before the first.
    """

    deducted: tuple[Component, ...]
    cost: tuple[Component, ...]
    inputs: Mapping[str, str]
    days: Mapping[tuple[str, str], str]
    correction: Version | None


def settled(ledger: Ledger, closed: Version, *, days: bool = False) -> Settled:
    """What was said of a month last; with `days`, also of which closes. Raises VersionBroken."""
    last = ledger.corrections.latest(str(closed.document["month"]))
    if last is None:
        told, store = closed.document, ledger.statements
        deducted, cost = told["components"], told["cost_components"]
    else:
        told, store = last.document, ledger.corrections
        deducted, cost = told["after"], told["cost_after"]
    closes = closes_in(store, last or closed) if days else ()
    return Settled(
        deducted=tuple(read_component(each) for each in deducted if each["item"] != CORRECTION),
        cost=tuple(map(read_component, cost)),
        inputs=told["inputs"],
        days={(line["application"], line["day"]): line["hash"] for line in closes},
        correction=last,
    )


def closes_in(store: MonthStore, version: Version) -> Iterator[Mapping[str, Any]]:
    """The day closes that a statement or correction was made of: its first lines. Raises VersionBroken."""
    return takewhile(lambda line: line["line"] == "close", store.each_line(version))


def said_shares(ledger: Ledger, closed: Version) -> list[Iterator[Mapping[str, Any]]]:
    """The shares of a closed month's statement, and what each of its corrections moved, by view and key.

    Reading them raises VersionBroken.
    """
    corrections = ledger.corrections.versions(str(closed.document["month"]))
    return [
        _shares_in(ledger.statements, closed),
        *(_shares_in(ledger.corrections, correction) for correction in corrections),
    ]


def is_moved(ledger: Ledger, closed: Version, before: Settled, fresh: Statement) -> bool:
    """Whether the same money is somebody else's now than was said. Shares are read only if an input changed.

    Reading them raises VersionBroken.
    """
    if fresh.inputs() == before.inputs:
        return False
    return any(True for _ in moved_shares(fresh.shares(), said_shares(ledger, closed)))


def booked_in(ledger: Ledger, month: str) -> list[Booked]:
    """The corrections of earlier months that are booked in a month, oldest month first."""
    earlier = list(months_before(month))
    corrected = together(ledger.corrections.latest, earlier)
    found = [each for each, last in zip(earlier, corrected, strict=True) if last is not None]
    return [
        booked_of(version, tuple(_shares_in(ledger.corrections, version)))
        for each in reversed(found)
        for version in reversed(list(ledger.corrections.versions(each)))
        if version.document["booked_in"] == month
    ]


def booked_of(version: Version, shares: Sequence[Mapping[str, Any]] = ()) -> Booked:
    """A correction as the month names it in which it is booked."""
    told: Mapping[str, Any] = version.document
    return Booked(
        month=told["month"],
        number=version.number,
        amount=Decimal(told["amount"]),
        reasons=tuple(told["reasons"]),
        hash=version.hash,
        shares=tuple(shares),
    )


def booked_month(ledger: Ledger, now: str) -> str:
    """The first month from `now` on whose statement can still show a correction."""
    seen = ledger.statements.latest(now)
    while seen is not None and seen.document["state"] == "closed":
        now = month_text(next_month(first_day(now)))
        seen = ledger.statements.latest(now)
    return now


def months_before(month: str) -> Iterator[str]:
    """The months whose corrections a month may book, newest first."""
    return islice(months_back(month), _MONTHS_CORRECTED)


def _shares_in(store: MonthStore, version: Version) -> Iterator[Mapping[str, Any]]:
    shares = (line for line in store.each_line(version) if line["line"] == "share")
    if version.redacted is None:
        return shares
    # Who was erased stands where his name stood.
    views = (group for _, group in groupby(shares, key=itemgetter("view")))
    return (line for view in views for line in sorted(view, key=itemgetter("key")))
