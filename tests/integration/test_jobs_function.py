"""The functions of jobs as composed: queue, table, keys, bucket and the emulated platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from builders.bindings import APPLICATION, active_number, within
from builders.deployment import table_request
from builders.emulator import APP_KEY, SECRET, X1, X2, X3, A, B, RunningEmulator, running_emulator
from builders.events import event_files, function_of, read_event
from builders.jobs import job_command
from functions.jobs import app
from privatenumber.bindings.jobs_model import JobState, Kind
from privatenumber.platform.pacing import Pace
from privatenumber.store import clients
from privatenumber.store.numbers import NumberStore
from privatenumber.times import utc_now

TABLE = "Bindings"


@dataclass
class Context:
    """A runtime with time left."""

    left_s: float = 60.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_s * 1000)


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningEmulator]:
    with running_emulator(clock="real") as running:
        yield running


@pytest.fixture(autouse=True)
def deployment(platform: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything the functions find in their environment; yields the queue."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        monkeypatch.setattr(app, "Pace", lambda per_second: Pace(per_second, sleep=lambda seconds: None))
        forget()
        clients.dynamodb().create_table(**table_request("BindingsTable", TABLE))
        numbers = NumberStore(clients.dynamodb(), TABLE)
        for x in (X1, X2, X3):
            numbers.put(active_number(x), seen=None)
        queue = boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        where = {"LocationConstraint": "cn-north-1"}
        clients.s3().create_bucket(Bucket="exchange", CreateBucketConfiguration=where)  # type: ignore[arg-type]
        application = {
            "id": APPLICATION,
            "app_key": APP_KEY,
            "secrets": [SECRET],
            "mode": "AXB",
            "base_url": platform.address,
            "callback_token": "callback-token-0001",
            "tps": 0,
        }
        secret = clients.secrets().create_secret(
            Name="applications", SecretString=json.dumps({"applications": [application]})
        )
        for name, value in {
            "BINDINGS_TABLE": TABLE,
            "JOBS_QUEUE_URL": queue,
            "EXCHANGE_BUCKET": "exchange",
            "APPLICATIONS_SECRET": secret["ARN"],
            "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
        }.items():
            monkeypatch.setenv(name, value)
        yield queue
        platform.admin.clear_faults()
    forget()


def forget() -> None:
    made_once = (
        app.settings,
        app.rooms,
        clients.dynamodb,
        clients.kms,
        clients.secrets,
        clients.sqs,
        clients.s3,
    )
    for one in made_once:
        one.cache_clear()


def messages(queue: str) -> list[dict[str, str]]:
    """What the event source mapping would hand to the worker."""
    received = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [
        {"messageId": message["MessageId"], "body": message["Body"]}
        for message in received.get("Messages", [])
    ]


def work(records: list[dict[str, str]], left_s: float = 60.0) -> list[str]:
    """Message ids that the worker gives back."""
    answer = app.work({"Records": records}, Context(left_s))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def create(**asked: Any) -> str:
    return app.rooms().jobs.create(job_command(**asked), deadline=within())[0].job.id


def item(n: int) -> dict[str, Any]:
    return {"order": f"job-order-{n}", "a": A, "b": f"{B[:-1]}{n}", "ttl_seconds": 3600}


def test_a_job_is_done_through_the_queue(deployment: str) -> None:
    job = create(kind=Kind.BIND, items=[item(n) for n in (2, 3)])
    assert work(messages(deployment)) == []
    found = app.rooms().jobs.get(job)
    assert (found.state, found.counts["done"]) == (JobState.FINISHED, 2)


def test_a_file_of_the_exchange_bucket_is_planned_and_done(deployment: str) -> None:
    lines = "\n".join(json.dumps({"order": f"job-order-{n}"}) for n in (2, 3))
    clients.s3().put_object(Bucket="exchange", Key="jobs/end.jsonl", Body=lines.encode())
    job = create(kind=Kind.RELEASE, file="jobs/end.jsonl")
    assert work(messages(deployment)) == []
    assert work(messages(deployment)) == []
    found = app.rooms().jobs.get(job)
    assert (found.state, found.counts["failed"]) == (JobState.FINISHED, 2)


def test_the_sweep_sends_again_what_nobody_took_up(deployment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no more than the variables that it is given."""
    create(kind=Kind.BIND, items=[item(2)])
    lost = messages(deployment)
    for name in ("KEY_ID", "APPLICATIONS_SECRET", "EXCHANGE_BUCKET"):
        monkeypatch.delenv(name)
    forget()
    assert app.sweep({}, Context()) == {"sent": 0}
    later = (utc_now() + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert app.sweep({"scheduled_time": later}, Context()) == {"sent": 1}
    assert app.sweep({"scheduled_time": later}, Context()) == {"sent": 0}
    again = messages(deployment)
    assert [one["body"] for one in again] == [one["body"] for one in lost]


def test_what_cannot_be_worked_on_comes_again_and_stops_nothing(deployment: str) -> None:
    job = create(kind=Kind.BIND, items=[item(2)])
    bad = {"messageId": "bad", "body": "{}"}
    gone = {"messageId": "gone", "body": '{"job": "jgone", "lane": 0, "ticket": 1}'}
    assert work([bad, gone, *messages(deployment)]) == ["bad"]
    assert app.rooms().jobs.get(job).state is JobState.FINISHED


def test_without_time_nothing_is_begun(deployment: str) -> None:
    job = create(kind=Kind.BIND, items=[item(2)])
    records = messages(deployment)
    assert work(records, left_s=10) == [record["messageId"] for record in records]
    assert app.rooms().jobs.get(job).counts["pending"] == 1


def test_what_a_worker_asks_of_the_platform_keeps_a_pace() -> None:
    """auth.md §11: ten a second for the application; three workers of jobs take six of them at most."""
    assert app.PER_SECOND * 3 <= 6


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if function_of(path).startswith("Jobs")],
    ids=lambda path: path.stem,
)
def test_the_sample_events_are_answered(path: Any) -> None:
    handler = app.sweep if function_of(path) == "JobsSweepFunction" else app.work
    answer: dict[str, Any] = handler(read_event(path), Context())
    assert answer.keys() <= {"sent", "batchItemFailures"}
    assert len(answer.get("batchItemFailures", [])) == ("bad" in path.stem)
