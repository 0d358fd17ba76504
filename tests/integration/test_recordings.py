"""Recordings from the call to the archive, against the emulated platform over HTTP.

recording-and-call-stop.md §1, §2: C-009, C-070, C-159, C-177, C-178; U-N15, U-P15, U-P16, U-D13.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from builders.dynamodb import new_table
from builders.emulator import RunningEmulator
from builders.pushes import cdr_entry
from builders.recordings import (
    BUCKET,
    FileServer,
    Reply,
    Scene,
    new_bucket,
    running_file_server,
    wav,
    within,
)
from builders.unheard import Unheard
from emulator.recordings import content
from privatenumber.recordings.find import CallUnknown
from privatenumber.recordings.model import NoSuchRecording
from privatenumber.store.recordings import RecordingRow, RecordingStore

NO_NAMES = {"recordDomain": "", "recordBucketName": "", "recordObjectName": ""}


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def scene(aws: None, emulator: RunningEmulator) -> Scene:
    return new_scene(emulator)


@pytest.fixture
def storage() -> Iterator[FileServer]:
    with running_file_server() as server:
        yield server


def new_scene(emulator: RunningEmulator, **changes: Any) -> Scene:
    dynamodb = boto3.client(
        "dynamodb", region_name="cn-north-1", aws_access_key_id="moto", aws_secret_access_key="moto"
    )
    return Scene(new_table(dynamodb, "BillsTable"), new_bucket(), emulator, **changes)


def settings(scene: Scene, **values: Any) -> None:
    """Start the emulator anew with other settings of recordings."""
    scene.emulator.admin.reset(now=scene.now().isoformat(), settings={"recording": values})
    scene.emulator.admin.application(urls={"fee": "http://127.0.0.1:9/fee"})
    scene.emulator.admin.numbers("+8617010000001")


class TestArchived:
    def test_a_recording_is_in_the_bucket_as_the_platform_has_it(self, scene: Scene) -> None:
        row = scene.step(scene.noted(scene.recorded_call(60)))
        true = b"".join(content(60))
        assert scene.archived() == {row.file: true}
        assert (row.state, row.seconds, row.size) == ("archived", 60, len(true))
        assert row.sha256 == hashlib.sha256(true).hexdigest()
        assert (row.archived_at, row.due_at, row.flags) == (scene.now(), None, ())
        assert scene.counted["RecordingsArchived"] == 1

    def test_the_file_is_encrypted_under_our_key(self, scene: Scene) -> None:
        row = scene.step(scene.noted(scene.recorded_call()))
        head = scene.s3.head_object(Bucket=BUCKET, Key=row.file)
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["SSEKMSKeyId"].endswith("555555555555")
        assert head["ContentType"] == "audio/wav"

    def test_it_is_sent_to_the_worker_with_its_cdr(self, scene: Scene) -> None:
        """First attempt at once (decision 174)."""
        row = scene.noted(scene.recorded_call())
        assert [work.key for work in scene.messages.sent] == [row.key]

    def test_an_attempt_more_changes_nothing(self, scene: Scene) -> None:
        row = scene.step(scene.noted(scene.recorded_call()))
        assert scene.step(row) == row
        assert scene.counted["RecordingsArchived"] == 1

    def test_a_cdr_that_comes_twice_has_one_recording(self, scene: Scene) -> None:
        entry = scene.recorded_call()
        archived = scene.step(scene.noted(entry))
        assert scene.noted(entry) == archived
        scene.noted({**entry, "icid": "another"})
        assert scene.rows() == [archived]

    def test_the_address_is_asked_for_anew_at_every_attempt(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        scene.emulator.admin.fault(
            "status", match={"api": "record.url"}, params={"http_status": 403, "code": "1012007"}
        )
        assert scene.step(row).state == "pending"
        scene.advance(minutes=10)
        assert scene.step(row).state == "archived"
        assert scene.emulator.admin.counts()["record.url"] == {"1012007": 1, "301": 1}

    def test_unbinding_first_loses_nothing(self, scene: Scene) -> None:
        """U-P16."""
        row = scene.noted(scene.recorded_call())
        (binding,) = scene.emulator.admin.bindings()
        scene.platform.axb.unbind(binding["subscription_id"], deadline=within())
        assert scene.step(row).state == "archived"

    def test_a_long_recording_travels_in_parts(self, scene: Scene) -> None:
        row = scene.step(scene.noted(scene.recorded_call(1800)))
        assert row.size == len(scene.archived()[row.file]) > 14_000_000
        assert scene.s3.head_object(Bucket=BUCKET, Key=row.file)["ETag"].endswith('-3"')
        assert row.sha256 == hashlib.sha256(scene.archived()[row.file]).hexdigest()


class HardOfHearing(RecordingStore):
    """After the claim its writes are done and not answered, so that the SDK sends them again."""

    def replace(self, row: RecordingRow, *, seen: int) -> None:
        super().replace(row, seen=seen)
        self._client = Unheard(self._client).as_client()


class TestNoFile:
    def test_a_call_below_3_seconds_has_none(self, scene: Scene) -> None:
        settings(scene, short_call="flag_without_file")
        row = scene.step(scene.noted(scene.recorded_call(2)))
        assert (row.state, row.reason, row.detail, row.due_at) == ("no_file", "too_short", "1012007", None)
        assert scene.counted["RecordingsLost"] == 0

    def test_a_short_call_that_has_a_file_is_archived_all_the_same(self, scene: Scene) -> None:
        settings(scene, short_call="recorded")
        assert scene.step(scene.noted(scene.recorded_call(2))).state == "archived"

    def test_arrears_wait_until_they_are_paid(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        scene.emulator.admin.arrears(True)
        row = scene.step(row)
        assert (row.state, row.reason, row.detail) == ("pending", "arrears", "1010029")
        scene.emulator.admin.arrears(False)
        assert row.due_at == scene.now() + timedelta(hours=1)
        scene.advance(hours=1)
        row = scene.step(row)
        assert (row.state, row.detail) == ("pending", "paused"), "payment was seen: ten minutes more"
        scene.advance(minutes=10)
        assert scene.step(row).state == "archived"

    def test_an_attempt_during_the_pause_of_arrears_asks_nothing(self, scene: Scene) -> None:
        first = scene.noted(scene.recorded_call())
        second = scene.noted(scene.recorded_call())
        scene.emulator.admin.arrears(True)
        scene.step(first)
        asked = scene.emulator.admin.counts()["record.url"]
        paused = scene.step(second if second.key != first.key else scene.rows()[0])
        assert paused.detail == "paused"
        assert paused.due_at == scene.now() + timedelta(minutes=10)
        assert scene.emulator.admin.counts()["record.url"] == asked

    def test_after_7_days_it_is_gone(self, scene: Scene) -> None:
        """C-159: an alarm on day 6, final on day 7."""
        row = scene.noted(scene.recorded_call())
        due = row.due_at
        scene.emulator.admin.fault(
            "status", match={"api": "record.url"}, times=10, params={"http_status": 403, "code": "1012007"}
        )
        alarms = []
        while due is not None:
            scene.emulator.admin.advance_to(due)
            before = scene.counted["RecordingsAtRisk"]
            row = scene.step(row)
            if scene.counted["RecordingsAtRisk"] > before:
                alarms.append((due - row.received_at).days)
            due = row.due_at
        assert alarms == [6]
        assert scene.now() == row.received_at + timedelta(days=7)
        assert (row.state, row.reason, row.attempts) == ("no_file", "expired", 11)
        assert scene.counted["RecordingsLost"] == 1

    def test_a_recording_that_was_never_asked_for_in_7_days_is_gone(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        scene.advance(days=7)
        assert scene.step(row).reason == "expired"

    def test_one_that_is_lost_is_counted_although_the_answer_to_the_write_was_lost_too(
        self, scene: Scene
    ) -> None:
        row = scene.noted(scene.recorded_call())
        scene.advance(days=7)
        after = scene.step(row, store=HardOfHearing(scene.table.client, scene.table.name))
        assert scene.store.get(row.key) == after
        assert scene.counted["RecordingsLost"] == 1

    def test_one_that_is_late_but_not_too_late_is_archived(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        scene.advance(days=6, hours=23)
        assert scene.step(row).state == "archived"

    def test_recording_that_is_off_is_final_and_an_alarm(self, scene: Scene) -> None:
        """C-178."""
        row = scene.noted(scene.recorded_call())
        scene.emulator.admin.application(urls={"fee": "http://127.0.0.1:9/fee"}, recording=False)
        row = scene.step(row)
        assert (row.state, row.reason, row.detail) == ("no_file", "recording_off", "1012012")
        assert (scene.counted["RecordingsOff"], scene.counted["RecordingsLost"]) == (1, 1)

    def test_a_cdr_that_names_nothing_is_known_and_told(self, scene: Scene) -> None:
        row = scene.noted(cdr_entry(**NO_NAMES))
        assert (row.state, row.reason) == ("no_file", "unnamed")
        assert scene.counted["RecordingsUnnamed"] == 1
        assert scene.messages.sent == []
        scene.noted(cdr_entry(**NO_NAMES))
        assert scene.counted["RecordingsUnnamed"] == 1

    def test_an_application_that_is_not_configured_any_more_is_waited_for(self, scene: Scene) -> None:
        row = scene.noted(scene.recorded_call())
        fetch = scene.archive().fetch
        gone = type(fetch)(dict, fetch.platform, fetch.downloads)
        assert scene.step(row, fetch=gone).detail == "application_missing"

    def test_a_platform_that_fails_is_asked_again(self, scene: Scene) -> None:
        """C-177: an address without answer."""
        row = scene.noted(scene.recorded_call())
        scene.emulator.admin.fault(
            "status", match={"api": "record.url"}, times=4, params={"http_status": 500, "code": "1010001"}
        )
        row = scene.step(row)
        assert (row.state, row.reason, row.detail) == ("pending", "failed", "1010001")
        scene.advance(minutes=10)
        assert scene.step(row).state == "archived"


class TestAddress:
    def test_a_host_that_is_not_allowed_is_refused_counted_and_tried_again(
        self, aws: None, emulator: RunningEmulator
    ) -> None:
        scene = new_scene(emulator, recording_hosts=("obs.example.com",))
        row = scene.step(scene.noted(scene.recorded_call()))
        assert (row.state, row.reason, row.detail) == ("pending", "host_refused", "host")
        assert scene.counted["RecordingHostsRefused"] == 1
        assert scene.archived() == {}
        scene.advance(days=7)
        assert (scene.step(row).state, scene.rows()[0].reason) == ("no_file", "host_refused")

    def test_without_tls_only_where_it_is_allowed(self, aws: None, emulator: RunningEmulator) -> None:
        scene = new_scene(emulator, recording_allow_http=False)
        row = scene.step(scene.noted(scene.recorded_call()))
        assert (row.reason, row.detail) == ("host_refused", "scheme")

    def test_an_address_in_the_cdr_is_used_without_headers_of_ours(
        self, scene: Scene, storage: FileServer
    ) -> None:
        """`recordFileDownloadUrl`, and no authentication header to the storage."""
        storage.replies["/a.wav?sign=1"] = Reply(body=wav(62))
        row = scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl=f"{storage.address}/a.wav?sign=1"))
        assert scene.step(row).state == "archived"
        ((path, headers),) = storage.asked
        assert path == "/a.wav?sign=1"
        assert headers.keys() <= {"host", "accept-encoding", "connection", "user-agent"}
        assert scene.archived()[row.file] == wav(62)

    def test_a_domain_of_the_cdr_does_not_allow_the_address_of_the_same_cdr(
        self, scene: Scene, storage: FileServer
    ) -> None:
        """Who forges a CDR chooses both; a push's signature does not cover its body."""
        forged = cdr_entry(
            recordObjectName="",
            recordDomain="evil.example.net",
            recordFileDownloadUrl="http://evil.example.net/a",
        )
        assert scene.step(scene.noted(forged)).reason == "host_refused"

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_a_redirect_of_the_storage_leads_nowhere(
        self, scene: Scene, storage: FileServer, status: int
    ) -> None:
        storage.replies["/a"] = Reply(status, headers={"Location": f"{storage.address}/b"})
        storage.replies["/b"] = Reply(body=wav(62))
        row = scene.step(scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl=f"{storage.address}/a")))
        assert (row.state, row.detail) == ("pending", "redirected")
        assert [path for path, _ in storage.asked] == ["/a"]

    @pytest.mark.parametrize(
        ("reply", "detail"),
        [
            (Reply(403), "http_403"),
            (Reply(503), "http_503"),
            (Reply(206, wav(62)), "http_206"),
            (Reply(body=b"<html>expired</html>"), "not_wav"),
            (Reply(body=wav(62)[:-9000]), "truncated"),
            (Reply(body=wav(62), length=len(wav(62)) + 1), "interrupted"),
            (Reply(body=wav(30)), "implausible"),
            (Reply(body=wav(62, coding=1)), "not_alaw"),
            (Reply(body=wav(62), headers={"Content-Encoding": "gzip"}), "encoded"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_is_no_whole_recording_is_not_archived(
        self, scene: Scene, storage: FileServer, reply: Reply, detail: str
    ) -> None:
        storage.replies["/a"] = reply
        row = scene.step(scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl=f"{storage.address}/a")))
        assert (row.state, row.reason, row.detail) == ("pending", "failed", detail)
        assert scene.archived() == {}

    def test_nobody_there_is_tried_again(self, scene: Scene) -> None:
        row = scene.step(scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl="http://127.0.0.1:9/a")))
        assert row.detail == "unreachable"

    def test_a_file_that_comes_in_chunks_without_a_length_is_archived(
        self, scene: Scene, storage: FileServer
    ) -> None:
        data = wav(62)
        storage.replies["/a"] = Reply(body=lambda: iter([data[:100], data[100:]]))
        row = scene.step(scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl=f"{storage.address}/a")))
        assert scene.archived() == {row.file: data}

    def test_on_day_6_a_doubtful_length_is_archived_and_told(self, scene: Scene, storage: FileServer) -> None:
        """Rather that than nothing: nobody can fetch it once the platform has forgotten it."""
        storage.replies["/a"] = Reply(body=wav(30))
        row = scene.noted(cdr_entry(**NO_NAMES, recordFileDownloadUrl=f"{storage.address}/a"))
        scene.advance(days=6)
        row = scene.step(row)
        assert (row.state, row.seconds, row.flags) == ("archived", 30, ("length",))
        assert scene.counted["RecordingsDoubtful"] == 1


class TestFinder:
    def test_a_call_shows_its_recording_with_a_link_for_five_minutes(self, scene: Scene) -> None:
        entry = scene.recorded_call()
        row = scene.step(scene.noted(entry))
        (found,) = scene.finder().of_session("ride", entry["sessionId"], now=scene.now())
        assert found.row == row
        assert found.url is not None
        assert "X-Amz-Expires=300" in found.url
        assert found.kept_until == scene.now() + timedelta(days=180)

    def test_no_link_without_a_file(self, scene: Scene) -> None:
        entry = scene.recorded_call()
        row = scene.noted(entry)
        (found,) = scene.finder().of_session("ride", entry["sessionId"], now=scene.now())
        assert (found.row, found.url) == (row, None)
        scene.step(row)
        (found,) = scene.finder(days=0).of_session("ride", entry["sessionId"], now=scene.now())
        assert found.url is None, "the bucket has forgotten it"

    def test_a_call_without_recording_is_known(self, scene: Scene) -> None:
        entry = cdr_entry(recordFlag=0)
        scene.store_cdr(entry)
        assert scene.finder().of_session("ride", entry["sessionId"], now=scene.now()) == []

    def test_an_unknown_session_and_one_of_another_application_are_not(self, scene: Scene) -> None:
        entry = scene.recorded_call()
        scene.noted(entry)
        for application, session in (("ride", "other"), ("other", entry["sessionId"])):
            with pytest.raises(CallUnknown):
                scene.finder().of_session(application, session, now=scene.now())


def test_the_facts_of_a_call_are_read_without_its_recordings(scene: Scene) -> None:
    """Reconciliation walks over the partition."""
    row = scene.noted(scene.recorded_call())
    assert [fact.key[1][:4] for fact in scene.facts.call("ride", row.key[0].split("#")[2])] == ["CDR#"]


def test_a_row_that_nobody_knows_is_said_so(scene: Scene) -> None:
    with pytest.raises(NoSuchRecording):
        scene.archive().step(("CALL#ride#x", "RECORDING#x"), now=scene.now(), deadline=within())
