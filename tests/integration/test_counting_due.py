"""Which days are counted, and how long an application waits for it (operations.md §14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from builders import counted
from builders.counted import APPLICATION, DAY, NINE, SECOND, Books, call, message
from builders.dynamodb import moto_client
from privatenumber.calls.counting import FINAL_AFTER, KEPT
from privatenumber.times import beijing_day, day_bounds

END = day_bounds(DAY)[1]
LATER = NINE + timedelta(hours=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One for all tests: their tables have names of their own."""
    with moto_client() as found:
        yield found


@pytest.fixture
def books(client: Any) -> Books:
    return Books(client)


def due(books: Books, now: Any) -> set[date]:
    return {day for _, day in books.counting.due([APPLICATION], now=now)}


def final(books: Books, *days: date) -> None:
    """Have days counted for good."""
    for day in days:
        end = day_bounds(day)[1]
        books.store.put(APPLICATION, day, {}, rows=0, as_of=end + FINAL_AFTER, expires_at=end + KEPT)


def before(day: date) -> list[date]:
    """All of a week before a day."""
    return [day - timedelta(days=back) for back in range(1, 8)]


def test_today_and_yesterday_are_due_each_hour_and_older_days_until_they_are_final(books: Books) -> None:
    now = END + timedelta(days=1, hours=3)
    assert {DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)} <= due(books, now)
    books.count(as_of=END + FINAL_AFTER - SECOND)
    assert DAY in due(books, now)
    books.count(as_of=END + FINAL_AFTER)
    assert DAY not in due(books, now)


def test_a_day_stays_due_however_long_counting_fails(books: Books) -> None:
    """Ten days and more, until it is counted for good."""
    now = END + timedelta(hours=1)
    due(books, now)
    final(books, *before(DAY))
    for _ in range(12):
        now += timedelta(days=1)
        assert DAY in due(books, now)
    days = [DAY + timedelta(days=n) for n in range(14)]
    assert due(books, now) == set(days)
    final(books, *days[:-2])
    assert due(books, now) == set(days[-2:])


def test_one_day_that_cannot_be_counted_is_not_hidden_by_those_behind_it(books: Books) -> None:
    now = END + timedelta(hours=1)
    due(books, now)
    final(books, *before(DAY))
    for ahead in range(1, 15):
        assert DAY in due(books, now)
        final(books, DAY + timedelta(days=ahead))
        now += timedelta(days=1)


def test_days_whose_rows_may_be_forgotten_are_given_up(books: Books) -> None:
    """What is left of them would be taken for all."""
    counting = replace(books.counting, kept_days=40)
    list(counting.due([APPLICATION], now=END))
    now = END + timedelta(days=60)
    assert min(day for _, day in counting.due([APPLICATION], now=now)) == beijing_day(now) - timedelta(
        days=30
    )


def test_days_of_long_ago_come_a_month_at_a_time(books: Books) -> None:
    due(books, END)
    assert len(due(books, END + timedelta(days=50))) == 2 + 31


def test_what_is_counted_for_good_is_not_looked_at_every_hour(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = END + timedelta(hours=1)
    final(books, *before(DAY))
    due(books, now)
    heads = list[date]()
    monkeypatch.setattr(type(books.store), "head", lambda self, application, day: heads.append(day))
    due(books, now)
    assert heads == []


def test_the_lag_is_that_of_the_application_that_waits_longest(books: Books) -> None:
    books.count(as_of=LATER)
    books.count("shop", as_of=LATER + timedelta(hours=2))
    now = LATER + timedelta(days=2)
    assert books.counting.lag([APPLICATION, "shop", "new"], now=now) == timedelta(days=2)


@pytest.mark.parametrize("thing", [call("c1"), message("s1")], ids=["call", "text"])
def test_an_application_that_was_never_counted_waits_since_its_first_call_or_text(
    books: Books, thing: Any
) -> None:
    counted.keep(books.bills, thing, call("c2", NINE + timedelta(hours=9)))
    assert books.counting.lag([APPLICATION], now=NINE + timedelta(hours=30)) == timedelta(hours=30)


def test_an_application_without_a_call_or_text_waits_for_nothing(books: Books) -> None:
    assert books.counting.lag([APPLICATION], now=LATER) == timedelta()


def test_the_lag_does_not_forget_itself_when_nothing_was_counted_for_more_than_a_week(books: Books) -> None:
    """The alarm stays as long as there is something to count."""
    books.count(as_of=LATER)
    now = NINE + timedelta(days=9)
    counted.keep(books.bills, call("c1", now - timedelta(days=6)))
    assert books.counting.lag([APPLICATION], now=now) == timedelta(days=6)
