"""The rent calendar: billing-rules.md §6, §6.1, §8.2; C-071, C-072, C-073, C-105, C-106."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.billing import CARRIER, VIRTUAL, utc
from privatenumber.billing.rating.rent import (
    Holding,
    Rent,
    RentReason,
    rent_warnings,
    rents_deducted,
    rents_of_cost_month,
)
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import price_book_of

PRICES = PriceBook()
END = datetime.max.replace(tzinfo=UTC)


def held(x: int = 1, **history: date | bool) -> Holding:
    return Holding(f"+861701000{x:04d}", "ax", VIRTUAL, **history)  # type: ignore[arg-type]  # a field each


def rents(holding: Holding, month: str, until: datetime = END) -> tuple[Rent, ...]:
    return rents_deducted([holding], month, PRICES, until=until)


def days(holding: Holding, *months: str) -> list[str]:
    return [f"{rent.deducted_on} for {rent.cost_month}" for month in months for rent in rents(holding, month)]


def test_a_number_owned_before_pays_on_the_1st() -> None:
    (rent,) = rents(held(), "2026-09")
    assert (rent.deducted_on, rent.amount, rent.reason) == (date(2026, 9, 1), Decimal(5), RentReason.MONTHLY)


def test_the_deduction_is_at_00_10_in_beijing() -> None:
    """16:10 UTC of the last day before: U-D24."""
    (rent,) = rents(held(), "2026-09")
    assert rent.deducted_at == utc("2026-08-31 16:10:00")
    assert not rents(held(), "2026-09", utc("2026-08-31 16:09:59"))
    assert rents(held(), "2026-09", utc("2026-08-31 16:10:00"))


def test_a_carrier_number_pays_15() -> None:
    (rent,) = rents(replace(held(), number_type=CARRIER), "2026-09")
    assert rent.amount == Decimal(15)


def test_a_new_number_pays_a_full_month_on_the_day_of_issue() -> None:
    number = held(issued_on=date(2026, 9, 15))
    assert days(number, "2026-08", "2026-09", "2026-10") == [
        "2026-09-15 for 2026-09",
        "2026-10-01 for 2026-10",
    ]


def test_a_number_issued_on_the_1st_pays_once() -> None:
    assert days(held(issued_on=date(2026, 9, 1)), "2026-09") == ["2026-09-01 for 2026-09"]


@pytest.mark.parametrize(
    "last", [date(2026, 9, 30), date(2026, 10, 31), date(2026, 2, 28), date(2028, 2, 29)]
)
def test_a_number_issued_on_a_months_last_day_pays_two_rents_on_the_1st(last: date) -> None:
    number = held(issued_on=last)
    first = date(last.year, last.month + 1, 1)
    assert days(number, f"{last:%Y-%m}") == []
    assert days(number, f"{first:%Y-%m}") == [f"{first} for {last:%Y-%m}", f"{first} for {first:%Y-%m}"]


def test_28_february_of_a_leap_year_is_not_its_last_day() -> None:
    assert days(held(issued_on=date(2028, 2, 28)), "2028-02") == ["2028-02-28 for 2028-02"]


@pytest.mark.parametrize(
    ("left", "next_month", "month_after"),
    [
        (date(2026, 9, 1), 0, 0),
        (date(2026, 9, 25), 0, 0),
        (date(2026, 9, 26), 1, 0),
        (date(2026, 9, 30), 1, 0),
        (date(2026, 12, 26), 1, 0),
        (date(2027, 2, 25), 0, 0),
        (date(2027, 2, 26), 1, 0),
    ],
)
def test_the_rule_of_the_25th(left: date, next_month: int, month_after: int) -> None:
    """The table of billing-rules.md §6.1; the month itself is charged in every row."""
    number = held(unsubscribed_on=left, returned=True)
    months = [
        f"{left.year + (left.month - 1 + n) // 12}-{(left.month - 1 + n) % 12 + 1:02d}" for n in range(3)
    ]
    assert [len(rents(number, month)) for month in months] == [1, next_month, month_after]


def test_the_rent_after_an_unsubscription_names_its_rule() -> None:
    (rent,) = rents(held(unsubscribed_on=date(2026, 9, 26)), "2026-10")
    assert rent.reason is RentReason.UNSUBSCRIBED_AFTER_25TH


def test_issued_and_unsubscribed_on_one_day_after_the_25th_pays_two_rents() -> None:
    day = date(2026, 9, 27)
    number = held(issued_on=day, unsubscribed_on=day, returned=True)
    assert days(number, "2026-09", "2026-10", "2026-11") == [
        "2026-09-27 for 2026-09",
        "2026-10-01 for 2026-10",
    ]


def test_issued_and_unsubscribed_on_a_months_last_day_pays_both_on_the_1st() -> None:
    day = date(2026, 9, 30)
    number = held(issued_on=day, unsubscribed_on=day)
    assert days(number, "2026-09", "2026-10", "2026-11") == [
        "2026-10-01 for 2026-09",
        "2026-10-01 for 2026-10",
    ]


@pytest.mark.parametrize("left", [date(2026, 9, 25), date(2026, 9, 26), date(2026, 9, 30)])
def test_a_number_that_the_platform_took_back_pays_no_further_rent(left: date) -> None:
    """billing-rules.md §6.1, §7: released after arrears, whatever the day; nothing is returned (C-073)."""
    number = held(unsubscribed_on=left, returned=True, released=True)
    assert days(number, "2026-08", "2026-09", "2026-10", "2026-11") == [
        "2026-08-01 for 2026-08",
        "2026-09-01 for 2026-09",
    ]


def test_a_number_taken_back_on_its_last_day_of_issue_still_owes_that_month() -> None:
    day = date(2026, 9, 30)
    number = held(issued_on=day, unsubscribed_on=day, returned=True, released=True)
    assert days(number, "2026-09", "2026-10", "2026-11") == ["2026-10-01 for 2026-09"]


def test_a_rent_has_the_price_of_the_day_on_which_it_is_deducted() -> None:
    """Two rents on the 1st both follow the list that begins on it (billing-rules.md §2: usage time)."""
    book = price_book_of([{"valid_from": "2026-10-01", "rent": {"virtual": "6"}}])
    number = held(issued_on=date(2026, 9, 30))
    found = rents_deducted([number, held(2)], "2026-10", book, until=END)
    assert [(rent.x[-1], rent.cost_month, rent.amount) for rent in found] == [
        ("1", "2026-09", Decimal(6)),
        ("1", "2026-10", Decimal(6)),
        ("2", "2026-10", Decimal(6)),
    ]
    assert [rent.amount for rent in rents_deducted([held(2)], "2026-09", book, until=END)] == [Decimal(5)]


def test_a_returned_number_pays_until_its_day_is_entered_and_is_told() -> None:
    """Rent that was paid is never returned (§6): without the day nobody knows which rent was the last."""
    undated = held(returned=True)
    assert days(undated, "2026-09", "2026-10") == ["2026-09-01 for 2026-09", "2026-10-01 for 2026-10"]
    dated = replace(undated, unsubscribed_on=date(2026, 9, 20))
    assert days(dated, "2026-09", "2026-10") == ["2026-09-01 for 2026-09"]
    (warning,) = rent_warnings([held(2), dated, undated])
    assert undated.x in warning
    assert "unsubscribed_on" in warning


@settings(deadline=None)
@given(
    issued=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    left=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_a_number_pays_a_calendar_month_at_most_once(issued: date | None, left: date | None) -> None:
    number = Holding("+8617010000001", "ax", VIRTUAL, issued, left)
    months = [f"{year}-{month:02d}" for year in (2026, 2027) for month in range(1, 13)]
    found = [rent.cost_month for month in months for rent in rents(number, month)]
    assert len(found) == len(set(found))
    deducted = {rent.cost_month for month in months for rent in rents(number, month)}
    by_cost = {m for m in months for _ in rents_of_cost_month([number], m, PRICES)}
    assert deducted <= by_cost | {"2025-12"}
