"""The life of a webhook: enabled, failing, disabled, probed, enabled again. Pure transitions of its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.store.webhooks import State, WebhookRow

STEPS_S: Final = (1, 5, 30, 120, 300, 600)
"""Waits after failures in a row; the last one goes on."""

LONGEST_WAIT: Final = timedelta(hours=1)
"""Most that a receiver may ask us to wait (``Retry-After``)."""

GIVE_UP: Final = timedelta(hours=24)
"""So long an event is tried, from when it was noted; once at least."""

DISABLE: Final = timedelta(hours=24)
"""Whoever has failed without a break for so long is disabled."""

PAUSE_AFTER: Final = 5
"""So many failures in a row, of whatever events, and the webhook is paused: its receiver is down."""

PROBE_EVERY: Final = timedelta(hours=1)
ATTEMPT: Final = timedelta(seconds=15)
"""Longer than any attempt: so long one worker keeps a receiver that is down or slow for itself."""

SLOW_S: Final = 3.0
"""Who takes so long is told one thing at a time, so that he does not keep the workers from others."""

SETTLING: Final = timedelta(seconds=60)
"""After so long nobody any more believes a webhook to be disabled that was enabled, and all is logged."""


class Why(StrEnum):
    """Why a webhook is disabled."""

    FAILING = "failing"
    """It failed for too long; it is probed, and enabled when a probe arrives."""
    GONE = "gone"
    """Its receiver answered 410: it wants nothing any more."""
    REQUEST = "request"


class Busy(Exception):
    """Another worker has the receiver for itself until a moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__("another worker tells this webhook something")
        self.until = until


def backoff(failures: int, random: Callable[[], float]) -> timedelta:
    """How long to wait after so many failures in a row, give or take a quarter; ``random`` gives 0..1."""
    step = STEPS_S[min(max(failures, 1), len(STEPS_S)) - 1]
    return timedelta(seconds=step * (0.75 + random() / 2))


def held_until(row: WebhookRow, now: datetime) -> datetime | None:
    """Until when nothing is sent to a webhook; None: it may be sent now."""
    if row.catching_up:
        return now
    return row.paused_until if row.paused_until and row.paused_until > now else None


def needs_turn(row: WebhookRow) -> bool:
    """Whether workers have to take turns with a webhook: its receiver is slow, or was down a moment ago."""
    return row.slow or row.failures >= PAUSE_AFTER


def turn(now: datetime) -> Callable[[WebhookRow], WebhookRow]:
    """Take the turn with a webhook. Raises Busy."""

    def taken(row: WebhookRow) -> WebhookRow:
        if not needs_turn(row):
            return row
        if row.paused_until and row.paused_until > now:
            raise Busy(row.paused_until)
        return replace(row, paused_until=now + ATTEMPT)

    return taken


def succeeded(took_s: float) -> Callable[[WebhookRow], WebhookRow]:
    """After a delivery: nothing is held against a webhook but that it is slow."""

    def healed(row: WebhookRow) -> WebhookRow:
        return replace(row, failures=0, failing_since=None, paused_until=None, slow=took_s >= SLOW_S)

    return healed


def failed(
    now: datetime, *, wait: timedelta, gone: bool, slow: bool, refused: bool = False
) -> Callable[[WebhookRow], WebhookRow]:
    """After a failure: paused when it is one of many, disabled when it was so for too long.

    ``refused``: the receiver is there and does not want this event; that is held against the event alone.
    """

    def worse(row: WebhookRow) -> WebhookRow:
        if row.state != State.ENABLED:
            return row
        if refused:
            return replace(row, slow=row.slow or slow)
        since = row.failing_since or now
        if gone or now - since >= DISABLE:
            return disabled(row, Why.GONE if gone else Why.FAILING, now)
        failures = row.failures + 1
        paused = now + wait if failures >= PAUSE_AFTER else None
        return replace(
            row, failures=failures, failing_since=since, paused_until=paused, slow=row.slow or slow
        )

    return worse


def is_down(row: WebhookRow) -> bool:
    """Whether a webhook's receiver takes nothing at all, so that no event is to blame."""
    return row.state != State.ENABLED or row.failures >= PAUSE_AFTER


def disabled(row: WebhookRow, why: Why, now: datetime) -> WebhookRow:
    """A webhook that is told nothing until it is enabled; one that failed is probed.

    It may have missed what waited when it began to fail, and what an earlier catch-up has not told yet.
    """
    return replace(
        row,
        state=State.DISABLED.value,
        reason=why.value,
        disabled_at=now,
        paused_until=None,
        catching_up=None,
        missed_from=row.missed_from or (row.failing_since or now) - GIVE_UP,
        probes=0,
        due_at=now + PROBE_EVERY if why is Why.FAILING else None,
    )


def switched_off(row: WebhookRow, why: Why, now: datetime) -> WebhookRow:
    """A webhook that nothing but a request enables again, also when it was disabled before."""
    if row.state == State.ENABLED:
        return disabled(row, why, now)
    return replace(row, reason=why.value, due_at=None)


def missed(since: datetime) -> Callable[[WebhookRow], WebhookRow]:
    """A disabled webhook, some of whose lines are dropped: what waited in them is missed as well."""

    def earlier(row: WebhookRow) -> WebhookRow:
        if row.state != State.DISABLED:
            return row
        return replace(row, missed_from=min(row.missed_from or since, since))

    return earlier


def probed_in_vain(row: WebhookRow, now: datetime) -> WebhookRow:
    """A disabled webhook after a probe that did not arrive."""
    return replace(row, probes=row.probes + 1, due_at=now + PROBE_EVERY)


def enabled(row: WebhookRow, catching_up: str | None) -> WebhookRow:
    """A webhook that is told everything again, after the replay of what it has missed."""
    return replace(
        row,
        state=State.ENABLED.value,
        reason=None,
        disabled_at=None,
        failures=0,
        failing_since=None,
        paused_until=None,
        slow=False,
        catching_up=catching_up,
        probes=0,
        due_at=None,
    )
