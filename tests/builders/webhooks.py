"""Webhooks, what is announced to them, and a receiver that may be down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import EndpointConnectionError

from builders.dynamodb import Table
from builders.keyrings import KEYRING
from privatenumber.store.announcements import Announcement
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_lines import WebhookWork
from privatenumber.store.webhook_outbox import Outbox, Subscribers
from privatenumber.store.webhooks import State, WebhookRow, WebhookStore, webhook_id

APPLICATION = "ride"
CALL = "call#sessiontoken"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
TARGET = "https://hooks.example.com/in"


@dataclass
class Queue:
    """A queue that keeps what it is sent, unless it is down."""

    down: bool = False
    sent: list[WebhookWork] = field(default_factory=list)

    def send(self, work: Iterable[WebhookWork]) -> None:
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://sqs")
        self.sent += work


def announcement(
    type_: str,
    *,
    id: str = "event1",
    about: str = CALL,
    at: datetime = START,
    application: str = APPLICATION,
    data: Mapping[str, Any] | None = None,
    numbers: Mapping[str, str] | None = None,
) -> Announcement:
    """Something that happened."""
    return Announcement(application, about, type_, id, at, data or {"x": "+8617010000001"}, numbers or {})


def webhook(unique: str, **changes: Any) -> WebhookRow:
    """A webhook that wants to know everything about calls, unless told otherwise."""
    parts: dict[str, Any] = {
        "id": webhook_id(APPLICATION, unique),
        "application": APPLICATION,
        "target": TARGET,
        "events": ("call.*", "sms.*"),
        "full_numbers": False,
        "state": State.ENABLED.value,
        "created_at": START,
        "created_by": "test",
        "updated_at": START,
        "updated_by": "test",
        "content_hash": "hash",
    }
    return WebhookRow(**{**parts, **changes})


def outbox_of(table: Table, queue: Queue | None = None) -> Outbox:
    """The outbox of an environment that has just started."""
    subscribers = Subscribers(WebhookStore(table.client, table.name))
    return Outbox(subscribers, table.name, lambda: KEYRING, cast(WorkQueue, queue or Queue()))
