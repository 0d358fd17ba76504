"""A webhook that was disabled because it failed: probed every hour, and enabled when a probe arrives.

Enabling and the replay of what it has missed are one transaction: nothing that was logged meanwhile is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_line_rows import Key
from privatenumber.store.webhook_lines import Overtaken
from privatenumber.store.webhooks import NoSuchWebhook, State, WebhookRow, WebhookStore
from privatenumber.times import Clock
from privatenumber.webhooks import model
from privatenumber.webhooks.channel import Channel, attempted, ping
from privatenumber.webhooks.replay import catch_up_id, catch_up_of

PROBE: Final = "system:probe"
_LOG: Final = logging.getLogger("privatenumber.webhooks")


class _NotDue(Exception):
    """The webhook is not to be probed now."""


def enable(store: WebhookStore, webhook_id: str, *, now: datetime, by: str) -> WebhookRow:
    """Enable a webhook, and begin to tell it what it has missed; one that is enabled stays as it is.

    Raises NoSuchWebhook, and Overtaken when others always come first.
    """

    def enabled(row: WebhookRow) -> WebhookRow:
        if row.state == State.ENABLED:
            return row
        told = replace(row, updated_at=now, updated_by=by)
        return model.enabled(told, catch_up_id(replace(row, version=row.version + 1)))

    return store.change(webhook_id, enabled, beside=lambda row: catch_up_of(row, now, by))


@dataclass(frozen=True, slots=True)
class Recovery:
    """Probes disabled webhooks."""

    webhooks: WebhookStore
    attempts: WebhookAttempts
    channel: Channel
    clock: Clock
    unique: Callable[[], str]
    count: Callable[[str, float], None]

    def step(self, key: Key) -> None:
        """Probe a webhook when that is due."""
        webhook_id, now = key[1].partition("#")[2], self.clock()
        try:
            row = self.webhooks.change(webhook_id, lambda found: _probing(found, now))
            event = ping(row, now, self.unique())
            outcome = self.channel.tell(row, event, now)
            self.attempts.add(attempted(row, event, outcome, now, number=row.probes), unique=self.unique())
            if outcome.delivered:
                enable(self.webhooks, webhook_id, now=self.clock(), by=PROBE)
                _LOG.info("webhook enabled", extra={"webhook": webhook_id})
                self.count("WebhooksEnabled", 1)
        except (_NotDue, NoSuchWebhook, Overtaken):
            return


def _probing(row: WebhookRow, now: datetime) -> WebhookRow:
    """Claim the probe: the next one is an hour away, whatever becomes of this one."""
    if row.state != State.DISABLED or row.due_at is None or row.due_at > now:
        raise _NotDue
    return model.probed_in_vain(row, now)
