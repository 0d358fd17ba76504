"""Reconciliations against the tables: what is compared is what was closed; evidence, and no person in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from builders.billing import utc
from builders.books import Books, account_books, call
from builders.pushes import APP_KEY, SESSION, SUBSCRIPTION, A, B, X, fee_body
from privatenumber.billing.closing import runs
from privatenumber.billing.outputs.text import render_reconciliation
from privatenumber.billing.reconciliation.run import reconcile_month

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


def statement(books: Books, as_of: Any) -> Any:
    return runs.statement(books.ledger(), "2026-09", as_of=as_of)


class TestReconciliation:
    def exports(self, books: Books, *rows: str, minutes: int = 2) -> dict[str, str]:
        header = "record_id,app_key,x_number,caller,answer_time,end_time"
        bill = (
            "period,item,number_type,quantity,unit_price,amount\n2026-09,rent,virtual,1,5,5.00\n"
            f"2026-09,call,virtual,{minutes},0.10,{minutes / 10:.2f}\n"
        )
        return {
            "calls": books.upload("calls.csv", "\n".join([header, *rows, ""]).encode()),
            "bill": books.upload("bill.csv", bill.encode()),
        }

    def row(self, icid: str, end: str, caller: str = A) -> str:
        return f"{icid},{APP_KEY},{X},{caller},2026-09-02 09:00:00,{end}"

    def run(self, books: Books, files: dict[str, str], as_of: datetime = NEXT_DAY, **parts: Any) -> Any:
        ledger = books.ledger(**parts)
        return reconcile_month(ledger, "2026-09", files=files, as_of=as_of)

    def test_a_clean_month_matches_and_is_kept(self, books: Books) -> None:
        books.push(fee_body(call(1, 95)), at=EVENING)
        books.hang_up(at=EVENING, sessionId="session-1", timestamp="2026-09-02 01:01:35")
        files = self.exports(books, self.row("icid-1", "2026-09-02 09:01:35"))
        document = self.run(books, files)
        assert (document["result"], document["differences"], document["id"]) == ("matched", [], "2026-09/1")
        assert "reconciliation: 0 differences" in render_reconciliation(document)
        again = self.run(books, files, NEXT_DAY + timedelta(hours=1))
        assert (again["id"], again["hash"]) == (document["id"], document["hash"])

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
            "calls": books.upload("calls.csv", header.encode()),
            "bill": books.upload("bill.csv", b"period,item,quantity,amount\n2026-09,rent,1,5.00\n"),
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
