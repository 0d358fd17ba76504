"""A month as the books state it: handed out in every format, at other prices, and corrected (moto)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest

from builders.bills_api import DIFFERENCE, MONTH, NOW, BillsApi, bills_api, imitated_aws
from builders.books import Books
from builders.pushes import SUBSCRIPTION, A, B, X
from builders.statements import compared_month
from privatenumber.billing.closing import runs
from privatenumber.billing.disputes.booking import book_decisions
from privatenumber.billing.ledger import Ledger
from privatenumber.store import clients
from privatenumber.store.differences import DifferenceState, Handling
from privatenumber.store.disputes import (
    Adjustment,
    AdjustmentKind,
    Dispute,
    DisputeState,
    DisputeStore,
    Entry,
)
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunState, RunStore
from privatenumber.store.statements import correction_store, statement_store
from privatenumber.store.versions import Version

BEGUN = datetime(2026, 9, 2, 12, tzinfo=UTC)
"""A whole month takes moto seconds to read."""

CAME = datetime(2026, 9, 2, 1, 2, tzinfo=UTC)
STATEMENT = "GET /statements/{month}"
RECONCILIATION = "GET /reconciliations/{reconciliation}"
HANDLE = "PATCH /reconciliations/{reconciliation}/differences/{difference}"
MAGIC = {"pdf": b"%PDF", "xlsx": b"PK", "html": b"<!", "csv": b"", "txt": b"", "focus": b""}
DEARER = {"lists": [{"valid_from": "2026-09-01", "call": {"virtual": "0.30", "carrier": "0.30"}}]}


@pytest.fixture(scope="module")
def api() -> Iterator[BillsApi]:
    """The begin of a month with one call; no test here changes it for another one."""
    with imitated_aws(), bills_api() as made:
        books = books_of(made)
        books.number(X, issued_on=date(2026, 1, 1))
        books.bind("order-1001", SUBSCRIPTION, X)
        books.cdr(at=CAME)
        made.now = BEGUN
        runs.statement(books.ledger(), MONTH, as_of=BEGUN)
        made.call(
            "PUT /prices", body={**DEARER, "lists": [{**DEARER["lists"][0], "call": PRICES}], "why": "x"}
        )
        yield made


PRICES = {"virtual": "0.10", "carrier": "0.10"}


def books_of(api: BillsApi) -> Books:
    return Books(clients.dynamodb(), boto3.client("s3"), api.bills, api.bindings, api.bucket)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("form", MAGIC)
def test_the_month_is_handed_out_as_a_file(api: BillsApi, form: str, language: str) -> None:
    body = file_of(api, STATEMENT, {"month": MONTH}, format=form, language=language)
    assert body.removeprefix(b"\xef\xbb\xbf").lower().startswith(MAGIC[form].lower())
    for number in (A, B):
        assert number.removeprefix("+86").encode() not in body


def file_of(api: BillsApi, route: str, path: dict[str, str], **query: str) -> bytes:
    """The file that a link leads to."""
    answer = api.call(route, path=path, query=query)
    assert answer.status == 200, answer.body
    key = unquote(urlsplit(answer.body["url"]).path).lstrip("/").removeprefix(f"{api.bucket}/")
    body: bytes = boto3.client("s3").get_object(Bucket=api.bucket, Key=key)["Body"].read()
    assert len(body) == answer.body["bytes"] > 0
    return body


@pytest.fixture(scope="module")
def run(api: BillsApi) -> str:
    """A comparison with the newest statement: one difference, which was explained."""
    statement = api.call(STATEMENT, path={"month": MONTH}).body
    head = compared_month(statement=statement["hash"], result="differences", difference_count=1)
    del head["differences"], head["bad_rows"], head["version"], head["hash"], head["made_at"]
    run = api.reconcile(DIFFERENCE, **head)
    path = {"reconciliation": run, "difference": api.found(run)[0]["id"]}
    api.call(HANDLE, path=path, body={"state": "explained", "note": "their export"})
    return run


class TestTheListOfDifferences:
    """Of a statement that was compared with the platform's bill."""

    @pytest.mark.parametrize("form", [form for form in MAGIC if form != "focus"])
    def test_a_reconciliation_is_handed_out_as_a_file(self, api: BillsApi, run: str, form: str) -> None:
        body = file_of(api, RECONCILIATION, {"reconciliation": run}, format=form, language="zh")
        assert body.removeprefix(b"\xef\xbb\xbf").lower().startswith(MAGIC[form].lower())

    def test_it_says_what_was_made_of_a_difference(self, api: BillsApi, run: str) -> None:
        text = file_of(api, RECONCILIATION, {"reconciliation": run}, format="csv").decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["kind"], row["amount"], row["state"]) == ("minutes_diff", "0.30", "explained")

    def test_it_stands_in_the_statement_that_was_compared(self, api: BillsApi, run: str) -> None:
        page = file_of(api, STATEMENT, {"month": MONTH}, format="html").decode()
        assert "<h2>Differences</h2>" in page
        assert DIFFERENCE["cause"] in page
        rows = file_of(api, STATEMENT, {"month": MONTH}, format="csv", table="differences")
        assert DIFFERENCE["cause"].encode() in rows

    def test_a_later_statement_was_compared_with_nothing(self, api: BillsApi, run: str) -> None:
        """What was found is true of the figures that were compared."""
        known = api.call(STATEMENT, path={"month": MONTH}).body
        store = statement_store(clients.dynamodb(), api.bills.name)
        latest = store.latest(MONTH)
        assert latest is not None
        store.add(MONTH, {**latest.document, "total": "9.00"}, store.lines(latest), seen=latest, made_at=NOW)
        assert b"<h2>Differences</h2>" not in file_of(api, STATEMENT, {"month": MONTH}, format="html")
        version = str(known["version"])
        older = file_of(api, STATEMENT, {"month": MONTH}, format="html", version=version)
        assert b"<h2>Differences</h2>" in older

    def test_costs_by_focus_are_no_format_of_it(self, api: BillsApi, run: str) -> None:
        answer = api.call(RECONCILIATION, path={"reconciliation": run}, query={"format": "focus"})
        assert (answer.status, answer.body["type"].rpartition(":")[2]) == (422, "cannot-be-rendered")


def test_what_is_not_compared_yet_is_no_file(api: BillsApi) -> None:
    asked = f"{MONTH}~{'z' * 26}"
    RunStore(clients.dynamodb(), api.bills.name).add(
        ReconciliationRun(asked, MONTH, {}, None, RunState.REQUESTED, NOW, "anna", 2**31)
    )
    answer = api.call(RECONCILIATION, path={"reconciliation": asked}, query={"format": "pdf"})
    assert (answer.status, answer.body["type"].rpartition(":")[2]) == (409, "not-compared")


def test_the_calls_of_the_month_are_a_file_in_the_layout_of_details(api: BillsApi) -> None:
    """billing-rules.md §9.4: exports in the column layouts of §9.2 plus amounts; C-109."""
    query = {"format": "csv", "table": "calls"}
    answer = api.call("GET /statements/{month}", path={"month": MONTH}, query=query)
    assert answer.status == 200, answer.body
    contents = boto3.client("s3").list_objects_v2(Bucket=api.bucket)["Contents"]
    (key,) = [one["Key"] for one in contents if ".calls." in one["Key"]]
    text = boto3.client("s3").get_object(Bucket=api.bucket, Key=key)["Body"].read().decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["x_number"], row["order"]) == (f"'{X}", "order-1001")
    assert Decimal(row["amount"]) == int(row["billed_minutes"]) * Decimal(row["unit_price"])
    assert (row["caller"], row["callee"]) == ("", "")


def test_a_table_that_a_statement_has_not_is_said_to(api: BillsApi) -> None:
    query = {"format": "csv", "table": "nothing"}
    answer = api.call("GET /statements/{month}", path={"month": MONTH}, query=query)
    assert answer.status == 422
    assert answer.body["type"].endswith(":cannot-be-rendered")


def test_other_prices_are_shown_beside_those_in_force_and_nothing_is_kept(api: BillsApi) -> None:
    before = api.call("GET /statements/{month}/versions", path={"month": MONTH}).body
    answer = api.call("POST /statements/{month}/preview", path={"month": MONTH}, body=DEARER)
    assert answer.status == 200, answer.body
    (call,) = [part for part in answer.body["components"] if part["item"] == "call"]
    minutes = Decimal(call["now"]["quantity"])
    assert Decimal(answer.body["total"]["difference"]) == minutes * Decimal("0.20")
    assert api.call("GET /statements/{month}/versions", path={"month": MONTH}).body == before
    assert api.call("GET /prices").body["lists"][0]["call"] == PRICES


@pytest.mark.parametrize("query", [{"line": "usage"}, {"line": "share", "view": "x", "key": X}])
def test_a_line_leads_to_its_records_and_a_record_back_to_its_statement(
    api: BillsApi, query: dict[str, str]
) -> None:
    (line,) = api.call("GET /statements/{month}/lines", path={"month": MONTH}, query=query).body["lines"]
    records = api.call(
        "GET /statements/{month}/records", path={"month": MONTH}, query={"line": line["id"], "limit": "1"}
    )
    (record,) = records.body["records"]
    assert records.body["next_cursor"] is None
    found = api.call("GET /records", query={"fact": record["fact"]})
    assert found.body["line"] == record
    assert {name: found.body["statements"][-1][name] for name in ("kind", "month", "version")} == {
        "kind": "statement",
        "month": MONTH,
        "version": 1,
    }
    assert "caller" not in record


def test_what_has_no_records_is_said_to(api: BillsApi) -> None:
    query = {"line": "rent"}
    (rent,) = api.call("GET /statements/{month}/lines", path={"month": MONTH}, query=query).body["lines"]
    asked = {"line": rent["id"]}
    assert api.call("GET /statements/{month}/records", path={"month": MONTH}, query=asked).status == 422
    assert api.call("GET /records", query={"fact": "CALL#none#x/CDR#1"}).status == 404
    for fact in ("BINDING#1/BINDING", "CALL#a/", "CALL#/CDR#1", "CALL#a"):
        assert api.call("GET /records", query={"fact": fact}).status == 422


def test_a_record_that_is_there_no_more_is_found_by_what_it_was(api: BillsApi) -> None:
    gone = {"line": "record", "fact": "CALL#demo#s/CDR#i", "was": {"item": "call"}}
    new = {"line": "record", "fact": "SMS#demo#m/SMS", "item": "sms"}
    store = correction_store(clients.dynamodb(), api.bills.name)
    store.add("2025-05", {"month": "2025-05"}, [gone, new], seen=None, made_at=NOW)
    query = {"correction": "1", "line": "record", "item": "call"}
    answer = api.call("GET /statements/{month}/lines", path={"month": "2025-05"}, query=query)
    assert [line["fact"] for line in answer.body["lines"]] == [gone["fact"]]


def test_a_rejected_dispute_is_booked_once_as_a_correction(api: BillsApi) -> None:
    """Decided today, booked by the daily run, however often it runs (billing-rules.md §9.4)."""
    close(books_of(api).ledger())
    api.now = NOW
    dispute = decided(api, "rejected")
    store = DisputeStore(clients.dynamodb(), api.bills.name)
    first, again = (book_decisions(books_of(api).ledger(), store, as_of=NOW) for _ in range(2))
    assert ([each["amount"] for each in first], again) == (["0.30"], [])
    answer = api.call("GET /statements/{month}/corrections", path={"month": MONTH})
    (correction,) = answer.body["corrections"]
    assert correction["reasons"] == ["adjustment"]
    assert correction["reference"] == f"dispute {dispute} move 3"
    assert correction["booked_in"] == "2026-10"
    path = {"month": MONTH}
    lines = api.call("GET /statements/{month}/lines", path=path, query={"correction": "1"}).body["lines"]
    assert {line["line"] for line in lines} == {"close", "share"}
    assert {line["key"] for line in lines if line["line"] == "share"} == {"#account"}
    missing = api.call("GET /statements/{month}/lines", path=path, query={"correction": "2"})
    assert missing.status == 404


def test_a_decision_about_history_is_told_and_the_others_are_booked(api: BillsApi) -> None:
    """No statement shows a correction of 2025-01 any more: that one alone is refused, told once and kept."""
    ledger, old = books_of(api).ledger(), "2025-01"
    closed = close(ledger)
    ledger.statements.add(old, {**closed.document, "month": old}, [], seen=None, made_at=NOW)
    kind, amount = AdjustmentKind.ADJUSTMENT, Decimal("0.30")
    store = DisputeStore(clients.dynamodb(), api.bills.name)
    for month in (old, MONTH):
        dispute = Dispute(
            id=f"{month}-of-history",
            month=month,
            run="run",
            difference="0" * 24,
            kind="minutes_diff",
            amount=amount,
            said={},
            state=DisputeState.REJECTED,
            opened_at=NOW,
            opened_by=api.actor,
            changed_at=NOW,
        )
        entry = Entry(dispute.id, 3, NOW, api.actor, "reject", DisputeState.SUBMITTED, dispute.state)
        said = Handling(month, dispute.difference, DifferenceState.ADJUSTED, version=1)
        row = Adjustment("2026-10", dispute.id, 3, kind, month, amount, NOW, api.actor)
        store.move(dispute, entry, said, [row], seen=0)
    refused, booked = book_decisions(ledger, store, as_of=NOW)
    assert (refused["kind"], refused["reference"]) == ("refused", f"dispute {old}-of-history move 3")
    assert (booked["kind"], booked["month"], booked["amount"]) == ("correction", MONTH, "0.30")
    assert book_decisions(ledger, store, as_of=NOW) == []
    kept = [(row.kind.value, row.amount, row.by) for row in store.adjustments("2026-10", f"{old}-of-history")]
    assert kept == [("adjustment", amount, api.actor), ("not_booked", amount, "billing")]


def close(ledger: Ledger) -> Version:
    """The statement of the month, closed as it is."""
    latest = ledger.statements.latest(MONTH)
    assert latest
    closed = {**latest.document, "state": "closed"}
    return ledger.statements.add(MONTH, closed, ledger.statements.lines(latest), seen=latest, made_at=NOW)


def decided(api: BillsApi, decision: str) -> str:
    dispute = api.dispute()
    api.act(dispute, "submit")
    answer: Any = api.act(dispute, "decide", decision=decision)
    assert answer.body["amount"] == DIFFERENCE["amount"]
    return dispute
