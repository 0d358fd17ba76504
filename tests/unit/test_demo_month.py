"""The demo is played within one month, on whatever day somebody plays it (billing-rules.md §9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from local.billing_acts import platforms_start

NOVEMBER_ENDS = datetime(2026, 11, 30, 16, tzinfo=UTC)
"""Midnight in Beijing."""


@pytest.mark.parametrize(
    "now", [datetime(2026, 11, 27, 15, 20, tzinfo=UTC), NOVEMBER_ENDS - timedelta(hours=2), NOVEMBER_ENDS]
)
def test_the_platforms_clock_is_the_machines(now: datetime) -> None:
    assert platforms_start(now) == now


@pytest.mark.parametrize("before", [timedelta(minutes=75), timedelta(minutes=20), timedelta(seconds=1)])
def test_in_the_last_hour_of_a_month_the_platforms_clock_begins_in_the_next(before: timedelta) -> None:
    assert platforms_start(NOVEMBER_ENDS - before) == NOVEMBER_ENDS + timedelta(minutes=1)
