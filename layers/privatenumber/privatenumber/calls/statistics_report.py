"""Statistics of a stretch of days, out of what was counted for each day: lines by period and group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from privatenumber.calls.counting import FINAL_AFTER
from privatenumber.calls.delays import percentile
from privatenumber.calls.statistics import DELAY, OUTCOMES, PEAK, Counts, Group, together
from privatenumber.codes.causes import Cause, sms_result, teardown
from privatenumber.csv_rows import BYTE_ORDER_MARK, Value, rendered
from privatenumber.store.statistics import Head, Line
from privatenumber.times import day_bounds, iso

MAX_DAYS: Final = 186
"""Six months, as the console has it (operations.md §13)."""

MAX_LINES: Final = 5_000
"""A function's answer has at most six megabytes, a line about one thousandth of one."""

MAX_PAGES: Final = 200
"""Pages of at most 300 KB that are added up for an answer: each takes 14 ms of a processor, and a function of
512 MB has 0.29 of one."""

MAX_PAGES_OF_ONE: Final = 8 * MAX_PAGES
"""For one value most lines are passed over unread."""

BY_APPLICATION: Final = "application"
_THREADS: Final = 8


class By(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    ALL = "all"


class TooManyLines(Exception):
    """The answer would be too long."""


class TooMuchToRead(Exception):
    """The answer would take longer than a request may: its days have too many lines."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: days of Beijing, both included. ``group`` is a `Group` or ``application``."""

    applications: tuple[str, ...]
    since: date
    until: date
    by: By = By.DAY
    group: str = Group.TOTAL
    only: str | None = None
    """A value of the group; None = all."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Beginning and end as people read them, both included; Beijing time."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Report:
    """Lines by period and value; ``heads`` are those of the days that were counted at all."""

    asked: Asked
    heads: tuple[Head, ...]
    lines: Mapping[tuple[Period, str], Counts]


class Counted(Protocol):
    """Where counted days are kept: a `StatisticsStore`."""

    def head(self, application: str, day: date) -> Head | None:
        """What is known of a day."""
        ...

    def lines(self, head: Head, group: str, only: str | None = None) -> Iterable[Line] | None:
        """The lines of a group, or of one value of it."""
        ...


def report(store: Counted, asked: Asked) -> Report:
    """Read and add up. Raises TooMuchToRead, and TooManyLines."""
    group = Group.TOTAL if asked.group == BY_APPLICATION else Group(asked.group)
    dates = [asked.since + timedelta(days=n) for n in range((asked.until - asked.since).days + 1)]
    only = asked.only if asked.group == group else None

    def read(head: Head) -> tuple[Head, Iterable[Line]] | None:
        lines = store.lines(head, group, only)
        return None if lines is None else (head, lines)

    heads: list[Head] = []
    found: defaultdict[tuple[Period, str], Counts] = defaultdict(Counter)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        wanted = [(application, day) for day in dates for application in asked.applications]
        counted = [head for head in pool.map(lambda item: store.head(*item), wanted) if head]
        most = MAX_PAGES if only is None else MAX_PAGES_OF_ONE
        if sum(head.pages.get(group, 0) for head in counted) > most:
            raise TooMuchToRead
        # A few days at a time: a day of very many numbers is long.
        for start in range(0, len(counted), _THREADS):
            for head, lines in filter(None, pool.map(read, counted[start : start + _THREADS])):
                heads.append(head)
                for value, hour, counts in _wanted(asked, head, lines):
                    together(found[_period(asked, head.day, hour), value], counts)
                    if len(found) > MAX_LINES:
                        raise TooManyLines
    return Report(asked, tuple(heads), dict(sorted(found.items())))


def is_final(head: Head) -> bool:
    """Whether a day was counted when nothing could come late any more."""
    return head.as_of >= day_bounds(head.day)[1] + FINAL_AFTER


def as_document(made: Report) -> dict[str, Any]:
    """The report as JSON has it."""
    asked = made.asked
    return {
        "from": asked.since.isoformat(),
        "to": asked.until.isoformat(),
        "by": asked.by.value,
        "group": str(asked.group),
        "as_of": min((iso(head.as_of) for head in made.heads), default=None),
        "days": [_day(head) for head in made.heads],
        "lines": [dict(zip(_titles(asked), row, strict=True)) for row in _rows(made)],
    }


def _day(head: Head) -> dict[str, Any]:
    return {
        "application": head.application,
        "day": head.day.isoformat(),
        "as_of": iso(head.as_of),
        "final": is_final(head),
    }


def as_csv(made: Report) -> str:
    """The report as a spreadsheet takes it, its columns named as in `stats.csv` (billing-rules.md §9.2)."""
    return BYTE_ORDER_MARK + rendered([_titles(made.asked), *_rows(made)])


def _rate(part: str, whole: str, digits: int = 4) -> Callable[[Counts], Value]:
    return lambda counts: round(counts[part] / counts[whole], digits) if counts[whole] else None


def _count(name: str) -> Callable[[Counts], Value]:
    return lambda counts: counts[name]


def _delay(percent: int) -> Callable[[Counts], Value]:
    def of(counts: Counts) -> Value:
        buckets = {int(name[len(DELAY) :]): n for name, n in counts.items() if name.startswith(DELAY)}
        return percentile(buckets, percent)

    return of


COLUMNS: Final[Mapping[str, Callable[[Counts], Value]]] = {
    **{name: _count(name) for name in ("attempts", "connected")},
    "connect_rate": _rate("connected", "attempts"),
    "duration_s": _count("duration_s"),
    "mean_duration_s": _rate("duration_s", "measured", 1),
    **{name: _count(name) for name in ("billed_minutes", "short_calls", *OUTCOMES)},
    **{name: _count(name) for name in ("open", "unsettled", "recorded", "records")},
    "mean_dial_s": _rate("dial_s", "dial_calls", 1),
    "mean_ring_s": _rate("ring_s", "ring_calls", 1),
    "most_at_once": lambda counts: counts[PEAK] or None,
    "push_delay_p50_ms": _delay(50),
    "push_delay_p95_ms": _delay(95),
    **{name: _count(name) for name in ("sms_sends", "sms_success", "sms_partial", "sms_failed", "sms_asked")},
    "sms_success_rate": _rate("sms_success", "sms_sends"),
    **{name: _count(name) for name in ("sms_parts", "sms_parts_counted", "sms_parts_written")},
    **{name: _count(name) for name in ("binds", "bind_failures", "manual_unbinds", "auto_unbinds", "closed")},
}
"""What a line tells, in this order; documented in docs/statistics.md."""

_EXPLAINED: Final[Mapping[str, Callable[[str], Cause]]] = {
    Group.CAUSE: teardown,
    Group.SMS_RESULT: sms_result,
}


def _titles(asked: Asked) -> list[str]:
    key = [] if asked.group == Group.TOTAL else [str(asked.group)]
    meaning = ["meaning_en", "meaning_zh"] if asked.group in _EXPLAINED else []
    return ["period_start", "period_end", *key, *meaning, *COLUMNS]


def _rows(made: Report) -> Iterator[list[Value]]:
    group = made.asked.group
    for (period, value), counts in made.lines.items():
        key: list[Value] = [] if group == Group.TOTAL else [value or None]
        if explain := _EXPLAINED.get(group):
            texts = explain(value).texts.meaning
            key += [texts.en, texts.zh]
        yield [period.start, period.end, *key, *(column(counts) for column in COLUMNS.values())]


def _wanted(asked: Asked, head: Head, lines: Iterable[Line]) -> Iterator[Line]:
    for value, hour, counts in lines:
        named = head.application if asked.group == BY_APPLICATION else value
        if asked.only is None or named == asked.only:
            yield named, hour, counts


def _period(asked: Asked, day: date, hour: int) -> Period:
    match asked.by:
        case By.HOUR:
            return Period(f"{day.isoformat()} {hour:02d}:00", f"{day.isoformat()} {hour:02d}:59")
        case By.DAY:
            return Period(day.isoformat(), day.isoformat())
        case By.MONTH:
            first = max(day.replace(day=1), asked.since)
            last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            return Period(first.isoformat(), min(last, asked.until).isoformat())
        case By.ALL:
            return Period(asked.since.isoformat(), asked.until.isoformat())
