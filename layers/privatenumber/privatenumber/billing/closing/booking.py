"""What was said of a closed month until now: its statement and the corrections that were booked since."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice, takewhile
from operator import itemgetter
from typing import Any, Final

from privatenumber.billing.closing.components import CORRECTION, Component, differences, read_component
from privatenumber.billing.closing.costs import View
from privatenumber.billing.closing.moved_shares import moved_shares
from privatenumber.billing.closing.package_rows import Counted, counted_in
from privatenumber.billing.closing.statement import Booked, Statement
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.rent import first_day, month_text, months_back, next_month
from privatenumber.store.statements import MonthStore
from privatenumber.store.versions import Version

_MONTHS_CORRECTED: Final = 14
"""So long facts are kept by default, and with them what can make a correction; then a month is history."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """A closed month with its corrections: its components, what packages paid, its inputs, and the hashes of
    its day closes. ``correction`` is the last one, None before the first.
    """

    deducted: tuple[Component, ...]
    cost: tuple[Component, ...]
    packages: Mapping[str, Counted]
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
        packages=counted_in(told["packages"]),
        inputs=told["inputs"],
        days={(line["application"], line["day"]): line["hash"] for line in closes},
        correction=last,
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a month is not what was said of it: what was deducted, and what it cost."""

    deducted: tuple[Component, ...]
    cost: tuple[Component, ...]


def difference(ledger: Ledger, closed: Version, before: Settled, fresh: Statement) -> Difference | None:
    """What a correction books; None when the month is what was said. Raises VersionBroken.

    It comes to nothing where only whose the costs are has changed, or what was used of packages, of which the
    months after it are told. A month that names an application that is not configured stays as it is: nothing
    is known of its records and numbers, and they would be taken back.
    """
    found = Difference(
        differences(fresh.components, before.deducted), differences(fresh.cost_components, before.cost)
    )
    packages = counted_in(row.document() for row in fresh.packages)
    is_same = not found.deducted and not found.cost and packages == before.packages
    if is_same and not _is_moved(ledger, closed, before, fresh):
        return None
    gone = _gone_applications(ledger, closed)
    if gone:
        _log.warning("month left alone", extra={"month": fresh.month, "not_configured": gone})
    return None if gone else found


def _gone_applications(ledger: Ledger, closed: Version) -> list[str]:
    """Those that bear something of a closed month and are not configured."""
    said = moved_shares((), said_shares(ledger, closed))
    of_applications = takewhile(lambda share: share["view"] == View.APPLICATION.value, said)
    keys = {share["key"] for share in of_applications if not share["key"].startswith("#")}
    return sorted(keys - set(ledger.applications))


def changed_inputs(before: Settled, fresh: Statement) -> set[str]:
    """What decides the month otherwise than when something was said of it, of all that was named then."""
    now = fresh.inputs()
    return {name for name in now if name != "all" and now[name] != before.inputs.get(name, now[name])}


def _is_moved(ledger: Ledger, closed: Version, before: Settled, fresh: Statement) -> bool:
    """Whether the same money is somebody else's than was said. Shares are read only if an input changed."""
    if not changed_inputs(before, fresh):
        return False
    return any(True for _ in moved_shares(fresh.shares(), said_shares(ledger, closed)))


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
