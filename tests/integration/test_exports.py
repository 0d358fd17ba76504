"""Exports of calls and texts as files: complete, masked, gone on with after any crash (users.md U-A15)."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto.s3 import models as moto_s3

from builders import counted
from builders.counted import APPLICATION, NINE, SECOND, X1, answered, call, message
from builders.dynamodb import Table, moto_client, new_table
from builders.keyrings import KEYRING
from privatenumber.calls import exports
from privatenumber.calls.export_rows import CALL_COLUMNS, MESSAGE_COLUMNS
from privatenumber.calls.exports import (
    FILE_KEPT,
    KEPT,
    LEASE,
    MAX_ATTEMPTS,
    ExportRequest,
    Exports,
    NoSuchExport,
    OtherContent,
)
from privatenumber.privacy import open_sealed, seal
from privatenumber.store import calls, messages
from privatenumber.store.call_search import CallSearch, Kind
from privatenumber.store.calls import Call
from privatenumber.store.due import Overtaken
from privatenumber.store.exports import ExportState, ExportStore, Format
from privatenumber.store.messages import Message
from privatenumber.store.part_files import PartFiles, UploadGone

A, B = "+8613800138001", "+8613800138002"
_BUCKETS = itertools.count(1)
NOW = NINE + timedelta(hours=3)
WANTED = ExportRequest(APPLICATION, Kind.CALL, Format.CSV, NINE, NINE + timedelta(hours=1), by="arn:user/x")
DONE, RUNNING, CLOSING, FAILED = (
    ExportState.DONE,
    ExportState.RUNNING,
    ExportState.CLOSING,
    ExportState.FAILED,
)


class Desk:
    """Tables and bucket on moto, and what exports over them; ``sent`` holds the messages to the worker."""

    def __init__(self, client: Any, s3: Any) -> None:
        self.s3, self.bucket = s3, f"exchange-{next(_BUCKETS)}"
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
        self.bills: Table = new_table(client, "BillsTable")
        self.store = ExportStore(client, self.bills.name)
        self.sent: list[str] = []
        self.exports = Exports(
            self.store,
            PartFiles(self.s3, self.bucket),
            CallSearch(client, self.bills.name),
            lambda: KEYRING,
            lambda sealed, context: open_sealed(KEYRING, sealed, context=context),
            self.sent.append,
        )

    def keep(self, *things: Call | Message) -> None:
        """Write rows with the numbers of A and B sealed in them."""
        for thing in things:
            if isinstance(thing, Call):
                context, roles = calls.sealed_context(APPLICATION, thing.call), ("caller", "callee")
            else:
                context, roles = messages.sealed_context(APPLICATION, thing.message), ("calling", "called")
            numbers = json.dumps(dict(zip(roles, (A, B), strict=True))).encode()
            counted.keep(self.bills, thing, sealed=seal(KEYRING, numbers, context=context))

    def ask(self, wanted: ExportRequest = WANTED, key: str = "k1") -> str:
        shown, _ = self.exports.request(wanted, key=key, now=NOW)
        return shown.export.id

    def run(self, export_id: str, *, now: Any = NOW, left: float = 100.0) -> ExportState:
        return self.exports.run(export_id, now=now, left=lambda: left)

    def finish(self, export_id: str) -> int:
        """Work as often as it takes, each time after the lease; how often that was."""
        for n in range(1, 60):
            if self.run(export_id, now=NOW + n * (LEASE + SECOND)).final:
                return n
        raise AssertionError("it does not end")

    def file(self, export_id: str) -> bytes:
        found = self.store.get(export_id)
        assert found
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=found.file)["Body"].read()
        return body

    def table(self, export_id: str) -> list[dict[str, str]]:
        text = self.file(export_id).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Any, Any]]:
    """Clients of tables and buckets for all tests, which have names of their own."""
    with moto_client() as client:
        yield client, boto3.client("s3", region_name="cn-north-1")


@pytest.fixture
def desk(made: tuple[Any, Any]) -> Desk:
    return Desk(*made)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of about five lines."""
    monkeypatch.setattr(exports, "PART_BYTES", 1500)
    monkeypatch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", 1)


def many(count: int, seed: int = 1) -> list[Call]:
    chance = Random(seed)
    return [call(f"c{n:03d}", NINE + chance.randrange(3600) * SECOND) for n in range(count)]


def in_time(found: list[Call]) -> list[str]:
    return [each.call for each in sorted(found, key=lambda each: (each.started_at, each.call))]


def test_a_call_is_told_with_people_masked_and_beijing_times(desk: Desk) -> None:
    """numbers.md §6, U-P13, billing-rules.md §9.2."""
    desk.keep(answered(61, "c1", order="order-1"))
    export_id = desk.ask()
    assert desk.run(export_id) is DONE
    (row,) = desk.table(export_id)
    assert (row["caller"], row["callee"]) == ("'+86138****8001", "'+86138****8002")
    assert (row["call_in_time"], row["answer_time"]) == ("2026-03-02 09:00:00", "2026-03-02 09:00:10")
    assert (row["duration_s"], row["billed_minutes"], row["order"]) == ("61", "2", "order-1")
    assert (row["x_number"], row["result_en"]) == (f"'{X1}", "The call was answered and then ended")
    assert row["result_zh"] == "通话接通后结束"
    assert list(row) == list(CALL_COLUMNS)


def test_json_lines_have_utc_times_and_types(desk: Desk) -> None:
    desk.keep(answered(61, "c1", flags=("orphan",)))
    export_id = desk.ask(replace(WANTED, format=Format.JSONL))
    desk.run(export_id)
    (line,) = map(json.loads, desk.file(export_id).splitlines())
    assert (line["call_in_time"], line["connected"], line["duration_s"]) == (
        "2026-03-02T01:00:00.000Z",
        True,
        61,
    )
    assert (line["x_number"], line["flags"], line["order"]) == (X1, ["orphan"], None)


def test_texts_are_exported_with_both_countings_of_their_parts(desk: Desk) -> None:
    """billing-rules.md §4."""
    desk.keep(message("s1", parts=2, parts_forwarded=2, parts_received=1))
    export_id = desk.ask(replace(WANTED, kind=Kind.SMS))
    desk.run(export_id)
    (row,) = desk.table(export_id)
    assert [row[name] for name in ("parts", "parts_counted", "parts_written")] == ["2", "2", "1"]
    assert (row["sender"], row["result_en"]) == ("'+86138****8001", "Sent")
    assert list(row) == list(MESSAGE_COLUMNS)


@pytest.mark.parametrize("form", Format)
def test_no_number_of_a_person_is_in_a_file_or_its_row(desk: Desk, form: Format) -> None:
    desk.keep(answered(61, "c1"))
    export_id = desk.ask(replace(WANTED, format=form))
    desk.run(export_id)
    stored = str(desk.bills.client.scan(TableName=desk.bills.name)["Items"])
    for person in (A, B):
        assert person[3:] not in desk.file(export_id).decode()
        assert person[3:] not in stored


def test_numbers_that_are_erased_or_do_not_open_are_left_out(desk: Desk) -> None:
    counted.keep(desk.bills, call("c1"))
    counted.keep(desk.bills, call("c2"), sealed=seal(KEYRING, b"{}", context="another place"))
    export_id = desk.ask()
    desk.run(export_id)
    assert [row["caller"] for row in desk.table(export_id)] == ["", ""]


def test_what_a_business_system_wrote_is_no_formula(desk: Desk) -> None:
    """billing-rules.md §9.2, spreadsheet injection."""
    desk.keep(call("c1", order='=HYPERLINK("http://evil")'))
    export_id = desk.ask()
    desk.run(export_id)
    assert desk.table(export_id)[0]["order"].startswith("'=")


def test_the_stretch_of_time_begins_with_its_first_moment_and_ends_before_its_last(desk: Desk) -> None:
    times = {"c1": -SECOND, "c2": 0 * SECOND, "c3": 3599 * SECOND, "c4": 3600 * SECOND}
    desk.keep(*(call(identity, NINE + shift) for identity, shift in times.items()))
    export_id = desk.ask()
    desk.run(export_id)
    assert [row["call"] for row in desk.table(export_id)] == ["c2", "c3"]


def test_a_stretch_over_midnight_has_both_days(desk: Desk) -> None:
    midnight = NINE + timedelta(hours=15)
    desk.keep(call("c1", midnight - SECOND), call("c2", midnight))
    export_id = desk.ask(replace(WANTED, until=NINE + timedelta(days=2)))
    desk.run(export_id)
    assert [row["call"] for row in desk.table(export_id)] == ["c1", "c2"]


@pytest.mark.parametrize(("form", "head"), [(Format.CSV, b"\xef\xbb\xbfcall,"), (Format.JSONL, b"")])
def test_nothing_to_export_is_a_file_too(desk: Desk, form: Format, head: bytes) -> None:
    export_id = desk.ask(replace(WANTED, format=form))
    assert desk.run(export_id) is DONE
    assert desk.file(export_id)[:8] == head


@pytest.mark.usefixtures("small_parts")
class TestParts:
    def test_a_long_file_is_written_in_parts_in_the_order_of_time(self, desk: Desk) -> None:
        found = many(24)
        desk.keep(*found)
        export_id = desk.ask()
        assert desk.run(export_id) is DONE
        assert [row["call"] for row in desk.table(export_id)] == in_time(found)
        done = desk.store.get(export_id)
        assert done
        assert (done.rows, done.bytes) == (24, len(desk.file(export_id)))

    def test_whoever_has_no_time_left_sends_word_and_the_next_goes_on(self, desk: Desk) -> None:
        found = many(24)
        desk.keep(*found)
        export_id = desk.ask()
        desk.sent.clear()
        runs = 0
        while not (
            state := desk.exports.run(export_id, now=NOW, left=iter([1.0] * 9 + [0.0]).__next__)
        ).final:
            runs += 1
            assert state is RUNNING
            assert desk.sent == [export_id] * runs
        assert runs >= 2
        assert [row["call"] for row in desk.table(export_id)] == in_time(found)

    def test_a_crash_at_any_request_loses_no_row_and_repeats_none(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before or after each write to bucket and table, again and again."""
        found = many(20)
        desk.keep(*found)
        export_id = desk.ask()
        chance, crashes = Random(11), [0]

        def dying(what: Any) -> Any:
            def call_it(*given: Any, **named: Any) -> Any:
                if chance.random() < 0.12:
                    crashes[0] += 1
                    raise ConnectionError("before")
                answer = what(*given, **named)
                if chance.random() < 0.12:
                    crashes[0] += 1
                    raise ConnectionError("after")
                return answer

            return call_it

        for owner, names in ((PartFiles, ("begin", "part", "finish")), (ExportStore, ("replace",))):
            for name in names:
                monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
        for n in range(1, 60):
            try:
                if desk.run(export_id, now=NOW + n * (LEASE + SECOND)).final:
                    break
            except ConnectionError:
                continue
        assert crashes[0] > 3
        monkeypatch.undo()
        assert [row["call"] for row in desk.table(export_id)] == in_time(found)

    def test_of_two_who_work_on_one_export_one_stops(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A lease that ran out under a slow worker."""
        found = many(20)
        desk.keep(*found)
        export_id = desk.ask()
        part, others = PartFiles.part, [True]

        def slow(files: PartFiles, *given: Any) -> str:
            tag = part(files, *given)
            if others:
                others.clear()
                assert desk.run(export_id, now=NOW + LEASE + SECOND) is DONE
            return tag

        monkeypatch.setattr(PartFiles, "part", slow)
        assert desk.run(export_id) is RUNNING
        assert [row["call"] for row in desk.table(export_id)] == in_time(found)
        done = desk.store.get(export_id)
        assert done
        assert (done.state, done.rows) == (DONE, 20)

    @pytest.mark.parametrize("at", ["part", "finish"])
    def test_an_upload_that_the_bucket_threw_away_begins_again(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, at: str
    ) -> None:
        """A worker that was away for longer than the bucket keeps parts."""
        found = many(20)
        desk.keep(*found)
        export_id = desk.ask()
        desk.exports.run(export_id, now=NOW, left=iter([1.0] * 9 + [0.0]).__next__)
        half = desk.store.get(export_id)
        assert half
        assert half.parts
        wanted = getattr(PartFiles, at)

        def gone(files: PartFiles, key: str, upload: str, *rest: Any) -> Any:
            if upload == half.upload:
                raise UploadGone
            return wanted(files, key, upload, *rest)

        monkeypatch.setattr(PartFiles, at, gone)
        assert desk.finish(export_id) == 2
        assert [row["call"] for row in desk.table(export_id)] == in_time(found)


def test_the_same_key_is_the_same_export_and_sends_word_again(desk: Desk) -> None:
    """Whoever got no answer asks again; the first message may have been lost."""
    first, new = desk.exports.request(WANTED, key="k1", now=NOW)
    second, again = desk.exports.request(WANTED, key="k1", now=NOW + SECOND)
    assert (new, again) == (True, False)
    assert first.export.id == second.export.id
    assert desk.sent == [first.export.id] * 2


def test_the_same_key_for_another_file_is_refused(desk: Desk) -> None:
    desk.ask()
    with pytest.raises(OtherContent):
        desk.ask(replace(WANTED, format=Format.JSONL))


def test_an_export_that_somebody_works_on_is_left_to_him(desk: Desk) -> None:
    """A message that came twice."""
    export_id = desk.ask()
    found = desk.store.get(export_id)
    assert found
    desk.store.replace(replace(found, version=2, state=RUNNING, due_at=NOW + LEASE), seen=1)
    assert desk.run(export_id) is RUNNING
    assert desk.store.get(export_id) == replace(found, version=2, state=RUNNING, due_at=NOW + LEASE)


def test_what_nobody_took_up_is_due_until_it_is_done(desk: Desk) -> None:
    export_id = desk.ask()
    assert [found for found, _ in desk.store.due(until=NOW, limit=10)] == [export_id]
    desk.run(export_id)
    assert list(desk.store.due(until=NOW + timedelta(days=1), limit=10)) == []


def test_a_finished_export_is_not_made_again(desk: Desk) -> None:
    export_id = desk.ask()
    desk.run(export_id)
    before = desk.store.get(export_id)
    assert desk.run(export_id, now=NOW + timedelta(hours=1)) is DONE
    assert desk.store.get(export_id) == before


def test_an_export_that_always_fails_comes_to_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    export_id = desk.ask()

    def broken(*given: Any, **named: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(PartFiles, "put", broken)
    states = []
    for n in range(MAX_ATTEMPTS + 1):
        try:
            states.append(desk.run(export_id, now=NOW + n * (LEASE + SECOND)))
        except ConnectionError:
            continue
    assert states == [FAILED]
    assert list(desk.store.due(until=NOW + timedelta(days=9), limit=10)) == []


def test_a_link_is_given_for_a_complete_file_only_and_for_five_minutes(desk: Desk) -> None:
    export_id = desk.ask()
    assert desk.exports.get(export_id, now=NOW).url is None
    desk.run(export_id)
    url = desk.exports.get(export_id, now=NOW).url
    assert url
    assert "X-Amz-Expires=300" in url or "Expires=" in url


def test_who_exported_what_is_known_when_the_file_is_forgotten(desk: Desk) -> None:
    """operations.md §12: the bucket keeps a file for a month, the audit for 400 days."""
    export_id = desk.ask()
    desk.run(export_id)
    shown = desk.exports.get(export_id, now=NOW + FILE_KEPT)
    assert (shown.url, shown.kept_until) == (None, NOW + FILE_KEPT)
    assert shown.export.created_by == WANTED.by


def test_what_is_forgotten_or_never_was_is_not_found(desk: Desk) -> None:
    export_id = desk.ask()
    for asked, now in (("e" * 27, NOW), (export_id, NOW + KEPT)):
        with pytest.raises(NoSuchExport):
            desk.exports.get(asked, now=now)


def test_a_write_over_another_version_is_refused(desk: Desk) -> None:
    found = desk.store.get(desk.ask())
    assert found
    with pytest.raises(Overtaken):
        desk.store.replace(found, seen=7)


class TestPartFiles:
    """What S3 answers of an upload that it does not know (any more)."""

    @staticmethod
    def files(*answers: tuple[str, str | None]) -> PartFiles:
        client = boto3.client(
            "s3", region_name="cn-north-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        stubber = Stubber(client)
        for method, error in answers:
            if error:
                stubber.add_client_error(method, error)
            else:
                stubber.add_response(method, {})
        stubber.activate()
        return PartFiles(client, "exchange")

    def test_a_part_of_it_is_refused_by_name(self) -> None:
        with pytest.raises(UploadGone):
            self.files(("upload_part", "NoSuchUpload")).part("k", "u", 1, b"")

    def test_one_that_became_a_file_before_is_finished(self) -> None:
        files = self.files(("complete_multipart_upload", "NoSuchUpload"), ("head_object", None))
        files.finish("k", "u", ["tag"])

    def test_one_that_became_none_is_gone(self) -> None:
        files = self.files(("complete_multipart_upload", "NoSuchUpload"), ("head_object", "404"))
        with pytest.raises(UploadGone):
            files.finish("k", "u", ["tag"])

    def test_any_other_error_is_told_as_it_is(self) -> None:
        with pytest.raises(ClientError):
            self.files(("upload_part", "SlowDown")).part("k", "u", 1, b"")
