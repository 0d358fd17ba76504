"""Rows that a comparison misses, found again and imported (billing-rules.md §9.3, `missing_push`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.billing.closing.runs import BillingRequestError, state_month
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.reconciliation.compare import Files
from privatenumber.billing.reconciliation.export_files import Export
from privatenumber.billing.reconciliation.importing import import_rows
from privatenumber.billing.reconciliation.missing_rows import MissingRow, Wanted
from privatenumber.billing.reconciliation.records import DetailFiles, Recorded, compare_records
from privatenumber.billing.reconciliation.resolving import resolver_of
from privatenumber.billing.reconciliation.rows_to_import import Importing, ImportResult, RowToImport
from privatenumber.billing.reconciliation.run import Keys, each_key, month_of, open_files
from privatenumber.store.files import FileChanged

#: Rows of one kind that one run imports; whoever has more runs it again.
MOST_ROWS: Final = 5000


def import_missing(
    ledger: Ledger,
    month: str,
    *,
    files: Keys,
    as_of: datetime,
    by: str,
    mappings: Any = None,
    lines: Mapping[str, Collection[int]] | None = None,
) -> dict[str, Any]:
    """Import the rows of detail exports whose push never came; ``lines``, by kind, chooses some.

    Compares anew, so that only what is missing now is imported: the same again imports nothing. Raises as
    `reconcile_month` does, BillingRequestError for lines of no file or of one of several, StoreUnavailable.
    """
    for name in lines or ():
        if len(each_key(files.get(name, ()))) != 1:
            raise BillingRequestError(f"lines.{name}: lines are chosen of one file of this kind")
    stated, closes = state_month(ledger, month, as_of=as_of)
    opened = open_files(ledger, files, mappings)
    ours = month_of(ledger, stated, closes, as_of)
    compared = compare_records(
        Recorded(month, ours.lines, ours.ends),
        DetailFiles(opened.calls, opened.sms),
        ledger.account,
        resolver_of(ledger, as_of),
        wanted=Wanted(MOST_ROWS + 1, lines),
    )
    again = open_files(ledger, files, mappings)
    if _hashes(again) != _hashes(opened):
        raise FileChanged("the file was replaced while it was read")
    document: dict[str, Any] = {"kind": "import", "month": month}
    for name, exports in _by_kind(again).items():
        missing = compared.missing.get(name, [])
        result = _imported(ledger, exports, missing[:MOST_ROWS], by, as_of)
        document[name] = {**result.document(), "more": len(missing) > MOST_ROWS}
    return document


def _hashes(files: Files) -> list[str]:
    return [export.sha256 for exports in _by_kind(files).values() for export in exports]


def _by_kind(files: Files) -> dict[str, Sequence[Export[Any]]]:
    return {name: exports for name, exports in (("calls", files.calls), ("sms", files.sms)) if exports}


def _imported(
    ledger: Ledger, exports: Sequence[Export[Any]], missing: Sequence[MissingRow], by: str, at: datetime
) -> ImportResult:
    total = ImportResult()
    for number, export in enumerate(exports):
        wanted = {row.line: row for row in missing if row.file == number}
        if not wanted:
            continue
        importing = Importing(by, at, export.sha256, timedelta(days=ledger.kept_days))
        result = import_rows(ledger, _found(export, wanted), importing)
        total.counts += result.counts
        total.left_out += result.left_out
    return total


def _found(export: Export[Any], wanted: Mapping[int, MissingRow]) -> Iterator[RowToImport]:
    for row in export:
        if place := wanted.get(row.line):
            yield RowToImport(row, place.event, place.nth)
