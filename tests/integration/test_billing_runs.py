"""Runs of billing against the tables: repeatable, resumable; nothing is counted twice or edited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from builders.billing import EXAMPLE_PRICES, NO_CALL_PRICE, utc
from builders.books import Books, account_books
from builders.pushes import APP_ID, APP_KEY, SESSION, SUBSCRIPTION, A, B, X, cdr_entry, fee_body, stranger_cdr
from privatenumber.billing.closing import runs
from privatenumber.billing.closing.lines import read_line
from privatenumber.billing.outputs.text import render_reconciliation, render_statement
from privatenumber.billing.reconciliation.run import reconcile_month
from privatenumber.store.numbers import NumberState
from privatenumber.times import platform_time

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


def call(number: int, talk_s: int, hour: int = 1, day: int = 2, **changes: Any) -> dict[str, Any]:
    """A CDR that ended `talk_s` seconds after the full hour, UTC."""
    begin = datetime(2026, 9, day, hour, tzinfo=UTC)
    return cdr_entry(
        icid=f"icid-{number}",
        sessionId=f"session-{number}",
        fwdAnswerTime=platform_time(begin),
        callEndTime=platform_time(begin + timedelta(seconds=talk_s)),
        **changes,
    )


def close(books: Books, day: date | None = DAY, as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
    return runs.close(books.ledger(**parts), day, as_of=as_of)


def statement(books: Books, as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
    return runs.statement(books.ledger(**parts), "2026-09", as_of=as_of)


class TestDayClose:
    def test_a_day_is_closed_with_its_calls_by_order(self, books: Books) -> None:
        books.push(fee_body(call(1, 95), call(2, 10), stranger_cdr()), at=EVENING)
        (day,) = close(books)["days"]
        assert (day["version"], day["records"], day["day_over"]) == (1, 3, True)
        assert (day["totals"]["minutes"], day["totals"]["amount"]) == (3, "0.30")
        version = books.ledger().closes.latest(APP_ID, DAY)
        assert version is not None
        lines = [read_line(line) for line in books.ledger().closes.lines(version)]
        assert [line.order for line in lines] == ["order-1001", "order-1001", None]

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
        assert (day["version"], day["totals"]["minutes"]) == (2, 4)
        assert [row for row in books.rows("DAY#") if row in first] == first

    def test_a_repeated_and_a_contradicting_push_change_no_amount(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        books.push(fee_body(call(1, 95)), at=EVENING + timedelta(minutes=1))
        books.push(fee_body(call(1, 600)), at=EVENING + timedelta(minutes=2))
        (day,) = close(books)["days"]
        assert (day["totals"]["minutes"], day["flags"]) == (2, {"record_conflict": 1})

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
        assert (day["version"], day["totals"]["minutes"]) == (1, 4)


class TestRunningTotals:
    def test_today_and_yesterday_are_kept_for_people(self, books: Books) -> None:
        books.push(fee_body(call(1, 95), call(2, 10, day=1)), at=EVENING)
        document = runs.rate(books.ledger(), as_of=EVENING)
        assert {day["day"]: day["totals"]["minutes"] for day in document["days"]} == {
            "2026-09-01": 1,
            "2026-09-02": 2,
        }
        running = books.ledger().closes.running(APP_ID, DAY)
        assert running is not None
        assert (running["totals"]["amount"], running["closed_version"]) == ("0.20", None)

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

    def test_a_new_price_list_makes_a_version_of_an_open_month(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        statement(books, prices=NO_CALL_PRICE)
        document = statement(books, prices=EXAMPLE_PRICES)
        assert (document["version"], document["unpriced_minutes"]) == (2, 0)

    def test_a_month_closes_on_the_3rd_at_noon(self, books: Books) -> None:
        assert statement(books, CLOSING - timedelta(seconds=1))["state"] == "open"
        assert statement(books, CLOSING)["state"] == "closed"

    def test_a_closed_month_stays_as_it_is_and_names_what_came_later(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        closed = statement(books, CLOSING)
        books.push(fee_body(call(2, 61)), at=CLOSING)
        later = statement(books, CLOSING + timedelta(days=1))
        assert later["late"] == {"minutes": 2, "amount": "0.20"}
        assert {**later, "late": None} == closed

    def test_the_daily_close_closes_last_month_once_it_is_due(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        close(books)
        assert "month_closed" not in close(books, None, utc("2026-10-02 16:10:00"))
        assert close(books, None, utc("2026-10-03 16:10:00"))["month_closed"] == "2026-09"
        assert "month_closed" not in close(books, None, utc("2026-10-04 16:10:00"))

    def test_a_month_that_nobody_looked_at_is_not_closed_by_itself(self, books: Books) -> None:
        assert "month_closed" not in close(books, None, utc("2026-10-03 16:10:00"))

    def test_a_month_that_has_not_begun_is_refused(self, books: Books) -> None:
        """16:00 UTC on 30 September is October in Beijing: U-D24."""
        with pytest.raises(runs.BillingRequestError, match="2026-10 has not begun"):
            runs.statement(books.ledger(), "2026-10", as_of=utc("2026-09-30 15:59:59"))
        runs.statement(books.ledger(), "2026-10", as_of=utc("2026-09-30 16:00:00"))

    def test_rents_follow_the_inventory(self, books: Books) -> None:
        books.number("+8617010000003", issued_on=date(2026, 9, 2))
        books.number("+8617010000004", issued_on=date(2026, 9, 20))
        books.number("+8617010000005", state=NumberState.SUSPENDED)
        books.number("+8617010000006", state=NumberState.RETIRED)
        assert [rent["x"][-1] for rent in statement(books)["rents"]] == ["2", "5", "3"]


class TestReconciliation:
    def exports(self, books: Books, *rows: str, minutes: int = 2) -> dict[str, str]:
        header = "record_id,app_key,x_number,caller,answer_time,end_time"
        bill = (
            "period,item,number_type,quantity,unit_price,amount\n2026-09,rent,virtual,1,5,5.00\n"
            f"2026-09,call,virtual,{minutes},0.10,{minutes / 10:.2f}\n"
        )
        return {
            "calls_key": books.upload("calls.csv", "\n".join([header, *rows, ""]).encode()),
            "bill_key": books.upload("bill.csv", bill.encode()),
        }

    def row(self, icid: str, end: str, caller: str = A) -> str:
        return f"{icid},{APP_KEY},{X},{caller},2026-09-02 09:00:00,{end}"

    def run(self, books: Books, files: dict[str, str], as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
        ledger = books.ledger(**parts)
        return reconcile_month(
            ledger, "2026-09", calls_key=files["calls_key"], bill_key=files["bill_key"], as_of=as_of
        )

    def test_a_clean_month_matches_and_is_kept(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        books.hang_up(at=EVENING, sessionId="session-1", timestamp="2026-09-02 01:01:35")
        files = self.exports(books, self.row("icid-1", "2026-09-02 09:01:35"))
        document = self.run(books, files)
        assert (document["result"], document["differences"], document["id"]) == ("matched", [], "2026-09/1")
        assert "reconciliation: 0 differences" in render_reconciliation(document)
        assert self.run(books, files, NEXT_DAY + timedelta(hours=1)) == document

    def test_a_lost_cdr_is_one_difference_with_its_hang_up_as_evidence(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        books.hang_up(at=EVENING, sessionId="session-1", timestamp="2026-09-02 01:01:35")
        books.hang_up(at=EVENING, sessionId="session-2", timestamp="2026-09-02 03:01:01", caller=A, called=X)
        rows = [self.row("icid-1", "2026-09-02 09:01:35")]
        rows.append(f"icid-2,{APP_KEY},{X},{A},2026-09-02 11:00:00,2026-09-02 11:01:01")
        (found,) = self.run(books, self.exports(books, *rows, minutes=4))["differences"]
        assert (found["kind"], found["quantity"], found["amount"]) == ("missing_push", "2", "0.20")
        assert "its hang-up event did arrive" in found["cause"]

    def test_a_masked_caller_is_opened_to_be_compared(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        fits = self.exports(books, self.row("", "2026-09-02 09:01:35", "138****8001"))
        assert self.run(books, fits)["result"] == "matched"
        other = self.exports(books, self.row("", "2026-09-02 09:01:35", "138****8009"))
        assert self.run(books, other)["difference_count"] == 2

    def test_a_call_at_midnight_has_its_event_on_one_side_and_its_cdr_on_the_other(
        self, books: Books
    ) -> None:
        books.push(
            fee_body(call(1, 60, hour=15, day=30) | {"callEndTime": "2026-09-30 16:00:00"}), at=MIDNIGHT
        )
        books.hang_up(at=MIDNIGHT, sessionId="session-1", timestamp="2026-09-30 15:59:59")
        header = "record_id,x_number,caller,end_time\n"
        files = {
            "calls_key": books.upload("calls.csv", header.encode()),
            "bill_key": books.upload("bill.csv", b"period,item,quantity,amount\n2026-09,rent,1,5.00\n"),
        }
        assert self.run(books, files, CLOSING)["differences"] == []

    def test_a_lost_cdr_without_a_row_is_valued_by_its_events(self, books: Books) -> None:
        for kind, second in (("answer", "01:00:00"), ("disconnect", "01:01:01")):
            books.push(
                {
                    "eventType": kind,
                    "statusInfo": {
                        "timestamp": f"2026-09-02 {second}",
                        "sessionId": SESSION,
                        "caller": A,
                        "called": X,
                    },
                },
                at=EVENING,
            )
        files = self.exports(books, minutes=2)
        (found,) = self.run(books, files)["differences"]
        assert (found["kind"], found["quantity"], found["amount"]) == ("event_without_cdr", "2", "0.20")

    def test_late_facts_of_a_closed_month_are_a_difference(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        statement(books, CLOSING)
        books.push(fee_body(call(2, 61)), at=CLOSING)
        rows = [
            self.row(f"icid-{n}", end) for n, end in ((1, "2026-09-02 09:01:35"), (2, "2026-09-02 09:01:01"))
        ]
        document = self.run(books, self.exports(books, *rows, minutes=4), CLOSING)
        assert [found["kind"] for found in document["differences"]] == ["late"]

    def test_no_person_appears_in_what_billing_stores_or_answers(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        document = self.run(books, self.exports(books, self.row("icid-9", "2026-09-02 09:01:35", B)))
        written = str([row for row in books.rows("") if not row["pk"].startswith("CALL#")])
        for person in (A, B):
            assert person.removeprefix("+86") not in written
            assert person.removeprefix("+86") not in str(document)


class PowerCut(BaseException):
    """The process is gone."""


def power_cut() -> None:
    raise PowerCut


class Interrupted:
    """A client that does something before its put after the first `before_put` ones."""

    def __init__(self, client: Any, *, before_put: int, do: Any) -> None:
        self._client = client
        self._left = before_put
        self._do = do

    def put_item(self, **request: Any) -> Any:
        self._left -= 1
        if self._left == -1:
            self._do()
        if self._left < -1 and self._do is power_cut:
            raise PowerCut
        return self._client.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
