"""Our client ends calls and asks for recordings, in every mode (recording-and-call-stop.md §2, §3; C-009)."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from builders.contract import A, B, Json, Mode, Subject
from builders.contract_account import Account, Control
from builders.contract_client import client_of, soon
from privatenumber.platform import errors
from privatenumber.platform.session_calls import Stopped

pytestmark = pytest.mark.contract("client")

MODES: list[Mode] = ["AX", "AXB", "AXE", "AXYB"]


def recorded_call(control: Control, subject: Subject, **script: object) -> Json:
    answer = subject.bind(recordFlag="true", recordHintTone="rec.wav")
    called = answer.json.get("relationNumber", subject.x)
    if subject.mode == "AXE":
        script["digits"] = ["0007"]
    return control.call(A if subject.mode == "AXB" else B, called, talk_s=600, **script)


@pytest.mark.parametrize("mode", MODES)
def test_a_running_call_is_stopped_and_an_ended_one_is_no_error(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    call = recorded_call(control, subject)
    control.advance(30)
    sessions = client_of(account, subject).sessions
    outcomes = [sessions.stop(call["session_id"], deadline=soon()) for _ in range(2)]
    assert outcomes == [Stopped.STOPPED, Stopped.ALREADY_ENDED]
    [ended] = control.admin.calls()
    assert ended["ended_at"] is not None


def test_a_stop_whose_answer_is_lost_is_repeated(account: Account, control: Control, axb: Subject) -> None:
    """result-codes.md §5: 1020152 to the repetition = success."""
    call = recorded_call(control, axb)
    control.advance(30)
    control.admin.fault("timeout_after_success", params={"drop": True})
    stopped = client_of(account, axb).sessions.stop(call["session_id"], deadline=soon())
    assert stopped is Stopped.ALREADY_ENDED
    assert control.admin.calls()[0]["ended_at"] is not None


def test_a_session_with_numbers_in_it_is_passed_on_unchanged(
    account: Account, control: Control, axb: Subject
) -> None:
    control.settings(session_id_style="with_numbers")
    call = recorded_call(control, axb)
    control.advance(30)
    assert A in call["session_id"]
    assert client_of(account, axb).sessions.stop(call["session_id"], deadline=soon()) is Stopped.STOPPED


def test_an_answer_of_2019_counts_as_ended(account: Account, control: Control, axb: Subject) -> None:
    """result-codes.md §6, last line: 403 / 1010002 to call.stop."""
    control.settings(callstop={"ended_code": "1010002"})
    sessions = client_of(account, axb).sessions
    assert sessions.stop("no-such-session", deadline=soon()) is Stopped.ALREADY_ENDED


@pytest.mark.parametrize("mode", MODES)
def test_the_address_of_a_recording_is_given_and_not_followed(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    call = recorded_call(control, subject, wait=True)
    address = client_of(account, subject).sessions.record_address(
        call["recording"], "ostor.example.com", deadline=soon()
    )
    assert control.admin.requests(kind="request")[-1]["api"] == "record.url"
    assert httpx.get(address, trust_env=False).content[:4] == b"RIFF"


def test_a_recording_is_asked_for_again_after_a_failure(
    account: Account, control: Control, axb: Subject
) -> None:
    call = recorded_call(control, axb, wait=True)
    control.admin.fault("status", times=2, params={"http_status": 503})
    sessions = client_of(account, axb).sessions
    assert sessions.record_address(call["recording"], "ostor.example.com", deadline=soon())


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=8)], ids=["never existed", "deleted"])
def test_no_such_recording(account: Account, control: Control, axb: Subject, late: timedelta) -> None:
    call = recorded_call(control, axb, wait=True)
    control.advance(late.total_seconds())
    name = call["recording"] if late else "none.wav"
    with pytest.raises(errors.NotFound):
        client_of(account, axb).sessions.record_address(name, "ostor.example.com", deadline=soon())


def test_an_application_without_recording(account: Account, control: Control, axb: Subject) -> None:
    control.application(axb, recording=False)
    with pytest.raises(errors.NoRecording):
        client_of(account, axb).sessions.record_address("a.wav", "ostor.example.com", deadline=soon())
