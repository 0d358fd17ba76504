"""What business systems get to see of the X numbers: the inventory and its imports as JSON."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from privatenumber.bindings.numbers import Registered
from privatenumber.bindings.numbers_import import ImportReport, RowOutcome, RowResult
from privatenumber.http_request import InvalidFields
from privatenumber.phone import national
from privatenumber.store.numbers import NumberPage, XNumber
from privatenumber.times import iso

_RANK: Final = re.compile(r"[0-9a-f]{8}#\+[0-9]{1,20}")


def number_view(number: XNumber) -> dict[str, Any]:
    """Show an X number of the inventory."""
    return {
        "x": number.x,
        "dial": national(number.x),
        "application": number.application,
        "area_code": number.area_code,
        "number_type": number.number_type.value,
        "state": number.state.value,
        "quarantined_until": number.quarantined_until and iso(number.quarantined_until),
        "why": number.why,
        "issued_on": number.issued_on and number.issued_on.isoformat(),
        "unsubscribed_on": number.unsubscribed_on and number.unsubscribed_on.isoformat(),
        "pairs": number.pairs,
    }


def registered_view(registered: Registered) -> dict[str, Any]:
    """Show a number and what the request did to it."""
    return {**number_view(registered.number), "outcome": registered.outcome.value}


def numbers_view(page: NumberPage) -> dict[str, Any]:
    """Show one page of the inventory."""
    return {
        "numbers": [number_view(number) for number in page.numbers],
        "next_cursor": page.next_rank and number_cursor(page.next_rank),
    }


def number_cursor(rank: str) -> str:
    """Pack a rank into a cursor: opaque, and with no `+` in it that a query string would spoil."""
    return base64.urlsafe_b64encode(rank.encode()).decode()


def read_number_cursor(cursor: str) -> str:
    """Unpack a cursor of `number_cursor`; raises InvalidFields."""
    try:
        rank = base64.urlsafe_b64decode(cursor.encode()).decode("ascii")
    except ValueError:
        rank = ""
    if not _RANK.fullmatch(rank):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    return rank


def import_view(report: ImportReport) -> dict[str, Any]:
    """Show an import: counts, then one result per row in the order of the file."""
    return {
        "dry_run": report.dry_run,
        "complete": not report.dry_run and not report.refused and not report.count(RowOutcome.PENDING),
        "encoding": report.encoding,
        "separator": report.separator,
        "rows": len(report.rows),
        **{outcome.value: report.count(outcome) for outcome in RowOutcome},
        "results": [row_view(row) for row in report.rows],
    }


def row_view(row: RowResult) -> dict[str, Any]:
    """Show the result of one row: the X masked, because a wrong column may hold a person's number."""
    view: dict[str, Any] = {"line": row.line, "x": row.x_masked, "outcome": row.outcome.value}
    if row.error:
        view["error"] = {"field": row.error.field, "rule": row.error.rule}
    if row.changes:
        view["changes"] = {field: {"from": old, "to": new} for field, (old, new) in row.changes.items()}
    return view
