"""From a CDR to its recording (recording-and-call-stop.md §1, notifications.md §5.2): C-148, U-P16."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.keyrings import KEYRING
from builders.pushes import ICID, SESSION, A, B, cdr_entry
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import open_sealed, seal
from privatenumber.recordings.note import Whereabouts, context_of, recording_of
from privatenumber.store.fact_rows import CdrFact, read_cdr
from privatenumber.store.recordings import RecordingRow

NOW = datetime(2026, 9, 2, 1, 2, tzinfo=UTC)
NO_NAMES = {"recordDomain": "", "recordBucketName": "", "recordObjectName": ""}


def cdr(**changes: Any) -> CdrFact:
    body = json.dumps({"eventType": "fee", "feeLst": [cdr_entry(**changes)]}).encode()
    (entry,) = parse_push(body).entries
    fact = fact_of(entry, Reception("demo", NOW, KEYRING))
    return read_cdr({"pk": fact.pk, "sk": fact.sk, **fact.item})


def noted(**changes: Any) -> RecordingRow:
    row = recording_of(cdr(**changes), KEYRING, now=NOW)
    assert row is not None
    return row


def where(row: RecordingRow) -> Whereabouts:
    assert row.sealed is not None
    return Whereabouts.from_bytes(open_sealed(KEYRING, row.sealed, context=context_of(row.key)))


def test_a_recorded_call_has_a_recording_beside_its_facts_due_at_once() -> None:
    row = noted()
    assert row.key[0] == cdr().key[0]
    assert (row.state, row.due_at, row.talk_seconds) == ("pending", NOW, 62)
    assert row.recorded_at == datetime(2026, 9, 2, 1, 0, 8, tzinfo=UTC)
    assert where(row) == Whereabouts("26090201000800110001234.wav", "ostor.example.com", None)


def test_a_call_that_was_not_recorded_has_none() -> None:
    assert recording_of(cdr(recordFlag=0), KEYRING, now=NOW) is None


def test_without_names_the_address_of_the_cdr_is_taken() -> None:
    url = "https://ostor.example.com/a.wav?sign=1"
    assert where(noted(**NO_NAMES, recordFileDownloadUrl=url)).url == url


def test_two_signatures_of_one_address_are_one_recording() -> None:
    first, second = (
        noted(**NO_NAMES, recordFileDownloadUrl=f"https://ostor.example.com/a.wav?sign={n}") for n in (1, 2)
    )
    assert first.key == second.key


def test_two_cdrs_of_one_object_are_one_recording() -> None:
    assert noted(icid="1").key == noted(icid="2").key
    assert noted(recordObjectName="1.wav").key != noted(recordObjectName="2.wav").key


@pytest.mark.parametrize("missing", ["recordDomain", "recordObjectName"])
def test_a_cdr_that_does_not_say_where_leaves_the_state_no_file(missing: str) -> None:
    """`recordFlag` = 1, neither: state "no file", alarm (§1)."""
    row = noted(**{missing: ""})
    assert (row.state, row.reason, row.due_at, row.sealed) == ("no_file", "unnamed", None, None)
    assert row.key[1] == f"RECORDING#-#{ICID}"


def test_a_field_that_cannot_be_read_counts_as_absent() -> None:
    url = "https://ostor.example.com/a.wav"
    assert where(noted(recordObjectName=["a"], recordFileDownloadUrl=url)).url == url
    assert noted(recordObjectName=["a"]).reason == "unnamed"
    assert noted(recordStartTime="soon").recorded_at == datetime(2026, 9, 2, 1, 0, 8, tzinfo=UTC)


def test_what_is_no_object_is_unreadable_and_known_to_exist() -> None:
    odd = replace(cdr(), sealed=seal(KEYRING, b"[]", context="demo"))
    row = recording_of(odd, KEYRING, now=NOW)
    assert row is not None
    assert (row.state, row.reason) == ("no_file", "unreadable")


def test_key_and_file_name_tell_neither_person_nor_session() -> None:
    """design.md §6: also when the platform puts a number into the name of its object."""
    quoting = f"{A.removeprefix('+86')}_20260902.wav"
    row = noted(recordObjectName=quoting)
    assert row.file.startswith(f"demo/2026-09-02/{ICID}/")
    for text in (*row.key, row.file, repr(row)):
        for secret in (A, B, quoting, SESSION, A.removeprefix("+86"), "26090201000800110001234"):
            assert secret not in text


def test_the_day_of_the_file_is_the_beijing_day_of_the_call() -> None:
    row = noted(callEndTime="2026-09-02 16:00:00", fwdAnswerTime="2026-09-02 15:59:00")
    assert row.file.startswith("demo/2026-09-03/")


def test_an_unknown_end_leaves_the_talk_time_open() -> None:
    assert noted(callEndTime=None).talk_seconds is None
    assert noted(fwdAnswerTime="2026-09-02 02:00:00").talk_seconds is None
