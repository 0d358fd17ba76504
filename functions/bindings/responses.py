"""What business systems get to see: bindings, numbers and imports as JSON. Parties appear masked only."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber.bindings.model import Binding, Page, State
from privatenumber.bindings.numbers import Registered
from privatenumber.bindings.numbers_import import ImportReport, RowOutcome, RowResult
from privatenumber.phone import national
from privatenumber.store.numbers import NumberPage, XNumber
from privatenumber.times import iso

from .event import InvalidFields

_X_IS_BOUND: Final = frozenset({State.ACTIVE, State.RELEASING, State.CLOSED})

_RANK: Final = re.compile(r"[0-9a-f]{8}#\+[0-9]{1,20}")

Response = dict[str, Any]


def answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Build an answer of the HTTP API (payload format 2.0); nothing here may be kept by caches."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def binding_view(binding: Binding) -> dict[str, Any]:
    """Show a binding: `x` in global form and `dial`, the digits that people dial (numbers.md §1).

    X is shown only once the platform has bound it: before, a call to it would reach nobody or somebody else.
    A change whose outcome is not known yet is `change_pending`; the values are those before it.
    """
    shown = binding.state in _X_IS_BOUND
    return {
        "id": binding.id,
        "application": binding.application,
        "order": binding.order,
        "mode": binding.mode.value,
        "state": binding.state.value,
        "reason": binding.reason and binding.reason.value,
        "failure_code": binding.failure_code,
        "x": binding.x if shown else None,
        "dial": national(binding.x) if shown else None,
        "area": binding.area,
        "a": binding.a.masked,
        "b": binding.b.masked,
        "direction": binding.direction,
        "max_minutes": binding.max_minutes,
        "recorded": binding.record_hint_tone is not None,
        "change_pending": binding.pending is not None,
        "created_at": iso(binding.created_at),
        "updated_at": iso(binding.updated_at),
        "ends_at": iso(binding.ends_at),
    }


def bindings_view(page: Page) -> dict[str, Any]:
    """Show one page of a search, newest first."""
    return {"bindings": [binding_view(binding) for binding in page.bindings], "next_cursor": page.cursor}


def number_view(number: XNumber) -> dict[str, Any]:
    """Show an X number of the inventory."""
    return {
        "x": number.x,
        "dial": national(number.x),
        "application": number.application,
        "area_code": number.area_code,
        "number_type": number.number_type.value,
        "state": number.state.value,
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
