"""The plan of a storm: drawn from a seed, the same again from its JSON."""

from __future__ import annotations

import json

import pytest

from storm.orders import orders_of
from storm.plan import MODES, Plan, days_for, make_plan


def test_the_same_seed_makes_the_same_plan() -> None:
    assert make_plan(7, 300) == make_plan(7, 300)


def test_another_seed_makes_another_plan() -> None:
    assert make_plan(7, 300).faults != make_plan(8, 300).faults


def test_a_plan_is_replayed_from_its_json() -> None:
    plan = make_plan(3, 120).with_orders((1, 5, 77))
    assert Plan.from_json(plan.to_json()) == plan


def test_a_plan_that_is_none_is_refused() -> None:
    with pytest.raises((KeyError, ValueError)):
        Plan.from_json(json.dumps({"seed": 1}))


def test_every_kind_of_fault_comes_in_every_storm() -> None:
    """A run that never meets a kind of fault proves nothing about it."""
    assert {fault.kind for fault in make_plan(1, 1).faults} == {
        *("platform.timeout_after_success", "platform.timeout_before", "platform.error_5xx"),
        *("platform.error_5xx_after_success", "platform.no_connection", "platform.flow_control"),
        *("platform.lock_out", "platform.arrears", "push.answer_lost", "push.duplicate", "push.delay"),
        *("push.reorder", "push.never_sent", "push.refused_for_hours", "function.crash"),
        "function.overlap",
        *("function.timeout", "queue.twice", "table.throttled", "table.conflicts", "table.answer_lost"),
        *(
            "receiver.down",
            "receiver.answer_lost",
            "number.returned",
            "push.batched",
            "drift.lost",
            "drift.foreign",
        ),
        *("recording.missing", "recording.late", "recording.url_expired", "recording.broken_off"),
        *("table.outage", "source.skipped", "clock.skew", "number.suspended"),
        *("table.withheld", "scheduler.outage"),
    }


def test_faults_and_orders_lie_within_the_time_of_the_storm() -> None:
    plan = make_plan(2, 400)
    last_s = days_for(400) * 86_400
    assert all(0 < fault.at_s <= last_s for fault in plan.faults)
    assert all(0 < order.at_s < last_s for order in orders_of(plan))


def test_orders_come_in_every_mode() -> None:
    assert {order.mode for order in orders_of(make_plan(1, 20))} == set(MODES)


def test_an_order_is_the_same_whoever_plays_beside_it() -> None:
    """What minimisation relies on."""
    plan = make_plan(5, 50)
    (alone,) = orders_of(plan.with_orders((31,)))
    assert alone in orders_of(plan)
