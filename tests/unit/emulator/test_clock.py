"""The scheduler: standing still, advancing in order, following the machine (design.md §8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from emulator.clock import Scheduler

START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.anyio


class Machine:
    """A machine clock that a test moves."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


class Diary:
    """Notes which action ran at which moment of the clock."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.lines: list[tuple[str, float]] = []
        self._scheduler = scheduler

    def writes(self, text: str) -> Callable[[], Awaitable[None]]:
        async def write() -> None:
            self.lines.append((text, (self._scheduler.now() - START).total_seconds()))

        return write


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_a_virtual_clock_stands_still() -> None:
    scheduler = Scheduler(start=START)
    await asyncio.sleep(0)
    assert scheduler.now() == START


async def test_advance_runs_what_is_due_in_order_of_time_at_its_own_time() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)
    for seconds in (30, 10, 20, 61):
        scheduler.at(at(seconds), diary.writes(f"after {seconds}"))
    assert await scheduler.advance(60) == 3
    assert diary.lines == [("after 10", 10), ("after 20", 20), ("after 30", 30)]
    assert scheduler.now() == at(60)


async def test_actions_of_one_moment_run_in_the_order_they_were_scheduled() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)
    for name in "abc":
        scheduler.at(at(5), diary.writes(name))
    await scheduler.advance(5)
    assert [text for text, _ in diary.lines] == ["a", "b", "c"]


async def test_an_action_may_schedule_actions_inside_the_same_advance() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)

    async def call() -> None:
        scheduler.after(20, diary.writes("answer"))
        scheduler.after(5, diary.writes("ring"))

    scheduler.at(at(10), call)
    await scheduler.advance(60)
    assert diary.lines == [("ring", 15), ("answer", 30)]


async def test_an_action_of_the_past_runs_at_once_without_turning_time_back() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)
    scheduler.at(at(-100), diary.writes("late"))
    await scheduler.advance(0)
    assert diary.lines == [("late", 0)]


async def test_two_advances_at_once_run_one_after_the_other_and_add_up() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)

    async def slow() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await diary.writes("slow")()

    scheduler.at(at(10), slow)
    scheduler.at(at(70), diary.writes("later"))
    ran = list(await asyncio.gather(scheduler.advance(60), scheduler.advance(60)))
    assert ran == [1, 1]
    assert diary.lines == [("slow", 10), ("later", 70)]
    assert scheduler.now() == at(120)


async def test_advance_to_a_past_moment_moves_nothing_back() -> None:
    scheduler = Scheduler(start=START)
    await scheduler.advance_to(at(-5))
    assert scheduler.now() == START


async def test_the_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        await Scheduler(start=START).advance(-1)


async def test_a_cancelled_action_does_not_run() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)
    handle = scheduler.at(at(10), diary.writes("cancelled"))
    handle.cancel()
    assert scheduler.pending() == []
    assert await scheduler.advance(60) == 0


async def test_a_failing_action_is_kept_and_stops_nothing() -> None:
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)

    async def fail() -> None:
        raise RuntimeError("broken")

    scheduler.at(at(1), fail, "a bad one")
    scheduler.at(at(2), diary.writes("next"))
    await scheduler.advance(10)
    assert [label for label, _ in scheduler.failures] == ["a bad one"]
    assert diary.lines == [("next", 2)]


async def test_six_hours_of_retries_pass_without_waiting() -> None:
    """Every offset of the retry schedule runs at its minute (C-053)."""
    scheduler = Scheduler(start=START)
    diary = Diary(scheduler)
    for minutes in (1, 4, 9, 106, 203, 300):
        scheduler.at(at(minutes * 60), diary.writes(f"{minutes}"))
    await scheduler.advance(6 * 3600)
    assert [seconds / 60 for _, seconds in diary.lines] == [1, 4, 9, 106, 203, 300]


async def test_an_advance_waits_for_work_beside_the_clock_before_time_moves() -> None:
    scheduler = Scheduler(start=START)
    seen: list[datetime] = []

    async def finish() -> None:
        seen.append(scheduler.now())

    scheduler.before_moving.append(finish)
    scheduler.at(at(10), Diary(scheduler).writes("x"))
    await scheduler.advance(20)
    assert seen == [START, at(10)]


async def test_a_real_clock_follows_the_machine() -> None:
    machine = Machine()
    scheduler = Scheduler("real", machine=machine)
    machine.time += timedelta(seconds=7)
    assert scheduler.now() == at(7)


async def test_a_real_clock_may_start_at_another_moment() -> None:
    scheduler = Scheduler("real", start=at(1000), machine=Machine())
    assert scheduler.now() == at(1000)
    assert scheduler.offset == timedelta(seconds=1000)


async def test_advance_of_a_real_clock_jumps_the_offset_and_runs_what_comes_due() -> None:
    machine = Machine()
    scheduler = Scheduler("real", machine=machine)
    diary = Diary(scheduler)
    scheduler.at(at(1800), diary.writes("half an hour"))
    await scheduler.advance(3600)
    assert diary.lines == [("half an hour", 1800)]
    machine.time += timedelta(seconds=1)
    assert scheduler.now() == at(3601)


async def test_machine_time_that_passes_during_an_advance_is_not_added() -> None:
    machine = Machine()
    scheduler = Scheduler("real", machine=machine)

    async def slow() -> None:
        machine.time += timedelta(seconds=30)

    scheduler.at(at(5), slow)
    await scheduler.advance(10)
    assert scheduler.now() == at(10)


async def test_a_real_clock_runs_what_comes_due_by_itself() -> None:
    machine = Machine()
    scheduler = Scheduler("real", machine=machine)
    diary = Diary(scheduler)
    ran = asyncio.Event()

    async def act() -> None:
        await diary.writes("due")()
        ran.set()

    runner = asyncio.create_task(scheduler.run())
    scheduler.at(at(60), act)
    await asyncio.sleep(0)
    assert diary.lines == []
    machine.time += timedelta(seconds=60)
    scheduler.at(at(9999), diary.writes("never"))
    await asyncio.wait_for(ran.wait(), 5)
    runner.cancel()
    assert diary.lines == [("due", 60)]


async def test_on_a_real_clock_a_slow_action_does_not_hold_up_later_ones() -> None:
    scheduler = Scheduler("real", machine=Machine())
    free, ran = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await free.wait()

    async def quick() -> None:
        ran.set()

    runner = asyncio.create_task(scheduler.run())
    scheduler.at(START, slow)
    scheduler.at(START, quick)
    await asyncio.wait_for(ran.wait(), 5)
    free.set()
    await scheduler.settle()
    runner.cancel()


async def test_clear_forgets_what_was_planned_and_keeps_the_time() -> None:
    scheduler = Scheduler(start=START)
    scheduler.at(at(1), Diary(scheduler).writes("x"))
    scheduler.clear()
    assert await scheduler.advance(5) == 0
    assert scheduler.now() == at(5)
