"""Making a failing plan short."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from storm.minimise import minimise, shrink
from storm.orders import orders_of
from storm.plan import DAY_S, Plan, make_plan


def needing(orders: Collection[int], faults: Collection[str]) -> Plan:
    """A plan in which these orders and faults are."""
    plan = make_plan(1, 40)
    assert set(orders) <= set(plan.numbers)
    assert set(faults) <= {fault.id for fault in plan.faults}
    return plan


def breaks(orders: Collection[int], faults: Collection[str], plan: Plan) -> list[str]:
    """A judgement that breaks when all of them are there."""
    there = set(orders) <= set(plan.numbers) and set(faults) <= {fault.id for fault in plan.faults}
    return ["bindings"] if there else []


def test_only_what_is_needed_is_left() -> None:
    plan = needing({3, 17}, {"f2", "f9"})
    small = minimise(plan, lambda one: breaks({3, 17}, {"f2", "f9"}, one), say=lambda line: None, most=500)
    assert small.numbers == (3, 17)
    assert [fault.id for fault in small.faults] == ["f2", "f9"]


def test_a_failure_that_needs_no_fault_is_left_without_any() -> None:
    plan = needing({5}, ())
    small = minimise(plan, lambda one: breaks({5}, (), one), say=lambda line: None, most=500)
    assert (small.numbers, small.faults) == ((5,), ())


def test_another_judgement_that_breaks_instead_is_not_followed() -> None:
    """A shorter plan has to fail for the same reason."""

    def broken(plan: Plan) -> list[str]:
        return ["bindings", "alarms"] if len(plan.numbers) > 10 else ["alarms"]

    assert len(minimise(make_plan(1, 40), broken, say=lambda line: None, most=200).numbers) > 10


def test_it_ends_with_the_best_when_its_runs_are_over() -> None:
    plan = needing({3}, ())
    small = minimise(plan, lambda one: breaks({3}, (), one), say=lambda line: None, most=2)
    assert 3 in small.numbers
    assert len(small.numbers) < 40


def test_an_order_is_left_even_if_none_is_needed() -> None:
    """Without any, most judgements would have nothing to look at."""
    small = minimise(
        needing((), {"f2"}), lambda one: breaks((), {"f2"}, one), say=lambda line: None, most=500
    )
    assert (len(small.numbers), [fault.id for fault in small.faults]) == (1, ["f2"])


def test_each_shorter_plan_is_kept_as_it_is_found() -> None:
    kept: list[Plan] = []
    small = minimise(
        needing({3}, ()), lambda one: breaks({3}, (), one), say=lambda line: None, keep=kept.append, most=200
    )
    sizes = [(len(plan.numbers), len(plan.faults)) for plan in kept]
    assert sizes == sorted(sizes, reverse=True)
    assert kept[-1] == small


def test_a_plan_that_breaks_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="every judgement is true"):
        minimise(make_plan(1, 5), lambda one: [], say=lambda line: None)


def test_what_needs_all_parts_is_left_as_it_is() -> None:
    def all_of_them(items: Sequence[int]) -> bool:
        return len(items) == 6

    assert list(shrink(range(6), all_of_them)) == list(range(6))


def test_days_that_are_not_needed_are_left_out() -> None:
    """A storm of one order costs as much as its days."""
    plan = make_plan(1, 500)
    needed = next(fault for fault in plan.faults if 1.1 < fault.at_s / DAY_S < 1.9)
    small = minimise(plan, lambda one: breaks((), {needed.id}, one), say=lambda line: None, most=500)
    assert (small.played_days, small.faults) == (2.0, (needed,))
    assert all(order.at_s < 2 * DAY_S for order in orders_of(plan.cut(2.0)))


def test_a_plan_that_was_cut_is_the_same_once_it_was_written() -> None:
    small = make_plan(1, 500).cut(2.0)
    assert Plan.from_json(small.to_json()) == small
