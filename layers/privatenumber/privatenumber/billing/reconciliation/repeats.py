"""Rows that say what another row has said: in overlapping exports, or twice in one (billing-rules.md §9.2).

A record id tells rows apart; without one, equal rows of one file are as many calls, and those of another file
are the same ones. The row that was matched with a record counts, else the first one, whatever the others say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from privatenumber.billing.reconciliation.tables import Tables
from privatenumber.billing.reconciliation.workbench import Workbench

#: Rows whose id is a known record's, behind the one that was matched with it.
_OF_KNOWN: Final = """
INSERT INTO {repeats}
SELECT r.n, f.n, r.content = f.content AND r.at = f.at
FROM {rows} r CROSS JOIN {lines} l ON l.{id} = r.rid CROSS JOIN {pairs} p ON p.line = l.n
  CROSS JOIN {rows} f ON f.n = p.row
WHERE r.rid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n) AND f.rid = r.rid
"""

_OF_UNKNOWN: Final = """
INSERT INTO {repeats}
SELECT n, first, content = first_content AND at = first_at FROM (
  SELECT r.n, r.content, r.at, first_value(r.n) OVER same AS first,
    first_value(r.content) OVER same AS first_content, first_value(r.at) OVER same AS first_at
  FROM {names} m CROSS JOIN {rows} r ON r.n = m.n WHERE r.rid IS NOT NULL
  WINDOW same AS (
    PARTITION BY r.rid ORDER BY EXISTS (SELECT 1 FROM {pairs} WHERE row = r.n) DESC, r.n))
WHERE n <> first
"""

_WITHOUT_ID: Final = """
INSERT INTO {repeats}
SELECT n, first, 1 FROM (
  SELECT n, first_value(n) OVER (PARTITION BY content, at, nth ORDER BY n) AS first FROM (
    SELECT r.n, r.content, r.at, row_number() OVER (PARTITION BY r.content, r.at, r.file ORDER BY r.n) AS nth
    FROM {names} m CROSS JOIN {rows} r ON r.n = m.n WHERE r.rid IS NULL))
WHERE n > first
"""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A row that says again what an earlier one has said, or contradicts it."""

    file: int
    line: int
    first_file: int
    first_line: int
    equal: bool
    application: str | None
    x: str
    x_shown: str | None
    at: int


def set_apart(bench: Workbench, tables: Tables) -> None:
    """Find the repeated rows, when ids are matched and clocks are right; they are no rows any more."""
    bench.do(tables.sql("CREATE TABLE {repeats} (n INTEGER PRIMARY KEY, first INTEGER, equal INTEGER)"))
    for statement in (_OF_KNOWN, _OF_UNKNOWN, _WITHOUT_ID):
        bench.do(tables.sql(statement))
    bench.do(tables.sql("DELETE FROM {names} WHERE n IN (SELECT n FROM {repeats})"))


def merged(bench: Workbench, tables: Tables) -> int:
    """How many rows said what a row of another file has said."""
    return int(
        bench.one(
            tables.sql(
                "SELECT count(*) FROM {repeats} t CROSS JOIN {rows} r ON r.n = t.n CROSS JOIN {rows} f"
                " ON f.n = t.first WHERE t.equal AND r.file <> f.file"
            )
        )
    )


def told(bench: Workbench, tables: Tables) -> Iterator[Repeat]:
    """The repeated rows that somebody should know of, in order of time."""
    rows = bench.ask(
        tables.sql(
            "SELECT r.file, r.line, f.file, f.line, t.equal, r.app, r.x, r.x_shown, r.at"
            " FROM {repeats} t CROSS JOIN {rows} r ON r.n = t.n CROSS JOIN {rows} f ON f.n = t.first"
            " WHERE r.file = f.file OR NOT t.equal ORDER BY r.at, r.line"
        )
    )
    for file, line, first_file, first, equal, application, x, x_shown, at in rows:
        yield Repeat(file, line, first_file, first, bool(equal), application, x, x_shown, at)
