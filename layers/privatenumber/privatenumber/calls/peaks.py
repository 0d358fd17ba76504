"""How many calls an X carried at once (checklist C-121), in one pass over calls by their start."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from privatenumber.store.calls import Call
from privatenumber.times import BEIJING

UNENDED_COUNTS: Final = timedelta(hours=1)
"""A call whose end never came is taken for over after this: one lost event must not stay a call for ever."""


class Peaks:
    """Takes calls, the earliest first. Remembers of each X only the calls that are under way."""

    def __init__(self) -> None:
        self._ends: defaultdict[str, list[datetime]] = defaultdict(list)
        self._most: dict[tuple[int, str], int] = {}

    def take(self, call: Call, *, counted: bool = True) -> None:
        """Note a call; one that is not ``counted`` only stands in the way of others, as of the day before."""
        if call.x is None:
            return
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
