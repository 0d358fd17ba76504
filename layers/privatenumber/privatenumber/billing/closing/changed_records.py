"""The records that a correction names: those that came, went, or are charged otherwise than they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from privatenumber.billing.closing.booking import Settled
from privatenumber.billing.closing.days import ClosedDay, DayClose
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.tariff.money import plain
from privatenumber.store.imported_facts import is_imported_address

Record: TypeAlias = Mapping[str, Any]


def changed_records(ledger: Ledger, before: Settled, closes: Iterable[ClosedDay]) -> Iterator[Record]:
    """The records by which a month differs from what was said of it, in order of application, day and time.

    One that is there no more has a ``was`` and no ``item``: its call or text is another record's now, or
    another month's. Read as somebody wants them; those of one day are in memory. Raises VersionBroken.
    """
    for closed in sorted(closes, key=lambda each: (each.close.application, each.close.day)):
        close = closed.close
        then = before.days.get((close.application, close.day.isoformat()))
        if then != closed.version.hash and (then or close.records):
            yield from _changed_in(ledger, close, then)


class Changes(NamedTuple):
    """What has changed in the records of a month: anything, and whether pushed or imported ones came.

    One that is charged on another day has not come.
    """

    any: bool
    pushed: bool
    imported: bool


def changes_in(records: Iterable[Record]) -> Changes:
    """Sum changed records up."""
    new, gone, found = set[str](), set[str](), False
    for record in records:
        found = True
        if "item" not in record:
            gone.add(record["fact"])
        elif "was" not in record or record["was"]["digest"] != record["digest"]:
            new.add(record["fact"])
    imported = {is_imported_address(fact) for fact in new - gone}
    return Changes(any=found, pushed=False in imported, imported=True in imported)


def _changed_in(ledger: Ledger, close: DayClose, then: str | None) -> Iterator[Record]:
    old = ledger.closer.parts_then(close.application, close.day, then) if then else None
    known = {ref.shard: ref.hash for ref in old.parts} if old else {}
    present = {ref.shard: ref.hash for ref in close.parts}
    shards = {shard for shard in {*known, *present} if known.get(shard) != present.get(shard)}
    was = {line.fact: line for line in ledger.closer.lines_of(old, shards)} if old else {}
    for line in sorted(ledger.closer.lines_of(close, shards), key=_place):
        earlier = was.pop(line.fact, None)
        if earlier is None or _charged(earlier) != _charged(line):
            yield _record(close.application, close.day, line.fact, line, earlier)
    for line in sorted(was.values(), key=_place):
        yield _record(close.application, close.day, line.fact, None, line)


def _place(line: Line) -> tuple[Any, str]:
    return line.at, line.fact


def _record(application: str, day: date, fact: str, now: Line | None, was: Line | None) -> dict[str, Any]:
    return {
        "line": "record",
        "application": application,
        "day": day.isoformat(),
        "fact": fact,
        **(_charged(now) if now else {}),
        **({"was": _charged(was)} if was else {}),
    }


def _charged(line: Line) -> dict[str, Any]:
    return {
        "item": line.item.value,
        "digest": line.digest,
        "units": line.units,
        "unit_price": plain(line.unit_price),
        "amount": plain(line.amount),
    }
