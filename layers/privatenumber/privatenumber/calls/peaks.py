"""How many calls an X carried at once (checklist C-121), in one pass over calls by their start."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from privatenumber.store.calls import Call
from privatenumber.times import BEIJING

UNENDED_COUNTS: Final = timedelta(hours=1)
"""A call whose end never came is taken for over after this: one lost event must not stay a call for ever."""


class Peaks:
    """Takes calls, the earliest first. Remembers of each X only the calls that are under way.

    ``under_way`` says when calls that were taken before end, by X: who goes on behind them counts them too.
    """

    def __init__(self, under_way: Mapping[str, Iterable[datetime]] | None = None) -> None:
        ends = {x: sorted(moments) for x, moments in (under_way or {}).items()}
        self._ends: defaultdict[str, list[datetime]] = defaultdict(list, ends)
        self._most: dict[tuple[int, str], int] = {}
        self._last: datetime | None = None

    def take(self, call: Call, *, counted: bool = True) -> None:
        """Note a call; one that is not ``counted`` only stands in the way of others, as of the day before."""
        if call.x is None:
            return
        self._last = call.started_at
        under_way = self._ends[call.x]
        while under_way and under_way[0] <= call.started_at:
            heapq.heappop(under_way)
        end = call.ended_at or call.started_at + UNENDED_COUNTS
        heapq.heappush(under_way, max(end, call.started_at + timedelta(seconds=1)))
        if counted:
            key = (call.started_at.astimezone(BEIJING).hour, call.x)
            self._most[key] = max(self._most.get(key, 0), len(under_way))

    def most(self) -> Mapping[tuple[int, str], int]:
        """The most calls at once by hour of the day and X: the number at the start of the busiest call."""
        return self._most

    def under_way(self) -> Mapping[str, tuple[datetime, ...]]:
        """When the calls end that were under way as the last one began, by X."""
        last = self._last
        ends = {x: tuple(e for e in found if last is None or e > last) for x, found in self._ends.items()}
        return {x: found for x, found in ends.items() if found}
