"""Statistics and exports as deployed: routes, queue, sweep and worker (operations.md §14, users.md U-A15)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders import counted
from builders.counted import APPLICATION, answered, call, message, milestone
from builders.deployment import table_request
from builders.dynamodb import Table
from builders.events import ROOT, event_files, function_of, read_event
from builders.function_house import Context
from builders.keyrings import KEYRING
from builders.pushes import applications_secret
from functions.calls import app as calls
from functions.reports import app as reports
from privatenumber.calls.exports import LEASE
from privatenumber.calls.statistics import Group
from privatenumber.calls.statistics_report import BY_APPLICATION
from privatenumber.privacy import open_sealed
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.milestones import Step
from privatenumber.store.numbers import NumberStore, NumberType, XNumber
from privatenumber.times import beijing_day, iso, utc_now

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
USER = "arn:aws-cn:iam::123456789012:user/finance"
QUEUE = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/reports"
NOW = utc_now()
TODAY = beijing_day(NOW).isoformat()
OF_TODAY = {"from": TODAY, "to": TODAY}
"""The functions' own today may be the next one by the time a test asks."""

MANUAL = milestone(Step.RELEASED, USER, NOW)


class Stack:
    """What is deployed."""

    def __init__(self) -> None:
        clients.secrets().create_secret(
            Name="applications", SecretString=applications_secret().replace('"demo"', f'"{APPLICATION}"')
        )
        for logical_id, name in (("BindingsTable", "bindings"), ("BillsTable", "bills")):
            clients.dynamodb().create_table(**table_request(logical_id, name))
        where: Any = {"LocationConstraint": "cn-north-1"}
        clients.s3().create_bucket(Bucket="exchange", CreateBucketConfiguration=where)
        assert clients.sqs().create_queue(QueueName="reports")["QueueUrl"] == QUEUE
        self.bills, self.bindings = Table(clients.dynamodb(), "bills"), Table(clients.dynamodb(), "bindings")

    def ask(self, route: str, **about: Any) -> tuple[int, Any]:
        """Status and body of an answer, held against docs/openapi.yaml."""
        body = about.get("body")
        event = {
            "routeKey": route,
            "requestContext": {"requestId": "r1", "authorizer": {"iam": {"userArn": USER}}},
            "queryStringParameters": about.get("query"),
            "pathParameters": about.get("path"),
            "headers": {"Content-Type": "application/json", "Idempotency-Key": about.get("key", "k1")},
            "body": None if body is None else json.dumps(body),
        }
        answer = calls.handler(event, Context())
        media_type = answer["headers"]["content-type"].partition(";")[0]
        if media_type == "text/csv":
            return answer["statusCode"], answer["body"]
        said = json.loads(answer["body"])
        method, _, path = route.partition(" ")
        response = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer["statusCode"])]
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
        schema = {**response["content"][media_type]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(said)
        return answer["statusCode"], said

    def messages(self) -> list[dict[str, Any]]:
        """Take what waits in the queue."""
        found = clients.sqs().receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            clients.sqs().delete_message(QueueUrl=QUEUE, ReceiptHandle=one["ReceiptHandle"])
        return [{"messageId": one["MessageId"], "body": one["Body"]} for one in found]

    def work(self) -> list[str]:
        """Let the worker do what waits; the messages that come again."""
        answer = reports.work({"Records": self.messages()}, Context())
        return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    """Variables, keys and clients; they outlive what a test puts behind them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_DEFAULT_REGION", "cn-north-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("BINDINGS_TABLE", "bindings"),
            ("BILLS_TABLE", "bills"),
            ("KEY_ID", "key"),
            ("APPLICATIONS_SECRET", "applications"),
            ("EXCHANGE_BUCKET", "exchange"),
            ("AUDIT_DAYS", "400"),
            ("REPORTS_QUEUE_URL", QUEUE),
        ):
            patch.setenv(name, value)
        patch.setattr(KeyringStore, "load", lambda self: KEYRING)
        patch.setattr(
            KeyringStore,
            "unseal",
            lambda self, sealed, context: open_sealed(KEYRING, sealed, context=context),
        )
        made = (clients.dynamodb, clients.secrets, clients.s3, clients.sqs, calls.rooms, reports.rooms)
        for each in made:
            each.cache_clear()
        yield
        for each in made:
            each.cache_clear()


@pytest.fixture
def stack(environment: None) -> Iterator[Stack]:
    with mock_aws():
        yield Stack()


def happened(stack: Stack) -> None:
    """Two calls, a text and a release, just now."""
    counted.keep(stack.bills, answered(61, "c1", NOW), call("c2", NOW), message("s1", NOW))
    counted.keep_milestones(stack.bindings, MANUAL)
    NumberStore(stack.bindings.client, "bindings").put(
        XNumber(counted.X1, APPLICATION, "010", NumberType.VIRTUAL), seen=None
    )


def test_every_hour_today_and_yesterday_are_counted_and_can_be_asked_for(stack: Stack) -> None:
    happened(stack)
    sent = reports.sweep({"action": "count"}, None)
    assert sent["found"] == sent["sent"] == 8
    while messages := stack.messages():
        assert reports.work({"Records": messages}, Context()) == {"batchItemFailures": []}
    status, found = stack.ask("GET /statistics", query={"application": APPLICATION, **OF_TODAY})
    assert status == 200
    (line,) = found["lines"]
    names = ("attempts", "connected", "billed_minutes", "sms_sends", "manual_unbinds")
    assert [line[name] for name in names] == [2, 1, 2, 1, 1]
    assert found["days"][0] | {"as_of": ""} == {
        "application": APPLICATION,
        "day": TODAY,
        "as_of": "",
        "final": False,
    }


def test_each_group_is_answered_as_the_document_says(stack: Stack) -> None:
    happened(stack)
    reports.sweep({"action": "count", "application": APPLICATION, "day": TODAY}, None)
    stack.work()
    for group in (*Group, BY_APPLICATION):
        status, found = stack.ask("GET /statistics", query={**OF_TODAY, "group": group, "by": "hour"})
        assert (status, bool(found["lines"])) == (200, True), group
    _, by_city = stack.ask("GET /statistics", query={**OF_TODAY, "group": "city"})
    assert {line["city"] for line in by_city["lines"]} == {"010"}


def test_statistics_are_a_file_for_a_spreadsheet_when_asked(stack: Stack) -> None:
    happened(stack)
    stack.ask("POST /statistics/count", body={"application": APPLICATION, "day": TODAY})
    assert stack.work() == []
    status, text = stack.ask(
        "GET /statistics", query={**OF_TODAY, "format": "csv", "group": "cause", "only": "8101"}
    )
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (status, row["cause"], row["attempts"], row["meaning_zh"]) == (200, "8101", "1", "无人接听")


def test_a_message_that_comes_again_counts_nothing_twice(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """At least once: the second finds that it was counted since."""
    happened(stack)
    stack.ask("POST /statistics/count", body={"application": APPLICATION, "day": TODAY})
    (record,) = stack.messages()
    capsys.readouterr()
    for _ in range(2):
        assert reports.work({"Records": [record]}, Context()) == {"batchItemFailures": []}
    assert counted_days(capsys) == [1]
    _, found = stack.ask("GET /statistics", query=OF_TODAY)
    assert found["lines"][0]["attempts"] == 2


def counted_days(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """What each run wrote into the metric ``DaysCounted``."""
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return [day for one in written for day in one.get("DaysCounted", [])]


def test_a_day_that_is_longer_than_a_run_sends_word_to_the_next(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(stack)
    stack.ask("POST /statistics/count", body={"application": APPLICATION, "day": TODAY})
    capsys.readouterr()
    with monkeypatch.context() as hurry:
        hurry.setattr(Context, "get_remaining_time_in_millis", lambda self: 1000)
        for _ in range(2):
            assert stack.work() == []
    assert stack.ask("GET /statistics", query=OF_TODAY)[1]["lines"] == []
    assert stack.work() == []
    assert counted_days(capsys) == [1]
    _, found = stack.ask("GET /statistics", query=OF_TODAY)
    assert [found["lines"][0][name] for name in ("attempts", "sms_sends")] == [2, 1]


def test_an_export_is_asked_for_made_and_fetched(stack: Stack) -> None:
    happened(stack)
    wanted = {"application": APPLICATION, "from": TODAY, "to": TODAY, "why": "月度复核"}
    status, asked = stack.ask("POST /exports", body=wanted)
    assert (status, asked["state"], asked["url"]) == (202, "waiting", None)
    assert stack.work() == []
    status, done = stack.ask("GET /exports/{export}", path={"export": asked["id"]})
    assert (status, done["state"], done["rows"], done["created_by"]) == (200, "done", 2, USER)
    assert done["url"].startswith("https://")
    assert done["bytes"] == len(fetched(asked["id"]))


def fetched(export_id: str) -> bytes:
    client = boto3.client("s3", region_name="cn-north-1")
    body: bytes = client.get_object(Bucket="exchange", Key=f"exports/{export_id}.csv")["Body"].read()
    return body


def test_an_export_whose_message_was_lost_is_found_by_the_sweep(stack: Stack) -> None:
    happened(stack)
    _, asked = stack.ask("POST /exports", body={"application": APPLICATION, "from": TODAY, "to": TODAY})
    stack.messages()
    assert reports.sweep({}, None) == {"found": 1, "sent": 1}
    stack.work()
    _, done = stack.ask("GET /exports/{export}", path={"export": asked["id"]})
    assert done["state"] == "done"
    assert reports.sweep({"scheduled_time": iso(NOW + 2 * LEASE)}, None) == {"found": 0, "sent": 0}


def test_one_that_fails_comes_again_and_the_others_are_done(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(stack)
    stack.ask("POST /exports", body={"application": APPLICATION, "from": TODAY, "to": TODAY})
    (record,) = stack.messages()
    clients.s3().delete_bucket(Bucket="exchange")
    bad = {"messageId": "bad", "body": "no message"}
    gone = {"messageId": "gone", "body": json.dumps({"export": "eaaa", "as_of": iso(NOW)})}
    late = {"application": APPLICATION, "day": "2020-01-01", "as_of": iso(NOW)}
    old = {"messageId": "old", "body": json.dumps(late)}
    answer = reports.work({"Records": [record, bad, gone, old]}, Context())
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == [record["messageId"], "bad"]


@pytest.mark.parametrize(
    ("route", "about", "status", "kind"),
    [
        ("GET /statistics", {"query": {"by": "week"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"group": "person"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"from": "2026-01-01", "to": "2025-01-01"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"from": "2025-01-01", "to": "2025-12-01"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"from": "2026-02-30"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"only": "x"}}, 422, "invalid-fields"),
        ("GET /statistics", {"query": {"application": "x"}}, 422, "invalid-fields"),
        ("POST /statistics/count", {"body": {"application": "x", "day": TODAY}}, 422, "invalid-fields"),
        (
            "POST /statistics/count",
            {"body": {"application": APPLICATION, "day": "2020-01-01"}},
            422,
            "not-countable",
        ),
        ("POST /exports", {"body": {"application": [], "from": TODAY, "to": TODAY}}, 422, "invalid-fields"),
        ("POST /exports", {"body": {"application": APPLICATION, "from": TODAY}}, 422, "invalid-fields"),
        (
            "POST /exports",
            {"body": {"application": APPLICATION, "from": "2025-01-01", "to": "2026-01-01"}},
            422,
            "invalid-fields",
        ),
        (
            "POST /exports",
            {"body": {"application": APPLICATION, "from": TODAY, "to": TODAY, "masked": False}},
            422,
            "invalid-fields",
        ),
        (
            "POST /exports",
            {"body": {"application": APPLICATION, "from": TODAY, "to": TODAY, "why": "13800138000"}},
            422,
            "invalid-fields",
        ),
        ("GET /exports/{export}", {"path": {"export": "eaaaa"}}, 404, "export-not-found"),
        ("GET /exports/{export}", {"path": {"export": "../bills"}}, 404, "export-not-found"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    stack: Stack, route: str, about: dict[str, Any], status: int, kind: str
) -> None:
    found, said = stack.ask(route, **about)
    assert (found, said["type"].rpartition(":")[2]) == (status, kind)


def test_who_asks_for_an_export_is_cut_when_nothing_of_a_number_can_be_left(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session may be named after its owner's number, and be long."""
    monkeypatch.setitem(globals(), "USER", "a" * 246 + "/13800138000/" + "b" * 99)
    _, asked = stack.ask("POST /exports", body={"application": APPLICATION, "from": TODAY, "to": TODAY})
    assert len(asked["created_by"]) <= 256
    assert "138001" not in asked["created_by"]


def test_a_key_belongs_to_one_export(stack: Stack) -> None:
    wanted = {"application": APPLICATION, "from": TODAY, "to": TODAY}
    _, first = stack.ask("POST /exports", body=wanted)
    _, again = stack.ask("POST /exports", body=wanted)
    status, other = stack.ask("POST /exports", body={**wanted, "format": "jsonl"})
    assert first["id"] == again["id"]
    assert (status, other["type"].rpartition(":")[2]) == (409, "idempotency-mismatch")


EVENTS = [path for path in event_files() if function_of(path).startswith("Reports")]


@pytest.mark.parametrize("path", EVENTS, ids=[path.stem for path in EVENTS])
def test_a_sample_event_is_understood(stack: Stack, path: Any) -> None:
    event = read_event(path)
    answer = reports.work(event, Context()) if "Records" in event else reports.sweep(event, None)
    assert answer.get("batchItemFailures", []) == [
        {"itemIdentifier": event["Records"][0]["messageId"]} for _ in range(1) if "bad" in path.stem
    ]


def test_days_of_long_ago_are_not_touched_by_the_schedule(stack: Stack) -> None:
    reports.sweep({"action": "count"}, None)
    days = {json.loads(one["body"])["day"] for one in stack.messages()}
    assert min(days) >= (beijing_day(NOW) - timedelta(days=7)).isoformat()
