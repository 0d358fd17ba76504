"""Errors as problem documents (RFC 9457): the one place where an error about calls gets a status and words.

No document contains anything that a caller sent; the last step masks what looks like a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from privatenumber import http_api
from privatenumber.calls.black_list import InvalidEntry
from privatenumber.calls.counting import NotCountable
from privatenumber.calls.exports import NoSuchExport, OtherContent
from privatenumber.calls.lookup import CallUnknown, MessageUnknown
from privatenumber.calls.replay import ApplicationUnknown, EntryUnknown
from privatenumber.calls.statistics_report import (
    MAX_LINES,
    MAX_PAGES,
    MAX_PAGES_OF_ONE,
    TooManyLines,
    TooMuchToRead,
)
from privatenumber.http_api import Kind, Response
from privatenumber.http_request import BodyTooLarge, InvalidFields, UnreadableBody, WrongMediaType
from privatenumber.phone import InvalidNumber
from privatenumber.privacy import SealBroken
from privatenumber.store.worklist import CaseTaken

KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "call-not-found": Kind(
        404,
        "Call not found",
        "Use the id of a list, or the sessionId of an event or CDR unchanged and URL-encoded.",
    ),
    "message-not-found": Kind(
        404, "SMS not found", "Use the id of a list, or the smsIdentifier of a notice, URL-encoded."
    ),
    "export-not-found": Kind(404, "Export not found", "Exports are known for 400 days; ask for it again."),
    "entry-not-found": Kind(404, "Entry not found", "Quarantine forgets 31 days after the last delivery."),
    "case-not-found": Kind(404, "Case not found", "GET /worklist lists what there is."),
    "case-closed": Kind(409, "Case is closed", "Read it again: it was resolved, dismissed or has expired."),
    "seal-broken": Kind(409, "Entry cannot be opened", "It was sealed under a key that is gone, or altered."),
    "idempotency-mismatch": Kind(
        409,
        "Idempotency-Key was used for other content",
        "Use a new key for new content, and the same content to repeat a request.",
    ),
    "body-too-large": Kind(413, "Body too large", "Send less."),
    "media-type": Kind(415, "Media type not accepted", "Set Content-Type to application/json."),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    "not-countable": Kind(422, "Day cannot be counted", "What was counted before stays as it is."),
    "too-many-lines": Kind(422, "Answer too long", "Ask for fewer days, longer periods, or only one value."),
    "too-much-to-read": Kind(
        422, "Answer would take too long", "Ask for fewer days, only one value, or a group of fewer values."
    ),
    "internal": Kind(500, "Internal error", "Repeat the request; if it fails again report request_id."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written; a `remedy` of `None` is the usual one of its kind."""

    kind: str
    detail: str
    remedy: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class NoSuchRoute(Exception):
    """The API has no such method and path."""


class CaseUnknown(Exception):
    """The worklist has no such case."""


def describe(error: Exception) -> Problem:
    """Find the problem that an error is: the most special known class decides, others are `internal`."""
    for kind in type(error).__mro__:
        if kind in _DESCRIBED:
            return _DESCRIBED[kind](error)
    return Problem("internal", "The request could not be finished.")


def answer_problem(problem: Problem, request_id: str) -> Response:
    """Write a problem as an answer."""
    return http_api.answer_problem(
        problem.kind,
        KINDS[problem.kind],
        detail=problem.detail,
        request_id=request_id,
        remedy=problem.remedy,
        more=problem.more,
    )


def _invalid(broken: Iterable[tuple[str, str]]) -> Problem:
    listed = [{"field": name, "rule": rule} for name, rule in broken]
    detail = "; ".join(f"{one['field']}: {one['rule']}" for one in listed[:3])
    return Problem("invalid-fields", detail, more={"errors": listed})


_DESCRIBED: Final[Mapping[type, Callable[[Any], Problem]]] = {
    InvalidFields: lambda error: _invalid(error.errors),
    InvalidEntry: lambda error: _invalid([(error.field, error.rule)]),
    InvalidNumber: lambda error: _invalid([(error.field, error.rule)]),
    UnreadableBody: lambda error: Problem("unreadable-body", "The body is not one JSON object."),
    WrongMediaType: lambda error: Problem("media-type", f"This route takes {' or '.join(error.accepted)}."),
    BodyTooLarge: lambda error: Problem("body-too-large", f"A body may have {error.limit} bytes."),
    NoSuchRoute: lambda error: Problem("no-such-route", "The API has no such method and path."),
    NoSuchExport: lambda error: Problem("export-not-found", "No export has this id."),
    OtherContent: lambda error: Problem(
        "idempotency-mismatch", "The key belongs to an export of something else."
    ),
    NotCountable: lambda error: Problem("not-countable", f"{error}."),
    TooManyLines: lambda error: Problem("too-many-lines", f"There would be more than {MAX_LINES} lines."),
    TooMuchToRead: lambda error: Problem(
        "too-much-to-read",
        f"The days have more than {MAX_PAGES} pages of lines, or {MAX_PAGES_OF_ONE} with only.",
    ),
    EntryUnknown: lambda error: Problem("entry-not-found", "Nothing stands in quarantine under this id."),
    ApplicationUnknown: lambda error: _invalid([("application", "is not configured")]),
    SealBroken: lambda error: Problem("seal-broken", "The keyring does not open this entry."),
    CaseUnknown: lambda error: Problem("case-not-found", "The worklist has no such case."),
    CaseTaken: lambda error: Problem("case-closed", "The case is not open, or was changed at this moment."),
    MessageUnknown: lambda error: Problem("message-not-found", "Nothing has arrived of an SMS with this id."),
    CallUnknown: lambda error: Problem("call-not-found", "Nothing has arrived of a call with this id."),
}
