"""Which row of the platform's detail export is which record of ours (billing-rules.md §9.3, I1, I2 ↔ I4).

Calls: 1. the record id is the CDR's icid; 2. the record id is its sessionId; 3. X and caller agree and the
ends lie within two seconds: the nearest end wins, then the equal binding id. SMS: 1. the SMS id is the
notice's ``smsIdentifier``; 2. X and sender agree and the times lie within a minute, nearest first. Each row
and each record matches once. The result does not depend on the order of either side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.tables import Tables
from privatenumber.billing.reconciliation.workbench import Workbench
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import PSEUDONYM

CallersOf: TypeAlias = Callable[[Sequence[str]], Mapping[str, str | None]]
"""The real callers or senders of records, by their addresses, for rows that hide digits; ``None`` or nothing
when nobody can open one any more."""


class Rule(StrEnum):
    """Which rule found a pair."""

    RECORD_ID = "record_id"
    SESSION = "session"
    TIME = "time"


_BY_ID: Final = """
INSERT OR IGNORE INTO {pairs} SELECT r.n, l.n, ? FROM {rows} r CROSS JOIN {lines} l ON l.{id} = r.rid
"""

_BY_SESSION: Final = """
INSERT OR IGNORE INTO pairs
SELECT r.n, l.n, ? FROM row_names m CROSS JOIN rows r ON r.n = m.n CROSS JOIN lines l ON l.session = m.session
WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) AND NOT EXISTS (SELECT 1 FROM pairs WHERE line = l.n)
ORDER BY abs(r.ended - l.ended), r.ended, r.talk, r.minutes, l.fact
"""

#: What else is kept of lines and rows, what speaks against a pair that fits, and the order of equal rows.
_MORE: Final[Mapping[Item, Mapping[str, str]]] = {
    Item.CALL: {
        "of_line": ", binding",
        "of_row": ", r.binding, m.x AS x_name",
        "other": "r.binding IS NOT l.binding",
        "alike": "r.ended, r.talk, r.minutes",
    },
    Item.SMS: {"of_line": "", "of_row": "", "other": "0", "alike": "r.at, r.parts"},
}

_LEFT: Final = (
    "CREATE TABLE left_{lines} AS SELECT n, fact, x, plain_x, {person}, {time}{of_line} FROM {lines} l"
    " WHERE NOT EXISTS (SELECT 1 FROM {pairs} WHERE line = l.n)",
    "CREATE INDEX left_{lines}_x ON left_{lines} (x, {time})",
    "CREATE TABLE left_{rows} AS SELECT r.n, r.x, m.{person}, r.{time}{of_row}"
    " FROM {names} m CROSS JOIN {rows} r ON r.n = m.n"
    " WHERE NOT EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n)",
    "CREATE TABLE {rows}_candidates (row INTEGER, line INTEGER, fact TEXT, apart INTEGER, other INTEGER,"
    " pattern TEXT)",
)

_CANDIDATES: Final = """
INSERT INTO {rows}_candidates
SELECT r.n, l.n, l.fact, abs(r.{time} - l.{time}), {other},
  CASE WHEN instr(r.{person}, '*') AND l.{person} NOT LIKE '{erased}%' THEN r.{person} END
FROM left_{rows} r CROSS JOIN left_{lines} l
  ON {same_x} AND l.{time} BETWEEN r.{time} - {near} AND r.{time} + {near}
WHERE {which} AND (l.{person} IS NULL OR l.{person} = r.{person} OR l.{person} LIKE '{erased}%'
  OR instr(r.{person}, '*'))
"""

_BY_TIME: Final = """
INSERT OR IGNORE INTO {pairs} SELECT c.row, c.line, ? FROM {rows}_candidates c CROSS JOIN {rows} r
ON r.n = c.row ORDER BY c.apart, c.other, {alike}, r.app, c.fact, r.file, r.line
"""

_CALLERS_AT_ONCE: Final = 500


def match_ids(bench: Workbench, tables: Tables) -> None:
    """Rule 1: the id of the record."""
    bench.do(tables.sql(_BY_ID), Rule.RECORD_ID.value)


def match_sessions(bench: Workbench) -> None:
    """Rule 2 of calls."""
    if bench.one("SELECT 1 FROM row_names WHERE session IS NOT NULL LIMIT 1"):
        bench.do(_BY_SESSION, Rule.SESSION.value)


def lay_out_rest(bench: Workbench, tables: Tables) -> None:
    """What no id has matched, on its own, for whoever looks at times."""
    for statement in _LEFT:
        bench.do(tables.sql(statement, **_MORE[tables.item]))


def match_times(bench: Workbench, tables: Tables, callers_of: CallersOf) -> None:
    """The last rule, for what `lay_out_rest` has laid out."""
    parts = {"erased": PSEUDONYM, **_MORE[tables.item]}
    bench.do(tables.sql(_CANDIDATES, same_x="l.x = r.x", which="NOT instr(r.x, '*')", **parts))
    if bench.one(tables.sql("SELECT 1 FROM left_{rows} WHERE instr(x, '*') LIMIT 1")):
        bench.do(tables.sql("CREATE INDEX left_{lines}_time ON left_{lines} ({time})"))
        fits = "coalesce(l.plain_x, l.x) GLOB replace(r.x, '*', '?')"
        bench.do(tables.sql(_CANDIDATES, same_x=fits, which="instr(r.x, '*')", **parts))
    _open_people(bench, tables.sql("{rows}_candidates"), callers_of)
    bench.do(tables.sql(_BY_TIME, **parts), Rule.TIME.value)


def _open_people(bench: Workbench, table: str, callers_of: CallersOf) -> None:
    """Drop the candidates of a table whose caller is another one than the digits of the row say."""
    if not bench.one(f"SELECT 1 FROM {table} WHERE pattern IS NOT NULL LIMIT 1"):
        return
    bench.do(f"CREATE INDEX {table}_fact ON {table} (fact)")
    asked = f"SELECT DISTINCT fact FROM {table} WHERE pattern IS NOT NULL AND fact > ? ORDER BY fact LIMIT ?"
    for facts in bench.pages(asked, size=_CALLERS_AT_ONCE):
        # A caller who was erased cannot be compared any more; X and end time still can.
        for fact, number in callers_of(facts).items():
            candidates = bench.ask(f"SELECT row, line, pattern FROM {table} WHERE fact = ?", fact)
            others = [
                (row, line)
                for row, line, pattern in candidates
                if pattern and number and not ImportedNumber(pattern).matches(number)
            ]
            bench.put(f"DELETE FROM {table} WHERE row = ? AND line = ?", others)
