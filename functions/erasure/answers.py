"""What is answered: an erasure with its certificate, or a problem document (RFC 9457); never a number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from privatenumber import http_api
from privatenumber.erasure.model import ErasureDiffers, ErasureNotFound, InvalidRequest, StillInUse
from privatenumber.erasure.service import Told
from privatenumber.http_api import Kind, Response
from privatenumber.http_serving import USUAL_KINDS, Described, Problem, invalid
from privatenumber.times import iso

_SHOWN: Final = 100

KINDS: Final[Mapping[str, Kind]] = {
    **USUAL_KINDS,
    "erasure-not-found": Kind(404, "Erasure not found", "Use the id that POST /erasures has answered."),
    "still-in-use": Kind(
        409, "Still in use", "End these bindings, wait until they are CLOSED, and ask again."
    ),
}


def answer_told(told: Told, status: int, *, new: bool = True) -> Response:
    """Show an erasure; the same request again says that it was one."""
    headers = {"location": f"/erasures/{told.row.id}"} if status == 202 else {}
    return http_api.answer(status, _view(told), headers | ({} if new else {"idempotent-replay": "true"}))


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


def _in_use(error: StillInUse) -> Problem:
    detail = f"{len(error.bindings)} bindings that live concern the person or order."
    return Problem("still-in-use", detail, {"bindings": list(error.bindings[:_SHOWN])})


DESCRIBED: Final[Described] = {
    InvalidRequest: lambda error: invalid([(error.field, error.rule)]),
    StillInUse: _in_use,
    ErasureDiffers: lambda _: Problem("idempotency-mismatch", "The key belongs to another erasure."),
    ErasureNotFound: lambda _: Problem("erasure-not-found", "There is no erasure with this id."),
}
