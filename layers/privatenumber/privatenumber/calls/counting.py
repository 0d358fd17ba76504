"""Counts the days of an application out of its rows, as they are now; again at any time.

A day is counted every hour until it is over, and for the last time when nothing can come late any more: the
platform repeats a push for hours, but not for a day (notifications.md §8.2). What a person replays later is
counted when the day is counted again on request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from privatenumber.calls.counting_parts import UNDER_WAY, DayRows, lines_in, lines_of, merged, under_way_of
from privatenumber.calls.peaks import Peaks
from privatenumber.store.call_search import DAY_SHARDS, CallSearch, Kind
from privatenumber.store.milestones import MilestoneReader
from privatenumber.store.statistics import Head, StatisticsStore
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import beijing_day, day_bounds, from_iso

FINAL_AFTER: Final = timedelta(hours=24)
"""So long after its end a day is counted for good."""

KEPT: Final = timedelta(days=800)
"""The console keeps two years (operations.md §13)."""

KEPT_UNTIL_FINAL: Final = timedelta(days=14)
"""So long what was counted before; a day that nobody counts for good is counted again by then."""

PART_ROWS: Final = 200_000
"""So many rows a count notes down before it goes on: half a minute's work, lost at most when a run dies."""

_FORGOTTEN_WITHIN_DAYS: Final = 10
"""So much before rows are forgotten a day is not counted again: it may have lost some."""

_LOOKED_BACK: Final = 7
_MOST_AT_ONCE: Final = 31
"""Days of long ago that one sweep has counted, the oldest first."""


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

    def count(
        self, application: str, day: date, *, as_of: datetime, left: Callable[[], float]
    ) -> Counted | None:
        """Count a day; ``as_of`` is now, or when the count began that this one goes on with.

        ``left`` tells how many seconds there are. None when they are over: whoever counts the day with the
        same ``as_of`` goes on. Raises NotCountable, PartForgotten, and Overtaken when another works on it.
        """
        self.check(day, now=as_of)
        rows = self._resumed(application, day, as_of)
        with closing(rows.read(self.where(application))) as taken:
            for _ in taken:
                over = left() <= 0
                if over or rows.statistics.rows >= PART_ROWS:
                    self._put_part(rows, as_of)
                if over:
                    return None
        return self._put(rows, as_of)

    def _resumed(self, application: str, day: date, as_of: datetime) -> DayRows:
        rows = DayRows(self.search, self.milestones, application, day)
        parts = self.store.parts(application, day, as_of)
        if parts:
            last = parts[-1]
            rows.parts, rows.stage, rows.after = len(parts), last.stage, last.after
            rows.peaks = Peaks(under_way_of(lines_in(self.store, last.head, UNDER_WAY)))
        return rows

    def _put_part(self, rows: DayRows, as_of: datetime) -> None:
        self.store.put_part(
            rows.application,
            rows.day,
            rows.part(),
            number=rows.parts,
            rows=rows.statistics.rows,
            as_of=as_of,
            stage=rows.stage,
            after=rows.after,
        )
        rows.next_part()

    def _put(self, rows: DayRows, as_of: datetime) -> Counted:
        application, day = rows.application, rows.day
        parts = self.store.parts(application, day, as_of) if rows.parts else []
        statistics = merged(self.store, [part.head for part in parts[: rows.parts]], rows)
        final, groups = as_of >= day_bounds(day)[1] + FINAL_AFTER, lines_of(statistics)
        replaced = self.store.put(
            application,
            day,
            groups,
            rows=statistics.rows,
            as_of=as_of,
            expires_at=day_bounds(day)[1] + KEPT if final else as_of + KEPT_UNTIL_FINAL,
        )
        return Counted(statistics.rows, sum(map(len, groups.values())), replaced)

    def lag(self, applications: Iterable[str], *, now: datetime) -> timedelta:
        """How long ago the application that waits longest was counted.

        One that was not counted within a week waits since its first call or text of that week; one that has
        none waits for nothing.
        """
        days = [beijing_day(now) - timedelta(days=back) for back in range(_LOOKED_BACK + 1)]
        lag = timedelta()
        for application in applications:
            heads = [head for day in days if (head := self.store.head(application, day))]
            since = max((head.as_of for head in heads), default=None) or self._first(application, days, now)
            lag = max(lag, now - since)
        return lag

    def _first(self, application: str, days: list[date], now: datetime) -> datetime:
        for day in sorted(days):
            found = [
                from_iso(first.moment.partition("#")[0])
                for kind in Kind
                for shard in range(DAY_SHARDS)
                if (first := next(self.search.of_day(kind, application, day, shard), None))
            ]
            if found:
                return min(*found, now)
        return now

    def check(self, day: date, *, now: datetime) -> None:
        """Raise NotCountable for a day that cannot be counted now."""
        age = (beijing_day(now) - day).days
        if age < 0:
            raise NotCountable("the day has not begun in Beijing")
        if age > self._countable_days:
            most = self._countable_days
            raise NotCountable(f"what happened more than {most} days ago may be forgotten in part")

    @property
    def _countable_days(self) -> int:
        return max(self.kept_days - _FORGOTTEN_WITHIN_DAYS, _LOOKED_BACK)

    def due(self, applications: Iterable[str], *, now: datetime) -> Iterator[tuple[str, date]]:
        """Days that are to be counted now: today and yesterday always, older ones until they are final."""
        today = beijing_day(now)
        for application in applications:
            yield application, today
            yield application, today - timedelta(days=1)
            for day in self._open_days(application, today):
                yield application, day

    def _open_days(self, application: str, today: date) -> list[date]:
        """Days before yesterday that are not final; however long counting fails, none is left out."""
        since = self.store.open_since(application) or today - timedelta(days=_LOOKED_BACK)
        since = max(since, today - timedelta(days=self._countable_days))
        yesterday = today - timedelta(days=1)
        days = [since + timedelta(days=n) for n in range(max(0, (yesterday - since).days))]
        found = [day for day in days if not _is_final(self.store.head(application, day), day)]
        self.store.keep_open_since(application, found[0] if found else yesterday)
        return found[:_MOST_AT_ONCE]


def _is_final(head: Head | None, day: date) -> bool:
    return head is not None and head.as_of >= day_bounds(day)[1] + FINAL_AFTER
