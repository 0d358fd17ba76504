"""Calls laid out for comparison: rows of detail exports on one side, rated CDRs on the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.calls import billed_minutes
from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms
from privatenumber.billing.reconciliation.tables import CALLS, Tables
from privatenumber.billing.reconciliation.workbench import Workbench, batches, clock
from privatenumber.billing.tariff.prices import PriceBook, UsageTime
from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import is_pseudonym, mask
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day

_ICID: Final = re.compile(r"[0-9A-Za-z.-]+", re.ASCII)

Tokens: TypeAlias = Callable[[str, str], str]
"""The token of a value, by value and purpose (``number``, ``session``, ``sms``), as stored facts carry it."""

#: Times are milliseconds. ``x`` is a number of the inventory or the hash of another one; ``plain_x`` is that
#: other one where it is not ours and stands in our own record. Of a call it is the number that was dialled;
#: ``type`` is that of the one that is charged. ``rid``, ``icid``, ``binding``: hashes.
#: ``content`` is what a row says but for its times, which a file's clock may move; ``rated``: rated_minutes.
CALL_TABLES: Final = """
CREATE TABLE rows (
  n INTEGER PRIMARY KEY, file INTEGER, line INTEGER, rid BLOB, content BLOB, x TEXT, x_shown TEXT, app TEXT,
  ended INTEGER, at INTEGER, begun INTEGER, talk INTEGER, minutes INTEGER, measured INTEGER, binding BLOB);
CREATE TABLE row_names (
  n INTEGER PRIMARY KEY, session TEXT, caller TEXT, x TEXT, shown_id TEXT, rated INTEGER);
CREATE TABLE other_people (row INTEGER, line INTEGER, PRIMARY KEY (row, line)) WITHOUT ROWID;
CREATE TABLE lines (
  n INTEGER PRIMARY KEY, fact TEXT, app TEXT, icid BLOB, session TEXT, binding BLOB, caller TEXT, x TEXT,
  plain_x TEXT, type TEXT, at INTEGER, ended INTEGER, talk INTEGER, minutes INTEGER, amount TEXT,
  inside INTEGER);
CREATE TABLE pairs (row INTEGER PRIMARY KEY, line INTEGER UNIQUE, rule TEXT);
"""

_KNOWN: Final = """
SELECT r.n, l.n, l.{person} FROM {rows} r LEFT JOIN {lines} l ON l.{id} = r.rid WHERE r.n > ? ORDER BY r.n
"""

Row = TypeVar("Row", ImportedCall, ImportedSms)


@dataclass(frozen=True, slots=True)
class Naming:
    """How what a file says is written into the tables. ``applications``: ours by the platform's app key."""

    tokens: Tokens
    inventory: Mapping[str, NumberType]
    applications: Mapping[str, str]

    def x(self, bench: Workbench, x: str) -> str:
        """A private number; what is none of ours may be a person's number in the wrong column."""
        return x if x in self.inventory or "*" in x else f"~{bench.hidden('x', x).hex()}"

    def person(self, number: ImportedNumber) -> str:
        """A person: a token, or the digits that are left of the number."""
        return number.text if number.masked else self.tokens(number.text, "number")

    def is_other(self, number: ImportedNumber, known: str | None) -> bool:
        """Whether a whole mainland number is not the person whose token is known."""
        if known is None or is_pseudonym(known) or number.masked or not number.text.startswith("+86"):
            return False
        return self.person(number) != known


def row_seconds(row: ImportedCall) -> int | None:
    """Talk seconds that a row states by its times or its duration, 0 when it was not answered.

    ``None`` where it states minutes alone, or nothing of its length.
    """
    if row.answered_at is not None:
        return max(int(row.ended_at.timestamp()) - int(row.answered_at.timestamp()), 0)
    if row.duration_s is not None:
        return row.duration_s
    return None if row.billed_minutes or not row.length_told else 0


def row_talk_seconds(row: ImportedCall) -> int | None:
    """Talk seconds by which a row is rated when it is imported; ``None`` when nothing tells them."""
    seconds = row_seconds(row)
    return seconds if row.answered_at or seconds or not row.billed_minutes else row.billed_minutes * 60


def row_minutes(row: ImportedCall, prices: PriceBook) -> int | None:
    """Billed minutes that a row states, else those by which it is rated."""
    return rated_minutes(row, prices) if row.billed_minutes is None else row.billed_minutes


def rated_minutes(row: ImportedCall, prices: PriceBook) -> int | None:
    """Minutes of a row that is imported (billing-rules.md §3.2); ``None`` when nothing tells its length."""
    talk = row_talk_seconds(row)
    if talk is None or (row.answered_at is None and not talk):
        return talk
    return billed_minutes(talk, prices.at(beijing_day(row.ended_at)))


@dataclass(frozen=True, slots=True)
class Laying(Generic[Row]):
    """What a row becomes in the tables: a row, its names where no id tells whose it is, and its person."""

    values: Callable[[Row], Sequence[object]]
    names: Callable[[int, Row], Sequence[object]]
    person: Callable[[Row], ImportedNumber]


def put_file(
    bench: Workbench, tables: Tables, rows: Iterable[Row], naming: Naming, laying: Laying[Row]
) -> None:
    """Lay out the rows of one file, behind the lines.

    Names are kept of those rows alone whose record id is no record's: the others are found without. Of them
    only those are noted that name another person than the record.
    """
    for batch in batches(rows):
        before = bench.one(tables.sql("SELECT coalesce(max(n), 0) FROM {rows}"))
        bench.insert(tables.rows, map(laying.values, batch))
        others, unknown = list[tuple[int, int]](), list[Sequence[object]]()
        for n, line, person in bench.ask(tables.sql(_KNOWN), before):
            row = batch[n - before - 1]
            if line is None:
                unknown.append(laying.names(n, row))
            elif naming.is_other(laying.person(row), person):
                others.append((n, line))
        bench.insert(tables.people, others)
        bench.insert(tables.names, unknown)


def put_lines(
    bench: Workbench, lines: Iterable[CallLine], naming: Naming, prices: PriceBook, month: str
) -> None:
    """Lay out rated CDRs; those of other months are there to be found, not to be missed."""
    by_answer = prices.usage_time is UsageTime.ANSWER

    def values(line: CallLine) -> Sequence[object]:
        at = clock(line.at)
        ended = at + line.talk_seconds * 1000 if by_answer and line.connected else at
        x = line.dialled_x
        known = x is not None and x in naming.inventory
        return (
            None,
            line.fact,
            line.application,
            bench.hidden("id", line.icid) if line.icid else None,
            line.session,
            bench.hidden("id", line.subscription_id) if line.subscription_id else None,
            line.caller,
            x if known or x is None else naming.x(bench, x),
            None if known else x,
            line.number_type.value,
            at,
            ended,
            line.talk_seconds,
            line.minutes,
            None if line.amount is None else str(line.amount),
            beijing_day(line.at).isoformat()[:7] == month,
        )

    bench.insert(CALLS.lines, map(values, lines))


def index_lines(bench: Workbench) -> None:
    """To be called behind the last line and before the first row."""
    bench.do("CREATE INDEX lines_icid ON lines (icid, fact) WHERE icid IS NOT NULL")
    bench.do("CREATE INDEX lines_session ON lines (session) WHERE session IS NOT NULL")


def put_rows(
    bench: Workbench, rows: Iterable[ImportedCall], naming: Naming, prices: PriceBook, *, file: int
) -> None:
    """Lay out the rows of one file of calls."""
    by_answer = prices.usage_time is UsageTime.ANSWER
    laying: Laying[ImportedCall] = Laying(
        values=lambda row: _row_values(bench, row, naming, prices, file, by_answer),
        names=lambda n, row: _names(n, row, naming, prices),
        person=lambda row: row.caller,
    )
    put_file(bench, CALLS, rows, naming, laying)


def _row_values(
    bench: Workbench, row: ImportedCall, naming: Naming, prices: PriceBook, file: int, by_answer: bool
) -> Sequence[object]:
    at = row.answered_at if by_answer and row.answered_at else row.ended_at
    x = naming.x(bench, row.x.text)
    talk, minutes = row_seconds(row), row_minutes(row, prices)
    said = (
        row.record_id,
        row.binding_id,
        row.app_key,
        row.x.text,
        row.caller.text,
        talk,
        minutes,
        row.result,
    )
    return (
        None,
        file,
        row.line,
        bench.hidden("id", row.record_id) if row.record_id else None,
        bench.hidden(*said, row.answered_at is None),
        x,
        mask(row.x.text) if x.startswith("~") else None,
        naming.applications.get(row.app_key or ""),
        clock(row.ended_at),
        clock(at),
        clock(row.call_in_at or row.answered_at or row.ended_at),
        talk,
        minutes,
        bool(row.answered_at or row.duration_s or row.billed_minutes),
        bench.hidden("id", row.binding_id) if row.binding_id else None,
    )


def _names(n: int, row: ImportedCall, naming: Naming, prices: PriceBook) -> tuple[object, ...]:
    return (
        n,
        naming.tokens(row.record_id, "session") if row.record_id else None,
        naming.person(row.caller),
        naming.person(row.x),
        shown_id(row.record_id),
        rated_minutes(row, prices),
    )


def shown_id(record_id: str | None) -> str | None:
    """A record id that may be shown: an icid; a sessionId may contain phone numbers."""
    plain = record_id is not None and _ICID.fullmatch(record_id) and not holds_number(record_id)
    return record_id if plain else None
