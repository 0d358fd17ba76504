"""Requests that have time are spread evenly (auth.md §5), proven on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from privatenumber.platform.pacing import Pace, PacedTransport
from privatenumber.platform.transport import Response


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Platform:
    """Notes when each request came, and takes its time over it."""

    clock: Clock
    takes_s: float = 0.0
    came: list[float] = field(default_factory=list)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Response:
        self.came.append(self.clock.now)
        self.clock.now += self.takes_s
        return Response(200, {}, b"{}")


def ask(way: PacedTransport, times: int) -> None:
    for _ in range(times):
        way.send("GET", "/", {}, None, connect_s=1, read_s=1)


@pytest.mark.parametrize("per_second", [0.5, 4, 20])
def test_no_second_holds_more_requests_than_the_pace(per_second: float) -> None:
    clock = Clock()
    platform = Platform(clock)
    ask(PacedTransport(platform, Pace(per_second, monotonic=clock, sleep=clock.sleep)), 50)
    gaps = [later - earlier for earlier, later in zip(platform.came, platform.came[1:], strict=False)]
    assert min(gaps) == pytest.approx(1 / per_second)
    assert platform.came[-1] - platform.came[0] == pytest.approx(49 / per_second)


def test_the_time_of_an_answer_counts_as_waiting() -> None:
    clock = Clock()
    platform = Platform(clock, takes_s=0.1)
    ask(PacedTransport(platform, Pace(5, monotonic=clock, sleep=clock.sleep)), 11)
    assert platform.came[-1] - platform.came[0] == pytest.approx(2.0)


def test_a_platform_slower_than_the_pace_is_not_made_slower() -> None:
    clock = Clock()
    platform = Platform(clock, takes_s=0.5)
    ask(PacedTransport(platform, Pace(5, monotonic=clock, sleep=clock.sleep)), 11)
    assert platform.came[-1] - platform.came[0] == pytest.approx(5.0)


def test_turns_that_nobody_took_are_not_saved_up() -> None:
    clock = Clock()
    platform = Platform(clock)
    way = PacedTransport(platform, Pace(2, monotonic=clock, sleep=clock.sleep))
    ask(way, 1)
    clock.now += 60
    ask(way, 3)
    assert platform.came[1:] == pytest.approx([1060.0, 1060.5, 1061.0])


def test_several_ways_share_a_pace() -> None:
    clock = Clock()
    platform, pace = Platform(clock), Pace(10, monotonic=clock, sleep=clock.sleep)
    one, other = PacedTransport(platform, pace), PacedTransport(platform, pace)
    for _ in range(5):
        ask(one, 1)
        ask(other, 1)
    assert platform.came[-1] - platform.came[0] == pytest.approx(0.9)
