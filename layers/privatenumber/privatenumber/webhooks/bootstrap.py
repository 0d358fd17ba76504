"""The composition: out of one environment's settings the rooms of webhooks, each built when first used.

Keep one `Rooms` per environment. Only who delivers pays for the way to receivers: it is imported when needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cached_property, partial
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore, deployed_keyring
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_lines import WebhookLines
from privatenumber.times import Clock, utc_now

if TYPE_CHECKING:
    from privatenumber.network import Resolve
    from privatenumber.store.bindings import BindingStore
    from privatenumber.store.event_bus import EventBus
    from privatenumber.webhooks.channel import Channel
    from privatenumber.webhooks.service import Webhooks
    from privatenumber.webhooks.telling import Telling
    from privatenumber.webhooks.work import Worker

_CHANCE: Final = SystemRandom()


class Rooms:
    """What the functions of webhooks work with; `count` receives metrics."""

    def __init__(
        self, settings: Settings, *, clock: Clock = utc_now, count: Callable[[str, float], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._count = count

    @cached_property
    def lines(self) -> WebhookLines:
        """The lines, and what is due."""
        return WebhookLines(clients.dynamodb(), self._settings.bills_table)

    @cached_property
    def queue(self) -> WorkQueue:
        """The queue to the worker."""
        return WorkQueue(clients.sqs(), self._settings.webhooks_queue_url)

    @cached_property
    def keyrings(self) -> KeyringStore:
        """The deployment's keys."""
        return deployed_keyring(self._settings, clock=self._clock)

    @cached_property
    def telling(self) -> Telling:
        """For the stream of the Bindings table."""
        from privatenumber.store.webhook_outbox import compose_outbox, write
        from privatenumber.webhooks.telling import Telling

        client, table = clients.dynamodb(), self._settings.bills_table
        outbox = compose_outbox(client, table, self.keyrings.load, self.queue)
        return Telling(outbox, self.keyrings.unseal, partial(write, client))

    @cached_property
    def bindings(self) -> BindingStore:
        """For what the stream of the Bindings table has dropped."""
        from privatenumber.store.bindings import BindingStore

        return BindingStore(clients.dynamodb(), self._settings.bindings_table)

    @cached_property
    def worker(self) -> Worker:
        """For the queue."""
        from privatenumber.store.webhook_attempts import WebhookAttempts
        from privatenumber.store.webhook_events import WebhookEvents
        from privatenumber.store.webhook_replays import WebhookReplays
        from privatenumber.store.webhooks import WebhookStore
        from privatenumber.webhooks.work import compose_worker

        client, table = clients.dynamodb(), self._settings.bills_table
        return compose_worker(
            webhooks=WebhookStore(client, table),
            lines=self.lines,
            events=WebhookEvents(client, table),
            attempts=WebhookAttempts(client, table),
            replays=WebhookReplays(client, table),
            queue=self.queue,
            channel=self._channel,
            clock=self._clock,
            random=_CHANCE.random,
            unique=lambda: secrets.token_hex(4),
            count=self._count,
        )

    @cached_property
    def webhooks(self) -> Webhooks:
        """For the HTTP API."""
        from privatenumber.network import resolve
        from privatenumber.store.secrets import ApplicationsSecret
        from privatenumber.store.webhook_attempts import WebhookAttempts
        from privatenumber.store.webhook_replays import WebhookReplays
        from privatenumber.store.webhooks import WebhookStore
        from privatenumber.webhooks.service import Webhooks

        client, table = clients.dynamodb(), self._settings.bills_table
        secret = ApplicationsSecret(clients.secrets(), self._settings.applications_secret)
        find: Resolve = resolve
        return Webhooks(
            store=WebhookStore(client, table),
            attempts=WebhookAttempts(client, table),
            replays=WebhookReplays(client, table),
            channel=self._channel,
            keyring=self.keyrings.load,
            allowed=self._settings.webhook_targets,
            applications=lambda: list(secret.load()),
            resolve=find,
            clock=self._clock,
        )

    @cached_property
    def _channel(self) -> Channel:
        from privatenumber.webhooks.channel import Channel
        from privatenumber.webhooks.posting import Posting

        return Channel(Posting(self._settings.webhook_targets), self._bus, self.keyrings.unseal)

    def _bus(self) -> EventBus:
        from privatenumber.store.event_bus import EventBus

        return EventBus(clients.events(), self._settings.webhooks_bus)
