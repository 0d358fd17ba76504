"""Moments and days: UTC inside, Beijing time only where a rule of the platform or of billing says so.

Wire forms: auth.md §2.3 (Created), notifications.md §3 (events, CDRs, SMS), numbers.md §7.5.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one zone and no daylight saving, so a fixed offset needs no zone database."""

Clock = Callable[[], datetime]
"""Returns the present moment as an aware UTC datetime."""

_LENIENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?Z?", re.ASCII)
_STORED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", re.ASCII)


def utc_now() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


def parse_time(text: str) -> datetime:
    """Read a time of a push: blank or ``T``, with or without fraction and ``Z``, always meant as UTC.

    Digits beyond microseconds are cut. notifications.md §2.8 and §3. Raises ValueError.
    """
    found = _LENIENT.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a time of the form yyyy-MM-dd HH:mm:ss")
    day, clock_time, fraction = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock_time}").replace(tzinfo=UTC)
    return moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))


def moved_forward(now: datetime, text: str | None) -> datetime:
    """Now, or the later moment that an event names: a demonstration, or a repeated run. Raises ValueError."""
    return max(parse_time(text), now) if text else now


def platform_time(moment: datetime) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in UTC, as events and CDRs carry it; fractions are cut."""
    return _utc(moment).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: datetime) -> str:
    """The stored form ``2026-03-01T08:00:00.000Z``: fixed width, so text order is time order; UTC."""
    return _utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Read what :func:`iso` wrote. Raises ValueError for any other form."""
    if _STORED.fullmatch(text) is None:
        raise ValueError("not a stored time of the form yyyy-MM-ddTHH:mm:ss.SSSZ")
    return datetime.fromisoformat(text)


def beijing_day(moment: datetime) -> date:
    """The Beijing calendar day a moment belongs to."""
    return _aware(moment).astimezone(BEIJING).date()


def beijing_month(moment: datetime) -> str:
    """The Beijing calendar month a moment belongs to, as ``yyyy-MM``."""
    return beijing_day(moment).isoformat()[:7]


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of a Beijing day and first moment of the next one, both in UTC."""
    start = datetime.combine(day, time(), BEIJING).astimezone(UTC)
    return start, start + timedelta(days=1)


def _utc(moment: datetime) -> datetime:
    return _aware(moment).astimezone(UTC)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment
