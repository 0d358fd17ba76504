"""What stands in for AWS behaves as AWS does where the storm relies on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.clock import Scheduler
from storm.clockwork import Clockwork, TimedOut
from storm.cloud import Files, Keys, Queue, Queues
from storm.deployment import QueueSource, StreamSource, read_deployment
from storm.lambdas import Invoked
from storm.sources import FAILED, QueueWorkers, Streams, passes
from storm.tables import Written

START = datetime(2026, 9, 14, tzinfo=UTC)


@dataclass
class Functions:
    """Functions that answer as a test wants."""

    answer: Callable[[Mapping[str, Any]], Invoked]
    events: list[Mapping[str, Any]] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)

    def invoke(self, name: str, event: Mapping[str, Any]) -> Invoked:
        self.events.append(event)
        return self.answer(event)

    def measure_age(self, name: str, age_ms: float) -> None:
        self.ages.append(age_ms)


@dataclass
class Bench:
    """A queue with a worker and a stream with a reader, on a virtual clock."""

    functions: Functions
    clock: Scheduler = field(default_factory=lambda: Scheduler(start=START))

    def __post_init__(self) -> None:
        self.queues = Queues(self.clock.now)
        self.queues.all["work"] = Queue("work", 360, 2, "dead")
        self.queues.all["dead"] = Queue("dead", 30, 1_000_000, None)
        self.queues.all[FAILED] = Queue(FAILED, 30, 1_000_000, None)
        functions: Any = self.functions
        source = QueueSource("Worker", "work", 10)
        self.workers = QueueWorkers(self.clock, functions, self.queues, (source,), lambda queue: False)
        self.queues.woken = self.workers.woken
        reader = StreamSource("Reader", "table", 4, 2, ({"eventName": ["INSERT"]},))
        self.streams = Streams(self.clock, functions, self.queues, (reader,))

    def write(self, *numbers: int) -> None:
        for number in numbers:
            change = {
                "SequenceNumber": f"{number:05d}",
                "ApproximateCreationDateTime": self.clock.now().timestamp(),
            }
            record = {"eventName": "INSERT", "dynamodb": change}
            self.streams.hear(Written("table", ("one", str(number)), None, {}, record))

    def pass_time(self, seconds: float) -> None:
        asyncio.run(self.clock.advance(seconds))

    def read(self) -> list[str]:
        """The records of each invocation, by their numbers."""
        found = [
            [one["dynamodb"]["SequenceNumber"] for one in event["Records"]] for event in self.functions.events
        ]
        return [" ".join(str(int(number)) for number in batch) for batch in found]


def done(event: Mapping[str, Any]) -> Invoked:
    return Invoked({"batchItemFailures": []}, None)


def killed(event: Mapping[str, Any]) -> Invoked:
    return Invoked(None, "killed")


def test_a_message_that_is_done_is_gone() -> None:
    bench = Bench(Functions(done))
    bench.queues.put("work", "one")
    bench.pass_time(1000)
    assert (len(bench.functions.events), len(bench.queues.all["work"].messages)) == (1, 0)


def test_a_message_of_a_killed_worker_comes_again_when_its_time_is_over_and_then_goes_aside() -> None:
    """SQS: invisible for the visibility time-out, moved after so many receives."""
    bench = Bench(Functions(killed))
    bench.queues.put("work", "one")
    bench.pass_time(359)
    assert len(bench.functions.events) == 1
    bench.pass_time(2)
    assert len(bench.functions.events) == 2
    bench.pass_time(400)
    assert [one.body for one in bench.queues.all["dead"].messages.values()] == ["one"]


def test_only_the_message_that_failed_comes_again() -> None:
    """ReportBatchItemFailures."""

    def one_fails(event: Mapping[str, Any]) -> Invoked:
        failed = [one["messageId"] for one in event["Records"] if one["body"] == "bad"]
        return Invoked({"batchItemFailures": [{"itemIdentifier": one} for one in failed]}, None)

    bench = Bench(Functions(one_fails))
    bench.queues.put("work", "good")
    bench.queues.put("work", "bad")
    bench.pass_time(10)
    assert [one.body for one in bench.queues.all["work"].messages.values()] == ["bad"]


def test_a_stream_is_read_in_order_and_in_batches() -> None:
    bench = Bench(Functions(done))
    bench.write(*range(1, 7))
    bench.pass_time(10)
    assert bench.read() == ["1 2 3 4", "5 6"]


def test_a_batch_that_names_a_failure_goes_on_from_there() -> None:
    answers = iter([Invoked({"batchItemFailures": [{"itemIdentifier": "00003"}]}, None)])
    bench = Bench(Functions(lambda event: next(answers, None) or done(event)))
    bench.write(1, 2, 3, 4)
    bench.pass_time(60)
    assert bench.read()[:2] == ["1 2 3 4", "3 4"]
    assert bench.streams.waiting() == 0


def test_a_batch_that_keeps_failing_is_halved_and_at_last_put_aside() -> None:
    """BisectBatchOnFunctionError, MaximumRetryAttempts, OnFailure."""
    bench = Bench(Functions(killed))
    bench.write(1, 2, 3, 4)
    bench.pass_time(3600)
    assert bench.read()[:3] == ["1 2 3 4", "1 2", "1"]
    assert bench.streams.waiting() == 0
    assert bench.streams.put_aside["Reader"] == 4
    assert len(bench.queues.all[FAILED].messages) == 4


def test_a_filter_of_the_template_lets_through_what_it_names() -> None:
    (pattern,) = next(
        one for one in read_deployment().streams if one.function == "WebhooksNoteFunction"
    ).filters
    inserted = {"eventName": "INSERT", "dynamodb": {"NewImage": {"sk": {"S": "BINDING"}}}}
    assert passes(pattern, inserted)
    assert not passes(pattern, {**inserted, "eventName": "REMOVE"})
    assert not passes(pattern, {"eventName": "INSERT", "dynamodb": {"NewImage": {"sk": {"S": "NUMBER"}}}})


def test_a_wrapped_key_opens_for_its_purpose_only() -> None:
    keys = Keys(1)
    made = keys.generate_data_key(KeyId="k", KeySpec="AES_256", EncryptionContext={"purpose": "one"})
    wrapped = made["CiphertextBlob"]
    opened = keys.decrypt(KeyId="k", CiphertextBlob=wrapped, EncryptionContext={"purpose": "one"})
    assert opened["Plaintext"] == made["Plaintext"]
    with pytest.raises(ClientError):
        keys.decrypt(KeyId="k", CiphertextBlob=wrapped, EncryptionContext={"purpose": "two"})


def test_a_file_that_is_not_there_is_no_file() -> None:
    with pytest.raises(ClientError):
        Files().get_object(Bucket="exchange", Key="none")


def test_the_first_file_under_a_key_stays_when_the_writer_asks_for_that() -> None:
    """If-None-Match."""
    files = Files()
    files.put_object(Bucket="recordings", Key="one.wav", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        files.put_object(Bucket="recordings", Key="one.wav", Body=b"second", IfNoneMatch="*")
    assert (files.get("one.wav"), files.written["one.wav"], list(files)) == (b"first", 1, ["one.wav"])


def test_a_file_in_parts_is_there_when_it_is_complete() -> None:
    files = Files()
    upload = {"Bucket": "recordings", "Key": "one.wav"}
    upload["UploadId"] = files.create_multipart_upload(**upload)["UploadId"]
    for number, body in ((1, b"a"), (2, b"b")):
        files.upload_part(**upload, PartNumber=number, Body=body)
    assert files.get("one.wav") is None
    parts = {"Parts": [{"PartNumber": 1}, {"PartNumber": 2}]}
    files.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*")
    assert files.get_object(Bucket="recordings", Key="one.wav")["Body"].read() == b"ab"


def test_who_waits_longer_than_his_time_is_ended() -> None:
    clockwork = Clockwork(lambda: START, START)
    with clockwork.invocation(10):
        clockwork.sleep(9)
        assert clockwork.left_s() == 1
        with pytest.raises(TimedOut):
            clockwork.sleep(2)


def test_waiting_moves_our_monotonic_clock_and_nobody_elses() -> None:
    clockwork = Clockwork(lambda: START, START)
    before = clockwork.monotonic()
    with clockwork.invocation(10):
        clockwork.sleep(3)
    with clockwork.invocation(10):
        assert clockwork.monotonic() - before == 3
    assert clockwork.now() == START


def test_in_whose_midst_another_one_runs_waits_as_long_as_it() -> None:
    clockwork = Clockwork(lambda: START, START)
    before = clockwork.monotonic()
    with clockwork.invocation(10) as outer:
        clockwork.sleep(2)
        with clockwork.invocation(5) as inner:
            clockwork.sleep(4)
            assert (inner(), clockwork.left_s()) == (4, 1)
        assert (outer(), clockwork.left_s()) == (6, 4)
    assert clockwork.monotonic() - before == 6


def test_our_clock_may_be_off() -> None:
    clockwork = Clockwork(lambda: START, START, skew=timedelta(minutes=-3))
    assert clockwork.now() == START - timedelta(minutes=3)


def test_every_schedule_of_the_template_is_understood() -> None:
    """Another form of expression is an error, not a schedule that never fires."""
    found = {one.name: (one.every_min, one.offset_min) for one in read_deployment().schedules}
    assert found["SweepSchedule"] == (1, 0)
    assert found["RateSchedule"] == (60, 0)
    assert found["CloseSchedule"] == (1440, 16 * 60 + 10)
