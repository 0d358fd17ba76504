"""The worker's step: claim a line, tell its webhook what waits in it, oldest first, until one fails.

At least once: an event is marked when it was delivered, so what was delivered just before a crash is sent
again under the same id. In order: the next one is sent when the one before it was delivered or given up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_events import LoggedEvent, WebhookEvents
from privatenumber.store.webhook_line_rows import Entry, Key, Line
from privatenumber.store.webhook_lines import Overtaken, WebhookLines
from privatenumber.store.webhooks import NoSuchWebhook, State, WebhookRow, WebhookStore
from privatenumber.times import Clock
from privatenumber.webhooks import model
from privatenumber.webhooks.channel import Channel, attempted
from privatenumber.webhooks.posting import Outcome

LEASE: Final = timedelta(minutes=3)
"""How long a claim lasts; longer than a worker's invocation."""

ATTEMPT_S: Final = model.ATTEMPT.total_seconds()
_SHORTEST_REST: Final = timedelta(seconds=5)
_LONGEST_REST: Final = timedelta(minutes=5)
_LOG: Final = logging.getLogger("privatenumber.webhooks")


class _PutOff(Exception):
    """The line has to wait until a moment."""

    def __init__(self, until: datetime, failures: int) -> None:
        super().__init__("the line waits")
        self.until = until
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers lines. ``count`` receives metrics, ``random`` gives 0..1, ``unique`` a few random digits."""

    webhooks: WebhookStore
    lines: WebhookLines
    events: WebhookEvents
    attempts: WebhookAttempts
    channel: Channel
    clock: Clock
    random: Callable[[], float]
    unique: Callable[[], str]
    count: Callable[[str, float], None]

    def step(self, key: Key, deadline: Deadline) -> None:
        """Deliver a line when it is due, as far as the time goes.

        botocore's errors leave it claimed, so that it is due again after the lease.
        """
        line = self.lines.get(key)
        now = self.clock()
        if line is None or line.due_at is None or line.due_at > now:
            return
        try:
            line = self.lines.claim(line, until=now + LEASE)
            self._deliver(line, deadline)
        except Overtaken:
            return  # somebody else has the line

    def _deliver(self, line: Line, deadline: Deadline) -> None:
        webhook = self.webhooks.get(line.webhook_id)
        if webhook is None or webhook.state != State.ENABLED:
            self.count("WebhookEventsSkipped", len(line.waiting))
            self.lines.finish(self.lines.drop(line, line.waiting), now=self.clock())
            return
        try:
            while not self._finished(line := self._tell_all(webhook, line, deadline)):
                # Something came between the last look and the giving back: the line is still ours.
                line = self.lines.get(line.key) or line
        except _PutOff as waiting:
            self.lines.put_off(line, until=waiting.until, failures=waiting.failures)

    def _finished(self, line: Line) -> bool:
        """Give an empty line back, unless something has come into it. Raises Overtaken: it is not ours."""
        try:
            self.lines.finish(line, now=self.clock())
        except Overtaken:
            now = self.lines.get(line.key)
            if now is None or now.claim != line.claim:
                raise
            return False
        return True

    def _tell_all(self, webhook: WebhookRow, line: Line, deadline: Deadline) -> Line:
        """Tell what waits and what comes meanwhile; returns the line with nothing left."""
        while line.waiting:
            now = self.clock()
            held = model.held_until(webhook, now)
            if held is not None:
                raise _PutOff(self._rested(line, now, held), line.failures)
            if deadline.remaining() < ATTEMPT_S:
                raise _PutOff(now, line.failures)
            entry = line.waiting[0]
            event = self.events.get(line.application, line.about, [entry.position]).get(entry.position)
            if event is None:
                _LOG.error("an event is forgotten before it was told", extra={"event": entry.event_id})
                line = self.lines.drop(line, [entry])
                continue
            webhook = self._take_turn(webhook, line, now)
            outcome = self.channel.tell(webhook, event, now)
            if outcome.delivered:
                line = self._delivered(webhook, line, entry, event, outcome)
                webhook = self._note(webhook, model.succeeded(outcome.took_s))
            else:
                self._failed(webhook, line, entry, event, outcome)
        return line

    def _take_turn(self, webhook: WebhookRow, line: Line, now: datetime) -> WebhookRow:
        if not model.needs_turn(webhook):
            return webhook
        try:
            taken = self.webhooks.change(webhook.id, model.turn(now))
        except model.Busy as busy:
            raise _PutOff(self._rested(line, now, busy.until), line.failures) from None
        except (Overtaken, NoSuchWebhook):
            raise _PutOff(self._rested(line, now, now), line.failures) from None
        if taken.state != State.ENABLED:
            raise _PutOff(now, line.failures)  # disabled a moment ago: the next step drops what waits
        return taken

    def _delivered(
        self, webhook: WebhookRow, line: Line, entry: Entry, event: LoggedEvent, outcome: Outcome
    ) -> Line:
        after = self.lines.delivered(line, entry)
        now = self.clock()
        self._log_attempt(webhook, line, entry, event, outcome)
        self.count("WebhookEventsDelivered", 1)
        if entry.repeated is None and entry.requeued is None:
            self.count("WebhookDeliveryLag", max(0.0, (now - event.noted_at).total_seconds()))
        return after

    def _failed(
        self, webhook: WebhookRow, line: Line, entry: Entry, event: LoggedEvent, outcome: Outcome
    ) -> None:
        """Write down a failure and put the line off; what was tried for long enough is given up first."""
        now = self.clock()
        failures = line.failures + 1
        wait = model.backoff(failures, self.random)
        if outcome.wait:
            wait = max(wait, min(outcome.wait, model.LONGEST_WAIT))
        given_up = now - entry.since >= model.GIVE_UP
        if given_up:
            self.events.give_up(event, webhook.id)
            line = self.lines.drop(line, [entry])
            self.count("WebhookEventsGivenUp", 1)
            failures = 0
        self._log_attempt(webhook, line, entry, event, outcome, given_up=given_up)
        self.count("WebhookAttemptsFailed", 1)
        slow = outcome.took_s >= model.SLOW_S
        after = self._note(webhook, model.failed(now, wait=wait, gone=outcome.gone, slow=slow))
        if after.disabled_at == now:
            _LOG.error("webhook disabled", extra={"webhook": webhook.id, "reason": after.reason})
            self.count("WebhooksDisabled", 1)
        raise _PutOff(now + wait, failures)

    def _note(self, webhook: WebhookRow, transition: Callable[[WebhookRow], WebhookRow]) -> WebhookRow:
        """Note how it went, when that changes anything by what is known here.

        Others note too: whoever always comes too late leaves it to them.
        """
        if transition(webhook) == webhook:
            return webhook
        try:
            return self.webhooks.change(webhook.id, transition)
        except (Overtaken, NoSuchWebhook):
            return webhook

    def _rested(self, line: Line, now: datetime, held: datetime) -> datetime:
        """When a line is looked at again that only waits for its webhook.

        The longer it has waited the less often, so that thousands of them cost little, and not all at once.
        """
        waited = now - line.waiting[0].since
        rest = min(max(waited / 2, _SHORTEST_REST), _LONGEST_REST) * (0.5 + self.random() / 2)
        return max(now + rest, held)

    def _log_attempt(
        self,
        webhook: WebhookRow,
        line: Line,
        entry: Entry,
        event: LoggedEvent,
        outcome: Outcome,
        *,
        given_up: bool = False,
    ) -> None:
        attempt = attempted(
            webhook,
            event,
            outcome,
            self.clock(),
            number=line.failures + 1,
            replay=entry.repeated,
            given_up=given_up,
        )
        self.attempts.add(attempt, unique=self.unique())
