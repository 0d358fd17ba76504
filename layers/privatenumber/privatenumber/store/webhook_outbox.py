"""From announcements to the writes that make them known: to be put beside the write that made them true.

Announcements are written in the transaction of what they tell, so neither is there without the other. Every
one of these writes may be repeated: it keeps what stands there, and refuses nothing, so it cannot undo the
transaction it is part of. The message to the worker is a hint; the table is what counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from privatenumber.privacy import Keyring
from privatenumber.store.announcement_types import asks_for
from privatenumber.store.announcements import Announcement
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_events import Noted, event_update, position_of
from privatenumber.store.webhook_line_rows import Entry, Key, append_update, entry_name, line_key
from privatenumber.store.webhook_lines import WebhookWork
from privatenumber.store.webhooks import State, WebhookRow, WebhookStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

CACHED_S: Final = 15.0
"""So long a new webhook may go unnoticed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be written for announcements, and the lines that then have something to tell.

    ``updates`` are requests of UpdateItem: one per announcement, one per webhook and thing it is about.
    """

    updates: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    lines: tuple[Key, ...] = ()

    @property
    def actions(self) -> list[dict[str, Any]]:
        """The writes as actions of TransactWriteItems."""
        return [{"Update": dict(update)} for update in self.updates]


class Subscribers:
    """The webhooks of an application, read at most every 15 seconds."""

    def __init__(self, store: WebhookStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Sequence[WebhookRow]]] = {}

    def of(self, application: str) -> Sequence[WebhookRow]:
        """The webhooks, whatever their state."""
        now = self._monotonic()
        known = self._known.get(application)
        if known is None or now - known[0] >= CACHED_S:
            known = self._known[application] = (now, self._store.of_application(application))
        return known[1]


class Outbox:
    """Makes the writes of announcements.

    Parameters
    ----------
    subscribers : Subscribers
        Who may want to know.
    keyring : Callable
        The deployment's keys; asked for only when people's numbers are to be sealed.
    queue : WorkQueue
        The queue to the worker of webhooks.
    """

    def __init__(
        self, subscribers: Subscribers, table: str, keyring: Callable[[], Keyring], queue: WorkQueue
    ) -> None:
        self._subscribers = subscribers
        self._table = table
        self._keyring = keyring
        self._queue = queue

    def listens(self, application: str) -> bool:
        """Whether an application has a webhook, so that it is worth the while to announce something."""
        return bool(self._subscribers.of(application))

    def of(self, announcements: Sequence[Announcement], noted: Noted) -> Told:
        """The writes for what one record of a stream announces, in the order of its telling.

        Applications without a webhook have none. Without a webhook that asks for it, and while a webhook is
        disabled, an announcement is only logged.
        """
        updates: list[Mapping[str, Any]] = []
        entries: dict[Key, tuple[WebhookRow, str, list[Entry]]] = {}
        for place, one in enumerate(announcements):
            webhooks = self._subscribers.of(one.application)
            if not webhooks:
                continue
            position = position_of(noted, place, one.id)
            updates.append(event_update(self._table, one, position, self._keyring))
            for webhook in webhooks:
                if webhook.state == State.ENABLED and asks_for(webhook.events, one.type):
                    key = line_key(webhook.id, one.about)
                    line = entries.setdefault(key, (webhook, one.about, []))
                    line[2].append(Entry(entry_name(one.id), position))
        for webhook, about, some in entries.values():
            updates.append(
                append_update(
                    self._table,
                    application=webhook.application,
                    webhook_id=webhook.id,
                    about=about,
                    entries=some,
                    due_at=noted.at,
                )
            )
        return Told(tuple(updates), tuple(entries))

    def hint(self, told: Told, noted: Noted) -> None:
        """Tell the worker what is due, once it is written; what does not arrive is found by the sweep."""
        self._queue.hint(WebhookWork(key, noted.at) for key in told.lines)


def write(client: DynamoDBClient, updates: Iterable[Mapping[str, Any]]) -> None:
    """Write what `Outbox.of` made where there is no transaction to be part of: one by one, in this order.

    The log comes before the lines, so that no line tells of what cannot be read.
    """
    for update in updates:
        client.update_item(**update)


def compose_outbox(
    client: DynamoDBClient, table: str, keyring: Callable[[], Keyring], queue: WorkQueue
) -> Outbox:
    """The outbox of a function that announces; ``table`` is the Bills table."""
    return Outbox(Subscribers(WebhookStore(client, table)), table, keyring, queue)
