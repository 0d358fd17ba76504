"""The functions of jobs as composed: queue, table, keys, bucket and the emulated platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import within
from builders.emulator import A, B, RunningEmulator, running_emulator
from builders.events import event_files, function_of, read_event
from builders.function_house import Context, forget, function_house, messages
from builders.jobs import job_command
from functions.jobs import app
from privatenumber.bindings.jobs_model import JobState, Kind
from privatenumber.platform.pacing import Pace
from privatenumber.store import clients
from privatenumber.times import utc_now

QUEUE = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs"


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningEmulator]:
    with running_emulator(clock="real") as running:
        yield running


@pytest.fixture(autouse=True)
def deployment(platform: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything the functions find in their environment; yields the queue."""
    monkeypatch.setattr(app, "Pace", lambda per_second: Pace(per_second, sleep=lambda seconds: None))
    own = {"JOBS_QUEUE_URL": QUEUE, "EXCHANGE_BUCKET": "exchange"}
    with function_house(app, platform.address, monkeypatch, own):
        assert clients.sqs().create_queue(QueueName="jobs")["QueueUrl"] == QUEUE
        where = {"LocationConstraint": "cn-north-1"}
        clients.s3().create_bucket(Bucket="exchange", CreateBucketConfiguration=where)  # type: ignore[arg-type]
        yield QUEUE
        platform.admin.clear_faults()


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
    forget(app)
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
