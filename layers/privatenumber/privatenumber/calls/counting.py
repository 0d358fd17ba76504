"""Counts the days of an application out of its rows, as they are now; again at any time.

A day is counted every hour until it is over, and for the last time when nothing can come late any more: the
platform repeats a push for hours, but not for a day (notifications.md §8.2). What a person replays later is
counted when the day is counted again on request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from privatenumber.calls.peaks import Peaks
from privatenumber.calls.statistics import Group, Statistics, Whereabouts
from privatenumber.store.call_days import rows_between
from privatenumber.store.call_search import CallSearch, Kind
from privatenumber.store.calls import read_call
from privatenumber.store.messages import read_message
from privatenumber.store.milestones import MilestoneReader
from privatenumber.store.statistics import Line, StatisticsStore
from privatenumber.times import beijing_day, day_bounds

FINAL_AFTER: Final = timedelta(hours=24)
"""So long after its end a day is counted for good."""

KEPT: Final = timedelta(days=800)
"""The console keeps two years (operations.md §13)."""

KEPT_UNTIL_FINAL: Final = timedelta(days=14)
"""So long what was counted before; a day that nobody counts for good is counted again by then."""

_FORGOTTEN_WITHIN_DAYS: Final = 10
"""So much before rows are forgotten a day is not counted again: it may have lost some."""

_LOOKED_BACK: Final = 7
_OVERLAP: Final = timedelta(hours=2)
"""A call that began so long before the day may still be under way in it."""


class NotCountable(ValueError):
    """The day has not begun, or its rows are forgotten; the text says which."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting a day came to; ``replaced`` is False when a later reading stands there."""

    rows: int
    lines: int
    replaced: bool


@dataclass(frozen=True, slots=True)
class DayCounting:
    """Counts days.

    ``where`` tells where the numbers of an application belong; ``kept_days`` is how long rows of calls, texts
    and steps of bindings are kept, the shortest of them.
    """

    search: CallSearch
    milestones: MilestoneReader
    store: StatisticsStore
    where: Callable[[str], Whereabouts]
    kept_days: int

    def count(self, application: str, day: date, *, as_of: datetime) -> Counted:
        """Count a day; ``as_of`` is now. Raises NotCountable."""
        self.check(day, now=as_of)
        statistics = self.read(application, day)
        final = as_of >= day_bounds(day)[1] + FINAL_AFTER
        groups = lines_of(statistics)
        replaced = self.store.put(
            application,
            day,
            groups,
            rows=statistics.rows,
            as_of=as_of,
            expires_at=day_bounds(day)[1] + KEPT if final else as_of + KEPT_UNTIL_FINAL,
        )
        return Counted(statistics.rows, sum(map(len, groups.values())), replaced)

    def read(self, application: str, day: date) -> Statistics:
        """The statistics of a day out of its rows."""
        where, statistics, peaks = self.where(application), Statistics(), Peaks()
        start, end = day_bounds(day)
        for _, row in rows_between(self.search, Kind.CALL, application, start - _OVERLAP, end):
            call = read_call(row).says
            counted = beijing_day(call.started_at) == day
            if counted:
                statistics.add_call(call, where)
            peaks.take(call, counted=counted)
        statistics.add_peaks(peaks.most())
        for _, row in rows_between(self.search, Kind.SMS, application, start, end):
            message = read_message(row).says
            if beijing_day(message.at) == day:
                statistics.add_message(message, where)
        for milestone in self.milestones.of_day(application, day):
            statistics.add_milestone(milestone, where)
        return statistics

    def lag(self, applications: Iterable[str], *, now: datetime) -> timedelta:
        """How long ago the application that waits longest was counted; one that never was does not wait."""
        days = [beijing_day(now) - timedelta(days=back) for back in range(_LOOKED_BACK + 1)]
        lag = timedelta()
        for application in applications:
            heads = (self.store.head(application, day) for day in days)
            newest = max((head.as_of for head in heads if head), default=now)
            lag = max(lag, now - newest)
        return lag

    def check(self, day: date, *, now: datetime) -> None:
        """Raise NotCountable for a day that cannot be counted now."""
        age = (beijing_day(now) - day).days
        most = self.kept_days - _FORGOTTEN_WITHIN_DAYS
        if age < 0:
            raise NotCountable("the day has not begun in Beijing")
        if age > max(most, _LOOKED_BACK):
            raise NotCountable(f"what happened more than {most} days ago may be forgotten in part")

    def due(self, applications: Iterable[str], *, now: datetime) -> Iterator[tuple[str, date]]:
        """Days that are to be counted now: today and yesterday always, older ones until they are final."""
        today = beijing_day(now)
        for application in applications:
            yield application, today
            yield application, today - timedelta(days=1)
            for back in range(2, _LOOKED_BACK + 1):
                day = today - timedelta(days=back)
                head = self.store.head(application, day)
                if head is None or head.as_of < day_bounds(day)[1] + FINAL_AFTER:
                    yield application, day


def lines_of(statistics: Statistics) -> dict[str, list[Line]]:
    """The lines of each group, by value and hour; a counter of nothing is left out."""
    groups: defaultdict[str, list[Line]] = defaultdict(list)
    for cell, counts in sorted(statistics.cells.items()):
        told = {name: count for name, count in sorted(counts.items()) if count}
        groups[cell.group.value].append((cell.value, cell.hour, told))
    return {group.value: groups[group.value] for group in Group}
