"""The functions of recordings as composed: stream, queue, tables, keys, bucket and the emulated platform.

recording-and-call-stop.md §1, §2; C-009, U-N15, U-D13.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.deployment import table_request
from builders.emulator import RunningEmulator, running_emulator
from builders.events import ROOT, event_files, function_of, read_event
from builders.function_house import Context, application_at
from builders.keyrings import KEYRING
from builders.pushes import cdr_entry
from builders.recordings import BUCKET, NOWHERE, X, new_bucket
from builders.streams import stream_event
from emulator.recordings import content
from functions.recordings import app
from functions.recordings.answers import KINDS
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.deadline import Deadline
from privatenumber.platform.axb import AxbBind
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import Keyring
from privatenumber.recordings.archive import LEASE
from privatenumber.recordings.model import Reason, State
from privatenumber.store import clients
from privatenumber.store.facts import FactStore
from privatenumber.store.items import decode
from privatenumber.times import iso, utc_now

A, B = "+8613800138001", "+8613800138002"
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
OPERATION = DOCUMENT["paths"]["/recordings/{session}"]["get"]
USER = "arn:aws-cn:iam::123456789012:user/order-service"


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningEmulator]:
    with running_emulator(clock="virtual", start=utc_now()) as running:
        running.admin.application(urls={"fee": NOWHERE})
        yield running


@pytest.fixture(autouse=True)
def deployment(platform: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything the functions find in their environment; yields the queue."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        forget()
        for table in ("BindingsTable", "BillsTable"):
            clients.dynamodb().create_table(**table_request(table, table))
        new_bucket()
        queue = boto3.client("sqs").create_queue(QueueName="recordings")["QueueUrl"]
        application = application_at(platform.address, id="ride", recording_allow_http=True)
        secret = clients.secrets().create_secret(
            Name="applications", SecretString=json.dumps({"applications": [application]})
        )
        for name, value in {
            "BINDINGS_TABLE": "BindingsTable",
            "BILLS_TABLE": "BillsTable",
            "RECORDINGS_BUCKET": BUCKET,
            "WORK_QUEUE_URL": queue,
            "APPLICATIONS_SECRET": secret["ARN"],
            "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
        }.items():
            monkeypatch.setenv(name, value)
        yield queue
    forget()


def forget() -> None:
    made_once = (app.rooms, clients.dynamodb, clients.kms, clients.s3, clients.secrets, clients.sqs)
    for made in made_once:
        made.cache_clear()


def recorded_call(platform: RunningEmulator, talk_s: int = 3) -> dict[str, Any]:
    """A recorded call that ended just now; the entry of its CDR."""
    archive = app.rooms().archive
    (ours,) = archive.fetch.applications().values()
    if not platform.admin.bindings(X):
        bind = {
            "callerNum": A,
            "calleeNum": B,
            "relationNum": X,
            "recordFlag": True,
            "recordHintTone": "r.wav",
        }
        archive.fetch.platform(ours).axb.bind(AxbBind.model_validate(bind), deadline=Deadline.after(20))
    platform.admin.call(A, X, wait=True, talk_s=talk_s)
    (*_, delivery) = platform.admin.deliveries(kind="fee")
    entry: dict[str, Any] = delivery["body"]["feeLst"][-1]
    return entry


def stored(
    entry: dict[str, Any], keyring: Keyring | None = None, application: str = "ride"
) -> dict[str, Any]:
    """The row of a CDR, as the callbacks function writes it."""
    body = json.dumps({"eventType": "fee", "feeLst": [entry]}).encode()
    (cdr,) = parse_push(body).entries
    keys = keyring or app.rooms().keyrings.load()
    fact = fact_of(cdr, Reception(application, utc_now(), keys))
    FactStore(clients.dynamodb(), "BillsTable").put_facts([fact])
    return {"pk": fact.pk, "sk": fact.sk, **fact.item}


def note(*rows: dict[str, Any], name: str = "INSERT") -> list[str]:
    """Sequence numbers that `note` gives back."""
    answer = app.note(stream_event(rows, name=name), Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def recordings() -> list[dict[str, Any]]:
    items = map(decode, clients.dynamodb().scan(TableName="BillsTable")["Items"])
    return [item for item in items if item.get("kind") == "recording"]


def messages(queue: str) -> list[dict[str, str]]:
    """What the event source mapping would hand to the worker."""
    received = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    found = received.get("Messages", [])
    for message in found:
        boto3.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [{"messageId": message["MessageId"], "body": message["Body"]} for message in found]


def work(records: list[dict[str, str]], left_s: float = 300.0) -> list[str]:
    """Message ids that the worker gives back."""
    answer = app.work({"Records": records}, Context(left_s))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def read(
    session: str, application: str | None = "ride", route: str = app.ROUTE
) -> tuple[int, dict[str, Any]]:
    event = {
        "routeKey": route,
        "pathParameters": {"session": quote(session, safe="")},
        "requestContext": {"requestId": "r-1", "authorizer": {"iam": {"userArn": USER}}},
    }
    if application:
        event["queryStringParameters"] = {"application": application}
    answer = app.read(event, Context())
    status, body = answer["statusCode"], json.loads(answer["body"])
    told = OPERATION["responses"][str(status)]
    told = DOCUMENT["components"]["responses"]["Problem"] if "$ref" in told else told
    schema = told["content"][answer["headers"]["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(body)
    return status, body


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return {name: line[name] for line in lines for name in line if name != "_aws"}


def test_from_the_stream_to_the_link(deployment: str, platform: RunningEmulator) -> None:
    """The main path: CDR, note, queue, worker, platform, bucket, answer."""
    entry = recorded_call(platform)
    assert note(stored(entry)) == []
    _, before = read(entry["sessionId"])
    assert [one["state"] for one in before["recordings"]] == ["pending"]
    assert work(messages(deployment)) == []
    status, body = read(entry["sessionId"])
    assert status == 200
    (one,) = body["recordings"]
    true = b"".join(content(3))
    assert (one["state"], one["seconds"], one["bytes"]) == ("archived", 3, len(true))
    assert one["url"].startswith("https://")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in one["url"]
    assert one["next_attempt_at"] is None
    (row,) = recordings()
    assert clients.s3().get_object(Bucket=BUCKET, Key=row["file"])["Body"].read() == true
    assert row["sha256"] == one["sha256"]


def test_only_new_cdrs_of_recorded_calls_are_noted(deployment: str) -> None:
    """The filter of the mapping may be missing: our own rows come by on the stream too."""
    cdr = stored(cdr_entry())
    assert note(cdr, name="MODIFY") == []
    assert note({**cdr, "kind": "event", "event": "answer"}, {**cdr, "recorded": False}) == []
    assert recordings() == []
    assert note(cdr) == []
    assert note(*recordings()) == []
    assert len(recordings()) == 1


def test_a_batch_comes_again_from_the_first_that_fails(
    deployment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, after = (stored(cdr_entry(sessionId=name, icid=name)) for name in ("a", "b", "c"))
    assert note(good, {**bad, "received_at": "?"}, after) == [f"{2:021d}"]
    assert [row["pk"] for row in recordings()] == [good["pk"]]
    assert note(bad, after) == []
    assert len(recordings()) == 3


def test_a_cdr_that_nobody_can_open_is_known_and_told(
    deployment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must not stop those behind it."""
    assert note(stored(cdr_entry(), KEYRING)) == []
    (row,) = recordings()
    assert (row["state"], row["reason"]) == ("no_file", "unreadable")
    assert told(capsys)["RecordingsUnnamed"] == [1.0]


def test_an_operator_notes_a_day_once_more(deployment: str, platform: RunningEmulator) -> None:
    """What a stream has dropped is in the table all the same."""
    entry = recorded_call(platform)
    stored(entry)
    day = (utc_now() + timedelta(hours=8)).date().isoformat()
    assert app.note({"application": "ride", "day": day}, Context()) == {"noted": 1}
    assert app.note({"application": "ride", "day": day}, Context()) == {"noted": 0}
    assert work(messages(deployment)) == []
    assert recordings()[0]["state"] == "archived"


def test_a_lost_message_is_swept_up(
    deployment: str, platform: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    note(stored(recorded_call(platform)))
    assert len(messages(deployment)) == 1, "and nobody works on it"
    swept = app.sweep({}, Context())
    assert (swept["due"], swept["sent"]) == (1, 1)
    assert told(capsys).keys() >= {"RecordingSweepLag", "RecordingBacklog"}
    assert work(messages(deployment)) == []
    assert app.sweep({}, Context())["due"] == 0


def test_a_retry_is_swept_when_it_is_due(deployment: str, platform: RunningEmulator) -> None:
    note(stored(recorded_call(platform)))
    platform.admin.fault(
        "status", match={"api": "record.url"}, params={"http_status": 403, "code": "1012007"}
    )
    assert work(messages(deployment)) == [], "a refusal is no failure of the message"
    assert app.sweep({}, Context())["due"] == 0
    ahead = (utc_now() + timedelta(minutes=11)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert app.sweep({"scheduled_time": ahead}, Context())["due"] == 1
    assert work(messages(deployment)) == []
    assert recordings()[0]["state"] == "archived"


def test_only_what_failed_comes_again(deployment: str, platform: RunningEmulator) -> None:
    note(stored(recorded_call(platform)))
    (good,) = messages(deployment)
    unreadable = {"messageId": "m-2", "body": "{}"}
    unknown = {
        "messageId": "m-3",
        "body": json.dumps({**json.loads(good["body"]), "recording": "RECORDING#0"}),
    }
    assert work([unreadable, unknown, good]) == ["m-2"]
    assert recordings()[0]["state"] == "archived"


def test_a_worker_without_time_gives_its_message_back(deployment: str, platform: RunningEmulator) -> None:
    note(stored(recorded_call(platform)))
    records = messages(deployment)
    assert work(records, left_s=24) == [records[0]["messageId"]]
    assert recordings()[0]["attempts"] == 0


def test_trouble_of_our_own_leaves_it_claimed(deployment: str, platform: RunningEmulator) -> None:
    note(stored(recorded_call(platform)))
    clients.s3().delete_bucket(Bucket=BUCKET)
    records = messages(deployment)
    assert work(records) == [records[0]["messageId"]]
    (row,) = recordings()
    assert row["state"] == "pending"
    assert iso(utc_now()) < row["due_at"] <= iso(utc_now() + LEASE)


def test_an_unknown_session_is_404_and_an_unrecorded_one_an_empty_list(deployment: str) -> None:
    entry = cdr_entry(recordFlag=0)
    stored(entry)
    assert read(entry["sessionId"]) == (200, {"recordings": []})
    status, problem = read("nobody@callenabler246.huaweicaas.com")
    assert (status, problem["type"]) == (404, "urn:private-number:problem:call-not-found")
    assert problem["request_id"] == "r-1"


@pytest.mark.parametrize(
    ("session", "application", "field"),
    [
        ("s", None, "application"),
        ("s", "a b", "application"),
        ("", "ride", "session"),
        ("s" * 257, "ride", "session"),
    ],
)
def test_a_bad_field_is_named(session: str, application: str | None, field: str) -> None:
    status, problem = read(session, application)
    assert status == 422
    assert [error["field"] for error in problem["errors"]] == [field]


def test_states_and_reasons_are_described() -> None:
    """docs/openapi.yaml has those of the code."""
    told = DOCUMENT["components"]["schemas"]["Recording"]["properties"]
    assert told["state"]["enum"] == [state.value for state in State]
    assert told["reason"]["enum"] == [*(reason.value for reason in Reason), None]
    assert {int(status) for status in OPERATION["responses"]} == {
        200,
        *(kind.status for kind in KINDS.values()),
    }


def test_another_route_is_404() -> None:
    assert read("s", route="GET /else")[1]["type"].endswith("no-such-route")


def test_trouble_is_500_and_says_nothing(deployment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLS_TABLE", "gone")
    app.rooms.cache_clear()
    status, problem = read("s")
    assert (status, problem["type"]) == (500, "urn:private-number:problem:internal")


def test_nothing_tells_a_number_a_session_or_an_address(
    deployment: str, platform: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """design.md §6; numbers.md §6: the Location of a recording never."""
    entry = recorded_call(platform) | {"sessionId": f"1200_{A}_{B}@callenabler246.huaweicaas.com"}
    note(stored(entry))
    work(messages(deployment))
    read(entry["sessionId"])
    read(entry["sessionId"] + "x")
    app.sweep({}, Context())
    keys = [one["Key"] for one in clients.s3().list_objects_v2(Bucket=BUCKET)["Contents"]]
    output = capsys.readouterr()
    rows = [{name: value for name, value in row.items() if name != "sealed"} for row in recordings()]
    for text in (output.out, output.err, *keys, str(rows)):
        for secret in (A[3:], B[3:], "callenabler", "__emu/recordings", entry["recordObjectName"]):
            assert secret not in text


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if function_of(path).startswith("Recordings")],
    ids=lambda path: path.stem,
)
def test_a_sample_event_runs(path: Any) -> None:
    handler = {
        "RecordingsNoteFunction": app.note,
        "RecordingsSweepFunction": app.sweep,
        "RecordingsWorkerFunction": app.work,
        "RecordingsReadFunction": app.read,
    }[function_of(path)]
    answer = handler(read_event(path), Context())
    assert answer.keys() <= {
        "due",
        "sent",
        "lag_s",
        "batchItemFailures",
        "noted",
        "statusCode",
        "headers",
        "body",
    }
