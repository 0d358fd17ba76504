"""Routes of the worklist: what should have come and has not, and what to export from the console for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from privatenumber import http_request
from privatenumber.calls.completeness import export_until, is_exported
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import cursor_of, only, place_of, read_actor, read_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.worklist import Case, CaseKind, CaseState, CaseTaken
from privatenumber.times import BEIJING, iso

from .problems import CaseUnknown
from .routes import Route

_LIMIT: Final = 50
_BODY_LIMIT: Final = 2048
_ID: Final = re.compile(r"[a-z]+(?:-[a-z]+)*-[a-z0-9]{1,64}", re.ASCII)
_PLACE: Final = re.compile(r"[0-9TZ:.-]{24}#[a-z0-9-]{1,128}", re.ASCII)
#: Which sheet of the console's business details (业务详单) tells of a kind (operations.md §14).
_SHEETS: Final[Mapping[CaseKind, str]] = {
    CaseKind.CDR_MISSING: "calls",
    CaseKind.CALL_UNENDED: "calls",
    CaseKind.NOTICE_MISSING: "sms",
    CaseKind.PUSHES_SILENT: "calls",
}
_Word = TypeVar("_Word", bound=StrEnum)


def list_cases(rooms: CallRooms, request: Request) -> Response:
    """GET /worklist: open cases unless another state is asked for, the newest first."""
    query = request.query
    before = place_of(http_request.read_cursor(query), _PLACE)
    page = rooms.watching.worklist.page(
        http_request.read_application(query),
        _word(query, "state", CaseState) or CaseState.OPEN,
        kind=_word(query, "kind", CaseKind),
        before=before[0] if before else None,
        limit=http_request.read_limit(query, _LIMIT),
    )
    cases = [case_view(case) for case in page.cases]
    return answer(200, {"cases": cases, "next_cursor": cursor_of(page.cursor)})


def dismiss(rooms: CallRooms, request: Request) -> Response:
    """POST /worklist/{id}/dismiss: somebody has looked after it; the same again changes nothing."""
    application, identity = http_request.read_application(request.query), request.path.get("id", "")
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "why")
    why, worklist = read_why(body, required=True), rooms.watching.worklist
    case = worklist.get(application, identity) if _ID.fullmatch(identity) else None
    if case is None:
        raise CaseUnknown
    if case.state is CaseState.OPEN:
        closed = replace(
            case,
            state=CaseState.DISMISSED,
            by=read_actor(request),
            why=why,
            changed_at=request.at,
            next_at=None,
            version=case.version + 1,
        )
        worklist.replace(closed, seen=case.version)
        case = closed
    elif case.state is not CaseState.DISMISSED:
        raise CaseTaken
    return answer(200, case_view(case))


def case_view(case: Case) -> dict[str, Any]:
    """Show a case, and what of the console's details would settle it."""
    return {
        "id": case.id,
        "application": case.application,
        "kind": case.kind.value,
        "state": case.state.value,
        "level": case.level.value,
        "since": iso(case.since),
        "opened_at": iso(case.opened_at),
        "changed_at": iso(case.changed_at),
        "call": case.subject if case.kind in (CaseKind.CDR_MISSING, CaseKind.CALL_UNENDED) else None,
        "what": case.what,
        "x": case.x,
        "export": _export_view(case) if is_exported(case.kind) else None,
        "resolution": case.resolution,
        "by": case.by,
        "why": case.why,
    }


def _export_view(case: Case) -> dict[str, Any]:
    """The page, the number (none: all) and the time in Beijing, as the console asks for them."""
    return {
        "page": "业务详单",
        "sheet": "sms" if case.what == "SMS" else _SHEETS[case.kind],
        "number": case.x,
        "from": _beijing(case.first),
        "to": _beijing(case.last),
        "before": iso(export_until(case)),
    }


def _beijing(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _word(query: Mapping[str, str], name: str, words: type[_Word]) -> _Word | None:
    value = query.get(name)
    if value is None:
        return None
    if value not in [each.value for each in words]:
        raise InvalidFields((name, f"must be one of {', '.join(each.value for each in words)}"))
    return words(value)


ROUTES: Final[Mapping[str, Route]] = {
    "GET /worklist": list_cases,
    "POST /worklist/{id}/dismiss": dismiss,
}
