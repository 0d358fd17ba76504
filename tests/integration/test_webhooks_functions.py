"""The functions of webhooks as composed: API, stream of bindings, sweep, worker, over tables, keys, queue.

users.md U-S13, U-N14. The answers are held against docs/openapi.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.deployment import table_request
from builders.events import EVENTS, ROOT, read_event
from builders.function_house import Context
from builders.streams import stream_event
from functions.webhooks import app, deliver, note
from privatenumber.privacy import seal
from privatenumber.store import clients
from privatenumber.store.items import encode
from privatenumber.store.webhook_lines import WebhookLines, WebhookWork
from privatenumber.times import iso, utc_now

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
USER = "arn:aws-cn:iam::123456789012:user/order-service"
NUMBER = "+8613800138001"
WANTED = {"application": "ride", "target": "eventbridge", "events": ["*"]}


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything the functions find in their environment; yields the queue."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        forget()
        for table in ("BindingsTable", "BillsTable"):
            clients.dynamodb().create_table(**table_request(table, table))
        url = boto3.client("sqs").create_queue(QueueName="webhooks")["QueueUrl"]
        application = {
            "id": "ride",
            "app_key": "key",
            "secrets": ["secret"],
            "mode": "AXB",
            "base_url": "https://platform.example.com",
            "callback_token": "callback-token-0001",
        }
        secret = json.dumps({"applications": [application]})
        boto3.client("secretsmanager").create_secret(Name="applications", SecretString=secret)
        variables = {
            "APPLICATIONS_SECRET": "applications",
            "BINDINGS_TABLE": "BindingsTable",
            "BILLS_TABLE": "BillsTable",
            "KEY_ID": boto3.client("kms").create_key()["KeyMetadata"]["Arn"],
            "WEBHOOKS_QUEUE_URL": url,
            "WEBHOOKS_BUS": "default",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield url
        forget()


def forget() -> None:
    """Begin as a new environment does."""
    for cached in (app.rooms, note.rooms, deliver.rooms, clients.dynamodb, clients.sqs, clients.kms,
                   clients.secrets, clients.events):  # fmt: skip
        cached.cache_clear()


def call(
    route: str, *, path: str = "", body: Any = None, query: dict[str, str] | None = None, **more: Any
) -> tuple[int, Any]:
    """An answer of the API, held against the document."""
    method, template = route.split(" ")
    event = {
        "routeKey": route,
        "pathParameters": {"id": quote(path), **more.pop("parameters", {})} if path else {},
        "queryStringParameters": query or {},
        "headers": {"content-type": "application/json", **more.pop("headers", {})},
        "body": body if isinstance(body, str) else json.dumps(body) if body is not None else "",
        "requestContext": {"requestId": "r1", "authorizer": {"iam": {"userArn": USER}}},
    }
    answer = app.handler(event, Context())
    told = json.loads(answer["body"])
    response = DOCUMENT["paths"][template][method.lower()]["responses"][str(answer["statusCode"])]
    content = response.get("content") or DOCUMENT["components"]["responses"]["Problem"]["content"]
    schema = content[answer["headers"]["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(told)
    return answer["statusCode"], told


def created(**changes: Any) -> dict[str, Any]:
    status, told = call("POST /webhooks", body={**WANTED, **changes})
    assert status == 201
    return dict(told)


class TestApi:
    def test_a_webhook_is_made_read_changed_and_ended(self) -> None:
        made = created(events=["call.*"], description="orders")
        assert made["secrets"][0]["secret"].startswith("whsec_")
        identity = made["id"]
        status, read = call("GET /webhooks/{id}", path=identity)
        assert (status, read["events"], read["numbers"], "secrets" in read) == (
            200, ["call.*"], "masked", False,
        )  # fmt: skip
        status, changed = call(
            "PATCH /webhooks/{id}", path=identity, body={"events": ["*"], "state": "disabled"}
        )
        assert (status, changed["events"], changed["state"], changed["reason"]) == (
            200, ["*"], "disabled", "request",
        )  # fmt: skip
        assert changed["updated_by"] == USER
        assert call("POST /webhooks/{id}/enable", path=identity)[1]["state"] == "enabled"
        assert call("GET /webhooks", query={"application": "ride"})[1]["webhooks"][0]["id"] == identity
        assert [call("DELETE /webhooks/{id}", path=identity)[0] for _ in range(2)] == [200, 200]
        assert call("GET /webhooks/{id}", path=identity)[0] == 404
        assert call("GET /webhooks", query={"application": "ride"})[1]["webhooks"] == []

    def test_the_same_request_again_is_the_same_webhook_with_its_secret(self) -> None:
        """A lost answer is not a lost secret."""
        headers = {"idempotency-key": "k1"}
        first = call("POST /webhooks", body=WANTED, headers=headers)
        again = call("POST /webhooks", body=WANTED, headers=headers)
        assert (first[0], again[0], first[1] == again[1]) == (201, 200, True)
        other = call("POST /webhooks", body={**WANTED, "events": ["sms.*"]}, headers=headers)
        assert other[1]["type"].endswith("idempotency-mismatch")

    def test_what_is_not_allowed_is_named_and_not_repeated(self) -> None:
        for change, field in (
            ({"application": "nobody"}, "application"),
            ({"target": "http://hooks.example.com"}, "target"),
            ({"target": "https://127.0.0.1/in"}, "target"),
            ({"target": "https://user:secret@hooks.example.com/"}, "target"),
            ({"target": None}, "target"),
            ({"events": []}, "events"),
            ({"events": ["call.never"]}, "events"),
            ({"events": "call.*"}, "events"),
            ({"numbers": "clear"}, "numbers"),
            ({"surprise": 1}, "body"),
            ({"description": "ask 13800138001"}, "description"),
            ({"description": "ask 0755-86543210"}, "description"),
            ({"target": "https://hooks.example.com/13800138001"}, "target"),
        ):
            status, told = call("POST /webhooks", body={**WANTED, **change})
            assert (status, told["errors"][0]["field"]) == (422, field)
            assert not any(str(value) in json.dumps(told["errors"]) for value in change.values() if value)

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        assert [call("POST /webhooks", body=body)[0] for body in ("[", "[]", "")] == [400, 400, 400]

    def test_the_eleventh_is_refused(self) -> None:
        for _ in range(10):
            created()
        status, told = call("POST /webhooks", body=WANTED)
        assert (status, told["type"]) == (409, "urn:private-number:problem:too-many-webhooks")

    def test_a_rotation_shows_both_secrets_and_again_the_same(self) -> None:
        made = created()
        first = call("POST /webhooks/{id}/rotate", path=made["id"])[1]["secrets"]
        again = call("POST /webhooks/{id}/rotate", path=made["id"])[1]["secrets"]
        assert [one["until"] is None for one in first] == [True, False]
        assert first[1]["secret"] == made["secrets"][0]["secret"]
        assert first == again

    def test_a_query_of_a_target_may_be_a_secret_and_is_not_shown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WEBHOOK_TARGETS", "any")
        made = created(target="http://127.0.0.1:9/in?key=very-secret")
        assert made["target"] == "http://127.0.0.1:9/in?..."

    def test_a_ping_says_what_became_of_it_and_is_in_the_log(self) -> None:
        made = created()
        status, told = call("POST /webhooks/{id}/ping", path=made["id"])
        assert (status, told["delivered"], told["detail"]) == (200, True, "delivered")
        call("POST /webhooks/{id}/ping", path=made["id"])
        page = call("GET /webhooks/{id}/attempts", path=made["id"], query={"limit": "1"})[1]
        assert page["attempts"][0]["type"] == "webhook.ping"
        rest = call("GET /webhooks/{id}/attempts", path=made["id"], query={"cursor": page["next_cursor"]})[1]
        assert (len(rest["attempts"]), rest["next_cursor"]) == (1, None)
        assert call("GET /webhooks/{id}/attempts", path=made["id"], query={"cursor": "YQ=="})[0] == 422

    def test_a_replay_is_written_down_and_can_be_watched(self) -> None:
        made = created()
        body = {"from": iso(utc_now() - timedelta(days=1))}
        status, told = call("POST /webhooks/{id}/replay", path=made["id"], body=body)
        assert (status, told["state"]) == (202, "running")
        route = "GET /webhooks/{id}/replays/{replay}"
        assert call(route, path=made["id"], parameters={"replay": told["id"]})[1]["id"] == told["id"]
        assert call(route, path=made["id"], parameters={"replay": "none"})[0] == 404
        second = call("POST /webhooks/{id}/replay", path=made["id"], body=body)
        assert (second[0], second[1]["type"]) == (409, "urn:private-number:problem:replay-running")
        call("PATCH /webhooks/{id}", path=made["id"], body={"state": "disabled"})
        clock = utc_now()
        deliver.work(
            {"Records": [work_on(f"REPLAYS#{made['id']}", f"REPLAY#{told['id']}", clock)]}, Context()
        )
        ended = call(route, path=made["id"], parameters={"replay": told["id"]})[1]
        assert (ended["state"], ended["reason"]) == ("ended", "the webhook is disabled")
        call("POST /webhooks/{id}/enable", path=made["id"])
        old = {"from": iso(utc_now() - timedelta(days=40))}
        assert call("POST /webhooks/{id}/replay", path=made["id"], body=old)[0] == 422

    def test_a_route_that_is_not_there_is_a_problem_too(self) -> None:
        answer = app.handler({"routeKey": "GET /nothing"}, Context())
        assert answer["statusCode"] == 404


def binding_row() -> dict[str, Any]:
    """A binding as its stream shows it, its people sealed."""
    ring = app.rooms().keyrings.load()
    private = json.dumps({"a": NUMBER, "b": "+8613900139002"}).encode()
    return {
        "pk": "BINDING#b1",
        "sk": "BINDING",
        "binding_id": "b1",
        "version": 1,
        "state": "ACTIVE",
        "application": "ride",
        "order": "order-1",
        "mode": "AXB",
        "x": "+8617010000001",
        "updated_at": iso(utc_now()),
        "sealed": seal(ring, private, context="binding#b1"),
    }


class TestDelivery:
    def test_a_binding_goes_from_its_stream_to_the_event_bus(self, queue: str) -> None:
        """Announced once, told once, whoever is told of it how often."""
        made = created(events=["binding.*"])
        event = stream_event([binding_row()])
        assert [note.handler(event, None) for _ in range(2)] == [{"batchItemFailures": []}] * 2
        messages = received(queue)
        assert len(messages) == 2
        assert deliver.work({"Records": messages}, Context()) == {"batchItemFailures": []}
        attempts = call("GET /webhooks/{id}/attempts", path=made["id"])[1]["attempts"]
        assert [(one["event"], one["delivered"]) for one in attempts] == [("b1-1-active", True)]
        stored = str(clients.dynamodb().scan(TableName="BillsTable")["Items"])
        assert NUMBER.removeprefix("+86") not in stored

    def test_a_lost_message_is_sent_again_by_the_sweep(self, queue: str) -> None:
        created()
        note.handler(stream_event([binding_row()]), None)
        received(queue)
        assert deliver.sweep({}, None)["due"] == 1
        assert deliver.work({"Records": received(queue)}, Context()) == {"batchItemFailures": []}
        assert deliver.sweep({}, None)["due"] == 0

    def test_a_record_that_cannot_be_announced_comes_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        created()
        event = stream_event([binding_row()])
        monkeypatch.setenv("BILLS_TABLE", "Missing")
        note.rooms.cache_clear()
        (failed,) = note.handler(event, None)["batchItemFailures"]
        assert failed["itemIdentifier"] == event["Records"][0]["dynamodb"]["SequenceNumber"]

    def test_what_its_stream_has_dropped_is_announced_again_by_its_id(self, queue: str) -> None:
        """Under the id of its version: who was told already is not told twice."""
        made = created(events=["binding.*"])
        row = binding_row()
        clients.dynamodb().put_item(TableName="BindingsTable", Item=encode(row))
        told = [note.handler({"bindings": ["b1", "b2"]}, None) for _ in range(2)]
        assert told == [{"announced": 1, "missing": ["b2"]}] * 2
        note.handler(stream_event([row]), None)
        assert deliver.work({"Records": received(queue)}, Context()) == {"batchItemFailures": []}
        attempts = call("GET /webhooks/{id}/attempts", path=made["id"])[1]["attempts"]
        assert [(one["event"], one["delivered"]) for one in attempts] == [("b1-1-active", True)]

    def test_a_message_that_is_none_fails_and_the_others_are_done(self) -> None:
        bad = read_event(EVENTS / "webhooks-work-bad-message.json")["Records"][0]
        good = {**read_event(EVENTS / "webhooks-work.json")["Records"][0], "messageId": "good"}
        answer = deliver.work({"Records": [bad, good]}, Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}

    def test_without_time_for_an_attempt_a_hint_is_dropped_and_the_row_stays_due(self, queue: str) -> None:
        """The sweep sends it again; a dead letter would only say that a receiver was slow."""
        created()
        note.handler(stream_event([binding_row()]), None)
        assert deliver.work({"Records": received(queue)}, Context(left_s=5)) == {"batchItemFailures": []}
        lines = WebhookLines(clients.dynamodb(), "BillsTable")
        assert len(list(lines.due(until=utc_now(), limit=10))) == 1


def work_on(pk: str, sk: str, at: datetime) -> dict[str, Any]:
    """A message to the worker."""
    return {"messageId": "m1", "body": WebhookWork((pk, sk), at).to_body()}


def received(queue: str) -> list[dict[str, Any]]:
    """The messages that wait, taken from the queue as SQS hands them to a function."""
    found = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    for one in found.get("Messages", []):
        boto3.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    return [{"messageId": one["MessageId"], "body": one["Body"]} for one in found.get("Messages", [])]
