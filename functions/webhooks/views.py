"""What is shown of webhooks: secrets only to who makes or rotates them, a target without its query."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any, Final

from privatenumber.http_request import InvalidFields
from privatenumber.store.webhook_attempts import Attempt
from privatenumber.store.webhook_replays import ReplayRow
from privatenumber.store.webhooks import WebhookRow
from privatenumber.times import iso
from privatenumber.webhooks.posting import Outcome
from privatenumber.webhooks.service import Shown

_PLACE: Final = re.compile(r"[0-9TZ:.-]{24}#[0-9a-f]{1,16}", re.ASCII)


def webhook(row: WebhookRow) -> dict[str, Any]:
    """Show a webhook. Its query may hold a secret of the receiver's, so only that there is one is told."""
    address, mark, _ = row.target.partition("?")
    return {
        "id": row.id,
        "application": row.application,
        "target": address + (mark and "?..."),
        "events": list(row.events),
        "numbers": "full" if row.full_numbers else "masked",
        "description": row.description,
        "state": row.state,
        "reason": row.reason,
        "disabled_at": _moment(row.disabled_at),
        "failing_since": _moment(row.failing_since),
        "catching_up": row.catching_up,
        "next_probe_at": _moment(row.due_at),
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "updated_at": iso(row.updated_at),
        "updated_by": row.updated_by,
    }


def with_secrets(shown: Shown) -> dict[str, Any]:
    """Show a webhook with its secrets, the newest first; an older one says until when it signs."""
    secrets = [{"secret": one.text, "until": _moment(one.until)} for one in shown.secrets]
    return {**webhook(shown.row), "secrets": secrets}


def outcome(outcome: Outcome) -> dict[str, Any]:
    """Show what became of a test."""
    return {
        "delivered": outcome.delivered,
        "detail": outcome.detail,
        "status": outcome.status,
        "milliseconds": int(outcome.took_s * 1000),
    }


def attempt(one: Attempt) -> dict[str, Any]:
    """Show an attempt."""
    return {
        "at": iso(one.at),
        "event": one.event_id,
        "type": one.type,
        "subject": one.about,
        "attempt": one.number,
        "delivered": one.delivered,
        "detail": one.detail,
        "status": one.status,
        "milliseconds": one.milliseconds,
        "replay": one.replay,
        "given_up": one.given_up,
    }


def replay(row: ReplayRow) -> dict[str, Any]:
    """Show a replay: `read` events were looked at, `queued` of them are asked for and on their way.

    `skipped` were asked for too, and found as much waiting about the same thing as there may be.
    """
    return {
        "id": row.id,
        "webhook": row.webhook_id,
        "from": iso(row.start),
        "to": iso(row.end),
        "state": "running" if row.finished_at is None else "ended" if row.ended else "done",
        "reason": row.ended,
        "read": row.read,
        "queued": row.queued,
        "skipped": row.skipped,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "finished_at": _moment(row.finished_at),
    }


def cursor(place: str | None) -> str | None:
    """What opens the next page."""
    return base64.urlsafe_b64encode(place.encode()).decode("ascii") if place else None


def opened_cursor(text: str | None) -> str | None:
    """The place that a cursor of ours stands for."""
    if text is None:
        return None
    try:
        place = base64.urlsafe_b64decode(text).decode("ascii")
    except (binascii.Error, ValueError):
        place = ""
    if not _PLACE.fullmatch(place):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    return place


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
