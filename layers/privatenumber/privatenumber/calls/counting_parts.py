"""The rows of a day as a count takes them in, and what it notes down to go on with when its time is over.

A day is parted by time, not by shard: how many calls an X carried at once is told only by all its calls in
their order. So a part says, beside its counts, which calls were under way at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol

from privatenumber.calls.peaks import Peaks
from privatenumber.calls.statistics import Cell, Group, Statistics
from privatenumber.store.call_days import rows_between
from privatenumber.store.call_search import CallSearch, Kind, Place
from privatenumber.store.calls import read_call
from privatenumber.store.messages import read_message
from privatenumber.store.milestones import STEP_SHARDS, MilestoneReader
from privatenumber.store.statistics import Head, Line
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import beijing_day, day_bounds

UNDER_WAY: Final = "under_way"
"""The group of a part that says when calls of an X end: milliseconds of the epoch, and how many do."""

_CALLS, _TEXTS, _STEPS = 0, 1, 2
"""Stages of a count; each shard of the steps is a stage of its own."""

_OVERLAP: Final = timedelta(hours=2)
"""A call that began so long before the day may still be under way in it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class PartForgotten(Exception):
    """A part of a count is gone: the day has to be counted anew."""


class Lines(Protocol):
    """Where the lines of a head are: a `StatisticsStore`."""

    def lines(self, head: Head, group: str) -> Iterable[Line] | None:
        """The lines of a group; None when they are forgotten."""
        ...


@dataclass(slots=True)
class DayRows:
    """Takes in the rows of a day: calls and texts, the oldest first, then the steps of bindings.

    ``statistics`` is what was seen since the last of ``parts``, ``stage`` and ``after`` where it goes on.
    """

    search: CallSearch
    milestones: MilestoneReader
    application: str
    day: date
    statistics: Statistics = field(default_factory=Statistics)
    peaks: Peaks = field(default_factory=Peaks)
    parts: int = 0
    stage: int = _CALLS
    after: Place | None = None

    def read(self, where: Whereabouts) -> Generator[None, None, None]:
        """Take in the rest; at each step `part` may be noted down."""
        if self.stage == _CALLS:
            yield from self._calls(where)
            self.stage, self.after = _TEXTS, None
        if self.stage == _TEXTS:
            yield from self._texts(where)
            self.stage, self.after = _STEPS, None
        while self.stage < _STEPS + STEP_SHARDS:
            for step in self.milestones.of_day(self.application, self.day, shards=[self.stage - _STEPS]):
                self.statistics.add_milestone(step, where)
            self.stage += 1
            yield

    def _calls(self, where: Whereabouts) -> Generator[None, None, None]:
        start, end = day_bounds(self.day)
        begin = start - _OVERLAP
        rows = rows_between(self.search, Kind.CALL, self.application, begin, end, after=self.after)
        with closing(rows):
            for place, row in rows:
                call = read_call(row).says
                counted = beijing_day(call.started_at) == self.day
                if counted:
                    self.statistics.add_call(call, where)
                self.peaks.take(call, counted=counted)
                self.after = place
                yield

    def _texts(self, where: Whereabouts) -> Generator[None, None, None]:
        start, end = day_bounds(self.day)
        rows = rows_between(self.search, Kind.SMS, self.application, start, end, after=self.after)
        with closing(rows):
            for place, row in rows:
                message = read_message(row).says
                if beijing_day(message.at) == self.day:
                    self.statistics.add_message(message, where)
                self.after = place
                yield

    def part(self) -> Mapping[str, Sequence[Line]]:
        """What is noted down of the rows since the last part."""
        self.statistics.add_peaks(self.peaks.most())
        under_way = [
            (x, 0, dict(Counter(str((end - _EPOCH) // _MS) for end in ends)))
            for x, ends in sorted(self.peaks.under_way().items())
        ]
        return {**lines_of(self.statistics), UNDER_WAY: under_way}

    def next_part(self) -> None:
        """Begin anew behind the part that was noted down."""
        self.statistics, self.peaks = Statistics(), Peaks(self.peaks.under_way())
        self.parts += 1


def lines_of(statistics: Statistics) -> dict[str, list[Line]]:
    """The lines of each group, by value and hour; a counter of nothing is left out."""
    groups: defaultdict[str, list[Line]] = defaultdict(list)
    for cell, counts in sorted(statistics.cells.items()):
        told = {name: count for name, count in sorted(counts.items()) if count}
        groups[cell.group.value].append((cell.value, cell.hour, told))
    return {group.value: groups[group.value] for group in Group}


def lines_in(store: Lines, part: Head, group: str) -> Iterable[Line]:
    """The lines of a group in a part. Raises PartForgotten."""
    lines = store.lines(part, group)
    if lines is None:
        raise PartForgotten
    return lines


def under_way_of(lines: Iterable[Line]) -> dict[str, list[datetime]]:
    """When the calls end that were under way at the end of a part, by X."""
    return {
        x: [_EPOCH + int(end) * _MS for end, number in ends.items() for _ in range(number)]
        for x, _, ends in lines
    }


def merged(store: Lines, parts: Sequence[Head], rows: DayRows) -> Statistics:
    """The statistics of a day out of its parts and of what was seen since. Raises PartForgotten."""
    whole = rows.statistics
    whole.add_peaks(rows.peaks.most())
    for part in parts:
        seen = Statistics(rows=part.rows)
        for group in Group:
            for value, hour, counts in lines_in(store, part, group):
                seen.cells[Cell(group, value, hour)].update(counts)
        whole.merge(seen)
    return whole
