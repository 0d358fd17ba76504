"""Which row of the platform's detail export is which CDR of ours (billing-rules.md §9.3, calls I1 ↔ I4).

1. the record id is the CDR's icid; 2. the record id is its sessionId; 3. X and caller agree and the ends lie
within two seconds: the nearest end wins, then the equal binding id. Each row and each CDR matches once. The
result does not depend on the order of either side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.workbench import Workbench
from privatenumber.privacy import PSEUDONYM

END_TOLERANCE_MS: Final = 2000

CallersOf: TypeAlias = Callable[[Sequence[str]], Mapping[str, str | None]]
"""The real callers of CDRs, by their addresses, for rows that hide digits; ``None`` or nothing when nobody
can open one any more."""


class Rule(StrEnum):
    """Which rule found a pair."""

    RECORD_ID = "record_id"
    SESSION = "session"
    TIME = "time"


_BY_ID: Final = """
INSERT OR IGNORE INTO pairs SELECT r.n, l.n, ? FROM rows r CROSS JOIN lines l ON l.icid = r.rid
"""

_BY_SESSION: Final = """
INSERT OR IGNORE INTO pairs
SELECT r.n, l.n, ? FROM row_names m CROSS JOIN rows r ON r.n = m.n CROSS JOIN lines l ON l.session = m.session
WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) AND NOT EXISTS (SELECT 1 FROM pairs WHERE line = l.n)
ORDER BY abs(r.ended - l.ended), r.ended, r.talk, r.minutes, l.fact
"""

_LEFT: Final = (
    "CREATE TABLE left_lines AS SELECT n, fact, x, plain_x, caller, ended, binding FROM lines l"
    " WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE line = l.n)",
    "CREATE INDEX left_lines_x ON left_lines (x, ended)",
    "CREATE TABLE left_rows AS SELECT r.n, r.x, m.caller, m.x AS x_name, r.ended, r.binding"
    " FROM row_names m CROSS JOIN rows r ON r.n = m.n"
    " WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n)",
    "CREATE TABLE candidates (row INTEGER, line INTEGER, fact TEXT, apart INTEGER, other INTEGER,"
    " pattern TEXT)",
)

_CANDIDATES: Final = """
INSERT INTO candidates
SELECT r.n, l.n, l.fact, abs(r.ended - l.ended), r.binding IS NOT l.binding,
  CASE WHEN instr(r.caller, '*') AND l.caller NOT LIKE '{erased}%' THEN r.caller END
FROM left_rows r CROSS JOIN left_lines l ON {same_x} AND l.ended BETWEEN r.ended - {near} AND r.ended + {near}
WHERE {rows}
AND (l.caller IS NULL OR l.caller = r.caller OR l.caller LIKE '{erased}%' OR instr(r.caller, '*'))
"""

_BY_TIME: Final = """
INSERT OR IGNORE INTO pairs SELECT c.row, c.line, ? FROM candidates c CROSS JOIN rows r ON r.n = c.row
ORDER BY c.apart, c.other, r.ended, r.talk, r.minutes, r.app, c.fact, r.file, r.line
"""

_CALLERS_AT_ONCE: Final = 500


def match_ids(bench: Workbench) -> None:
    """Rules 1 and 2: the ids of the platform."""
    bench.do(_BY_ID, Rule.RECORD_ID.value)
    if bench.one("SELECT 1 FROM row_names WHERE session IS NOT NULL LIMIT 1"):
        bench.do(_BY_SESSION, Rule.SESSION.value)


def lay_out_rest(bench: Workbench) -> None:
    """What no id has matched, on its own, for whoever looks at times."""
    for statement in _LEFT:
        bench.do(statement)


def match_times(bench: Workbench, callers_of: CallersOf) -> None:
    """Rule 3, for what `lay_out_rest` has laid out."""
    parts = {"near": END_TOLERANCE_MS, "erased": PSEUDONYM}
    bench.do(_CANDIDATES.format(same_x="l.x = r.x", rows="NOT instr(r.x, '*')", **parts))
    if bench.one("SELECT 1 FROM left_rows WHERE instr(x, '*') LIMIT 1"):
        bench.do("CREATE INDEX left_lines_ended ON left_lines (ended)")
        fits = "coalesce(l.plain_x, l.x) GLOB replace(r.x, '*', '?')"
        bench.do(_CANDIDATES.format(same_x=fits, rows="instr(r.x, '*')", **parts))
    open_people(bench, "candidates", callers_of)
    bench.do(_BY_TIME, Rule.TIME.value)


def open_people(bench: Workbench, table: str, callers_of: CallersOf) -> None:
    """Drop the candidates of a table whose caller is another one than the digits of the row say."""
    if not bench.one(f"SELECT 1 FROM {table} WHERE pattern IS NOT NULL LIMIT 1"):
        return
    bench.do(f"CREATE INDEX {table}_fact ON {table} (fact)")
    last = ""
    while True:
        asked = bench.ask(
            f"SELECT DISTINCT fact FROM {table} WHERE pattern IS NOT NULL AND fact > ? ORDER BY fact LIMIT ?",
            last,
            _CALLERS_AT_ONCE,
        )
        facts = [fact for (fact,) in asked]
        if not facts:
            return
        last = facts[-1]
        # A caller who was erased cannot be compared any more; X and end time still can.
        for fact, number in callers_of(facts).items():
            candidates = bench.ask(f"SELECT row, line, pattern FROM {table} WHERE fact = ?", fact)
            others = [
                (row, line)
                for row, line, pattern in candidates
                if pattern and number and not ImportedNumber(pattern).matches(number)
            ]
            bench.put(f"DELETE FROM {table} WHERE row = ? AND line = ?", others)
