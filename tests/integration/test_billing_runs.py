"""Runs of billing against the tables: repeatable, resumable; nothing is counted twice or edited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import EXAMPLE_PRICES, NO_CALL_PRICE, utc
from builders.books import Books, Interrupted, PowerCut, account_books, call, power_cut
from builders.pushes import APP_ID, SUBSCRIPTION, X, cdr_entry, fee_body, stranger_cdr
from privatenumber.billing.closing import booking, daily, runs
from privatenumber.billing.outputs.text import render_statement
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.store.numbers import NumberState

DAY = date(2026, 9, 2)
EVENING = utc("2026-09-02 12:00:00")
MIDNIGHT = utc("2026-09-30 16:00:01")
NEXT_DAY = utc("2026-09-02 16:10:00")
CLOSING = utc("2026-10-03 04:00:00")


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        opened.bind("order-1001", SUBSCRIPTION, X)
        yield opened


def close(books: Books, day: date | None = DAY, as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
    return daily.close(books.ledger(**parts), day, as_of=as_of)


def statement(books: Books, as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
    return runs.statement(books.ledger(**parts), "2026-09", as_of=as_of)


class TestDayClose:
    def test_a_day_is_closed_with_its_calls_by_order(self, books: Books) -> None:
        books.push(fee_body(call(1, 95), call(2, 10), stranger_cdr()), at=EVENING)
        (day,) = close(books)["days"]
        assert (day["version"], day["records"], day["day_over"]) == (1, 3, True)
        assert (day["calls"]["minutes"], day["calls"]["amount"]) == (3, "0.30")
        closed = books.ledger().closer.closed(APP_ID, DAY)
        assert closed is not None
        lines = books.ledger().closer.lines_of(closed.close)
        assert sorted(str(line.order) for line in lines) == ["None", "order-1001", "order-1001"]

    def test_closing_again_changes_nothing(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        close(books)
        before = books.rows("DAY#")
        assert close(books, as_of=NEXT_DAY + timedelta(hours=3))["days"][0]["version"] == 1
        assert books.rows("DAY#") == before

    def test_a_late_cdr_makes_the_next_version_and_leaves_the_first(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        close(books)
        first = books.rows("DAY#")
        books.push(fee_body(call(2, 61)), at=NEXT_DAY)
        (day,) = close(books)["days"]
        assert (day["version"], day["calls"]["minutes"]) == (2, 4)
        assert [row for row in books.rows("DAY#") if row in first] == first

    def test_a_repeated_and_a_contradicting_push_change_no_amount(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        books.push(fee_body(call(1, 95)), at=EVENING + timedelta(minutes=1))
        books.push(fee_body(call(1, 600)), at=EVENING + timedelta(minutes=2))
        (day,) = close(books)["days"]
        assert (day["calls"]["minutes"], day["flags"]) == (2, {"record_conflict": 1})

    def test_an_order_once_found_stays_with_its_calls(self, books: Books) -> None:
        """Bindings are forgotten after 400 days; the bill is not."""
        books.push(fee_body(call(1, 95)), at=EVENING)
        close(books)
        books.forget_binding("order-1001")
        assert close(books)["days"][0]["version"] == 1

    def test_an_order_that_is_found_later_makes_a_version(self, books: Books) -> None:
        books.push(fee_body(call(1, 95, subscriptionId="sub-2")), at=EVENING)
        close(books)
        books.bind("order-1002", "sub-2", X)
        assert close(books)["days"][0]["version"] == 2

    def test_without_a_day_yesterday_and_the_day_before_are_closed(self, books: Books) -> None:
        days = close(books, None, utc("2026-09-03 16:10:00"))["days"]
        assert [day["day"] for day in days] == ["2026-09-02", "2026-09-03"]

    @pytest.mark.parametrize(
        ("ended", "day"), [("2026-09-02 15:59:59", "2026-09-02"), ("2026-09-02 16:00:00", "2026-09-03")]
    )
    def test_a_day_ends_at_midnight_in_beijing(self, books: Books, ended: str, day: str) -> None:
        """U-D24."""
        books.push(fee_body(cdr_entry(fwdAnswerTime="2026-09-02 15:59:00", callEndTime=ended)), at=EVENING)
        days = close(books, None, utc("2026-09-03 16:10:00"))["days"]
        assert {each["day"]: each["records"] for each in days if each["records"]} == {day: 1}

    def test_a_day_that_has_not_begun_is_refused(self, books: Books) -> None:
        with pytest.raises(runs.BillingRequestError, match="2026-09-04 has not begun"):
            close(books, date(2026, 9, 4))

    def test_a_day_may_be_closed_before_it_is_over(self, books: Books) -> None:
        (day,) = close(books, as_of=EVENING)["days"]
        assert (day["day_over"], day["version"]) == (False, 1)

    def test_a_version_that_came_in_between_is_not_covered_by_an_older_state(self, books: Books) -> None:
        """Both read; the other one knows a further CDR and writes first; ours reads again."""
        books.push(fee_body(call(1, 95)), at=EVENING)

        def other() -> None:
            books.push(fee_body(call(2, 61)), at=EVENING)
            close(books)

        (day,) = close(books, client=Interrupted(books.dynamodb, before_put=0, do=other))["days"]
        assert (day["version"], day["calls"]["minutes"]) == (1, 4)


class TestRunningTotals:
    def test_today_and_yesterday_are_kept_for_people(self, books: Books) -> None:
        books.push(fee_body(call(1, 95), call(2, 10, day=1)), at=EVENING)
        document = runs.rate(books.ledger(), as_of=EVENING)
        assert {day["day"]: day["calls"]["minutes"] for day in document["days"]} == {
            "2026-09-01": 1,
            "2026-09-02": 2,
        }
        running = books.ledger().closes.running(APP_ID, DAY)
        assert running is not None
        assert (running["calls"]["amount"], running["closed_version"]) == ("0.20", None)

    def test_facts_after_the_close_are_noticed(self, books: Books) -> None:
        close(books)
        assert not runs.rate(books.ledger(), as_of=NEXT_DAY)["days"][0]["changed_since_close"]
        books.push(fee_body(call(1, 95)), at=NEXT_DAY)
        assert runs.rate(books.ledger(), as_of=NEXT_DAY)["days"][0]["changed_since_close"]

    def test_an_older_run_does_not_replace_newer_totals(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        runs.rate(books.ledger(), as_of=NEXT_DAY)
        before = books.rows("DAY#")
        runs.rate(books.ledger(), as_of=NEXT_DAY - timedelta(minutes=1))
        assert books.rows("DAY#") == before


@pytest.fixture
def few_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daily close asks of every month that may be due whether it was ever looked at."""
    monkeypatch.setattr(booking, "_MONTHS_CORRECTED", 2)


class TestStatement:
    def test_the_month_is_stated_from_its_days_and_its_rent(self, books: Books) -> None:
        books.push(fee_body(call(1, 95), stranger_cdr()), at=EVENING)
        document = statement(books)
        assert (document["state"], document["version"], document["total"]) == ("open", 1, "5.20")
        assert {row["order"]: row["total"] for row in document["by_order"]} == {
            "order-1001": "0.20",
            None: "5.00",
        }
        assert "order-1001" in render_statement(document)

    def test_the_same_facts_give_the_same_bytes(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        assert statement(books) == statement(books, NEXT_DAY + timedelta(hours=1))

    def test_facts_that_come_in_pieces_give_the_hash_of_those_that_come_at_once(self, books: Books) -> None:
        for number in range(3):
            books.push(fee_body(call(number, 95 + number)), at=EVENING)
            last = statement(books)
        with account_books() as other:
            other.number(X, issued_on=date(2026, 1, 1))
            other.bind("order-1001", SUBSCRIPTION, X)
            other.push(fee_body(*(call(number, 95 + number) for number in range(3))), at=EVENING)
            assert statement(other)["hash"] == last["hash"]
        assert last["version"] == 3

    @pytest.mark.parametrize("puts", range(8))
    def test_a_run_that_dies_anywhere_is_repeated_without_a_trace(self, books: Books, puts: int) -> None:
        """Kill after n writes, run again: the statement and its closes are those of an undisturbed run."""
        books.push(fee_body(call(1, 95), call(2, 61, day=3)), at=utc("2026-09-03 12:00:00"))
        as_of = utc("2026-09-03 16:10:00")
        with pytest.raises(PowerCut):
            statement(books, as_of, client=Interrupted(books.dynamodb, before_put=puts, do=power_cut))
        again = statement(books, as_of)
        assert again["version"] == 1
        assert [line["hash"] for line in again["closes"]] == [
            head.hash for day in (2, 3) if (head := books.ledger().closes.latest(APP_ID, date(2026, 9, day)))
        ]
        with account_books() as calm:
            calm.number(X, issued_on=date(2026, 1, 1))
            calm.bind("order-1001", SUBSCRIPTION, X)
            calm.push(fee_body(call(1, 95), call(2, 61, day=3)), at=utc("2026-09-03 12:00:00"))
            assert statement(calm, as_of) == again

    def test_without_a_price_minutes_are_shown_and_the_month_stays_open(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        document = statement(books, CLOSING, prices=NO_CALL_PRICE)
        assert (document["state"], document["unpriced_minutes"], document["total"]) == ("open", 2, "5.00")
        statements = books.ledger().statements
        assert [daily.unpriced_minutes(statements, as_of=as_of) for as_of in (EVENING, CLOSING)] == [2, 2]

    def test_minutes_that_a_package_pays_wait_for_no_price(self, books: Books) -> None:
        """An alarm would ring for ever: the contract of many accounts has packages and no call price."""
        books.push(fee_body(call(1, 95)), at=EVENING)
        package = PackageOrder("order-1", utc("2026-08-20 00:00:00"), 500, 50, Decimal(38))
        ledger = books.ledger(NO_CALL_PRICE, packages=[package])
        stated = runs.statement(ledger, "2026-09", as_of=EVENING)
        assert (stated["calls"]["minutes"], daily.unpriced_minutes(ledger.statements, as_of=EVENING)) == (
            2,
            0,
        )

    def test_a_new_price_list_makes_a_version_of_an_open_month(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        statement(books, prices=NO_CALL_PRICE)
        document = statement(books, prices=EXAMPLE_PRICES)
        assert (document["version"], document["unpriced_minutes"]) == (2, 0)

    def test_a_month_closes_on_the_3rd_at_noon(self, books: Books) -> None:
        assert statement(books, CLOSING - timedelta(seconds=1))["state"] == "open"
        assert statement(books, CLOSING)["state"] == "closed"

    def test_a_month_closes_on_the_day_that_is_set(self, books: Books) -> None:
        assert runs.statement(books.ledger(close_day=4), "2026-09", as_of=CLOSING)["state"] == "open"

    def test_a_closed_month_stays_as_it_is_and_names_what_came_later(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        closed = statement(books, CLOSING)
        books.push(fee_body(call(2, 61)), at=CLOSING)
        later = statement(books, CLOSING + timedelta(days=1))
        assert later["late"] == {"minutes": 2, "amount": "0.20"}
        assert {**later, "late": None} == closed

    @pytest.mark.usefixtures("few_months")
    def test_the_daily_close_closes_last_month_once_it_is_due(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        close(books)
        assert close(books, None, utc("2026-10-02 16:10:00"))["months"] == []
        assert close(books, None, utc("2026-10-03 16:10:00"))["months"] == ["2026-09"]
        assert close(books, None, utc("2026-10-05 16:10:00"))["months"] == []

    @pytest.mark.usefixtures("few_months")
    def test_the_daily_close_corrects_on_mondays_as_the_shared_one_does(self, books: Books) -> None:
        """One rule for both (`daily.due_months`): 5 October 2026 is a Monday."""
        books.push(fee_body(call(1, 95)), at=EVENING)
        statement(books, CLOSING)
        books.push(fee_body(call(2, 61)), at=CLOSING)
        document = close(books, None, utc("2026-10-04 16:10:00"))
        assert (document["months"], document["corrections"]) == (["2026-09"], 1)

    @pytest.mark.usefixtures("few_months")
    def test_a_month_that_nobody_looked_at_is_not_closed_by_itself(self, books: Books) -> None:
        assert close(books, None, utc("2026-10-03 16:10:00"))["months"] == []

    def test_a_month_that_has_not_begun_is_refused(self, books: Books) -> None:
        """16:00 UTC on 30 September is October in Beijing: U-D24."""
        with pytest.raises(runs.BillingRequestError, match="2026-10 has not begun"):
            runs.statement(books.ledger(), "2026-10", as_of=utc("2026-09-30 15:59:59"))
        runs.statement(books.ledger(), "2026-10", as_of=utc("2026-09-30 16:00:00"))

    def test_rents_follow_the_inventory(self, books: Books) -> None:
        books.number("+8617010000003", issued_on=date(2026, 9, 2))
        books.number("+8617010000004", issued_on=date(2026, 9, 20))
        books.number("+8617010000005", state=NumberState.SUSPENDED)
        books.number("+8617010000006", state=NumberState.RETIRED, unsubscribed_on=date(2026, 8, 25))
        assert [rent["x"][-1] for rent in statement(books)["rents"]] == ["2", "5", "3"]

    def test_a_number_retired_without_a_day_takes_back_no_rent_of_a_closed_month(self, books: Books) -> None:
        """Rent that was paid is never returned (billing-rules.md §6; C-073)."""
        books.number("+8617010000006")
        closed = statement(books, CLOSING)
        assert [rent["x"][-1] for rent in closed["rents"]] == ["2", "6"]
        books.number("+8617010000006", state=NumberState.RETIRED)
        assert statement(books, CLOSING + timedelta(days=1)) == closed
