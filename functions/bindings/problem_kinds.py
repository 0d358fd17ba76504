"""The kinds of problems: status, title and remedy of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from privatenumber import http_api
from privatenumber.http_api import Kind, Response

NEVER_REAL: Final = " Do not hand out a real number instead."

KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "binding-not-found": Kind(
        404,
        "Binding not found",
        "Search by order, number or x; ended bindings are forgotten after their time.",
    ),
    "partner-not-found": Kind(
        404, "Partner not found", "Read the binding: partners lists who stands there. One who is gone is not."
    ),
    "job-not-found": Kind(404, "Job not found", "Jobs are forgotten after 90 days."),
    "run-not-found": Kind(
        404, "Drift run not found", "GET /drift lists the latest; they are forgotten after 90 days."
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
        "Save the number table as XLSX, or as CSV in UTF-8 or GB18030, with its header line.",
    ),
    "too-many-bad-rows": Kind(
        422, "Too many bad rows", "Correct the rows or leave them out, and send the file again."
    ),
    "internal": Kind(
        500,
        "Internal error",
        "Repeat the request with the same content and Idempotency-Key; if it fails again report request_id.",
    ),
    "platform-refused": Kind(502, "The platform refused", "See meaning." + NEVER_REAL),
    "no-number-available": Kind(503, "No X number available", "Order more X numbers." + NEVER_REAL),
    "platform-paused": Kind(503, "The platform cannot be used now", "Repeat the request." + NEVER_REAL),
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


def answer_problem(problem: Problem, request_id: str) -> Response:
    """Write a problem as an answer."""
    return http_api.answer_problem(
        problem.kind,
        KINDS[problem.kind],
        detail=problem.detail,
        request_id=request_id,
        remedy=problem.remedy,
        retry_after_s=problem.retry_after_s,
        more=problem.more,
    )
