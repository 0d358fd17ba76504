"""Errors as problem documents (RFC 9457): the one place where a domain error gets a status and words.

`type` is a stable name under `urn:private-number:problem:`; `title` belongs to the type, `detail` to the
case, `remedy` says what to do. A refusal of the platform adds `platform_code` and its `meaning`
(result-codes.md). No document contains a party's number: nothing a caller sent is repeated, and the last step
masks what looks like one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from privatenumber.bindings import errors
from privatenumber.bindings.errors import PoolReason
from privatenumber.bindings.numbers import NumberInUse
from privatenumber.bindings.numbers_import import ImportReport
from privatenumber.codes.results import Outcome
from privatenumber.csv_table import FileRefused
from privatenumber.phone import InvalidNumber
from privatenumber.platform.errors import NotSent, PlatformError
from privatenumber.platform.pausing import LENGTHS
from privatenumber.privacy import scrub

from .event import BodyTooLarge, InvalidFields, UnreadableBody, WrongMediaType
from .responses import Response, row_view

TYPE_PREFIX: Final = "urn:private-number:problem:"
_ERRORS_SHOWN: Final = 100
_UNKNOWN_S: Final = 10
_PAUSE_S: Final = 60  # whatever has no better end (result-codes.md §2)
_NEVER_REAL: Final = " Do not hand out a real number instead."


class Kind(NamedTuple):
    """What all problems of one type have in common."""

    status: int
    title: str
    remedy: str


KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "binding-not-found": Kind(
        404,
        "Binding not found",
        "Search by order, number or x; ended bindings are forgotten after their time.",
    ),
    "order-conflict": Kind(
        409,
        "Order already has this binding",
        "Read that binding; change or release it instead of binding again.",
    ),
    "idempotency-mismatch": Kind(
        409,
        "Idempotency-Key was used for other content",
        "Use a new key for new content, and the same content to repeat a request.",
    ),
    "party-conflict": Kind(
        409,
        "Party already stands on this X",
        "Leave x out, so that a free one is chosen, or release the other binding.",
    ),
    "state-conflict": Kind(409, "State does not allow this", "Bind again where a new binding is wanted."),
    "number-in-use": Kind(
        409,
        "Number carries bindings",
        "Set its state to draining or locked, wait until pairs is 0, then move it.",
    ),
    "body-too-large": Kind(413, "Body too large", "Send less, or split the file."),
    "media-type": Kind(415, "Media type not accepted", "Set Content-Type."),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    "file-refused": Kind(
        422,
        "File cannot be imported",
        "Save the number table as CSV in UTF-8 or GB18030 with its header line.",
    ),
    "too-many-bad-rows": Kind(
        422, "Too many bad rows", "Correct the rows or leave them out, and send the file again."
    ),
    "internal": Kind(
        500,
        "Internal error",
        "Repeat the request with the same content and Idempotency-Key; if it fails again report request_id.",
    ),
    "platform-refused": Kind(502, "The platform refused", "See meaning." + _NEVER_REAL),
    "no-number-available": Kind(503, "No X number available", "Order more X numbers." + _NEVER_REAL),
    "platform-paused": Kind(503, "The platform cannot be used now", "Repeat the request." + _NEVER_REAL),
    "outcome-unknown": Kind(503, "Outcome not known yet", "Repeat the request with the same content."),
    "busy": Kind(503, "Too many writers", "Repeat the request."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written; a `remedy` of `None` is the usual one of its kind."""

    kind: str
    detail: str
    remedy: str | None = None
    retry_after_s: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class FileRejected(Exception):
    """More than 5 % of a number table's rows are bad; `report` says which. Nothing was written."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("too many bad rows")
        self.report = report


class NoSuchRoute(Exception):
    """The API has no such method and path."""


def answer_problem(problem: Problem, request_id: str) -> Response:
    """Write a problem as an answer."""
    kind = KINDS[problem.kind]
    document = {
        "type": TYPE_PREFIX + problem.kind,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "remedy": problem.remedy or kind.remedy,
        "request_id": request_id,
        **problem.more,
    }
    headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    body = scrub(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    return {"statusCode": kind.status, "headers": headers, "body": body}


def describe(error: Exception, now: datetime) -> Problem:
    """Find the problem that an error is: the most special known class decides, others are `internal`."""
    for kind in type(error).__mro__:
        if kind in _DESCRIBED:
            return _DESCRIBED[kind](error, now)
    return Problem("internal", "The request could not be finished; it may or may not have had an effect.")


def _invalid(broken: Iterable[tuple[str, str]]) -> Problem:
    listed = [{"field": name, "rule": rule} for name, rule in broken][:_ERRORS_SHOWN]
    detail = "; ".join(f"{one['field']}: {one['rule']}" for one in listed[:3])
    return Problem("invalid-fields", detail, more={"errors": listed})


def _invalid_field(error: errors.InvalidRequest | InvalidNumber, now: datetime) -> Problem:
    return _invalid([(error.field, error.rule)])


def _media_type(error: WrongMediaType, now: datetime) -> Problem:
    return Problem("media-type", f"This route takes {' or '.join(error.accepted)}.")


def _number_in_use(error: NumberInUse, now: datetime) -> Problem:
    detail = f"{error.pairs} bindings of its present application stand on the number."
    return Problem("number-in-use", detail, more={"pairs": error.pairs})


def _order_conflict(error: errors.OrderConflict, now: datetime) -> Problem:
    detail = "The order has a live binding of these parties with other content."
    return Problem("order-conflict", detail, more={"binding_id": error.binding_id})


def _party_conflict(error: errors.PartyConflict, now: datetime) -> Problem:
    detail = f"The number in {error.field} already stands on this X in another binding."
    return Problem("party-conflict", detail, more={"field": error.field})


def _state_conflict(error: errors.StateConflict, now: datetime) -> Problem:
    remedy = None if error.retry_after_s is None else "Repeat the request later."
    detail = f"The binding is {error.state}: {error.why}."
    return Problem("state-conflict", detail, remedy, error.retry_after_s, {"state": error.state})


_POOL: Final[Mapping[PoolReason, tuple[str, str]]] = {
    PoolReason.EMPTY: ("The application has no X number.", "Register X numbers of the application."),
    PoolReason.CITY: (
        "The application has no X number of this city.",
        "Allow other cities with fallback_any_area, or order numbers of the city.",
    ),
    PoolReason.SUSPENDED: ("No X number that would do is active.", "Look at the states of the numbers."),
    PoolReason.FULL: ("Every active X number carries its maximum of pairs.", "Order more X numbers."),
    PoolReason.CONFLICT: (
        "On every active X number with room one of the parties already stands.",
        "Release bindings that have ended, or order more X numbers.",
    ),
}


def _pool_empty(error: errors.PoolEmpty, now: datetime) -> Problem:
    detail, remedy = _POOL[error.reason]
    more = {"reason": error.reason.value}
    return Problem("no-number-available", detail, remedy + _NEVER_REAL, error.retry_after_s, more)


# Reason told to the caller (billing-rules.md §7, result-codes.md §2).
_PAUSES: Final[Mapping[Outcome, str]] = {
    Outcome.FROZEN: "arrears",
    Outcome.LOCKED: "locked-out",
    Outcome.AUTH: "credentials",
    Outcome.FLOW: "flow-control",
    Outcome.TRANSIENT: "fault",
}


def _platform_paused(error: errors.PlatformPaused, now: datetime) -> Problem:
    wait = None if error.until is None else max(1, math.ceil((error.until - now).total_seconds()))
    return _paused(error.cause, wait, {})


def _bind_refused(error: errors.BindRefused, now: datetime) -> Problem:
    return _answered(error.cause, {"binding_id": error.binding_id})


def _platform_error(error: PlatformError, now: datetime) -> Problem:
    if isinstance(error, NotSent):
        return _paused(error, None, {})
    if error.outcome is Outcome.UNKNOWN:
        detail = "The platform did not answer; the operation may have had its effect."
        return Problem("outcome-unknown", detail, None, _UNKNOWN_S, _platform(error))
    return _answered(error, {})


def _answered(cause: PlatformError, more: Mapping[str, Any]) -> Problem:
    if cause.outcome in _PAUSES:
        return _paused(cause, None, more)
    detail = "The platform gave a definite refusal; nothing changed."
    remedy = cause.remedy.rstrip(".") + "." + _NEVER_REAL
    return Problem("platform-refused", detail, remedy, more={**_platform(cause), **more})


def _paused(cause: PlatformError, wait: int | None, more: Mapping[str, Any]) -> Problem:
    reason = _PAUSES.get(cause.outcome, "out-of-reach")
    usual = math.ceil(LENGTHS[cause.outcome].total_seconds()) if cause.outcome in LENGTHS else _PAUSE_S
    detail = "Nothing was changed at the platform and nothing is left behind."
    remedy = cause.remedy.rstrip(".") + "." + _NEVER_REAL
    told = {"reason": reason, **_platform(cause), **more}
    return Problem("platform-paused", detail, remedy, usual if wait is None else wait, told)


def _platform(cause: PlatformError) -> dict[str, Any]:
    return {"platform_code": cause.code, "platform_status": cause.http_status, "meaning": cause.meaning}


def _file_refused(error: FileRefused, now: datetime) -> Problem:
    more: dict[str, Any] = {"headers_found": list(error.headers)} if error.headers else {}
    if error.line is not None:
        more["line"] = error.line
    return Problem("file-refused", error.rule, more=more)


def _file_rejected(error: FileRejected, now: datetime) -> Problem:
    rows = error.report.rows
    bad = [row_view(row) for row in rows if row.error]
    detail = f"{len(bad)} of {len(rows)} rows are bad; more than 5 % refuse the file. Nothing was written."
    return Problem("too-many-bad-rows", detail, more={"rows": len(rows), "errors": bad[:_ERRORS_SHOWN]})


_DESCRIBED: Final[Mapping[type, Callable[[Any, datetime], Problem]]] = {
    InvalidFields: lambda error, now: _invalid(error.errors),
    errors.InvalidRequest: _invalid_field,
    InvalidNumber: _invalid_field,
    UnreadableBody: lambda error, now: Problem("unreadable-body", "The body is not one JSON object."),
    WrongMediaType: _media_type,
    BodyTooLarge: lambda error, now: Problem("body-too-large", f"A body may have {error.limit} bytes."),
    NoSuchRoute: lambda error, now: Problem("no-such-route", "The API has no such method and path."),
    errors.BindingNotFound: lambda error, now: Problem("binding-not-found", "No binding has this id."),
    NumberInUse: _number_in_use,
    errors.OrderConflict: _order_conflict,
    errors.IdempotencyMismatch: lambda error, now: Problem(
        "idempotency-mismatch", "A request with this Idempotency-Key and other content came before."
    ),
    errors.PartyConflict: _party_conflict,
    errors.StateConflict: _state_conflict,
    errors.PoolEmpty: _pool_empty,
    errors.Busy: lambda error, now: Problem(
        "busy", "Other requests were writing the same item all the time.", None, error.retry_after_s
    ),
    errors.PlatformPaused: _platform_paused,
    errors.BindRefused: _bind_refused,
    PlatformError: _platform_error,
    FileRefused: _file_refused,
    FileRejected: _file_rejected,
}
