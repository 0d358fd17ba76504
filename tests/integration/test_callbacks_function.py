"""The callbacks function as Lambda calls it: HTTP API events in, answers, metrics and log lines out."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws

from builders.bills import rows
from builders.deployment import table_request
from builders.dynamodb import Table
from builders.events import EVENTS, case_of, event_files, function_of, read_event
from builders.pushes import (
    ASKING,
    CALLBACK_TOKEN,
    QUESTION_X,
    SECRET,
    SESSION,
    SIGNED_AT,
    STRANGER,
    A,
    B,
    X,
    applications_secret,
    asking,
    callin_body,
    cdr_entry,
    event_body,
    fee_body,
    http_event,
    many_cdrs,
    signed_headers,
    signed_now,
    wire,
)
from builders.relations import put_relation, relation
from builders.requests_made import RequestLog, log_requests
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore

_NUMBERS = count()
_BILLS_TABLE = table_request("BillsTable", "bills")

#: What the function needs of the Bindings table.
KEYRING_TABLE: Any = {
    "TableName": "bindings",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}


class Lambda:
    """The function in one environment: its answers, and what it printed."""

    def __init__(self, app: ModuleType, output: pytest.CaptureFixture[str]) -> None:
        self._app = app
        self._output = output
        self.lines: list[dict[str, Any]] = []
        self.printed = ""

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """Call the handler; collects the JSON lines it printed."""
        for handler in self._app.logger.handlers:
            handler.stream = sys.stdout  # the logger found another one when it was imported
        answer: dict[str, Any] = self._app.handler(event, None)
        printed = self._output.readouterr().out
        self.printed += printed
        self.lines += [json.loads(line) for line in printed.splitlines()]
        return answer

    def metrics(self) -> dict[str, float]:
        """Sums of all metrics that were emitted."""
        sums: dict[str, float] = {}
        for line in self.lines:
            for name in (
                m["Name"] for d in line.get("_aws", {}).get("CloudWatchMetrics", ()) for m in d["Metrics"]
            ):
                sums[name] = sums.get(name, 0) + sum(line[name])
        return sums


def _forget_clients() -> None:
    for name in ("dynamodb", "hurried_dynamodb", "kms", "secrets"):
        getattr(clients, name).cache_clear()


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """One imitation of AWS for all tests here: making its clients takes longer than a test."""
    with pytest.MonkeyPatch.context() as variables:
        for name, value in (
            ("AWS_DEFAULT_REGION", "cn-north-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ):
            variables.setenv(name, value)
        _forget_clients()
        with mock_aws():
            yield
        _forget_clients()


@pytest.fixture
def environment(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Fresh stores and the environment variables that name them."""
    clients.dynamodb().create_table(**_BILLS_TABLE)
    clients.dynamodb().create_table(**KEYRING_TABLE)
    name = f"applications-{next(_NUMBERS)}"
    secret = clients.secrets().create_secret(
        Name=name, SecretString=applications_secret(asking("AX"), asking("X"))
    )
    monkeypatch.setenv("BILLS_TABLE", "bills")
    monkeypatch.setenv("BINDINGS_TABLE", "bindings")
    monkeypatch.setenv("APPLICATIONS_SECRET", secret["ARN"])
    monkeypatch.setenv("KEY_ID", clients.kms().create_key()["KeyMetadata"]["Arn"])
    yield monkeypatch
    for table in clients.dynamodb().list_tables()["TableNames"]:
        clients.dynamodb().delete_table(TableName=table)


@pytest.fixture
def function(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lambda:
    from functions.callbacks import app

    app.ingestion.cache_clear()
    environment.setattr(app, "utc_now", lambda: SIGNED_AT)
    return Lambda(app, capsys)


class TestAnswers:
    @pytest.mark.parametrize(
        ("event", "status"),
        [
            (http_event("status", event_body("answer")), 200),
            (http_event("fee", fee_body()), 200),
            (http_event("status", {"eventType": "queued", "statusInfo": {"sessionId": "s"}}), 200),
            (http_event("status", b"not json"), 400),
            (http_event("status", event_body("answer"), headers=signed_headers(secret="wrong")), 401),
            (http_event("status", event_body("answer"), headers={}), 401),
            (http_event("status", event_body("answer"), token="wrong"), 404),
            (http_event("status", event_body("answer"), app="nobody"), 404),
            (http_event("status", event_body("answer"), method="GET"), 405),
            (http_event("status", b"x" * (1024 * 1024 + 1)), 413),
        ],
    )
    def test_every_answer_is_a_status_without_a_body(
        self, function: Lambda, event: dict[str, Any], status: int
    ) -> None:
        """notifications.md §2.5; an attacker learns nothing."""
        assert function.invoke(event) == {"statusCode": status, "body": ""}

    def test_a_failing_table_is_503(self, function: Lambda) -> None:
        """U-D12: never 200 unless stored."""
        clients.dynamodb().delete_table(TableName="bills")
        assert function.invoke(http_event("status", event_body("answer")))["statusCode"] == 503
        assert function.metrics() == {"NotStored": 1}

    @pytest.mark.parametrize("variable", ["BILLS_TABLE", "BINDINGS_TABLE", "APPLICATIONS_SECRET", "KEY_ID"])
    def test_a_missing_setting_is_503_and_named_in_the_log(
        self, function: Lambda, environment: pytest.MonkeyPatch, variable: str
    ) -> None:
        environment.delenv(variable)
        assert function.invoke(http_event("status", event_body("answer")))["statusCode"] == 503
        assert variable in function.printed

    def test_a_missing_key_is_503(self, function: Lambda, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("KEY_ID", "00000000-0000-0000-0000-000000000000")
        assert function.invoke(http_event("status", event_body("answer")))["statusCode"] == 503

    def test_a_body_in_base64_is_decoded(self, function: Lambda) -> None:
        """Verify and read the raw bytes (isBase64Encoded), GB18030 included."""
        body = json.dumps(event_body("answer", userData="订单"), ensure_ascii=False).encode("gb18030")
        event = http_event("status", b"") | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        assert function.invoke(event)["statusCode"] == 200
        (row,) = rows(Table(clients.dynamodb(), "bills"))
        assert row["flags"] == ["gb18030"]

    def test_what_claims_to_be_base64_and_is_not_is_400(self, function: Lambda) -> None:
        event = http_event("status", b"%%%") | {"isBase64Encoded": True}
        assert function.invoke(event)["statusCode"] == 400


class TestCost:
    def test_credentials_and_keys_are_read_once_per_environment(self, function: Lambda) -> None:
        """Issue: one write request per push; the first one of an environment reads secret and keyring."""
        logs: dict[str, RequestLog] = {
            name: log_requests(getattr(clients, name)()) for name in ("dynamodb", "kms", "secrets")
        }
        function.invoke(http_event("status", event_body("callin")))
        assert logs["secrets"].operations == ["GetSecretValue"]
        assert logs["dynamodb"].operations[-1] == "PutItem"
        for log in logs.values():
            log.clear()
        for event_type in ("callout", "alerting", "answer", "disconnect"):
            function.invoke(http_event("status", event_body(event_type)))
        function.invoke(http_event("fee", fee_body(*many_cdrs(50))))
        assert logs["secrets"].operations == logs["kms"].operations == []
        assert logs["dynamodb"].operations == ["PutItem"] * 4 + ["TransactWriteItems"]


class TestTelling:
    def test_what_happens_is_counted(self, function: Lambda) -> None:
        function.invoke(http_event("fee", fee_body(*many_cdrs(3))))
        function.invoke(http_event("fee", fee_body(*many_cdrs(3))))
        function.invoke(http_event("status", fee_body(cdr_entry(icid="one"))))
        function.invoke(http_event("fee", fee_body(cdr_entry(icid="one", direction=0))))
        function.invoke(http_event("status", b"not json"))
        function.invoke(http_event("status", event_body("answer"), headers=signed_headers(secret="wrong")))
        counted = {name: value for name, value in function.metrics().items() if not name.endswith("Delay")}
        assert counted == {
            "Stored": 4,
            "Duplicates": 3,
            "WrongRoute": 1,
            "RecordConflicts": 1,
            "Unparsable": 1,
            "Refused": 1,
        }

    def test_how_late_pushes_come_is_measured_once_for_each_new_fact(
        self, function: Lambda, environment: pytest.MonkeyPatch
    ) -> None:
        """Percentiles of the delay by kind; a repetition, and a clock that is ahead, tell nothing."""
        from functions.callbacks import app

        environment.setattr(app, "utc_now", lambda: SIGNED_AT + timedelta(seconds=90))
        for _ in range(2):
            function.invoke(http_event("status", event_body("answer", second=8)))
            function.invoke(http_event("fee", fee_body(cdr_entry(), cdr_entry(icid="2", sessionId="2"))))
        function.invoke(http_event("status", event_body("alerting", timestamp="2026-09-02 05:00:00")))
        told = [line for line in function.lines if "EventDelay" in line or "CdrDelay" in line]
        assert [line.get("EventDelay") or line["CdrDelay"] for line in told] == [[82.0], [20.0, 20.0], [0.0]]

    def test_refusals_are_counted_in_all_and_by_reason(self, function: Lambda) -> None:
        """One alarm watches the sum, a person the reason."""
        function.invoke(http_event("status", event_body("answer"), headers=signed_headers(secret="wrong")))
        (emf,) = [line for line in function.lines if "_aws" in line]
        (directive,) = emf["_aws"]["CloudWatchMetrics"]
        assert sorted(directive["Dimensions"]) == [["service"], ["service", "reason"]]
        assert (emf["service"], emf["reason"]) == ("callbacks", "digest")

    @pytest.mark.parametrize(
        ("event", "metric", "reason"),
        [
            (http_event("status", event_body("answer"), headers={}), "Refused", "token_header_missing"),
            (
                http_event(
                    "status", event_body("answer"), headers=signed_headers(SIGNED_AT - timedelta(days=1))
                ),
                "Refused",
                "created",
            ),
            (
                http_event(
                    "status", event_body("answer"), headers=signed_headers(SIGNED_AT + timedelta(days=1))
                ),
                "Refused",
                "created",
            ),
            (http_event("status", event_body("answer"), token="wrong"), "Refused", "path"),
            (http_event("status", event_body("answer"), method="GET"), "Refused", "method"),
            (http_event("status", b"x" * (1024 * 1024 + 1)), "Refused", "size"),
            (http_event("status", b"not json"), "Unparsable", "json"),
            (http_event("status", b"{}"), "Unparsable", "root"),
        ],
    )
    def test_every_cause_is_counted_by_its_name(
        self, function: Lambda, event: dict[str, Any], metric: str, reason: str
    ) -> None:
        """The sender learns none of them."""
        answer = function.invoke(event)
        (emf,) = [line for line in function.lines if "_aws" in line]
        assert (emf[metric], emf["reason"]) == ([1.0], reason)
        assert reason not in json.dumps(answer)

    def test_a_log_line_names_request_application_and_kind(self, function: Lambda) -> None:
        function.invoke(http_event("status", event_body("answer")))
        (line,) = [line for line in function.lines if line.get("message") == "push"]
        assert line["request_id"] == "JKJaXmPLvHcESHA="
        assert (line["application"], line["kind"], line["stored"]) == ("demo", "event", 1)
        assert line["level"] == "INFO"

    def test_no_line_tells_a_number_a_session_or_a_secret(self, function: Lambda) -> None:
        """U-D15, numbers.md §6."""
        function.invoke(http_event("status", event_body("answer")))
        function.invoke(http_event("fee", fee_body(cdr_entry(callEndTime="x"), {"sessionId": {}})))
        function.invoke(http_event("status", b"broken " + wire(event_body("callin"))))
        function.invoke(http_event("status", event_body("answer"), headers=signed_headers(secret="wrong")))
        clients.dynamodb().delete_table(TableName="bills")
        function.invoke(http_event("status", event_body("answer")))
        for secret in (
            A,
            B,
            X,
            A[3:],
            SESSION,
            "1200_",
            SECRET,
            CALLBACK_TOKEN,
            "PasswordDigest",
            "order-1001",
        ):
            assert secret not in function.printed


OWN_EVENTS = [path for path in event_files() if case_of(path).startswith("callbacks")]


class TestSampleEvents:
    @pytest.mark.parametrize("path", OWN_EVENTS, ids=case_of)
    def test_a_sample_is_answered_as_its_name_says(self, function: Lambda, path: Any) -> None:
        """Signed for the clock of notifications.md §2.1, which the fixture hands to the function."""
        status = {"callbacks-refused": 401, "callbacks-not-json": 400, "callbacks-wrong-path": 404}
        assert function_of(path) == "CallbacksFunction"
        assert function.invoke(read_event(path))["statusCode"] == status.get(case_of(path), 200)

    @pytest.mark.parametrize("path", OWN_EVENTS, ids=case_of)
    def test_a_sample_can_be_signed_anew_for_the_machines_clock(
        self, function: Lambda, environment: pytest.MonkeyPatch, path: Any
    ) -> None:
        """For runs that read the real clock, as those of the packaged function do."""
        from functions.callbacks import app

        later = SIGNED_AT + timedelta(days=400)
        stale = function.invoke(read_event(path))["statusCode"]
        environment.setattr(app, "utc_now", lambda: later)
        assert function.invoke(signed_now(read_event(path), later))["statusCode"] == stale


class TestQuestions:
    def ask(self, function: Lambda, case: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer to a sample question, and its body."""
        answer = function.invoke(read_event(EVENTS / f"{case}.json"))
        return answer, json.loads(answer["body"])

    @pytest.mark.parametrize(
        ("case", "body"),
        [
            (
                "callbacks-x-callin-block",
                {"operation": "close", "closeInfo": {"closeHintTone": "closeHintTone.wav"}},
            ),
            ("callbacks-x-sms-block", {"actions": [{"operation": "DiscardMessage"}]}),
            ("callbacks-ax-sms-block", {"actions": [{"operation": "DiscardMessage"}]}),
        ],
    )
    def test_a_question_is_answered_with_json(self, function: Lambda, case: str, body: Any) -> None:
        """notifications.md §2.5, §4.5, §6.5; x.md §2."""
        answer, said = self.ask(function, case)
        assert (answer["statusCode"], said) == (200, body)
        assert answer["headers"] == {"content-type": "application/json"}

    def test_a_relation_connects(self, function: Lambda) -> None:
        """Sealed with the deployment's own keys, as the bindings function does it."""
        table = Table(clients.dynamodb(), "bindings")
        keyring = KeyringStore(table.client, table.name, clients.kms(), os.environ["KEY_ID"]).load()
        put_relation(table, relation(anyone=True), keyring=keyring)
        _, said = self.ask(function, "callbacks-x-callin-block")
        assert said["connectInfo"]["calleeNum"] == A
        assert A not in function.printed

    def test_a_table_that_does_not_answer_closes_the_call_and_is_counted(self, function: Lambda) -> None:
        """Whatever fails: the alarm watches the sum, a person the reason."""
        clients.dynamodb().delete_table(TableName="bills")
        answer, said = self.ask(function, "callbacks-x-callin-block")
        assert (answer["statusCode"], said["operation"]) == (200, "close")
        assert function.metrics() == {"BlockUndecided": 1}
        (emf,) = [line for line in function.lines if "_aws" in line]
        assert (emf["service"], emf["reason"]) == ("callbacks", "store")

    def test_a_question_that_is_another_one_is_counted_and_warned_of(self, function: Lambda) -> None:
        """The same session with another caller; the same signature with another body."""
        name, key = ASKING["X"]
        headers = signed_headers(app_key=key, nonce="n1")
        bodies = [callin_body(STRANGER), callin_body(B), callin_body(STRANGER, session="another")]
        for body, signed in zip(bodies, (headers, signed_headers(app_key=key), headers), strict=True):
            answer = function.invoke(http_event("status", body, app=name, headers=signed))
            assert json.loads(answer["body"])["operation"] == "close"
        metrics = function.metrics()
        assert (metrics["QuestionDiffers"], metrics["NonceReused"]) == (1, 1)
        lines = [line for line in function.lines if line.get("message") == "push"]
        assert [line["level"] for line in lines] == ["INFO", "WARNING", "WARNING"]
        assert [line["decided"] for line in lines] == ["no_relation", "other_question", "nonce"]

    def test_a_line_says_why_and_not_who(self, function: Lambda) -> None:
        self.ask(function, "callbacks-x-callin-block")
        (line,) = [line for line in function.lines if line.get("message") == "push"]
        assert line["decided"] == "no_relation"
        assert "undecided" not in line
        for secret in (STRANGER, QUESTION_X, SESSION, "closeHintTone"):
            assert secret not in function.printed
