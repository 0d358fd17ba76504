"""What the worker does with a message: a row that is due is a line, a webhook to be probed, or a replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from privatenumber.deadline import Deadline
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_events import WebhookEvents
from privatenumber.store.webhook_lines import WebhookLines, WebhookWork
from privatenumber.store.webhook_replays import WebhookReplays
from privatenumber.store.webhooks import WebhookStore
from privatenumber.times import Clock
from privatenumber.webhooks.channel import Channel
from privatenumber.webhooks.delivery import Delivery
from privatenumber.webhooks.recovery import Recovery
from privatenumber.webhooks.replay import Replaying


@dataclass(frozen=True, slots=True)
class Worker:
    """Moves on whatever is due."""

    delivery: Delivery
    recovery: Recovery
    replaying: Replaying

    def step(self, work: WebhookWork, deadline: Deadline) -> None:
        """Do what a message says. Its time counts where it lies ahead of the clock's: a demonstration."""
        at = _ahead(work.as_of, self.delivery.clock)
        match work.key[0].partition("#")[0]:
            case "LINE":
                replace(self.delivery, clock=at).step(work.key, deadline)
            case "WEBHOOKS":
                replace(self.recovery, clock=at).step(work.key)
            case "REPLAYS":
                replace(self.replaying, clock=at).step(work.key, deadline)
            case _:
                raise ValueError("not a row of webhooks")


def compose_worker(
    *,
    webhooks: WebhookStore,
    lines: WebhookLines,
    events: WebhookEvents,
    attempts: WebhookAttempts,
    replays: WebhookReplays,
    queue: WorkQueue,
    channel: Channel,
    clock: Clock,
    random: Callable[[], float],
    unique: Callable[[], str],
    count: Callable[[str, float], None],
) -> Worker:
    """The worker out of its stores."""
    return Worker(
        Delivery(webhooks, lines, events, attempts, channel, queue, clock, random, unique, count),
        Recovery(webhooks, attempts, channel, clock, unique, count),
        Replaying(webhooks, replays, events, lines, queue, clock, count),
    )


def _ahead(as_of: datetime, clock: Clock) -> Clock:
    return lambda: max(as_of, clock())
