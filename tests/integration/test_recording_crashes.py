"""A worker that dies anywhere, two at once, and files larger than memory: exactly one archive each.

recording-and-call-stop.md §2; users.md U-N15.
"""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from builders.crashes import Fuse, Killed, fragile
from builders.dynamodb import local_client, new_table
from builders.emulator import RunningEmulator
from builders.pushes import cdr_entry
from builders.recordings import BUCKET, Reply, Scene, new_bucket, running_file_server, wav, within
from emulator.recordings import content
from privatenumber.recordings.archive import LEASE
from privatenumber.store.recording_files import PART_BYTES, AlreadyThere, RecordingFiles
from privatenumber.store.recordings import RecordingRow

WRITES = ("add", "replace", "finish")
S3_CALLS = ("put_object", "create_multipart_upload", "upload_part", "complete_multipart_upload")


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def scene(aws: None, emulator: RunningEmulator) -> Scene:
    dynamodb = boto3.client(
        "dynamodb", region_name="cn-north-1", aws_access_key_id="moto", aws_secret_access_key="moto"
    )
    return Scene(new_table(dynamodb, "BillsTable"), new_bucket(), emulator)


def settled(scene: Scene, row: RecordingRow) -> RecordingRow:
    """What the sweeps after a crash come to."""
    while (now := scene.store.get(row.key)) is not None and now.due_at is not None:
        if now.due_at > scene.now():
            scene.emulator.admin.advance_to(now.due_at)
        scene.step(row)
    found = scene.store.get(row.key)
    assert found is not None
    return found


def die_at(scene: Scene, row: RecordingRow, fuse: Fuse) -> None:
    """One attempt of a worker that dies at a boundary of its writes."""
    client = fragile(scene.s3, S3_CALLS, fuse)
    parts: dict[str, Any] = {
        "store": fragile(scene.store, WRITES, fuse),
        "files": RecordingFiles(client, BUCKET, "key"),
    }
    try:
        scene.step(row, **parts)
    except Killed:
        assert fuse.burnt


def boundaries(talk_s: int) -> Iterator[int]:
    """Before and after: claim, upload (one request, or begin, parts and end), row."""
    parts = -(-len(b"".join(content(talk_s))) // PART_BYTES)
    uploads = 1 if parts == 1 else parts + 2
    yield from range(2 * (uploads + 2))


@pytest.mark.parametrize(
    ("talk_s", "at"), [(talk_s, at) for talk_s in (60, 900) for at in boundaries(talk_s)]
)
def test_a_worker_that_dies_at_any_write_leaves_exactly_one_archive(
    scene: Scene, talk_s: int, at: int
) -> None:
    row = scene.noted(scene.recorded_call(talk_s))
    fuse = Fuse(at)
    die_at(scene, row, fuse)
    assert fuse.burnt
    row = settled(scene, row)
    true = b"".join(content(talk_s))
    assert scene.archived() == {row.file: true}
    assert (row.state, row.sha256) == ("archived", hashlib.sha256(true).hexdigest())


@pytest.mark.parametrize("talk_s", [60, 900])
def test_the_boundaries_are_all_there_are(scene: Scene, talk_s: int) -> None:
    fuse = Fuse(None)
    die_at(scene, scene.noted(scene.recorded_call(talk_s)), fuse)
    assert fuse.passed == len(list(boundaries(talk_s)))


def test_after_a_crash_the_archive_is_found_even_if_the_platform_has_forgotten(scene: Scene) -> None:
    """Between upload and row."""
    row = scene.noted(scene.recorded_call())
    die_at(scene, row, Fuse(4))
    assert len(scene.archived()) == 1
    scene.advance(days=8)
    asked = scene.emulator.admin.counts()["record.url"]
    assert settled(scene, row).state == "archived"
    assert scene.emulator.admin.counts()["record.url"] == asked


def test_a_crash_between_row_and_message_is_found_by_the_sweep(scene: Scene) -> None:
    cdr = scene.store_cdr(scene.recorded_call())
    fuse = Fuse(1)
    noting = scene.noting()
    with pytest.raises(Killed):
        type(noting)(
            fragile(noting.store, WRITES, fuse), noting.queue, noting.keyrings, noting.clock, noting.count
        ).note([cdr])
    assert scene.messages.sent == []
    (due,) = scene.store.due(until=scene.now(), limit=10)
    assert due.key == scene.rows()[0].key
    scene.noting().note([cdr])
    assert len(scene.rows()) == len(scene.messages.sent) == 1


def test_a_claim_keeps_others_away_until_its_lease_is_over(scene: Scene) -> None:
    row = scene.noted(scene.recorded_call())
    die_at(scene, row, Fuse(1))
    assert scene.step(row).state == "pending"
    assert list(scene.store.due(until=scene.now(), limit=10)) == []
    scene.advance(seconds=LEASE.total_seconds())
    assert scene.step(row).state == "archived"


def test_a_bucket_that_fails_is_tried_again_after_the_lease(scene: Scene) -> None:
    row = scene.noted(scene.recorded_call(900))
    scene.s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError):
        scene.step(row)
    scene.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
    assert settled(scene, row).state == "archived"


def test_a_file_that_breaks_off_leaves_no_upload_behind(scene: Scene) -> None:
    row = scene.noted(scene.recorded_call(900))
    with running_file_server() as server:
        data = wav(900)
        server.replies["/a"] = Reply(body=data[:-1], length=len(data))
        url = {"recordDomain": "", "recordObjectName": "", "recordFileDownloadUrl": f"{server.address}/a"}
        begun = "2026-09-02 01:00:08", "2026-09-02 01:15:08"
        entry = cdr_entry(**url, fwdAnswerTime=begun[0], callEndTime=begun[1], sessionId="other")
        scene.noting().note([scene.store_cdr(entry)])
        (key,) = {one.key for one in scene.rows()} - {row.key}
        found = scene.archive().step(key, now=scene.now(), deadline=within())
    assert found.detail == "interrupted"
    assert scene.uploads() == 0
    assert scene.archived() == {}


class TestConcurrent:
    """Proven on DynamoDB Local: moto's conditions are not atomic across threads."""

    @pytest.fixture
    def scene(self, dynamodb_local: str, emulator: RunningEmulator) -> Iterator[Scene]:
        table = new_table(local_client(dynamodb_local), "BillsTable")
        with mock_aws():
            yield Scene(table, new_bucket(), emulator)

    @pytest.mark.dynamodb_local
    def test_of_many_workers_one_works(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        now = scene.now()
        results = together(8, lambda: scene.archive().step(row.key, now=now, deadline=within()))
        assert not [result for result in results if isinstance(result, Exception)]
        assert scene.emulator.admin.counts()["record.url"] == {"301": 1}
        assert scene.rows()[0].state == "archived"
        assert scene.counted["RecordingsArchived"] == 1

    @pytest.mark.dynamodb_local
    def test_of_many_that_note_one_recording_one_makes_it(self, scene: Scene) -> None:
        cdr = scene.store_cdr(scene.recorded_call())
        made = together(8, lambda: scene.noting().note([cdr]))
        assert sorted(made) == [0, 0, 0, 0, 0, 0, 0, 1]
        assert len(scene.rows()) == 1


def together(count: int, action: Any) -> list[Any]:
    """Do something in many threads at once; results and exceptions."""
    barrier, results = threading.Barrier(count), list[Any]()

    def run() -> None:
        barrier.wait()
        try:
            results.append(action())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_worker_whose_lease_ran_out_does_not_overwrite_the_archive(scene: Scene) -> None:
    """Two attempts that both download: the first complete file stays, the row of the second is refused."""
    row = scene.noted(scene.recorded_call())

    class Late(RecordingFiles):
        def write(self, key: str, chunks: Any) -> None:
            scene.advance(seconds=LEASE.total_seconds())
            scene.step(row)
            super().write(key, chunks)

    late = scene.archive(files=Late(scene.s3, BUCKET, "key"))
    found = late.step(row.key, now=scene.now(), deadline=within())
    assert found == scene.rows()[0]
    assert (found.state, found.attempts) == ("archived", 2)
    assert scene.counted["RecordingsArchived"] == 1
    assert len(scene.archived()) == 1


def test_a_second_file_with_other_content_is_told_and_the_first_stays(scene: Scene) -> None:
    row = scene.noted(scene.recorded_call())
    scene.files.write(row.file, [wav(60)])
    found = scene.step(row)
    assert found.sha256 == hashlib.sha256(wav(60)).hexdigest()
    assert scene.archived() == {row.file: wav(60)}
    assert scene.counted["RecordingsDiffer"] == 1


@pytest.mark.parametrize("seconds", [10, 800])
def test_a_file_is_never_written_over(aws: None, seconds: int) -> None:
    client = new_bucket()
    files = RecordingFiles(client, BUCKET, "key")
    files.write("a", [wav(seconds)])
    with pytest.raises(AlreadyThere):
        files.write("a", [wav(seconds + 1)])
    assert client.get_object(Bucket=BUCKET, Key="a")["Body"].read() == wav(seconds)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


class CountingS3:
    """A bucket that keeps nothing but numbers: what is written into it and how much of it at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.hash = hashlib.sha256()
        self.completed = False

    def create_multipart_upload(self, **request: Any) -> dict[str, str]:
        return {"UploadId": "1"}

    def upload_part(self, **request: Any) -> dict[str, str]:
        self.sizes.append(len(request["Body"]))
        self.hash.update(request["Body"])
        return {"ETag": str(len(self.sizes))}

    def complete_multipart_upload(self, **request: Any) -> None:
        self.completed = True


def test_a_file_of_100_mb_never_is_in_memory_as_a_whole(scene: Scene) -> None:
    """Streamed by a server on loopback: a part and little more is held at a time."""
    talk_s = 12_500
    begun = "2026-09-02 01:00:00", "2026-09-02 04:28:20"

    with running_file_server() as server:
        server.replies["/a"] = Reply(body=lambda: content(talk_s))
        url = {"recordDomain": "", "recordObjectName": "", "recordFileDownloadUrl": f"{server.address}/a"}
        row = scene.noted(cdr_entry(**url, fwdAnswerTime=begun[0], callEndTime=begun[1]))
        bucket = CountingS3()
        files = RecordingFiles(cast(Any, bucket), BUCKET, "key")
        tracemalloc.start()
        try:
            found = scene.step(row, files=files)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (found.state, found.seconds, found.talk_seconds) == ("archived", talk_s, talk_s)
    assert bucket.completed
    assert found.size == sum(bucket.sizes) > 100_000_000
    assert bucket.hash.hexdigest() == found.sha256
    assert set(bucket.sizes[:-1]) == {PART_BYTES}
    assert peak < 4 * PART_BYTES, f"{peak / 1e6:.0f} MB"


def test_a_sender_that_never_ends_is_cut_off(scene: Scene) -> None:
    """Bounded by what the talk time allows, not by the patience of the function."""

    def endless() -> Iterator[bytes]:
        yield wav(0, announced=0xFFFF_FFFF)
        while True:
            yield bytes(64 * 1024)

    with running_file_server() as server:
        server.replies["/a"] = Reply(body=endless)
        url = {"recordDomain": "", "recordObjectName": "", "recordFileDownloadUrl": f"{server.address}/a"}
        assert scene.step(scene.noted(cdr_entry(**url))).detail == "too_large"


def test_a_deadline_ends_a_download(scene: Scene) -> None:
    with running_file_server() as server:
        server.replies["/a"] = Reply(body=wav(62))
        url = {"recordDomain": "", "recordObjectName": "", "recordFileDownloadUrl": f"{server.address}/a"}
        row = scene.noted(cdr_entry(**url))
        ticks = iter([0.0, 0.0, 0.0, *[99.0] * 100])
        deadline = type(within()).after(10, monotonic=lambda: next(ticks))
        assert scene.archive().step(row.key, now=scene.now(), deadline=deadline).detail == "too_slow"
