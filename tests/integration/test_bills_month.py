"""A month as the books state it: handed out in every format, at other prices, and corrected (moto)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import create_autospec

import boto3
import pytest

from builders.bills_api import DIFFERENCE, MONTH, NOW, BillsApi, bills_api, imitated_aws
from builders.books import Books
from builders.pushes import SUBSCRIPTION, A, B, X
from privatenumber.billing.closing import runs
from privatenumber.billing.disputes.booking import book_decisions
from privatenumber.billing.ledger import Ledger
from privatenumber.store import clients
from privatenumber.store.disputes import Adjustment, AdjustmentKind, DisputeStore
from privatenumber.store.versions import Version

BEGUN = datetime(2026, 9, 2, 12, tzinfo=UTC)
"""A whole month takes moto seconds to read."""

CAME = datetime(2026, 9, 2, 1, 2, tzinfo=UTC)
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
    query = {"format": form, "language": language}
    answer = api.call("GET /statements/{month}", path={"month": MONTH}, query=query)
    assert answer.status == 200, answer.body
    (key,) = [
        one["Key"]
        for one in boto3.client("s3").list_objects_v2(Bucket=api.bucket)["Contents"]
        if f".{language}.{form}" in one["Key"]
    ]
    body = boto3.client("s3").get_object(Bucket=api.bucket, Key=key)["Body"].read()
    assert body.removeprefix(b"\xef\xbb\xbf").lower().startswith(MAGIC[form].lower())
    assert len(body) == answer.body["bytes"] > 0
    for number in (A, B):
        assert number.removeprefix("+86").encode() not in body


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
    """No statement shows a correction of 2025-01 any more: that one is refused, day after day, alone."""
    ledger, old = books_of(api).ledger(), "2025-01"
    closed = close(ledger)
    ledger.statements.add(old, {**closed.document, "month": old}, [], seen=None, made_at=NOW)
    kind, amount = AdjustmentKind.ADJUSTMENT, Decimal("0.30")
    rows = [
        Adjustment("2026-10", f"{month}-of-history", 3, kind, month, amount, NOW, api.actor)
        for month in (old, MONTH)
    ]
    store = create_autospec(DisputeStore, instance=True)
    store.adjustments.side_effect = lambda month: [row for row in rows if row.month == month]
    refused, booked = book_decisions(ledger, store, as_of=NOW)
    assert (refused["kind"], refused["reference"]) == ("refused", f"dispute {old}-of-history move 3")
    assert (booked["kind"], booked["month"], booked["amount"]) == ("correction", MONTH, "0.30")
    assert [each["kind"] for each in book_decisions(ledger, store, as_of=NOW)] == ["refused"]


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
