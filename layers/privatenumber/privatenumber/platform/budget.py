"""Not more requests in any second than the platform bears, of all environments together (auth.md §11).

A request needs a *turn*: a moment of its own on the application's time line. Turns lie so far apart that,
even when each is used as late as it may be, no second holds more requests than allowed; whole seconds with a
count each would let two fold as many through where they meet. Where all environments draw their turns from
one line is `store.budget`; here are the rules, and a line of one process.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

LATE_US: Final = 250_000
"""A turn may be used so many microseconds late: a request before it took longer than the distance of two."""

_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Full:
    """No turn comes in time; the next one would be free then (epoch microseconds)."""

    until_us: int


class Budget(Protocol):
    """Gives turns to the requests of applications."""

    def turn(self, application: str, tps: int, *, now_us: int, patience_us: int) -> int | Full:
        """When the next request may be sent: now or later, at most ``patience_us`` later.

        Times are epoch microseconds. A turn that is not used is lost; it ends `LATE_US` after its moment.
        """
        ...


class NoLimit:
    """For tools and tests: every turn is now."""

    def turn(self, application: str, tps: int, *, now_us: int, patience_us: int) -> int | Full:
        """See :class:`Budget`."""
        return now_us


UNLIMITED: Final = NoLimit()


class MemoryBudget:
    """The turns of one process, for when nothing is shared."""

    def __init__(self) -> None:
        self._free_at: dict[str, int] = {}
        self._lock = Lock()

    def turn(self, application: str, tps: int, *, now_us: int, patience_us: int) -> int | Full:
        """See :class:`Budget`."""
        if tps <= 0:
            return now_us
        with self._lock:
            turn = max(now_us, self._free_at.get(application, 0))
            if turn > now_us + patience_us:
                return Full(turn)
            self._free_at[application] = turn + distance_us(tps)
            return turn


def distance_us(tps: int) -> int:
    """Microseconds between two turns.

    Requests of a second [t, t+1) come from turns of [t - late, t+1): that stretch must hold ``tps`` of them.
    """
    return math.ceil((_SECOND_US + LATE_US) / tps)


@dataclass
class Batch:
    """Turns that were drawn together, and how many of the last ones came of use."""

    turns: deque[int] = field(default_factory=deque)
    size: int = 0
    """How many were drawn; 0: none so far."""
    last_us: int = 0
    """Moment of the last of them."""
    wasted: bool = False

    def next(self, now_us: int) -> int | None:
        """The first turn that can still be used; None when none is left."""
        while self.turns and self.turns[0] + LATE_US < now_us:
            self.turns.popleft()
            self.wasted = True
        return self.turns[0] if self.turns else None

    def next_size(self, tps: int, now_us: int) -> int:
        """How many to draw now: twice as many while all were used, half of them when some were not.

        One after a second without requests, and never more than half of a second's: others want some too.
        """
        if now_us > self.last_us + _SECOND_US:
            return 1
        wanted = self.size // 2 if self.wasted else self.size * 2
        return max(1, min(wanted, tps // 2))
