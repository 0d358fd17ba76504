"""Turns: however requests come and however late they use theirs, no second holds too many (auth.md §11)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.platform import APPLICATION, Answer, Platform, answered, scripted
from privatenumber.platform import errors
from privatenumber.platform.budget import LATE_US, Batch, Full, MemoryBudget, distance_us
from privatenumber.settings import Application

SECOND_US = 1_000_000


def most_in_a_second(moments: list[int]) -> int:
    """The most moments that any second holds, wherever it begins."""
    ordered = sorted(moments)
    return max(
        sum(start <= other < start + SECOND_US for other in ordered[n:]) for n, start in enumerate(ordered)
    )


@given(
    tps=st.integers(1, 40),
    arrivals=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, LATE_US)), min_size=1, max_size=120),
)
def test_no_second_holds_more_than_the_budget(tps: int, arrivals: list[tuple[int, int]]) -> None:
    """Seconds that begin anywhere, turns used as late as they may be."""
    budget, now, used = MemoryBudget(), 0, list[int]()
    for wait, late in arrivals:
        now += wait
        turn = budget.turn("ride", tps, now_us=now, patience_us=10**9)
        assert isinstance(turn, int)
        used.append(turn + late)
    assert most_in_a_second(used) <= tps


def test_a_request_that_nobody_is_before_goes_at_once() -> None:
    assert MemoryBudget().turn("ride", 10, now_us=77, patience_us=0) == 77


def test_whoever_has_no_time_for_his_turn_takes_none() -> None:
    budget = MemoryBudget()
    assert budget.turn("ride", 10, now_us=0, patience_us=0) == 0
    full = budget.turn("ride", 10, now_us=0, patience_us=distance_us(10) - 1)
    assert full == Full(distance_us(10))
    assert budget.turn("ride", 10, now_us=0, patience_us=distance_us(10)) == distance_us(10)


def test_applications_do_not_share_and_zero_is_no_limit() -> None:
    budget = MemoryBudget()
    assert [budget.turn(one, 1, now_us=5, patience_us=0) for one in ("ride", "food")] == [5, 5]
    assert [budget.turn("free", 0, now_us=5, patience_us=0) for _ in range(99)] == [5] * 99


def test_a_batch_grows_with_use_and_shrinks_with_waste() -> None:
    """A quiet environment takes one turn at a time, so that it takes none from the others."""
    assert Batch().next_size(10, now_us=10**15) == 1
    assert [Batch(size=size).next_size(10, now_us=0) for size in (1, 2, 4, 5)] == [2, 4, 5, 5]
    assert Batch(size=5, last_us=0).next_size(10, now_us=SECOND_US + 1) == 1
    wasted = Batch(size=5)
    wasted.turns.extend([0, 100])
    assert wasted.next(LATE_US + 1) == 100
    assert wasted.next_size(10, now_us=0) == 2
    assert Batch(size=1).next_size(1, now_us=0) == 1


def hurried(tps: int, *answers: Answer) -> Platform:
    """A platform in memory whose client has a budget."""
    return scripted(*answers or (answered(200, "0"),), application=limited(tps), budget=MemoryBudget())


def limited(tps: int) -> Application:
    return replace(APPLICATION, tps=tps)


def unbind(platform: Platform, seconds: float = 25.0) -> None:
    platform.client.axb.unbind("id-1", deadline=platform.time.deadline(seconds))


def test_requests_wait_for_their_turn() -> None:
    platform = hurried(2)
    for _ in range(5):
        unbind(platform)
    assert platform.time.waits == [pytest.approx(0.625)] * 4
    assert len(platform.requests) == 5


def test_a_repetition_needs_a_turn_of_its_own() -> None:
    """The platform counts attempts, not operations."""
    platform = hurried(1, answered(500, "1010001"), answered(200, "0"))
    unbind(platform)
    assert platform.time.seconds == pytest.approx(1.25)


def test_without_a_turn_in_time_nothing_is_sent_and_the_caller_knows_when_there_is_one() -> None:
    platform = hurried(1)
    unbind(platform)
    with pytest.raises(errors.NotSent) as refused:
        unbind(platform, seconds=2.0)
    assert len(platform.requests) == 1
    assert refused.value.until is not None
    assert (refused.value.until - platform.time.now()).total_seconds() == pytest.approx(1.25)


def test_a_turn_that_was_overslept_is_not_used() -> None:
    """A process that stood still must not send what belonged to an earlier second."""
    budget = MemoryBudget()
    platform = scripted(answered(200, "0"), application=limited(1), budget=budget)
    unbind(platform)
    client, slept = platform.client._caller, platform.client._caller._sleep
    client._sleep = lambda seconds: slept(seconds + 2.0)
    unbind(platform)
    assert platform.time.waits == [pytest.approx(3.25)]
    now = int(platform.time.now().timestamp() * SECOND_US)
    after = budget.turn("ride", 1, now_us=now, patience_us=10**9)
    assert after == pytest.approx(now + distance_us(1), abs=10)


def test_a_pause_that_began_while_somebody_waited_holds_him_back() -> None:
    platform = hurried(1)
    unbind(platform)
    client, slept = platform.client._caller, platform.client._caller._sleep

    def meanwhile(seconds: float) -> None:
        platform.pauses.pause("*", platform.time.now().replace(year=2027), "locked")
        slept(seconds)

    client._sleep = meanwhile
    with pytest.raises(errors.NotSent, match="paused"):
        unbind(platform)
    assert len(platform.requests) == 1
