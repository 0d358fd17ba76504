"""The functions of erasures as composed: routes, round, tables, keys and bucket (users.md U-S12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.deployment import table_request
from builders.events import EVENTS, ROOT, read_event
from builders.function_house import Context
from builders.pushes import applications_secret
from builders.recordings import new_bucket
from functions.erasure import app
from functions.erasure.answers import KINDS
from privatenumber.privacy import token
from privatenumber.recordings.model import Reason, State
from privatenumber.store import clients
from privatenumber.store.items import encode
from privatenumber.store.versions import canonical

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = {route: DOCUMENT["paths"][route.split()[1]][route.split()[0].lower()] for route in app.ROUTES}


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything the functions find in their environment."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        forget()
        for table in ("BindingsTable", "BillsTable"):
            clients.dynamodb().create_table(**table_request(table, table))
        new_bucket()
        secret = clients.secrets().create_secret(Name="applications", SecretString=applications_secret())
        for name, value in {
            "BINDINGS_TABLE": "BindingsTable",
            "BILLS_TABLE": "BillsTable",
            "RECORDINGS_BUCKET": "recordings",
            "APPLICATIONS_SECRET": secret["ARN"],
            "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
        }.items():
            monkeypatch.setenv(name, value)
        yield
    forget()


def forget() -> None:
    for made in (app.rooms, clients.dynamodb, clients.kms, clients.s3, clients.secrets):
        made.cache_clear()


def call(name: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Let a sample event be answered, and hold the answer against the API's description."""
    event = {**read_event(EVENTS / f"erasure-{name}.json"), **changes}
    response = app.answer(event, Context())
    status, body = response["statusCode"], json.loads(response["body"])
    told = (
        OPERATIONS[event["routeKey"]]["responses"][str(status)] if event["routeKey"] in OPERATIONS else None
    )
    if told and "$ref" not in told:
        schema = {**told["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(body)
    return status, body


def read(erasure: str) -> tuple[int, dict[str, Any]]:
    return call("read", pathParameters={"erasure": erasure})


def test_a_person_is_asked_for_looked_for_and_certified(caplog: pytest.LogCaptureFixture) -> None:
    """From the request to the certificate; his number is neither answered nor logged."""
    keyring = app.rooms().keyrings.load()
    row = {"pk": f"COUNT#demo#calls#{token(keyring, '+8613800138077')}", "sk": "2026", "kind": "count"}
    clients.dynamodb().put_item(TableName="BillsTable", Item=encode(row))
    status, asked = call("ask-person")
    assert (status, asked["state"]) == (202, "waiting")
    assert app.work({}, Context()) == {"pages": 2, "finished": 0}
    assert clients.dynamodb().scan(TableName="BillsTable")["Count"] == 0

    early = {"pk": {"S": f"ERASURE#{asked['id']}"}, "sk": {"S": "ERASURE"}}
    clients.dynamodb().update_item(
        TableName="BindingsTable", Key=early, UpdateExpression="SET due_at = :now",
        ExpressionAttributeValues={":now": {"S": "2020-01-01T00:00:00.000Z"}},
    )  # fmt: skip
    assert app.work({}, Context())["finished"] == 1
    status, done = read(asked["id"])
    assert (status, done["state"], done["looks"], done["counts"]) == (200, "done", 2, {"count": 1})
    assert hashlib.sha256(canonical(done["certificate"])).hexdigest() == done["certificate_hash"]
    assert "13800138077" not in json.dumps(done) + caplog.text


def test_the_same_request_again_says_so() -> None:
    call("ask-person")
    event = read_event(EVENTS / "erasure-ask-person.json")
    assert app.answer(event, Context())["headers"]["idempotent-replay"] == "true"
    assert call("ask-person", body=json.dumps({"numbers": ["13800138078"], "reason": "r"}))[0] == 409


def test_an_order_is_counted_without_a_certificate() -> None:
    _, asked = call("ask-order")
    app.work({}, Context())
    _, counted = read(asked["id"])
    assert (counted["state"], counted["certificate"]) == ("counted", None)


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("ask-invalid", {}, "invalid-fields"),
        ("ask-person", {"body": "{"}, "unreadable-body"),
        ("ask-person", {"body": json.dumps({"numbers": ["13800138077"], "reason": "r", "application": "no"})},
         "invalid-fields"),
        ("ask-person", {"body": "x" * 40_000}, "body-too-large"),
        ("ask-person", {"headers": {"content-type": "text/plain"}}, "media-type"),
        ("read", {}, "erasure-not-found"),
        ("read", {"routeKey": "GET /other"}, "no-such-route"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_place(name: str, changes: dict[str, Any], kind: str) -> None:
    status, body = call(name, **changes)
    assert body["type"].endswith(f":{kind}")
    assert status == KINDS[kind].status
    assert "13800138077" not in json.dumps(body)


def test_who_is_bound_is_told_which_bindings_hold_him() -> None:
    keyring = app.rooms().keyrings.load()
    person = token(keyring, "+8613800138077")
    place = {"pk": f"PARTY#demo#{person}", "sk": "PLACE#+8617010000002", "binding_id": "living"}
    clients.dynamodb().put_item(TableName="BindingsTable", Item=encode(place))
    status, body = call("ask-person")
    assert (status, body["bindings"]) == (409, ["living"])


def test_nothing_is_read_while_nothing_is_due() -> None:
    assert app.work({}, Context()) == {"pages": 0, "finished": 0}


def test_a_recording_that_is_gone_has_the_words_of_recordings() -> None:
    """The two rooms do not import each other."""
    from privatenumber.erasure import erased

    assert (erased.NO_FILE, erased.ERASED) == (State.NO_FILE, Reason.ERASED)
