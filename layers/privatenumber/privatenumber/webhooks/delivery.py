"""The worker's step: claim a line, tell its webhook what waits in it, oldest first, until one fails.

At least once: an event is marked when it was delivered, so what was delivered just before a crash is sent
again under the same id. In order: the next one is sent when the one before it was delivered or given up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_events import KEPT, LoggedEvent, WebhookEvents, noted_at
from privatenumber.store.webhook_line_rows import Entry, Key, Line
from privatenumber.store.webhook_lines import Overtaken, WebhookLines, WebhookWork
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
_SPREAD: Final = timedelta(minutes=1)
"""Within so long after a pause all lines that waited for its end are looked at."""

_BEHIND: Final = timedelta(minutes=2)
"""So long after a pause the line comes that has failed: others, found by the minute's sweep, are first."""

_LOG: Final = logging.getLogger("privatenumber.webhooks")


class _PutOff(Exception):
    """The line has to wait until a moment; ``held``: for the receiver's sake, and not for want of time."""

    def __init__(self, until: datetime, failures: int, *, held: bool = True) -> None:
        super().__init__("the line waits")
        self.until = until
        self.failures = failures
        self.held = held


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers lines. ``count`` receives metrics, ``random`` gives 0..1, ``unique`` a few random digits."""

    webhooks: WebhookStore
    lines: WebhookLines
    events: WebhookEvents
    attempts: WebhookAttempts
    channel: Channel
    queue: WorkQueue
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
        try:
            if webhook is None or webhook.state != State.ENABLED:
                self._drop_all(webhook, line)
                return
            while not self._finished(line := self._tell_all(webhook, line, deadline)):
                # Something came between the last look and the giving back: the line is still ours.
                line = self.lines.get(line.key) or line
        except _PutOff as waiting:
            self.lines.put_off(line, until=waiting.until, failures=waiting.failures, held=waiting.held)
            if not waiting.held:
                self._hint(line.key)

    def _hint(self, key: Key) -> None:
        """Have a line gone on with at once; what does not arrive is found by the sweep."""
        self.queue.hint([WebhookWork(key, self.clock())])

    def _drop_all(self, webhook: WebhookRow | None, line: Line) -> None:
        """Take out what waits for a webhook that is told nothing, once that is known to be missed.

        What was only to be repeated is not missed: its replay is asked for again. Raises _PutOff: the webhook
        was enabled meanwhile.
        """
        first = [entry for entry in line.waiting if entry.repeated is None]
        if webhook is not None and first:
            with suppress(NoSuchWebhook):
                after = self.webhooks.change(webhook.id, model.missed(noted_at(first[0].position)))
                if after.state == State.ENABLED:
                    raise _PutOff(self.clock(), line.failures, held=False)
        for entry in first:
            if webhook is not None and noted_at(entry.position) < self.clock() - KEPT:
                self._give_up(line, entry)  # no catch-up goes back so far
        self.count("WebhookEventsSkipped", len(line.waiting))
        # A catch-up that began meanwhile has found these in the line and relies on them.
        self.lines.finish(self.lines.drop(line, line.waiting, untouched=True), now=self.clock())

    def _give_up(self, line: Line, entry: Entry) -> None:
        self.events.give_up(line.application, line.about, entry.position, line.webhook_id)
        self.count("WebhookEventsGivenUp", 1)

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
                raise _PutOff(self._rested(webhook, line, now, held), line.failures)
            if deadline.remaining() < ATTEMPT_S:
                raise _PutOff(now, line.failures, held=False)
            entry = line.waiting[0]
            event = self.events.get(line.application, line.about, [entry.position]).get(entry.position)
            if event is None:
                _LOG.error("an event is forgotten before it was told", extra={"event": entry.event_id})
                self.count("WebhookEventsGivenUp", 1)
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
            raise _PutOff(self._rested(webhook, line, now, busy.until), line.failures) from None
        except (Overtaken, NoSuchWebhook):
            raise _PutOff(self._rested(webhook, line, now, now), line.failures) from None
        if taken.state != State.ENABLED:
            raise _PutOff(
                now, line.failures, held=False
            )  # disabled a moment ago: the next step drops what waits
        return taken

    def _delivered(
        self, webhook: WebhookRow, line: Line, entry: Entry, event: LoggedEvent, outcome: Outcome
    ) -> Line:
        after = self.lines.delivered(line, entry)
        now = self.clock()
        self._log_attempt(webhook, line, entry, event, outcome)
        self.count("WebhookEventsDelivered", 1)
        if entry.repeated is None and entry.requeued is None and not line.kept_back(entry):
            self.count("WebhookDeliveryLag", max(0.0, (now - event.noted_at).total_seconds()))
        return after

    def _failed(
        self, webhook: WebhookRow, line: Line, entry: Entry, event: LoggedEvent, outcome: Outcome
    ) -> None:
        """Write down a failure and put the line off; what was tried for long enough is given up.

        Not while the receiver is down for the first time that an event meets it: it is not the event's fault.
        """
        now = self.clock()
        failures = line.failures + 1
        wait = self._wait(failures, outcome)
        after = self._note_failure(webhook, now, outcome)
        blamed = outcome.refused or entry.requeued is not None or not model.is_down(after)
        given_up = blamed and now - entry.since >= model.GIVE_UP
        self._log_attempt(webhook, line, entry, event, outcome, given_up=given_up)
        self.count("WebhookAttemptsFailed", 1)
        if given_up:
            self._give_up(line, entry)
            line = self.lines.drop(line, [entry])
            failures = 0
        until = now + wait
        if model.is_down(after) and after.paused_until is not None:
            until = max(until, after.paused_until + _BEHIND)
        raise _PutOff(until, failures)

    def _wait(self, failures: int, outcome: Outcome) -> timedelta:
        wait = model.backoff(failures, self.random)
        return max(wait, min(outcome.wait, model.LONGEST_WAIT)) if outcome.wait else wait

    def _note_failure(self, webhook: WebhookRow, now: datetime, outcome: Outcome) -> WebhookRow:
        failed = model.failed(
            now,
            wait=self._wait(webhook.failures + 1, outcome),
            gone=outcome.gone,
            slow=outcome.took_s >= model.SLOW_S,
            refused=outcome.refused,
        )
        after = self._note(webhook, failed)
        if after.disabled_at == now:
            _LOG.error("webhook disabled", extra={"webhook": webhook.id, "reason": after.reason})
            self.count("WebhooksDisabled", 1)
        return after

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

    def _rested(self, webhook: WebhookRow, line: Line, now: datetime, held: datetime) -> datetime:
        """When a line is looked at again that only waits for its webhook: soon after a pause.

        Else the longer it has waited the less often, so that thousands cost little, and not all at once.
        """
        if model.is_down(webhook) and held > now:
            return held + _SPREAD * self.random()
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
