"""Download addresses of recordings, in every mode (recording-and-call-stop.md §1, §2; C-009, C-070)."""

from __future__ import annotations

import struct
from datetime import timedelta

import httpx
import pytest

from builders.contract import LEFT_OUT, A, B, Json, Subject
from builders.contract_account import Account, Control

pytestmark = pytest.mark.contract("recordings", mode="AXB")

NO_FILE = (403, "1012007")
RECORDED = {"recordFlag": "true", "recordHintTone": "rec.wav"}
MODES = ["AX", "AXB", "AXE", "AXYB"]
HEADER_BYTES = 4096


def recorded_call(control: Control, subject: Subject, talk_s: int = 20, **changes: str) -> Json:
    """A recorded call of the mode, at its end."""
    answer = subject.bind(**{**RECORDED, **changes})
    script: Json = {"talk_s": talk_s, "wait": True}
    caller, called = B, subject.x
    if subject.mode == "AXB":
        caller = A
    if subject.mode == "AXE":
        script["digits"] = ["0007"]
    if subject.mode == "AXYB":
        called = answer.json["relationNumber"]
    return control.call(caller, called, **script)


def place(call: Json) -> Json:
    return {"fileName": call["recording"], "recordDomain": "ostor.example.com"}


@pytest.mark.parametrize("mode", MODES)
def test_a_recording_is_a_redirect_and_nothing_else(control: Control, subject: Subject, mode: str) -> None:
    answer = subject.call("record.url", place(recorded_call(control, subject)))
    assert (answer.status, answer.text) == (301, "")
    assert answer.headers["content-length"] == "0"
    assert answer.headers["connection"] == "close"
    assert answer.headers["location"].startswith("http")


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_follows_gets_an_a_law_file_of_the_talk_time(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    """recording-and-call-stop.md §1: A-law, 8000 Hz, mono, about 8000 bytes a second; no headers needed."""
    address = subject.call("record.url", place(recorded_call(control, subject, 20))).headers["location"]
    file = httpx.get(address, trust_env=False)
    assert file.status_code == 200
    riff, _, wave, fmt, _, kind, channels, rate, byte_rate = struct.unpack_from("<4sI4s4sIHHII", file.content)
    assert (riff, wave, fmt) == (b"RIFF", b"WAVE", b"fmt ")
    assert (kind, channels, rate, byte_rate) == (6, 1, 8000, 8000)
    assert 0 < len(file.content) - 20 * 8000 < HEADER_BYTES


@pytest.mark.parametrize("mode", MODES)
def test_a_file_name_has_23_digits(control: Control, subject: Subject, mode: str) -> None:
    name = recorded_call(control, subject)["recording"]
    assert (len(name), name[:23].isdigit(), name[23:]) == (27, True, ".wav")


def test_an_unknown_file_domain_or_owner(control: Control, axb: Subject) -> None:
    """§2, row 3."""
    wanted = place(recorded_call(control, axb))
    assert axb.call("record.url", wanted, fileName="other.wav").outcome == NO_FILE
    assert axb.call("record.url", wanted, recordDomain="other.example.com").outcome == NO_FILE
    assert control.other("AXB").call("record.url", wanted).outcome == NO_FILE


@pytest.mark.parametrize("name", ["fileName", "recordDomain"])
@pytest.mark.parametrize("value", [LEFT_OUT, "", "a" * 129])
def test_both_parameters_are_needed(axb: Subject, name: str, value: object) -> None:
    wanted = {"fileName": "none.wav", "recordDomain": "ostor.example.com", name: value}
    assert axb.call("record.url", wanted).outcome == (403, "1010002")


@pytest.mark.parametrize(("talk_s", "recorded"), [(2, False), (3, True)])
def test_a_call_under_three_seconds_is_not_recorded(
    control: Control, axb: Subject, talk_s: int, recorded: bool
) -> None:
    """Decision 166."""
    assert (recorded_call(control, axb, talk_s)["recording"] is not None) == recorded


def test_an_address_lives_three_days_and_a_file_seven(control: Control, axb: Subject) -> None:
    """Decisions 167 and 168: without a push, from the creation of the CDR."""
    wanted = place(recorded_call(control, axb))
    address = axb.call("record.url", wanted).headers["location"]
    control.advance(timedelta(days=3).total_seconds() - 1)
    assert httpx.get(address, trust_env=False).status_code == 200
    control.advance(2)
    expired = httpx.get(address, trust_env=False)
    assert (expired.status_code, expired.content) == (403, b"")
    control.advance(timedelta(days=4).total_seconds() - 10)
    assert axb.call("record.url", wanted).status == 301
    control.advance(20)
    assert axb.call("record.url", wanted).outcome == NO_FILE


def test_arrears_have_a_code_of_their_own_choice(control: Control, axb: Subject) -> None:
    """Decision 171."""
    wanted = place(recorded_call(control, axb))
    control.admin.arrears(True)
    assert axb.call("record.url", wanted).outcome == (403, "1010029")
    control.settings(arrears={"record_code": "1012007"})
    wanted = place(recorded_call(control, axb))
    control.admin.arrears(True)
    assert axb.call("record.url", wanted).outcome == NO_FILE
    assert axb.query(relationNum=axb.x).outcome == (403, "1010029")
