"""From an amount to its records and back (billing-rules.md §9.3: every figure traceable).

Down: a row or share of a stored statement names days; their closes, by the hashes the statement says, name
parts; the lines of those name facts. Up: a fact stands in a part of its day, its line belongs to a row, and
versions of the statement name the close of the day.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from privatenumber.billing.closing.booking import closes_in
from privatenumber.billing.closing.cells import cell_key
from privatenumber.billing.closing.costs import View
from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.closing.usage_rows import NAMES
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.rating.rent import month_text
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.fact_rows import SHARDS
from privatenumber.store.versions import Version, VersionBroken


@dataclass(frozen=True, slots=True)
class Traced:
    """A rated record behind an amount, and the closes of its day and of its part."""

    line: Line
    day: date
    day_hash: str
    part_hash: str

    def document(self) -> dict[str, Any]:
        """The record as JSON, without whoever called: that is for those who may look at calls."""
        told = self.line.document()
        shown = {name: told[name] for name in told if name not in ("caller", "sender", "session", "sms")}
        return {**shown, "day": self.day.isoformat(), "day_hash": self.day_hash, "part_hash": self.part_hash}


@dataclass(frozen=True, slots=True)
class Found:
    """Where a record stands: its line, the key of its row, and the versions of statements made with it."""

    traced: Traced
    row: Mapping[str, Any]
    statements: tuple[Mapping[str, Any], ...]

    def document(self) -> dict[str, Any]:
        """The place as JSON."""
        return {
            "line": self.traced.document(),
            "row": dict(self.row),
            "statements": [dict(each) for each in self.statements],
        }


def records_of_row(ledger: Ledger, statement: Version, row: Mapping[str, Any]) -> Iterator[Traced]:
    """The records behind a usage row of a statement, by application, day and time. Raises VersionBroken."""
    for traced in _records(ledger, statement, row["application"], row["days"]):
        if _row_of(traced) == {name: row.get(name) for name in NAMES}:
            yield traced


def records_of_share(ledger: Ledger, statement: Version, view: View, key: str) -> Iterator[Traced]:
    """The records behind a share of a statement: all of this application, X, order … Raises VersionBroken.

    A key of nobody (``#unassigned``) has the records for which the view knows no owner.
    """
    wanted = None if key.startswith("#") else key
    for traced in _records(ledger, statement):
        owner = traced.day.isoformat() if view is View.DAY else _row_of(traced)[view.value]
        if owner == wanted:
            yield traced


def records_of_item(ledger: Ledger, statement: Version, item: Item) -> Iterator[Traced]:
    """All calls, or all texts, of a statement. Raises VersionBroken."""
    return (traced for traced in _records(ledger, statement) if traced.line.item is item)


def find_record(ledger: Ledger, address: str) -> Found | None:
    """Where the record at an address of the Bills table stands now; None when no close has it.

    The address is that of a fact, its keys with ``/`` between them.
    """
    place = ledger.facts.place(address)
    if place is None:
        return None
    application, day, shard = place
    # By the rule ``answer`` a call may belong to the day before the one under which it is stored.
    for each in (day, day - timedelta(days=1)):
        closed = ledger.closer.closed(application, each)
        if closed is None:
            continue
        for traced in _of_day(ledger, closed, {shard}):
            if traced.line.fact == address:
                return Found(traced, _row_of(traced), tuple(_stated(ledger, closed)))
    return None


def _records(
    ledger: Ledger,
    statement: Version,
    application: str | None = None,
    days: Container[str] | None = None,
) -> Iterator[Traced]:
    for close in closes_in(ledger.statements, statement):
        if application not in (None, close["application"]) or (days is not None and close["day"] not in days):
            continue
        day = date.fromisoformat(close["day"])
        closed = ledger.closer.closed(close["application"], day, close["hash"])
        if closed is None:
            raise VersionBroken(f"{close['application']} {close['day']}")
        yield from _of_day(ledger, closed)


def _of_day(ledger: Ledger, closed: ClosedDay, shards: Container[int] = range(SHARDS)) -> Iterator[Traced]:
    for ref in closed.close.parts:
        if ref.shard not in shards:
            continue
        for line in ledger.closer.lines_of(closed.close, {ref.shard}):
            yield Traced(line, closed.close.day, closed.version.hash, ref.hash)


def _row_of(traced: Traced) -> dict[str, Any]:
    """The key of the usage row that a record belongs to, as statements write it."""
    told = dict(zip(NAMES, cell_key(traced.day, traced.line)[1:], strict=True))
    return {
        **told,
        "item": told["item"].value,
        "number_type": told["number_type"].value,
        "unit_price": plain(told["unit_price"]),
    }


def _stated(ledger: Ledger, closed: ClosedDay) -> Iterator[dict[str, Any]]:
    """The versions of the statement and the corrections that were made with this close of the day."""
    month, wanted = month_text(closed.close.day), closed.version.hash
    for kind, store in (("statement", ledger.statements), ("correction", ledger.corrections)):
        for version in store.versions(month):
            if any(close["hash"] == wanted for close in closes_in(store, version)):
                yield {"kind": kind, "month": month, "version": version.number, "hash": version.hash}
