"""What `read` is asked and answers: a call's recordings, or a problem document (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from privatenumber import http_api
from privatenumber.http_api import SESSION_RULE, Kind, Response, is_session_id
from privatenumber.recordings.find import Found
from privatenumber.times import iso

_APPLICATION: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

KINDS: Final[Mapping[str, Kind]] = {
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "call-not-found": Kind(
        404,
        "Call not found",
        "Use the sessionId of an event or CDR unchanged, URL-encoded; a CDR may come hours after its call.",
    ),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    "internal": Kind(500, "Internal error", "Repeat the request; if it fails again report request_id."),
}


class InvalidField(Exception):
    """A field that breaks a rule, without its value."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{name}: {rule}")
        self.name = name
        self.rule = rule


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """Whose recordings are wanted. It has no `repr`: a session may hold a phone number."""

    application: str
    session_id: str


def read_request(event: Mapping[str, Any]) -> Asked:
    """Read an HTTP API event (payload format 2.0). Raises InvalidField."""
    application = (event.get("queryStringParameters") or {}).get("application")
    if application is None:
        raise InvalidField("application", "is required")
    if not _APPLICATION.fullmatch(application):
        raise InvalidField("application", "has characters or a form that the field does not allow")
    session_id = unquote((event.get("pathParameters") or {}).get("session", ""))
    if not is_session_id(session_id):
        raise InvalidField("session", SESSION_RULE)
    return Asked(application, session_id)


def answer(found: Sequence[Found]) -> Response:
    """Show the recordings of a call."""
    return http_api.answer(200, {"recordings": [_view(one) for one in found]})


def problem(kind: str, detail: str, request_id: str, **more: Any) -> Response:
    """Answer with a problem document; nothing that was sent is repeated in it."""
    return http_api.answer_problem(kind, KINDS[kind], detail=detail, request_id=request_id, more=more)


def _view(found: Found) -> dict[str, Any]:
    row = found.row
    return {
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "recorded_at": row.recorded_at and iso(row.recorded_at),
        "seconds": row.seconds,
        "bytes": row.size,
        "sha256": row.sha256,
        "flags": list(row.flags),
        "archived_at": row.archived_at and iso(row.archived_at),
        "kept_until": found.kept_until and iso(found.kept_until),
        "next_attempt_at": row.due_at and iso(row.due_at),
        "url": found.url,
    }
