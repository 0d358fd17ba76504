"""A webhook that was disabled because it failed: probed every hour, and enabled when a probe arrives.

Enabling and the replay of what it has missed are one transaction: nothing that was logged meanwhile is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
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

    A probe enables only what failed: somebody may have switched it off while the probe was on its way.
    Raises NoSuchWebhook, and Overtaken when others always come first.
    """

    def enabled(row: WebhookRow) -> WebhookRow:
        if row.state == State.ENABLED or (by == PROBE and row.reason != model.Why.FAILING):
            return row
        told = replace(row, updated_at=now, updated_by=by)
        return model.enabled(told, catch_up_id(replace(row, version=row.version + 1)))

    return store.change(webhook_id, enabled, beside=lambda row: catch_up_of(row, now, by))


def note_gone(store: WebhookStore, told: WebhookRow, *, now: datetime) -> None:
    """Disable a webhook whose receiver said to a test that it wants nothing any more, and probe it no more.

    What is no more the receiver that was told, or was switched off by request, stays as it is; so does what
    others always write first: the next event or probe gets the same answer.
    """

    def gone(row: WebhookRow) -> WebhookRow:
        if row.target != told.target or row.reason == model.Why.REQUEST:
            return row
        return model.switched_off(row, model.Why.GONE, now)

    with suppress(NoSuchWebhook, Overtaken):
        if store.change(told.id, gone).reason == model.Why.GONE:
            _LOG.error("webhook disabled", extra={"webhook": told.id, "reason": model.Why.GONE.value})


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
            if outcome.gone:
                note_gone(self.webhooks, row, now=self.clock())
            if not outcome.delivered:
                return
            after = enable(self.webhooks, webhook_id, now=self.clock(), by=PROBE)
            if after.state == State.ENABLED:
                _LOG.info("webhook enabled", extra={"webhook": webhook_id})
                self.count("WebhooksEnabled", 1)
        except (_NotDue, NoSuchWebhook, Overtaken):
            return


def _probing(row: WebhookRow, now: datetime) -> WebhookRow:
    """Claim the probe: the next one is an hour away, whatever becomes of this one."""
    if row.state != State.DISABLED or row.due_at is None or row.due_at > now:
        raise _NotDue
    return model.probed_in_vain(row, now)
