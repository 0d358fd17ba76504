"""Errors as problem documents (RFC 9457): the one place where an error of webhooks gets status and words.

No document contains anything that a caller sent; the last step masks what looks like a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from privatenumber import http_api
from privatenumber.http_api import Kind, Response
from privatenumber.http_request import BodyTooLarge, InvalidFields, UnreadableBody, WrongMediaType
from privatenumber.store.transactions import Contended
from privatenumber.store.webhook_lines import Overtaken
from privatenumber.store.webhooks import LIMIT, NoSuchWebhook, TooMany
from privatenumber.webhooks.service import InvalidWebhook, KeyReused, NoSuchReplay, ReplayRunning

KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "webhook-not-found": Kind(404, "Webhook not found", "GET /webhooks lists those of an application."),
    "replay-not-found": Kind(404, "Replay not found", "Replays are forgotten after 90 days."),
    "idempotency-mismatch": Kind(
        409,
        "Idempotency-Key was used for other content",
        "Use a new key for new content, and the same content to repeat a request.",
    ),
    "replay-running": Kind(409, "A replay is under way", "Wait until it is done, then ask again."),
    "too-many-webhooks": Kind(409, "Too many webhooks", "Delete one, or let one receiver pass events on."),
    "body-too-large": Kind(413, "Body too large", "Send less."),
    "media-type": Kind(415, "Media type not accepted", "Set Content-Type to application/json."),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    "internal": Kind(500, "Internal error", "Repeat the request; if it fails again report request_id."),
    "busy": Kind(503, "Too many writers", "Repeat the request."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written."""

    kind: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)


class NoSuchRoute(Exception):
    """The API has no such method and path."""


def describe(error: Exception) -> Problem:
    """Find the problem that an error is; one that is not known is `internal`."""
    found = _DESCRIBED.get(type(error))
    return found(error) if found else Problem("internal", "The request could not be finished.")


def answer_problem(problem: Problem, request_id: str) -> Response:
    """Write a problem as an answer."""
    return http_api.answer_problem(
        problem.kind,
        KINDS[problem.kind],
        detail=problem.detail,
        request_id=request_id,
        more=problem.more,
    )


def _invalid(broken: Iterable[tuple[str, str]]) -> Problem:
    listed = [{"field": name, "rule": rule} for name, rule in broken]
    detail = "; ".join(f"{one['field']}: {one['rule']}" for one in listed[:3])
    return Problem("invalid-fields", detail, {"errors": listed})


def _busy(_: Exception) -> Problem:
    return Problem("busy", "Others wrote the same webhook at the same time.")


_DESCRIBED: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    InvalidFields: lambda error: _invalid(error.errors),
    InvalidWebhook: lambda error: _invalid([(error.field, error.rule)]),
    UnreadableBody: lambda _: Problem("unreadable-body", "The body is not one JSON object."),
    WrongMediaType: lambda error: Problem("media-type", f"This route takes {' or '.join(error.accepted)}."),
    BodyTooLarge: lambda error: Problem("body-too-large", f"A body may have {error.limit} bytes."),
    NoSuchRoute: lambda _: Problem("no-such-route", "The API has no such method and path."),
    NoSuchWebhook: lambda _: Problem("webhook-not-found", "No webhook has this id."),
    NoSuchReplay: lambda _: Problem("replay-not-found", "No replay of this webhook has this id."),
    KeyReused: lambda _: Problem("idempotency-mismatch", "A request with this key and other content came."),
    ReplayRunning: lambda _: Problem("replay-running", "One replay of a webhook goes on at a time."),
    TooMany: lambda _: Problem("too-many-webhooks", f"An application may have {LIMIT} webhooks."),
    Contended: _busy,
    Overtaken: _busy,
}
