"""Errors as problem documents (RFC 9457): the one place where a domain error gets a status and words.

`type` is a stable name under `urn:private-number:problem:`; `title` belongs to the type, `detail` to the
case, `remedy` says what to do. A refusal of the platform adds `platform_code` and its `meaning`
(result-codes.md). No document contains a party's number: nothing a caller sent is repeated, and the last step
masks what looks like one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings import errors
from privatenumber.bindings.drift_decision import DifferenceNotFound
from privatenumber.bindings.drift_service import RunNotFound
from privatenumber.bindings.errors import PoolReason
from privatenumber.bindings.jobs_model import JobNotFound
from privatenumber.bindings.numbers import NumberInUse
from privatenumber.bindings.numbers_import import ImportReport
from privatenumber.codes.results import ALL_APIS, Outcome, lookup
from privatenumber.csv_table import FileRefused
from privatenumber.http_request import BodyTooLarge, InvalidFields, UnreadableBody, WrongMediaType
from privatenumber.phone import InvalidNumber
from privatenumber.platform.caller import WRONG_MODE
from privatenumber.platform.errors import NotSent, PlatformError, TransientFault, UnknownOutcome
from privatenumber.platform.pausing import LENGTHS

from .number_views import row_view
from .problem_kinds import NEVER_REAL, Problem

_ERRORS_SHOWN: Final = 100
_UNKNOWN_S: Final = 10
_PAUSE_S: Final = 60  # whatever has no better end (result-codes.md §2)
_UNKNOWN: Final = (UnknownOutcome, TransientFault)
"""It may have happened (result-codes.md §5)."""


class FileRejected(Exception):
    """More than 5 % of a number table's rows are bad; `report` says which. Nothing was written."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("too many bad rows")
        self.report = report


class NoSuchRoute(Exception):
    """The API has no such method and path."""


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
    problem = _invalid([(error.field, error.rule)])
    return _wrong_mode(problem) if error.field == "mode" else problem


def _wrong_mode(problem: Problem) -> Problem:
    """Explain what the platform would have answered; nothing was sent (result-codes.md, 1010040)."""
    refused = lookup(403, WRONG_MODE, ALL_APIS)
    told = {"platform_code": refused.code, "platform_status": None, "meaning": refused.meaning}
    return replace(problem, remedy=refused.remedy + ".", more={**problem.more, **told})


def _media_type(error: WrongMediaType, now: datetime) -> Problem:
    return Problem("media-type", f"This route takes {' or '.join(error.accepted)}.")


def _number_in_use(error: NumberInUse, now: datetime) -> Problem:
    detail = f"{error.pairs} bindings of its present application stand on the number."
    return Problem("number-in-use", detail, more={"pairs": error.pairs})


def _order_conflict(error: errors.OrderConflict, now: datetime) -> Problem:
    detail = "The order has a live binding of these parties with other content."
    return Problem("order-conflict", detail, more={"binding_id": error.binding_id})


_STANDS: Final = "The number in {} already stands on this X in another binding."
_TAKEN: Final[Mapping[str, tuple[str, str]]] = {
    "anyone": (
        "Another binding on this X has everybody who dials it.",
        "Leave x out, so that a free one is chosen, or release the other binding.",
    ),
    "extension": (
        "The extension leads to somebody else on this X.",
        "Leave extension out, so that a free one is chosen, or name another.",
    ),
}


def _party_conflict(error: errors.PartyConflict, now: datetime) -> Problem:
    detail, remedy = _TAKEN.get(error.field, (_STANDS.format(error.field), None))
    return Problem("party-conflict", detail, remedy, more={"field": error.field})


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
    PoolReason.FULL: ("Every active X number carries its maximum of bindings.", "Order more X numbers."),
    PoolReason.PERSON_LIMIT: (
        "A has as many X numbers of this application as one person may have.",
        "Release a binding of this person that is not needed any more.",
    ),
    PoolReason.CONFLICT: (
        "On every active X number with room one of the parties already stands.",
        "Release bindings that have ended, or order more X numbers.",
    ),
}


def _pool_empty(error: errors.PoolEmpty, now: datetime) -> Problem:
    detail, remedy = _POOL[error.reason]
    more: dict[str, Any] = {"reason": error.reason.value}
    if error.needed:
        more["needed"] = {"request": error.needed.request, "pressure": error.needed.pressure}
    return Problem("no-number-available", detail, remedy + NEVER_REAL, error.retry_after_s, more)


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
    if isinstance(error, _UNKNOWN) or error.outcome is Outcome.UNKNOWN:
        return _unknown(error)
    return _answered(error, {})


def _unknown(cause: PlatformError) -> Problem:
    detail = "The platform gave no usable answer; the operation may have had its effect."
    return Problem("outcome-unknown", detail, None, _UNKNOWN_S, _platform(cause))


def _answered(cause: PlatformError, more: Mapping[str, Any]) -> Problem:
    if cause.outcome in _PAUSES:
        return _paused(cause, None, more)
    detail = "The platform gave a definite refusal; nothing changed."
    remedy = cause.remedy.rstrip(".") + "." + NEVER_REAL
    return Problem("platform-refused", detail, remedy, more={**_platform(cause), **more})


def _paused(cause: PlatformError, wait: int | None, more: Mapping[str, Any]) -> Problem:
    reason = _PAUSES.get(cause.outcome, "out-of-reach")
    usual = math.ceil(LENGTHS[cause.outcome].total_seconds()) if cause.outcome in LENGTHS else _PAUSE_S
    detail = "Nothing was changed at the platform and nothing is left behind."
    remedy = cause.remedy.rstrip(".") + "." + NEVER_REAL
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
    JobNotFound: lambda error, now: Problem("job-not-found", "No job has this id."),
    DifferenceNotFound: lambda error, now: Problem(
        "run-not-found", "The application has no difference of this id in a run of this id."
    ),
    RunNotFound: lambda error, now: Problem("run-not-found", "The application has no run of this id."),
    errors.PartnerNotFound: lambda error, now: Problem(
        "partner-not-found", "The binding has no partner of this id."
    ),
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
    errors.OutcomeUnknown: lambda error, now: _unknown(error.cause),
    errors.BindRefused: _bind_refused,
    PlatformError: _platform_error,
    FileRefused: _file_refused,
    FileRejected: _file_rejected,
}
