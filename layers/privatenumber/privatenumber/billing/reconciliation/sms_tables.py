"""SMS laid out for comparison: rows of detail exports on one side, notices on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from privatenumber.billing.closing.lines import SmsLine
from privatenumber.billing.reconciliation.call_tables import Laying, Naming, put_file
from privatenumber.billing.reconciliation.exports_in import ImportedSms
from privatenumber.billing.reconciliation.tables import SMS
from privatenumber.billing.reconciliation.workbench import Workbench, clock
from privatenumber.privacy import mask
from privatenumber.times import beijing_day

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
"""


def put_sms_lines(bench: Workbench, lines: Iterable[SmsLine], naming: Naming, month: str) -> None:
    """Lay out rated SMS; those of other months are there to be found, not to be missed."""

    def values(line: SmsLine) -> Sequence[object]:
        known = line.x is not None and line.x in naming.inventory
        return (
            None,
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

    bench.insert(SMS.lines, map(values, lines))


def index_sms_lines(bench: Workbench) -> None:
    """To be called behind the last line and before the first row."""
    bench.do("CREATE INDEX sms_lines_sms ON sms_lines (sms, fact) WHERE sms IS NOT NULL")


def put_sms_rows(bench: Workbench, rows: Iterable[ImportedSms], naming: Naming, *, file: int) -> None:
    """Lay out the rows of one file; who is found by the id of his SMS needs no name."""

    def values(row: ImportedSms) -> Sequence[object]:
        x = naming.x(bench, row.x.text)
        return (
            None,
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

    laying: Laying[ImportedSms] = Laying(
        values=values,
        names=lambda n, row: (n, naming.person(row.sender)),
        person=lambda row: row.sender,
    )
    put_file(bench, SMS, rows, naming, laying)
