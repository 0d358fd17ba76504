"""What is answered: an erasure with its certificate, or a problem document (RFC 9457); never a number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from privatenumber import http_api
from privatenumber.erasure.model import ErasureDiffers, ErasureNotFound, InvalidRequest, StillInUse
from privatenumber.erasure.service import Told
from privatenumber.http_api import Kind, Response
from privatenumber.http_request import BodyTooLarge, InvalidFields, UnreadableBody, WrongMediaType
from privatenumber.times import iso

_SHOWN: Final = 100

KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "erasure-not-found": Kind(404, "Erasure not found", "Use the id that POST /erasures has answered."),
    "still-in-use": Kind(
        409, "Still in use", "End these bindings, wait until they are CLOSED, and ask again."
    ),
    "idempotency-mismatch": Kind(
        409, "Key used for another request", "Use a new Idempotency-Key for a new request."
    ),
    "body-too-large": Kind(413, "Body too large", "Send less."),
    "media-type": Kind(415, "Media type not accepted", "Set Content-Type to application/json."),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    "internal": Kind(500, "Internal error", "Repeat the request; if it fails again report request_id."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written."""

    kind: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)


class NoSuchRoute(Exception):
    """The API has no such method and path."""


def answer_told(told: Told, status: int, *, new: bool = True) -> Response:
    """Show an erasure; the same request again says that it was one."""
    headers = {"location": f"/erasures/{told.row.id}"} if status == 202 else {}
    return http_api.answer(status, _view(told), headers | ({} if new else {"idempotent-replay": "true"}))


def describe(error: Exception) -> Problem:
    """Find the problem that an error is; what is not known is `internal`."""
    made = _DESCRIBED.get(type(error))
    return made(error) if made else Problem("internal", "The request could not be finished.")


def answer_problem(problem: Problem, request_id: str) -> Response:
    """Write a problem as an answer."""
    kind = KINDS[problem.kind]
    return http_api.answer_problem(
        problem.kind, kind, detail=problem.detail, request_id=request_id, more=problem.more
    )


def _view(told: Told) -> dict[str, Any]:
    row, certificate = told.row, told.certificate
    return {
        "id": row.id,
        "state": row.state,
        "subject": row.subject,
        "application": row.application,
        "people": list(row.people),
        "order": row.order,
        "older_than_days": row.older_than_days,
        "dry_run": row.dry_run,
        "lift_bars": row.lift_bars,
        "reason": row.reason,
        "requested_by": row.created_by,
        "requested_at": iso(row.created_at),
        "looks": row.passes,
        "next_look_at": row.due_at and iso(row.due_at),
        "counts": dict(sorted(row.counts.items())),
        "in_use": list(row.in_use),
        "finished_at": row.finished_at and iso(row.finished_at),
        "certificate": certificate and json.loads(certificate.document),
        "certificate_hash": certificate and certificate.hash,
    }


def _invalid(broken: Iterable[tuple[str, str]]) -> Problem:
    listed = [{"field": name, "rule": rule} for name, rule in broken]
    detail = "; ".join(f"{one['field']}: {one['rule']}" for one in listed[:3])
    return Problem("invalid-fields", detail, {"errors": listed})


def _in_use(error: StillInUse) -> Problem:
    detail = f"{len(error.bindings)} bindings that live concern the person or order."
    return Problem("still-in-use", detail, {"bindings": list(error.bindings[:_SHOWN])})


_DESCRIBED: Final[Mapping[type, Callable[[Any], Problem]]] = {
    InvalidFields: lambda error: _invalid(error.errors),
    InvalidRequest: lambda error: _invalid([(error.field, error.rule)]),
    StillInUse: _in_use,
    ErasureDiffers: lambda error: Problem("idempotency-mismatch", "The key belongs to another erasure."),
    ErasureNotFound: lambda error: Problem("erasure-not-found", "There is no erasure with this id."),
    UnreadableBody: lambda error: Problem("unreadable-body", "The body is not one JSON object."),
    WrongMediaType: lambda error: Problem("media-type", f"This route takes {' or '.join(error.accepted)}."),
    BodyTooLarge: lambda error: Problem("body-too-large", f"A body may have {error.limit} bytes."),
    NoSuchRoute: lambda error: Problem("no-such-route", "The API has no such method and path."),
}
