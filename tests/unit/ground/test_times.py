"""Moments, their wire forms and the Beijing calendar (notifications.md §2.8 and §3, U-D24)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.times import (
    beijing_day,
    beijing_month,
    day_bounds,
    from_iso,
    iso,
    moved_forward,
    parse_time,
    platform_time,
)

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds must be naive


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-09-02 01:00:00", 0),
        ("2026-09-02T01:00:00Z", 0),
        ("2026-09-02 01:00:00Z", 0),
        ("2026-09-02T01:00:00.123Z", 123_000),
        ("2026-09-02 01:00:00.123456789", 123_456),
        (" 2026-09-02 01:00:00 ", 0),
    ],
)
def test_every_form_of_a_push_time_is_read_as_utc(text: str, microsecond: int) -> None:
    """notifications.md §2.8."""
    assert parse_time(text) == datetime(2026, 9, 2, 1, 0, 0, microsecond, UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-09-02", "2026-13-02 01:00:00", "2026-09-02T01:00:00+08:00", "1788310800"]
)
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month"):
        parse_time(text)


def test_the_platform_form_is_utc_without_fraction() -> None:
    beijing = timezone(timedelta(hours=8))
    assert platform_time(datetime(2026, 9, 2, 9, 0, 0, 999_999, beijing)) == "2026-09-02 01:00:00"


@given(MOMENTS, MOMENTS)
def test_stored_times_sort_as_text_like_moments(one: datetime, other: datetime) -> None:
    cut = [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in (one, other)]
    assert (iso(one) < iso(other)) == (cut[0] < cut[1])
    assert from_iso(iso(one)) == cut[0]


def test_a_stored_time_has_one_form() -> None:
    assert iso(datetime(2026, 3, 1, 8, tzinfo=UTC)) == "2026-03-01T08:00:00.000Z"
    with pytest.raises(ValueError, match="stored time"):
        from_iso("2026-03-01T08:00:00Z")


def test_moments_without_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        iso(datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


def test_the_beijing_day_turns_at_16_utc() -> None:
    """U-D24: month and day boundaries at 15:59 and 16:00 UTC."""
    before = datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC)
    assert (beijing_day(before), beijing_month(before)) == (date(2026, 3, 31), "2026-03")
    after = before + timedelta(seconds=1)
    assert (beijing_day(after), beijing_month(after)) == (date(2026, 4, 1), "2026-04")


@given(MOMENTS)
def test_a_moment_lies_within_the_bounds_of_its_day(moment: datetime) -> None:
    start, end = day_bounds(beijing_day(moment))
    assert start <= moment < end
    assert end - start == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "moved"),
    [(None, 0), ("", 0), ("2026-09-01T00:00:00Z", 0), ("2026-09-01T09:00:00Z", 3600)],
)
def test_an_event_moves_time_forward_and_never_back(text: str | None, moved: int) -> None:
    now = datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert moved_forward(now, text) - now == timedelta(seconds=moved)
