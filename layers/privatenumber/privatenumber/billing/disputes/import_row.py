"""The row of a detail export that a difference is about, masked, while the bucket has the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from privatenumber.billing.reconciliation.call_tables import shown_id
from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms, open_calls, open_sms
from privatenumber.billing.reconciliation.layouts import Layout, LayoutError
from privatenumber.billing.reconciliation.mappings import configured_layouts, mapped_layouts
from privatenumber.csv_table import FileRefused
from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import mask
from privatenumber.store.files import MAX_BYTES, FileChanged, FileMissing, FileStore, FileTooLarge
from privatenumber.store.reconciliation_runs import ReconciliationRun
from privatenumber.times import iso

#: Differences whose line is one of a detail export; those of statistics or quota are told in full.
_OF_EXPORTS: Final = frozenset(
    {
        *("missing_push", "minutes_diff", "duration_diff", "parts_diff"),
        *("duplicate", "record_conflict", "period_edge", "time_zone"),
    }
)
_IDS: Final = ("record_id", "sms_id")


def import_row(
    files: FileStore, layouts: str, run: ReconciliationRun, said: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The row that a difference names; why it cannot be shown, or None when it names none.

    ``layouts`` are those of the deployment, as JSON text.
    """
    evidence = said.get("evidence") or {}
    line = evidence.get("import_line")
    if said["kind"] not in _OF_EXPORTS or not isinstance(line, int):
        return None
    name = "sms" if evidence.get("item") == "sms" else "calls"
    about = {"file": run.files.get(name), "line": line}
    if about["file"] is None:
        return None
    try:
        layout = mapped_layouts(run.mappings, configured_layouts(layouts))[name]
        return {**about, "row": _row(files, run.files[name], layout, line)}
    except (FileMissing, FileTooLarge, FileChanged, FileRefused, LayoutError) as error:
        return {**about, "not_shown": type(error).__name__}


def _row(files: FileStore, key: str, layout: Layout, line: int) -> dict[str, Any] | None:
    opens = files.find(key, most_bytes=MAX_BYTES).open
    rows = open_sms(opens, layout) if layout.name == "sms" else open_calls(opens, layout)
    for row in rows:
        if row.line == line:
            return _masked(row)
    return None


def _masked(row: ImportedCall | ImportedSms) -> dict[str, Any]:
    return {each.name: _shown(each.name, getattr(row, each.name)) for each in fields(row)}


def _shown(name: str, value: object) -> object:
    if isinstance(value, ImportedNumber):
        return mask(value.text)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, str):
        shown = shown_id(value) if name in _IDS else value
        return None if shown is None or holds_number(shown) else shown
    return value
