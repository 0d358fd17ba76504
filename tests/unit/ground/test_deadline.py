"""An answer in time, whatever the work does (x.md §2)."""

from __future__ import annotations

import threading
import time

import pytest

from privatenumber.deadline import Deadline, OutOfTime, in_time


class Ticking:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_counts_down_and_a_part_of_it_can_be_kept() -> None:
    clock = Ticking()
    deadline = Deadline.after(2, clock)
    assert (deadline.remaining(), deadline.minus(0.5).remaining()) == (2, 1.5)
    clock.now += 1.75
    assert deadline.remaining() == 0.25
    assert deadline.minus(0.5).remaining() == 0


def test_work_that_ends_in_time_is_answered() -> None:
    assert in_time(lambda: 42, Deadline.after(30)) == 42


def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        in_time(work, Deadline.after(30))


def test_work_is_not_begun_when_the_time_is_over() -> None:
    begun: list[bool] = []
    with pytest.raises(OutOfTime):
        in_time(lambda: begun.append(True), Deadline.after(0))
    assert begun == []


def test_work_that_hangs_is_given_up() -> None:
    """A name that does not resolve, a socket that trickles: no client's time-out bounds them."""
    release, started = threading.Event(), time.monotonic()
    try:
        with pytest.raises(OutOfTime):
            in_time(release.wait, Deadline.after(0.05))
        assert time.monotonic() - started < 5
    finally:
        release.set()
