"""Terminate call, in every mode and at every stage of a call (recording-and-call-stop.md §3)."""

from __future__ import annotations

from typing import Any

import pytest

from builders.contract import CALL_STOP_PATH, LEFT_OUT, OK, A, B, Json, Subject
from builders.contract_account import Control

pytestmark = pytest.mark.contract("terminate call", mode="AXB")

WRONG = (500, "1020001")
ENDED = (500, "1020152")
MODES = ["AX", "AXB", "AXE", "AXYB"]


def running_call(control: Control, subject: Subject, after: float = 20, **script: Any) -> Json:
    """A call of the mode that came in so many seconds ago: rings after 3, is answered after 8."""
    answer = subject.bind()
    called = answer.json.get("relationNumber", subject.x)
    if subject.mode == "AXE":
        script["digits"] = ["0007"]
    call = control.call(A if subject.mode == "AXB" else B, called, talk_s=600, **script)
    control.advance(after)
    return call


def stop(subject: Subject, call: Json, **changes: Any) -> tuple[int, str | None]:
    return subject.call(
        "call.stop", {"sessionid": call["session_id"], "signal": "call_stop"}, **changes
    ).outcome


def state_of(control: Control, call: Json) -> Json:
    [found] = [one for one in control.admin.calls() if one["session_id"] == call["session_id"]]
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_running_call_ends_at_once(control: Control, subject: Subject, mode: str) -> None:
    call = running_call(control, subject, after=60)
    answer = subject.call("call.stop", sessionid=call["session_id"], signal="call_stop")
    assert answer.json == {"resultcode": "0", "resultdesc": "Success"}
    ended = state_of(control, call)
    assert (ended["state_code"], ended["cause"]) == (0, 0)
    assert ended["ended_at"] == control.admin.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert ended["released_by"] is None


@pytest.mark.parametrize("mode", MODES)
def test_the_second_request_finds_an_ended_call(control: Control, subject: Subject, mode: str) -> None:
    """Decision 176."""
    call = running_call(control, subject, after=60)
    assert [stop(subject, call), stop(subject, call)] == [OK, ENDED]


@pytest.mark.parametrize(
    ("after", "code"), [(2, 7501), (5, 7502), (20, 0)], ids=["called out", "ringing", "talk"]
)
def test_the_cause_depends_on_the_stage(control: Control, axb: Subject, after: float, code: int) -> None:
    """Decision 179."""
    call = running_call(control, axb, after)
    assert stop(axb, call) == OK
    ended = state_of(control, call)
    assert (ended["state_code"], ended["cause"]) == (code, code)


def test_a_call_that_ended_by_itself(control: Control, axb: Subject) -> None:
    call = running_call(control, axb, after=3600)
    assert stop(axb, call) == ENDED


def test_a_call_of_another_application_is_unknown(control: Control, axb: Subject) -> None:
    call = running_call(control, axb)
    assert stop(control.other("AXB"), call) == ENDED
    assert stop(axb, call) == OK


@pytest.mark.parametrize("signal", [LEFT_OUT, "", None, "stop", "CALL_STOP", 1, "a" * 129])
def test_there_is_one_signal(axb: Subject, signal: Any) -> None:
    assert axb.call("call.stop", sessionid="none", signal=signal).outcome == WRONG


@pytest.mark.parametrize("session", [LEFT_OUT, "", None, "a" * 257, True, []])
def test_a_session_is_needed(axb: Subject, session: Any) -> None:
    assert axb.call("call.stop", sessionid=session, signal="call_stop").outcome == WRONG


def test_the_name_is_all_lower_case(axb: Subject) -> None:
    assert axb.call("call.stop", sessionId="none", signal="call_stop").outcome == WRONG


def test_a_session_of_256_characters_is_read(axb: Subject) -> None:
    assert axb.call("call.stop", sessionid="a" * 256, signal="call_stop").outcome == ENDED


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"text", b'{"padding": "' + b"x" * 70_000 + b'"}'])
def test_an_unreadable_body_has_its_own_code_here(axb: Subject, content: bytes) -> None:
    """Decisions 48 and 177."""
    assert axb.send("POST", CALL_STOP_PATH, content=content).outcome == WRONG


def test_the_common_codes_win(control: Control, axb: Subject) -> None:
    """recording-and-call-stop.md §3: 1010003, not 1020150 (decision 178); 1020166 with 403 (decision 26)."""
    body = {"sessionid": "none", "signal": "call_stop"}
    unknown = axb.send("POST", CALL_STOP_PATH, body=body, headers=axb.signed(app_key="nobody"))
    assert unknown.outcome == (403, "1010003")
    control.application(axb, ip_allowlist=["198.51.100.1"])
    assert axb.send("POST", CALL_STOP_PATH, body=body).outcome == (403, "1020166")


def test_an_ended_call_can_answer_as_it_did_in_2019(control: Control, axb: Subject) -> None:
    """Decision 176."""
    control.settings(callstop={"ended_code": "1010002"})
    call = running_call(control, axb, after=3600)
    assert stop(axb, call) == (403, "1010002")


def test_a_session_with_numbers_in_it_is_taken_unchanged(control: Control, axb: Subject) -> None:
    """It may contain `+`, `@` and `_` (notifications.md §4.7)."""
    control.settings(session_id_style="with_numbers")
    call = running_call(control, axb)
    assert call["session_id"].startswith("+86")
    assert stop(axb, call) == OK
