"""A month at other prices, before they are stored: billing-rules.md §2, §9.4; U-N18."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import EXAMPLE_PRICES, utc
from builders.books import Books, account_books, call
from builders.pushes import SUBSCRIPTION, X, fee_body, sms_body
from privatenumber.billing.closing import daily, runs
from privatenumber.billing.closing.rerating import rerate
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.store.facts import FactStore
from privatenumber.store.sms_rows import SmsFact

NOON = utc("2026-09-02 12:00:00")
PACKAGE = PackageOrder("order-1", utc("2026-09-01 00:00:00"), 1, 0, Decimal(38))


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        opened.bind("order-1001", SUBSCRIPTION, X)
        opened.push(fee_body(call(1, 95), call(2, 10)), at=NOON)
        opened.push(sms_body(parts="2"), at=NOON)
        yield opened


def proposed(price: str, **rules: Any) -> PriceBook:
    return price_book_of(
        [{"valid_from": "2026-01-01", "call": {"virtual": price, "carrier": price}, **rules}]
    )


def sums(document: dict[str, Any]) -> dict[str, tuple[int, str, int, str, str]]:
    """Units and amount now and then, and the difference, by item."""
    return {
        each["item"]: (
            each["now"]["quantity"],
            each["now"]["amount"],
            each["then"]["quantity"],
            each["then"]["amount"],
            each["difference"],
        )
        for each in document["components"]
    }


def test_other_prices_are_told_by_item_with_their_difference(books: Books) -> None:
    other = proposed("0.12", sms={"virtual": "0.27"}, rent={"virtual": "6"})
    document = rerate(books.ledger(), "2026-09", other, as_of=NOON)
    assert sums(document) == {
        "call": (3, "0.30", 3, "0.36", "0.06"),
        "sms": (2, "0.56", 2, "0.54", "-0.02"),
        "rent": (1, "5.00", 1, "6.00", "1.00"),
    }
    assert document["total"] == {"now": "5.86", "then": "6.90", "difference": "1.04"}


def test_other_rules_of_counting_rate_every_record_anew(books: Books) -> None:
    """95 and 10 seconds by steps of 30: four and one."""
    document = rerate(books.ledger(), "2026-09", proposed("0.05", minute_seconds=30), as_of=NOON)
    assert sums(document)["call"] == (3, "0.30", 5, "0.25", "-0.05")


def test_facts_are_read_once_for_both_books(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Counter[tuple[str, date, int]]()
    original = FactStore.sms_of_day

    def counted(store: FactStore, application: str, day: date, shards: Sequence[int]) -> Iterator[SmsFact]:
        read.update((application, day, shard) for shard in shards)
        return original(store, application, day, shards)

    daily.close(books.ledger(), date(2026, 9, 2), as_of=NOON)
    monkeypatch.setattr(FactStore, "sms_of_day", counted)
    rerate(books.ledger(), "2026-09", proposed("0.12"), as_of=NOON)
    assert set(read.values()) == {1}


def test_the_same_prices_make_no_difference(books: Books) -> None:
    document = rerate(books.ledger(), "2026-09", EXAMPLE_PRICES, as_of=NOON)
    assert document["total"] == {"now": "5.86", "then": "5.86", "difference": "0.00"}


def test_a_first_price_of_a_minute_ends_what_is_unpriced(books: Books) -> None:
    document = rerate(books.ledger(prices=PriceBook()), "2026-09", proposed("0.04"), as_of=NOON)
    found = next(each for each in document["components"] if each["item"] == "call")
    assert (found["now"]["unpriced"], found["then"]["unpriced"], found["difference"]) == (3, 0, "0.12")
    assert [warning for warning in document["warnings"] if "call.virtual 0.04" in warning]


def test_minutes_that_a_package_pays_cost_nothing_at_any_price(books: Books) -> None:
    """It runs out within the day: one of three minutes."""
    ledger = replace(books.ledger(), packages=(PACKAGE,))
    assert sums(rerate(ledger, "2026-09", proposed("0.20"), as_of=NOON))["call"] == (
        2, "0.20", 2, "0.40", "0.20",
    )  # fmt: skip


def test_nothing_of_it_is_kept(books: Books) -> None:
    daily.close(books.ledger(), as_of=NOON)
    before = books.rows("")
    rerate(books.ledger(), "2026-09", proposed("0.12"), as_of=NOON)
    assert books.rows("") == before


class ReadOnly:
    """A client as the function of the bills has it: it may put no close."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        assert name not in {"put_item", "update_item", "delete_item", "transact_write_items"}
        return getattr(self._client, name)


def test_nothing_is_written_though_the_month_before_is_open_and_was_rated_at_other_prices(
    books: Books,
) -> None:
    """A package pays in both months: what is left of it is asked of the days as they are closed."""
    books.ledger().close_days([date(2026, 9, 2)], now=NOON + timedelta(days=1))
    ledger = books.ledger(proposed("0.20"), client=ReadOnly(books.dynamodb), packages=(PACKAGE,))
    document = rerate(ledger, "2026-10", EXAMPLE_PRICES, as_of=utc("2026-10-01 12:00:00"))
    assert document["total"]["now"] == "5.00"


def test_what_it_tells_is_what_storing_the_prices_comes_to(books: Books) -> None:
    told = rerate(books.ledger(), "2026-09", proposed("0.12"), as_of=NOON)
    stated = runs.statement(books.ledger(prices=proposed("0.12")), "2026-09", as_of=NOON)
    assert stated["total"] == told["total"]["then"]


@pytest.mark.parametrize("packages", [(), (PACKAGE,)], ids=["by its sums", "by its records"])
def test_a_day_whose_facts_are_forgotten_keeps_its_minutes(
    books: Books, packages: tuple[PackageOrder, ...]
) -> None:
    daily.close(books.ledger(), as_of=NOON + timedelta(days=1))
    later = replace(books.ledger(), kept_days=0, packages=packages)
    left = 3 - sum(package.minutes for package in packages)
    document = rerate(later, "2026-09", proposed("0.20", minute_seconds=30), as_of=NOON + timedelta(days=1))
    found = next(each for each in document["components"] if each["item"] == "call")
    assert (found["now"]["quantity"], found["then"]["quantity"]) == (left, left)
    assert found["then"]["amount"] == f"{left * Decimal('0.20')}"


def test_a_month_that_has_not_begun_is_refused(books: Books) -> None:
    with pytest.raises(runs.BillingRequestError, match="2026-10 has not begun"):
        rerate(books.ledger(), "2026-10", proposed("0.12"), as_of=NOON)
