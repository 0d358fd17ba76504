"""What a dispute has booked and a fact says later is told, not counted twice (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from builders.books import Books, account_books
from builders.pushes import APP_ID, APP_KEY, ICID, SUBSCRIPTION, A, B, X
from privatenumber.billing.closing.corrections import correct
from privatenumber.billing.closing.runs import state_month
from privatenumber.billing.disputes.booking import book_decisions
from privatenumber.billing.disputes.desk import Desk, Found, Order
from privatenumber.billing.disputes.states import Act
from privatenumber.billing.reconciliation.import_missing import import_missing
from privatenumber.billing.reconciliation.run import reconcile_month
from privatenumber.privacy import mask
from privatenumber.store.differences import DifferenceStore
from privatenumber.times import iso

MONTH = "2026-09"
CLOSING = datetime(2026, 10, 3, 5, tzinfo=UTC)
LATER = datetime(2026, 10, 12, 5, tzinfo=UTC)
EXPORT = (
    "record_id,binding_id,app_key,x_number,caller,callee,call_in_time,answer_time,end_time,duration_s,"
    "billed_minutes,result\n"
)
ROW = (
    f"{ICID},{SUBSCRIPTION},{APP_KEY},{X},{A},{B},2026-09-02 09:00:00,2026-09-02 09:00:08,"
    "2026-09-02 09:01:10,62,2,ok\n"
)
BILL = (
    "period,item,number_type,quantity,unit_price,package_quantity,amount\n"
    "2026-09,call,virtual,2,0.10,0,0.20\n2026-09,rent,virtual,1,5,0,5.00\n"
)
MISSING = {
    "line": "difference",
    "kind": "missing_push",
    "cause": "the row of another export of that call",
    "amount": "0.20",
    "quantity": "2",
    "application": APP_ID,
    "x": mask(X),
    "at": iso(datetime(2026, 9, 2, 1, 1, 10, tzinfo=UTC)),
    "evidence": {"import_line": 17},
}


@pytest.fixture
def books() -> Iterator[Books]:
    """A closed month in which the push of one call is missing, and the platform's files of it."""
    with account_books() as opened:
        opened.number(X, issued_on=date(2026, 1, 1))
        opened.bind("order-1001", SUBSCRIPTION, X)
        opened.upload("uploads/calls.csv", (EXPORT + ROW).encode())
        opened.upload("uploads/bill.csv", BILL.encode())
        state_month(opened.ledger(), MONTH, as_of=CLOSING)
        yield opened


def compare(books: Books) -> dict[str, Any]:
    files = {"calls": "uploads/calls.csv", "bill": "uploads/bill.csv"}
    return reconcile_month(books.ledger(), MONTH, files=files, as_of=LATER)


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((found["kind"], found["amount"]) for found in document["differences"])


def desk_of(books: Books) -> Desk:
    return Desk(books.ledger().disputes, DifferenceStore(books.dynamodb, books.bills.name))


def move(books: Books, dispute: str, *acts: Act) -> None:
    desk = desk_of(books)
    for act in acts:
        desk.act(dispute, Order(act, "anna"), now=LATER)
    book_decisions(books.ledger(), desk.disputes, as_of=LATER)


def reject(books: Books) -> str:
    """Dispute the missing push; the platform does not give in, so its price is booked as agreed."""
    found = Found(MONTH, "run", "0" * 24, MISSING)
    dispute, _ = desk_of(books).open(found, by="anna", why=None, now=LATER)
    move(books, dispute.id, Act.SUBMIT, Act.REJECT)
    return dispute.id


def imported(books: Books) -> None:
    files = {"calls": ["uploads/calls.csv"]}
    import_missing(books.ledger(), MONTH, files=files, as_of=LATER, by="anna")


def in_all(books: Books) -> Decimal:
    """What the month comes to with all its corrections."""
    ledger = books.ledger()
    statement = ledger.statements.latest(MONTH)
    assert statement is not None
    booked = [Decimal(each.document["amount"]) for each in ledger.corrections.versions(MONTH)]
    return Decimal(statement.document["total"]) + sum(booked)


def test_a_row_imported_after_its_price_was_agreed_is_told_until_the_dispute_is_taken_back(
    books: Books,
) -> None:
    dispute = reject(books)
    assert told(compare(books)) == [("missing_push", "0.20")]
    imported(books)
    books.cdr(at=LATER)
    correct(books.ledger(), MONTH, as_of=LATER)
    assert in_all(books) == Decimal("5.40")
    document = compare(books)
    assert (document["result"], told(document)) == ("differences", [("stale_adjustment", "-0.20")])
    assert document["differences"][0]["evidence"] == {"dispute": dispute}
    move(books, dispute, Act.REOPEN, Act.WITHDRAW)
    document = compare(books)
    assert (document["result"], told(document), in_all(books)) == ("matched", [], Decimal("5.20"))


def test_a_push_after_its_price_was_agreed_is_told_before_and_after_its_correction(books: Books) -> None:
    reject(books)
    for _ in range(2):
        books.cdr(at=LATER)
    assert told(compare(books)) == [("late", "0.20"), ("stale_adjustment", "-0.20")]
    correct(books.ledger(), MONTH, as_of=LATER)
    assert told(compare(books)) == [("stale_adjustment", "-0.20")]
