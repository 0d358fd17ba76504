"""The rate of complaints (operations.md §9; C-077, U-P17)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from privatenumber.billing.planning.complaints import ComplaintRate, Level, watch_complaints
from privatenumber.store.complaints import Complaint, ComplaintKind

LIMIT = Decimal("0.0001")
V1, V2 = "+8617010000001", "+8617010000002"


def complaint(number: int, x: str = V1, app: str = "ax") -> Complaint:
    day, now = date(2026, 9, 3), datetime(2026, 9, 4, tzinfo=UTC)
    return Complaint(f"n-{number}", app, x, day, ComplaintKind.HARASSMENT, "desk", now)


@pytest.mark.parametrize(
    ("complaints", "numbers", "level", "left"),
    [
        (0, 10_000, Level.NONE, 1),
        (1, 10_000, Level.REACHED, 0),
        (1, 10_001, Level.WARNING, 1),
        (1, 20_000, Level.WARNING, 1),
        (1, 20_001, Level.NONE, 2),
        (2, 20_000, Level.REACHED, 0),
        (1, 0, Level.REACHED, 0),
        (0, 0, Level.NONE, 1),
    ],
)
def test_the_limit_is_one_in_ten_thousand_numbers_and_half_of_it_a_warning(
    complaints: int, numbers: int, level: Level, left: int
) -> None:
    """§9: with 10,000 numbers or fewer a single complaint already reaches it."""
    rate = ComplaintRate(None, complaints, numbers, LIMIT)
    assert (rate.level, rate.left) == (level, left)


def test_complaints_are_told_by_application_and_by_x() -> None:
    complaints = [complaint(1), complaint(2, V2), complaint(3, V2), complaint(4, V1, "axb")]
    found = watch_complaints(complaints, {"ax": 50_000, "axb": 40_000, "quiet": 5}, limit=LIMIT)
    assert [(each.application, each.complaints, each.numbers_used) for each in found.rates] == [
        (None, 4, 90_005),
        ("ax", 3, 50_000),
        ("axb", 1, 40_000),
        ("quiet", 0, 5),
    ]
    assert found.by_x == {("ax", V1): 1, ("ax", V2): 2, ("axb", V1): 1}


def test_one_application_at_its_limit_is_the_level_of_all() -> None:
    """The account's rate is a warning only."""
    found = watch_complaints([complaint(1)], {"ax": 9_000, "axb": 9_000}, limit=LIMIT)
    assert (found.rates[0].level, found.level) == (Level.WARNING, Level.REACHED)


def test_the_watch_is_a_document() -> None:
    found = watch_complaints([complaint(1)], {"ax": 30_000}, limit=LIMIT).document()
    rate = {
        "complaints": 1,
        "numbers_used": 30_000,
        "rate": "0.000033",
        "limit": "0.0001",
        "left": 2,
        "level": "none",
    }
    assert found == {
        "level": "none",
        "rates": [{"application": None, **rate}, {"application": "ax", **rate}],
        "by_x": [{"application": "ax", "x": V1, "complaints": 1}],
    }
