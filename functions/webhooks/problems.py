"""Errors as problem documents (RFC 9457): the one place where an error of webhooks gets status and words.

No document contains anything that a caller sent; the last step masks what looks like a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.http_api import Kind
from privatenumber.http_serving import USUAL_KINDS, Described, Problem, invalid
from privatenumber.store.transactions import Contended
from privatenumber.store.webhook_lines import Overtaken
from privatenumber.store.webhooks import LIMIT, NoSuchWebhook, TooMany
from privatenumber.webhooks.service import InvalidWebhook, KeyReused, NoSuchReplay, ReplayRunning

KINDS: Final[Mapping[str, Kind]] = {
    **USUAL_KINDS,
    "webhook-not-found": Kind(404, "Webhook not found", "GET /webhooks lists those of an application."),
    "replay-not-found": Kind(404, "Replay not found", "Replays are forgotten after 90 days."),
    "replay-running": Kind(409, "A replay is under way", "Wait until it is done, then ask again."),
    "too-many-webhooks": Kind(409, "Too many webhooks", "Delete one, or let one receiver pass events on."),
    "busy": Kind(503, "Too many writers", "Repeat the request."),
}


def _busy(_: Exception) -> Problem:
    return Problem("busy", "Others wrote the same webhook at the same time.")


DESCRIBED: Final[Described] = {
    InvalidWebhook: lambda error: invalid([(error.field, error.rule)]),
    NoSuchWebhook: lambda _: Problem("webhook-not-found", "No webhook has this id."),
    NoSuchReplay: lambda _: Problem("replay-not-found", "No replay of this webhook has this id."),
    KeyReused: lambda _: Problem("idempotency-mismatch", "A request with this key and other content came."),
    ReplayRunning: lambda _: Problem("replay-running", "One replay of a webhook goes on at a time."),
    TooMany: lambda _: Problem("too-many-webhooks", f"An application may have {LIMIT} webhooks."),
    Contended: _busy,
    Overtaken: _busy,
}
