"""The life of a webhook in pure transitions; users.md U-S13."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from builders.webhooks import webhook
from privatenumber.store.webhooks import State, WebhookRow
from privatenumber.webhooks import model

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
WAIT = timedelta(seconds=30)


def after_failures(count: int, *, row: WebhookRow | None = None, now: datetime = NOW) -> WebhookRow:
    found = row or webhook("one")
    for _ in range(count):
        found = model.failed(now, wait=WAIT, gone=False, slow=False)(found)
    return found


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 5), (3, 30), (4, 120), (5, 300), (6, 600), (99, 600)]
)
def test_waits_grow_to_a_ceiling_with_a_quarter_of_chance(failures: int, seconds: int) -> None:
    chances = iter([0.0, 0.5, 1.0])
    waits = [model.backoff(failures, lambda: next(chances)).total_seconds() for _ in range(3)]
    assert waits == [seconds * 0.75, seconds, seconds * 1.25]


def test_a_few_failures_pause_nothing_many_pause_all() -> None:
    few, many = after_failures(model.PAUSE_AFTER - 1), after_failures(model.PAUSE_AFTER)
    assert (model.held_until(few, NOW), model.held_until(many, NOW)) == (None, NOW + WAIT)


def test_a_delivery_ends_pause_and_count() -> None:
    healed = model.succeeded(0.1)(after_failures(9))
    assert (healed.failures, healed.failing_since, healed.paused_until) == (0, None, None)


def test_whoever_was_down_is_tried_by_one_worker_first() -> None:
    row = after_failures(model.PAUSE_AFTER)
    later = NOW + WAIT
    taken = model.turn(later)(row)
    with pytest.raises(model.Busy) as busy:
        model.turn(later)(taken)
    assert busy.value.until == later + model.ATTEMPT


def test_a_day_without_a_delivery_disables() -> None:
    row = after_failures(1)
    almost = after_failures(1, row=row, now=NOW + model.DISABLE - timedelta(seconds=1))
    over = after_failures(1, row=almost, now=NOW + model.DISABLE)
    assert (almost.state, over.state, over.reason) == (State.ENABLED, State.DISABLED, "failing")
    assert over.due_at == NOW + model.DISABLE + model.PROBE_EVERY


def test_one_that_is_disabled_is_not_made_worse() -> None:
    row = model.disabled(webhook("one"), model.Why.REQUEST, NOW)
    assert after_failures(1, row=row) == row


def test_what_waited_when_it_began_to_fail_counts_as_missed() -> None:
    row = after_failures(1)
    over = after_failures(1, row=row, now=NOW + model.DISABLE)
    assert over.missed_from == NOW - model.GIVE_UP


def test_what_an_earlier_catch_up_has_not_told_stays_missed() -> None:
    row = replace(webhook("one"), missed_from=NOW - timedelta(days=9), catching_up="catch-up-2")
    assert model.disabled(row, model.Why.REQUEST, NOW).missed_from == NOW - timedelta(days=9)


def test_while_it_catches_up_nothing_is_sent() -> None:
    row = model.enabled(webhook("one"), "catch-up-2")
    assert model.held_until(row, NOW) is not None


def test_what_is_dropped_from_lines_is_missed_from_its_own_time() -> None:
    row = replace(webhook("one"), missed_from=NOW, state=State.DISABLED.value)
    day = timedelta(days=1)
    assert model.missed(NOW - day)(row).missed_from == NOW - day
    assert model.missed(NOW + day)(row).missed_from == NOW


def test_a_request_switches_off_also_what_was_disabled_for_another_reason() -> None:
    failing = model.disabled(webhook("one"), model.Why.FAILING, NOW)
    off = model.switched_off(failing, model.Why.REQUEST, NOW + WAIT)
    assert (off.reason, off.due_at, off.disabled_at) == ("request", None, NOW)
