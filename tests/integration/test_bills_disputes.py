"""Disputes over HTTP, on moto: moves, money, and a bundle of what proves them (billing-rules.md §9.3)."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from builders.bills_api import (
    ANNA,
    BEN,
    DIFFERENCE,
    LATE,
    MONTH,
    Answer,
    BillsApi,
    bills_api,
    described,
    imitated_aws,
    problem,
)
from builders.books import Books
from builders.pushes import APP_ID, SESSION, SUBSCRIPTION, A, B, X
from privatenumber.billing.disputes.import_row import import_row
from privatenumber.store import clients
from privatenumber.store.audit import AuditStore, Change, Entry, Kind
from privatenumber.store.files import FileStore
from privatenumber.store.items import encode
from privatenumber.store.reconciliation_runs import RunStore

CAME = datetime(2026, 9, 2, 1, 2, tzinfo=UTC)
READ = "GET /disputes/{dispute}"
EVIDENCE = "GET /disputes/{dispute}/evidence"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with imitated_aws():
        yield


@pytest.fixture
def api(aws: None) -> Iterator[BillsApi]:
    with bills_api() as made:
        yield made


def read(api: BillsApi, dispute: str, route: str = READ) -> Answer:
    return api.call(route, path={"dispute": dispute})


class TestMoves:
    def test_a_difference_is_disputed_once(self, api: BillsApi) -> None:
        run = api.reconcile(DIFFERENCE)
        body = {"reconciliation": run, "difference": api.found(run)[0]["id"], "why": "ours is longer"}
        first = api.call("POST /disputes", body=body)
        api.now += timedelta(minutes=1)
        again = api.call("POST /disputes", body=body)
        assert (first.status, again.status, again.body) == (201, 200, first.body)
        assert (first.body["amount"], first.body["state"], first.body["x"]) == (
            "0.30",
            "open",
            "+86170****0001",
        )
        assert [found["state"] for found in api.found()] == ["disputed"]
        described(first, "POST /disputes")
        described(again, "POST /disputes")

    def test_what_cannot_be_disputed_is_refused(self, api: BillsApi) -> None:
        run = api.reconcile(LATE)
        body = {"reconciliation": run, "difference": api.found(run)[0]["id"]}
        unpriced = api.call("POST /disputes", body=body)
        assert (unpriced.status, problem(unpriced)) == (409, "not-disputable")
        unknown = api.call("POST /disputes", body={**body, "difference": "0" * 24})
        assert (unknown.status, problem(unknown)) == (404, "difference-not-found")
        described(unpriced, "POST /disputes")

    def test_a_dispute_tells_every_move_and_what_it_books(self, api: BillsApi) -> None:
        dispute = api.dispute()
        api.act(dispute, "submit", why="by mail")
        api.actor = BEN
        decided = api.act(dispute, "decide", decision="partly_accepted", accepted="0.10", why="their letter")
        told = read(api, dispute)
        assert (decided.body["state"], decided.body["accepted"]) == ("partly_accepted", "0.10")
        assert [(move["act"], move["by"], move["from"], move["to"]) for move in told.body["moves"]] == [
            ("open", ANNA, None, "open"),
            ("submit", ANNA, "open", "submitted"),
            ("accept_partly", BEN, "submitted", "partly_accepted"),
        ]
        assert [(money["kind"], money["amount"], money["month"]) for money in told.body["adjustments"]] == [
            ("adjustment", "0.20", "2026-10"),
            ("credit", "-0.10", "2026-10"),
        ]
        described(decided, "POST /disputes/{dispute}/decide")
        described(told, READ)

    def test_a_decision_after_the_decision_comes_too_late(self, api: BillsApi) -> None:
        dispute = api.dispute()
        api.act(dispute, "submit")
        api.act(dispute, "decide", decision="accepted")
        api.actor = BEN
        answer = api.act(dispute, "decide", decision="rejected")
        assert (answer.status, problem(answer)) == (409, "dispute-act-not-allowed")
        assert read(api, dispute).body["state"] == "accepted"
        described(answer, "POST /disputes/{dispute}/decide")

    def test_the_same_request_again_is_answered_and_books_nothing_more(self, api: BillsApi) -> None:
        dispute = api.dispute()
        api.act(dispute, "submit")
        first, again = (api.act(dispute, "decide", decision="rejected") for _ in range(2))
        assert (first.status, again.status, again.body) == (200, 200, first.body)
        assert again.headers["idempotent-replay"] == "true"
        assert len(read(api, dispute).body["adjustments"]) == 1

    def test_who_names_the_version_he_saw_is_told_when_it_is_another(self, api: BillsApi) -> None:
        dispute = api.dispute()
        api.act(dispute, "submit", why="first")
        answer = api.act(dispute, "withdraw", version=1)
        assert (answer.status, problem(answer)) == (409, "overtaken")

    def test_a_withdrawn_dispute_leaves_its_difference_open_and_is_taken_up_again(
        self, api: BillsApi
    ) -> None:
        dispute = api.dispute()
        api.act(dispute, "withdraw")
        assert [(found["state"], found["dispute"]) for found in api.found()] == [("open", None)]
        reopened = api.act(dispute, "reopen")
        assert reopened.body["state"] == "open"
        assert [found["state"] for found in api.found()] == ["disputed"]
        described(reopened, "POST /disputes/{dispute}/reopen")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"decision": "maybe"},
            {"decision": "partly_accepted"},
            {"decision": "partly_accepted", "accepted": "0.30"},
            {"decision": "partly_accepted", "accepted": 0.1},
            {"decision": "partly_accepted", "accepted": "0.125"},
            {"decision": "accepted", "accepted": "0.10"},
            {"decision": "accepted", "version": "1"},
            {"decision": "accepted", "why": "call 13800138001"},
        ],
    )
    def test_what_is_no_decision_is_refused_and_moves_nothing(
        self, api: BillsApi, body: dict[str, Any]
    ) -> None:
        dispute = api.dispute()
        api.act(dispute, "submit")
        assert api.act(dispute, "decide", **body).status == 422
        assert read(api, dispute).body["state"] == "submitted"

    def test_disputes_are_listed_by_state(self, api: BillsApi) -> None:
        dispute = api.dispute()
        assert [one["id"] for one in api.call("GET /disputes").body["disputes"]] == [dispute]
        api.act(dispute, "submit")
        answer = api.call("GET /disputes", query={"state": "submitted", "limit": "1"})
        assert [one["id"] for one in answer.body["disputes"]] == [dispute]
        assert api.call("GET /disputes").body["disputes"] == []
        described(answer, "GET /disputes")

    @pytest.mark.parametrize("dispute", ["none", f"{MONTH}-{'0' * 24}"])
    def test_an_unknown_dispute_is_not_found(self, api: BillsApi, dispute: str) -> None:
        for answer in (read(api, dispute), read(api, dispute, EVIDENCE), api.act(dispute, "submit")):
            assert (answer.status, problem(answer)) == (404, "dispute-not-found")


class TestEvidence:
    @pytest.fixture
    def dispute(self, api: BillsApi) -> str:
        """A dispute about a call of ours that came with an event, in two versions, through a binding."""
        books = Books(clients.dynamodb(), boto3.client("s3"), api.bills, api.bindings, api.bucket)
        binding = {
            "pk": "BINDING#b1",
            "sk": "BINDING",
            "subscription_key": f"{APP_ID}#{SUBSCRIPTION}",
            "binding_id": "b1",
            "application": APP_ID,
            "order": "order-1001",
        }
        clients.dynamodb().put_item(TableName=api.bindings.name, Item=encode(binding))
        books.cdr(at=CAME)
        books.cdr(at=CAME + timedelta(minutes=1), callEndTime="2026-09-02 01:09:59")
        books.hang_up(at=CAME)
        change = Change("state", None, "ACTIVE")
        entry = Entry(Kind.BINDING, "b1", 1, APP_ID, CAME, "system:bind", None, "ACTIVE", (change,))
        AuditStore(clients.dynamodb(), api.bindings.name, days=4000).add(entry)
        (fact,) = [row for row in books.rows("CALL#") if row["kind"] == "cdr" and "VARIANT" not in row["sk"]]
        named = {"fact": f"{fact['pk']}/{fact['sk']}", "import_line": 7}
        run = api.reconcile({**DIFFERENCE, "evidence": named})
        body = {"reconciliation": run, "difference": api.found(run)[0]["id"]}
        return str(api.call("POST /disputes", body=body).body["id"])

    def test_the_bundle_holds_record_variant_event_binding_and_file(
        self, api: BillsApi, dispute: str
    ) -> None:
        answer = read(api, dispute, EVIDENCE)
        (record,) = answer.body["evidence"]["records"]
        kinds = sorted(row["kind"] for row in record["rows"])
        assert kinds == ["cdr", "cdr", "event"]
        assert any("VARIANT" in row["row"] for row in record["rows"])
        (binding,) = record["bindings"]
        assert (binding["order"], [entry["version"] for entry in binding["history"]]) == ("order-1001", [1])
        assert answer.body["evidence"]["difference"]["evidence"]["import_line"] == 7
        assert answer.body["evidence"]["files"] == {"calls": f"uploads/{MONTH}/calls.csv"}
        assert answer.body["evidence"]["import_row"] == {
            "file": f"uploads/{MONTH}/calls.csv",
            "line": 7,
            "not_shown": "FileMissing",
        }
        described(answer, EVIDENCE)

    def test_the_row_of_the_platforms_file_is_in_it_masked(self, api: BillsApi, dispute: str) -> None:
        row = f"{SESSION},{X},{A},{B},2026-09-02 09:02:00\n"
        rows = "record_id,x_number,caller,callee,end_time\n" + row * 6
        key = f"uploads/{MONTH}/calls.csv"
        boto3.client("s3").put_object(Bucket=api.bucket, Key=key, Body=rows.encode())
        answer = read(api, dispute, EVIDENCE)
        shown = answer.body["evidence"]["import_row"]
        assert (shown["line"], shown["row"]["line"], shown["row"]["ended_at"]) == (
            7,
            7,
            "2026-09-02T01:02:00.000Z",
        )
        assert (shown["row"]["caller"], shown["row"]["record_id"]) == ("+86138****8001", None)
        text = json.dumps(answer.body)
        assert not any(number.removeprefix("+86") in text for number in (A, B, X, SESSION))

    @pytest.mark.parametrize(
        ("kind", "item"), [("parts_diff", "sms"), ("record_conflict", "sms"), ("duplicate", "call")]
    )
    def test_the_row_is_that_of_the_file_of_its_kind(self, api: BillsApi, kind: str, item: str) -> None:
        """Calls and SMS have a line 2 each; every difference about a row says whose it is."""
        keys = {name: f"uploads/{MONTH}/{name}.csv" for name in ("calls", "sms")}
        rows = {
            "calls": f"record_id,x_number,caller,end_time\nicid-1,{X},{A},2026-09-02 09:00:00\n",
            "sms": f"sms_id,x_number,sender,time,parts\nsms-1,{X},{A},2026-09-02 09:00:00,1\n",
        }
        for name, text in rows.items():
            boto3.client("s3").put_object(Bucket=api.bucket, Key=keys[name], Body=text.encode())
        run = RunStore(api.bills.client, api.bills.name).get(api.reconcile(DIFFERENCE))
        assert run is not None
        said = {**DIFFERENCE, "kind": kind, "evidence": {"item": item, "import_line": 2}}
        shown = import_row(FileStore(clients.s3(), api.bucket), "", replace(run, files=keys), said)
        assert shown is not None
        assert "sms_id" in shown["row"] if item == "sms" else "record_id" in shown["row"]

    def test_nobodys_number_or_session_is_in_it(self, api: BillsApi, dispute: str) -> None:
        answer = read(api, dispute, EVIDENCE)
        text = json.dumps(answer.body["evidence"])
        for number in (A, B, X, SESSION):
            assert number.removeprefix("+86") not in text
        numbers = answer.body["evidence"]["records"][0]["rows"][0]["numbers"]
        assert numbers["callerNum"].startswith("+86138****")
        assert not re.search(r"1[3-9][0-9]{9}", text)

    def test_the_file_says_the_same_and_lies_under_its_hash(self, api: BillsApi, dispute: str) -> None:
        first, again = read(api, dispute, EVIDENCE), read(api, dispute, EVIDENCE)
        listed = boto3.client("s3").list_objects_v2(Bucket=api.bucket, Prefix="evidence/")["Contents"]
        (key,) = [one["Key"] for one in listed]
        assert key == f"evidence/{dispute}/{first.body['hash']}.zip"
        body = boto3.client("s3").get_object(Bucket=api.bucket, Key=key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert json.loads(archive.read("evidence.json")) == again.body["evidence"]

    def test_what_was_handed_in_is_known_by_its_hash_when_more_has_come_since(
        self, api: BillsApi, dispute: str
    ) -> None:
        submitted = api.act(dispute, "submit").body["evidence"]
        assert submitted == read(api, dispute, EVIDENCE).body["hash"]
        books = Books(clients.dynamodb(), boto3.client("s3"), api.bills, api.bindings, api.bucket)
        books.cdr(at=CAME + timedelta(hours=1), callEndTime="2026-09-02 01:08:00")
        answer = read(api, dispute, EVIDENCE)
        assert answer.body["submitted"] == submitted != answer.body["hash"]
