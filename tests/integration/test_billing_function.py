"""The billing function as Lambda calls it: events in, documents, metrics and log lines out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import boto3
import pytest

from builders.billing import utc
from builders.books import Books, account_books
from builders.events import case_of, event_files, function_of, read_event
from builders.keyrings import add_data_key
from builders.pushes import APP_ID, APP_KEY, SUBSCRIPTION, A, B, X, applications_secret, cdr_entry, fee_body
from privatenumber.billing.bootstrap import Rooms
from privatenumber.billing.closing.fan_out import CloseWork
from privatenumber.billing.disputes import booking
from privatenumber.privacy import seal
from privatenumber.store import clients
from privatenumber.store.close_runs import CloseRun
from privatenumber.store.keyring import KeyringStore

_SECRETS = count(1)
NOW = utc("2026-09-02 12:00:00")
PRICE_LIST = '[{"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}}]'
_NO_FILES = {"action": "reconcile", "calls": "none.csv", "bill": "none.csv"}


class Lambda:
    """The function in one environment: its documents, and what it printed."""

    def __init__(self, app: ModuleType, output: pytest.CaptureFixture[str]) -> None:
        self._app = app
        self._output = output
        self.printed = ""

    def invoke(self, **event: Any) -> dict[str, Any]:
        """Call the handler; the document must be JSON."""
        for handler in self._app.logger.handlers:
            handler.stream = sys.stdout  # the logger found another one when it was imported
        document: dict[str, Any] = json.loads(json.dumps(self._app.handler(event, None)))
        self.printed += self._output.readouterr().out
        return document

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines it printed."""
        return [json.loads(line) for line in self.printed.splitlines()]

    def metric(self, name: str) -> float:
        """The sum of a metric."""
        values = [line[name] for line in self.lines() if name in line and "_aws" in line]
        return sum(sum(value) if isinstance(value, list) else value for value in values)


@pytest.fixture(scope="module")
def account() -> Iterator[Books]:
    """One imitation of AWS with one order."""
    with pytest.MonkeyPatch.context() as variables:
        for name, value in (("REGION", "cn-north-1"), ("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")):
            variables.setenv(f"AWS_{'DEFAULT_' * (name == 'REGION')}{name}", value)
        _forget_clients()
        with account_books() as opened:
            opened.number(X, issued_on=date(2026, 1, 1))
            opened.bind("order-1001", SUBSCRIPTION, X)
            yield opened
        _forget_clients()


def _forget_clients() -> None:
    for name in ("dynamodb", "kms", "secrets", "s3", "sqs"):
        getattr(clients, name).cache_clear()


@pytest.fixture(scope="module")
def key_id(account: Books) -> str:
    """The key that wraps the keyring of the module's table."""
    arn: str = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def books(account: Books, key_id: str) -> Books:
    """One call of the order under the keyring of the deployment; no test here changes it for another one."""
    keyring = KeyringStore(account.dynamodb, account.bindings.name, boto3.client("kms"), key_id).load()
    account.push(fee_body(cdr_entry()), at=utc("2026-09-02 01:01:11"), keyring=keyring)
    return account


@pytest.fixture
def function(
    books: Books, key_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Lambda]:
    secrets = boto3.client("secretsmanager")
    secret = secrets.create_secret(Name=f"applications-{next(_SECRETS)}", SecretString=applications_secret())
    variables = {
        "BILLS_TABLE": books.bills.name,
        "BINDINGS_TABLE": books.bindings.name,
        "EXCHANGE_BUCKET": books.bucket,
        "KEY_ID": key_id,
        "APPLICATIONS_SECRET": secret["ARN"],
        "PRICE_LIST": PRICE_LIST,
        "BILLING_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="billing")["QueueUrl"],
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    from functions.billing import app, parts

    for module in (app, parts):
        module.rooms.cache_clear()
    monkeypatch.setattr(app, "utc_now", lambda: NOW)
    yield Lambda(app, capsys)
    for module in (app, parts):
        module.rooms.cache_clear()


def test_the_hourly_run_answers_running_totals(function: Lambda) -> None:
    document = function.invoke(action="rate")
    assert [(day["day"], day["calls"]["amount"]) for day in document["days"]] == [
        ("2026-09-01", "0.00"),
        ("2026-09-02", "0.20"),
    ]


def test_the_daily_run_closes_yesterday(function: Lambda) -> None:
    document = function.invoke(action="close", scheduled_time="2026-09-02T16:10:00Z")
    assert [day["day"] for day in document["days"]] == ["2026-09-01", "2026-09-02"]


def test_a_moment_before_now_does_not_turn_time_back(function: Lambda) -> None:
    document = function.invoke(action="rate", as_of="2026-08-01T00:00:00.000Z")
    assert document["as_of"] == "2026-09-02T12:00:00.000Z"


def test_the_statement_of_this_month_needs_no_name(function: Lambda) -> None:
    document = function.invoke(action="statement")
    assert (document["month"], document["total"]) == ("2026-09", "5.20")


def test_two_files_are_reconciled(function: Lambda, books: Books) -> None:
    header = "record_id,app_key,x_number,caller,answer_time,end_time"
    icid = cdr_entry()["icid"]
    row = f"{icid},{APP_KEY},{X},{A},2026-09-02 09:00:08,2026-09-02 09:01:10"
    bill = "period,item,number_type,quantity,amount\n2026-09,rent,virtual,1,5\n2026-09,call,virtual,2,0.2\n"
    document = function.invoke(
        action="reconcile",
        month="2026-09",
        calls=books.upload("calls.csv", f"{header}\n{row}\n".encode()),
        bill=books.upload("bill.csv", bill.encode()),
    )
    assert (document["result"], document["difference_count"]) == ("matched", 0)
    assert function.metric("ReconciliationDifferences") == 0


def test_a_record_under_a_newer_key_is_opened(function: Lambda) -> None:
    """Another environment sealed it with a data key added since this one read the keyring."""
    from functions.billing import app

    rooms = app.rooms()
    ledger = rooms.ledger()
    ledger.keyring()
    newer = add_data_key(rooms._keyrings)
    assert ledger.unseal(seal(newer, b"{}", context=APP_ID), APP_ID) == b"{}"


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({}, "action: one of rate, close"),
        ({"action": "guess"}, "action: one of"),
        ({"action": "close", "day": "yesterday"}, "day: a date"),
        ({"action": "close", "day": "2026-09-03"}, "2026-09-03 has not begun"),
        ({"action": "rate", "as_of": "soon"}, "as_of: a UTC time"),
        ({"action": "statement", "month": "2026-13"}, "month: a month"),
        ({"action": "reconcile", "month": "2026-09"}, "calls: the key of a file"),
        ({"action": "rerate"}, "price lists: a list is expected"),
        ({"action": "rerate", "prices": [{"valid_from": "2026-09-01", "cal": {}}]}, "unknown cal"),
        ({"action": "rerate", "month": "2026-10", "prices": []}, "2026-10 has not begun"),
        (_NO_FILES, "no such file"),
        ({**_NO_FILES, "mappings": "calls"}, "mappings: an object"),
        ({**_NO_FILES, "mappings": []}, "mappings: an object"),
        ({**_NO_FILES, "mappings": {"cals": {}}}, "mappings: unknown cals"),
        ({**_NO_FILES, "mappings": {"bill": None}}, "mapping: an object"),
        ({**_NO_FILES, "mappings": {"calls": {"columns": {"caller": 5}}}}, "columns: caller"),
    ],
)
def test_what_cannot_work_is_refused_and_not_tried_again(
    function: Lambda, event: dict[str, Any], says: str
) -> None:
    document = function.invoke(**event)
    assert document["kind"] == "refused"
    assert says in document["detail"]
    assert function.metric("RunsRefused") == 1


def test_a_file_that_is_no_export_is_refused(function: Lambda, books: Books) -> None:
    key = books.upload("notes.csv", b"my,notes\n1,2\n")
    document = function.invoke(action="reconcile", calls=key, bill=key)
    assert document["detail"].startswith(
        "required column missing: x_number, caller, end_time; headers found: my"
    )


@pytest.mark.parametrize(
    "path", [path for path in event_files() if function_of(path) == "BillingFunction"], ids=case_of
)
def test_a_sample_event_is_answered(function: Lambda, path: Path) -> None:
    assert "kind" in function.invoke(**read_event(path))


def test_a_plan_is_told_by_metrics(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-101: the rent of one number is more than the account may spend."""
    monkeypatch.setenv("BUDGETS", '{"account": "4.99"}')
    assert function.invoke(action="plan")["spend"][0]["reached"] is True
    assert [function.metric(name) for name in ("BudgetsReached", "BudgetsToBeExceeded")] == [1, 1]
    assert [function.metric(name) for name in ("PackageUsedPercent", "PackageExpiryDays")] == [0, 366]


def test_budgets_that_cannot_be_read_are_refused(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGETS", "4.99")
    assert function.invoke(action="plan")["detail"].startswith("budgets: an object")


def test_what_is_due_is_shared_by_workers(
    function: Lambda, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daily close: begun by the schedule, done message by message; then nothing is left to be sent."""
    begun = function.invoke(action="begin", scheduled_time="2026-09-02T16:10:00Z")
    assert [(run["month"], run["days"]) for run in begun["runs"]] == [("2026-09", 2)]
    assert begun["runs"][0]["run"].startswith("daily-2026-09-2026-09-03-")
    sqs = boto3.client("sqs")
    url = os.environ["BILLING_QUEUE_URL"]
    from functions.billing import parts

    for _ in range(8):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        records = [{"messageId": each["MessageId"], "body": each["Body"]} for each in messages]
        assert parts.work({"Records": records}, None) == {"batchItemFailures": []}
        for each in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    monkeypatch.setattr(Rooms, "ledger", None)  # the sweep of every hour needs none
    swept = function.invoke(action="sweep", scheduled_time="2026-09-03T16:10:00Z")
    assert (swept["sent"], swept["late_months"], function.metric("LateMonths")) == (0, 0, 0)
    (head,) = [
        row
        for row in books.rows(f"DAY#{APP_ID}#2026-09-02")
        if row["pk"].count("#") == 2 and "V#" in row["sk"]
    ]
    assert json.loads(head["document"])["calls"]["minutes"] == 2


def test_a_month_too_large_for_the_memory_is_refused_and_told(
    function: Lambda, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be too large the next time as well: no message comes again, an alarm says what to do."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "150")
    from functions.billing import parts

    run = CloseRun("large", NOW, "2026-09", frozenset(), started_at=NOW)
    runs, logger = parts.rooms().fan_out().runs, cast(Any, parts.logger)
    runs.start(run)
    for handler in logger.handlers:
        handler.stream = sys.stdout
    record = {"messageId": "1", "body": CloseWork(run.id).to_body()}
    assert parts.work({"Records": [record]}, None) == {"batchItemFailures": []}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["MonthsRefused"] for line in lines if "MonthsRefused" in line] == [[1.0]]
    refused = [(line["run"], line["month"]) for line in lines if line.get("message") == "refused"]
    assert refused == [("large", "2026-09")]
    assert runs.get(run.id) is None


def test_a_decision_that_can_be_booked_no_more_is_counted_as_refused(
    function: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its month is history; nobody would hear of it from a log line alone."""
    told = [{"kind": "correction"}, {"kind": "refused", "month": "2025-01"}]
    monkeypatch.setattr(booking, "book_decisions", lambda ledger, disputes, as_of: told)
    assert function.invoke(action="close")["adjustments"] == told
    assert function.metric("RunsRefused") == 1


def test_a_statement_that_memory_does_not_hold_is_refused(
    function: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "150")
    answered = function.invoke(action="statement")
    assert answered["kind"] == "refused"
    assert "150 MB do not hold them" in answered["detail"]
    assert function.metric("RunsRefused") == 1


@pytest.mark.parametrize(
    "path", [path for path in event_files() if function_of(path) == "BillingWorkerFunction"], ids=case_of
)
def test_a_sample_message_is_done_or_named(function: Lambda, path: Path) -> None:
    from functions.billing import parts

    failed = parts.work(read_event(path), None)["batchItemFailures"]
    assert len(failed) == ("bad" in path.name)


def test_a_month_that_is_not_closed_is_not_corrected(function: Lambda) -> None:
    assert "2026-08 is not closed" in function.invoke(action="correct")["detail"]


def test_no_number_is_logged(function: Lambda) -> None:
    for action in ("rate", "close", "statement", "plan"):
        function.invoke(action=action)
    for number in (A, B, X):
        assert number.removeprefix("+86") not in function.printed
    assert {line["action"] for line in function.lines() if "action" in line} == {
        *("rate", "close", "statement", "plan")
    }
