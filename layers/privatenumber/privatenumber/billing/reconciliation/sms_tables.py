"""SMS laid out for comparison, and which row is which notice (billing-rules.md §9.3, SMS I2 ↔ I4).

1. the SMS id is the notice's ``smsIdentifier``; 2. X and sender agree and the times lie within a minute,
nearest first. Each row and each notice matches once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from privatenumber.billing.closing.lines import SmsLine
from privatenumber.billing.reconciliation.call_tables import Naming
from privatenumber.billing.reconciliation.exports_in import ImportedSms
from privatenumber.billing.reconciliation.matching import CallersOf, Rule, open_people
from privatenumber.billing.reconciliation.workbench import Workbench, batches, clock
from privatenumber.privacy import PSEUDONYM, mask
from privatenumber.times import beijing_day

TIME_TOLERANCE_MS: Final = 60_000

#: As the tables of calls; ``rid`` and ``sms`` are tokens, ``received`` and ``forwarded`` counts of parts.
SMS_TABLES: Final = """
CREATE TABLE sms_rows (
  n INTEGER PRIMARY KEY, file INTEGER, line INTEGER, rid TEXT, content BLOB, x TEXT, x_shown TEXT,
  app TEXT, at INTEGER, parts INTEGER);
CREATE TABLE sms_names (n INTEGER PRIMARY KEY, sender TEXT);
CREATE TABLE other_senders (row INTEGER, line INTEGER, PRIMARY KEY (row, line)) WITHOUT ROWID;
CREATE TABLE sms_lines (
  n INTEGER PRIMARY KEY, fact TEXT, app TEXT, sms TEXT, sender TEXT, x TEXT, plain_x TEXT, type TEXT,
  at INTEGER, parts INTEGER, received INTEGER, forwarded INTEGER, sent INTEGER, amount TEXT, inside INTEGER);
CREATE TABLE sms_pairs (row INTEGER PRIMARY KEY, line INTEGER UNIQUE, rule TEXT);
CREATE TABLE sms_candidates (row INTEGER, line INTEGER, fact TEXT, apart INTEGER, pattern TEXT);
"""

_BY_ID: Final = """
INSERT OR IGNORE INTO sms_pairs SELECT r.n, l.n, ? FROM sms_rows r CROSS JOIN sms_lines l ON l.sms = r.rid
"""

_KNOWN: Final = """
SELECT r.n, l.n, l.sender FROM sms_rows r LEFT JOIN sms_lines l ON l.sms = r.rid WHERE r.n > ? ORDER BY r.n
"""

_LEFT: Final = (
    "CREATE TABLE sms_left AS SELECT n, fact, x, plain_x, sender, at FROM sms_lines l"
    " WHERE NOT EXISTS (SELECT 1 FROM sms_pairs WHERE line = l.n)",
    "CREATE INDEX sms_left_x ON sms_left (x, at)",
)

_CANDIDATES: Final = """
INSERT INTO sms_candidates
SELECT r.n, l.n, l.fact, abs(r.at - l.at),
  CASE WHEN instr(m.sender, '*') AND l.sender NOT LIKE '{erased}%' THEN m.sender END
FROM sms_names m CROSS JOIN sms_rows r ON r.n = m.n
CROSS JOIN sms_left l ON {same_x} AND l.at BETWEEN r.at - {near} AND r.at + {near}
WHERE {rows}
AND (l.sender IS NULL OR l.sender = m.sender OR l.sender LIKE '{erased}%' OR instr(m.sender, '*'))
"""

_BY_TIME: Final = """
INSERT OR IGNORE INTO sms_pairs
SELECT c.row, c.line, ? FROM sms_candidates c CROSS JOIN sms_rows r ON r.n = c.row
ORDER BY c.apart, r.at, r.parts, r.app, c.fact, r.file, r.line
"""


def put_sms_lines(bench: Workbench, lines: Iterable[SmsLine], naming: Naming, month: str) -> None:
    """Lay out rated SMS; those of other months are there to be found, not to be missed."""

    def values(line: SmsLine) -> Sequence[object]:
        known = line.x is not None and line.x in naming.inventory
        return (
            line.fact,
            line.application,
            line.sms,
            line.sender,
            line.x if known or line.x is None else naming.x(bench, line.x),
            None if known else line.x,
            line.number_type.value,
            clock(line.at),
            line.parts,
            line.parts_received,
            line.parts_forwarded,
            line.sent,
            None if line.amount is None else str(line.amount),
            beijing_day(line.at).isoformat()[:7] == month,
        )

    bench.put(
        "INSERT INTO sms_lines (fact, app, sms, sender, x, plain_x, type, at, parts, received, forwarded,"
        f" sent, amount, inside) VALUES ({', '.join('?' * 14)})",
        map(values, lines),
    )


def index_sms_lines(bench: Workbench) -> None:
    """To be called behind the last line and before the first row."""
    bench.do("CREATE INDEX sms_lines_sms ON sms_lines (sms, fact) WHERE sms IS NOT NULL")


def put_sms_rows(bench: Workbench, rows: Iterable[ImportedSms], naming: Naming, *, file: int) -> None:
    """Lay out the rows of one file; who is found by the id of his SMS needs no name."""

    def values(row: ImportedSms) -> Sequence[object]:
        x = naming.x(bench, row.x.text)
        return (
            file,
            row.line,
            naming.tokens(row.sms_id, "sms") if row.sms_id else None,
            bench.hidden(row.sms_id, row.app_key, row.x.text, row.sender.text, row.parts, row.result),
            x,
            mask(row.x.text) if x.startswith("~") else None,
            naming.applications.get(row.app_key or ""),
            clock(row.at),
            row.parts,
        )

    for batch in batches(rows):
        before = bench.one("SELECT coalesce(max(n), 0) FROM sms_rows")
        bench.put(
            "INSERT INTO sms_rows (file, line, rid, content, x, x_shown, app, at, parts)"
            f" VALUES ({', '.join('?' * 9)})",
            map(values, batch),
        )
        others, unknown = list[tuple[int, int]](), list[tuple[int, str]]()
        for n, line, sender in bench.ask(_KNOWN, before):
            row = batch[n - before - 1]
            if line is None:
                unknown.append((n, naming.person(row.sender)))
            elif naming.is_other(row.sender, sender):
                others.append((n, line))
        bench.put("INSERT INTO other_senders VALUES (?, ?)", others)
        bench.put("INSERT INTO sms_names (n, sender) VALUES (?, ?)", unknown)


def match_sms_ids(bench: Workbench) -> None:
    """Rule 1."""
    bench.do(_BY_ID, Rule.RECORD_ID.value)


def match_sms_times(bench: Workbench, senders_of: CallersOf) -> None:
    """Rule 2, for what no id has matched."""
    for statement in _LEFT:
        bench.do(statement)
    parts = {"near": TIME_TOLERANCE_MS, "erased": PSEUDONYM}
    bench.do(_CANDIDATES.format(same_x="l.x = r.x", rows="NOT instr(r.x, '*')", **parts))
    if bench.one(
        "SELECT 1 FROM sms_names m CROSS JOIN sms_rows r ON r.n = m.n WHERE instr(r.x, '*') LIMIT 1"
    ):
        bench.do("CREATE INDEX sms_left_at ON sms_left (at)")
        fits = "coalesce(l.plain_x, l.x) GLOB replace(r.x, '*', '?')"
        bench.do(_CANDIDATES.format(same_x=fits, rows="instr(r.x, '*')", **parts))
    open_people(bench, "sms_candidates", senders_of)
    bench.do(_BY_TIME, Rule.TIME.value)
