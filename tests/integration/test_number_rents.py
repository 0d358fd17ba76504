"""Which numbers of the inventory pay rent: billing-rules.md §6, §6.1, §7; C-071, C-072, C-075, C-105."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from builders.billing import utc
from builders.books import Books, account_books
from builders.pushes import APP_ID
from builders.requests_made import log_requests
from privatenumber.billing.rating.rent import rents_deducted
from privatenumber.store.numbers import NumberState, NumberStore, NumberType, XNumber

END = datetime.max.replace(tzinfo=UTC)
RELEASED = {"status": "10", "cause": "2"}
RETURNED = {"status": "10", "cause": "1"}


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        yield opened


def number(books: Books, x: str, state: NumberState, left: date | None = None) -> None:
    held = XNumber(x, APP_ID, "0755", NumberType.VIRTUAL, state=state, unsubscribed_on=left)
    NumberStore(books.dynamodb, books.bindings.name).put(held, seen=None)


def push(books: Books, x: str, state: Mapping[str, Any], at: str) -> None:
    books.push({"eventType": "numStatus", "numInfo": [{"number": x, **state}]}, at=utc(at))


def paying(books: Books, month: str) -> set[str]:
    ledger = books.ledger()
    return {rent.x for rent in rents_deducted(ledger.holdings, month, ledger.prices, until=END)}


def test_every_state_pays_but_retired(books: Books) -> None:
    """Suspended, frozen and unusable numbers do, and all that only we distinguish."""
    numbers = {state: f"+86170100000{at:02d}" for at, state in enumerate(NumberState)}
    for state, x in numbers.items():
        number(books, x, state, date(2026, 8, 25) if state is NumberState.RETIRED else None)
    assert paying(books, "2026-09") == set(numbers.values()) - {numbers[NumberState.RETIRED]}


@pytest.mark.parametrize(
    ("pushed", "months"),
    [([], {"2026-08", "2026-09", "2026-10"}), ([RETURNED], {"2026-08"}), ([{"status": "5"}], None)],
    ids=["nobody knows the day", "its push tells the day", "no push of a return"],
)
def test_a_number_retired_without_a_day_pays_until_the_platform_said_that_it_was_returned(
    books: Books, pushed: list[Mapping[str, Any]], months: set[str] | None
) -> None:
    x, asked = "+8617010000001", {"2026-08", "2026-09", "2026-10"}
    number(books, x, NumberState.RETIRED)
    for state in pushed:
        push(books, x, state, "2026-08-24 16:30:00")
    assert {month for month in asked if paying(books, month)} == (months or asked)


@pytest.mark.parametrize(
    ("pushed", "october"),
    [([RELEASED], False), ([RETURNED], True), ([], True), ([RELEASED, {"status": "5"}], True)],
    ids=["taken back after arrears", "returned", "no push", "paid, and returned later"],
)
def test_a_number_that_left_after_the_25th_pays_once_more_unless_it_was_taken_back(
    books: Books, pushed: list[Mapping[str, Any]], october: bool
) -> None:
    x = "+8617010000001"
    number(books, x, NumberState.RETIRED, date(2026, 9, 26))
    for hour, state in enumerate(pushed):
        push(books, x, state, f"2026-09-26 0{hour}:00:00")
    assert paying(books, "2026-09") == {x}
    assert paying(books, "2026-10") == ({x} if october else set())


def test_only_numbers_to_whom_it_matters_are_asked_for_their_last_push(books: Books) -> None:
    number(books, "+8617010000001", NumberState.RETIRED, date(2026, 9, 25))
    number(books, "+8617010000002", NumberState.RETIRED, date(2026, 9, 26))
    number(books, "+8617010000003", NumberState.RETIRED)
    number(books, "+8617010000004", NumberState.SUSPENDED)
    ledger = books.ledger()
    log = log_requests(books.dynamodb)
    assert len(ledger.holdings) == 4
    assert log.operations == ["Query", "Query"]
