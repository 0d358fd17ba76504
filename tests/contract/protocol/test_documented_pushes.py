"""The documented pushes of each mode, as a customer's server receives them.

notifications.md §4.6, §5.5, §6.6: every member, its order, its type; ids by their shape. C-002, C-004,
C-005, C-006, C-007, C-027.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders.contract import OK, A, B, C, Credentials, Json, Mode, Subject
from builders.contract_account import Account, Control, EmulatedAccount
from builders.receiver import Receiver, receiving
from privatenumber.signing import Scheme, matches, read_push_token

HERE = Path(__file__).parent
PUSHES: dict[str, Any] = json.loads(
    (HERE.parents[1] / "unit" / "emulator" / "documented_pushes.json").read_text(encoding="utf-8")
)
SMS: dict[str, Any] = json.loads((HERE / "documented_sms.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.contract("documented pushes")

KEY, SECRET, ACCOUNT = "demoAppKey0000000000000001", "demoAppSecret0000000001", "demo_tenant_01"

SHAPES = {
    "sessionId": r"1200_\d+_4294967295_\d{14}@callenabler246\.huaweicaas\.com",
    "icid": r"[0-9a-f]{32}\.\d+\.\d+\.\d+",
    "subscriptionId": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "mptyId": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "recordObjectName": r"\d{23}\.wav",
    "smsIdentifier": r".{1,64}",
    "timeStamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
}
"""Ids, and moments that the page chose freely: compared by shape."""


def comparable(value: Any, *, times: bool = True, name: str = "") -> Any:
    """Ids replaced by their names, after a look at their shapes; moments too, unless they are to be equal."""
    if isinstance(value, dict):
        return {key: comparable(one, times=times, name=key) for key, one in value.items()}
    if isinstance(value, list):
        return [comparable(one, times=times) for one in value]
    if name in SHAPES:
        assert re.fullmatch(SHAPES[name], value), f"{name}: {value}"
        return f"<{name}>"
    if not times and (name.endswith("Time") or name == "timestamp"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value), f"{name}: {value}"
        return f"<{name}>"
    return value


def text(value: Any, *, times: bool = True) -> str:
    """JSON keeps the order of the members, so equal text means equal order and type."""
    return json.dumps(comparable(value, times=times), ensure_ascii=False)


@dataclass
class Stage:
    """The documented application of one mode on the suite's emulator, and the server it pushes to."""

    control: Control
    subject: Subject
    receiver: Receiver

    def happened(self, name: str, *, times: bool = True) -> None:
        """The receiver got just the documented pushes."""
        documented = PUSHES[name]
        if "events" in documented:
            got = [text(body, times=times) for body in self.receiver.events()]
            assert got == [text(body, times=times) for body in documented["events"]]
        if "cdr" in documented:
            [fee] = self.receiver.bodies("feeLst")
            assert text(fee, times=times) == text(documented["cdr"], times=times)

    def signed_by_us(self) -> bool:
        """Whether every push carries the application's own signature (auth.md §6)."""
        tokens = [read_push_token(headers, schemes=list(Scheme)) for headers, _ in self.receiver.received]
        return bool(tokens) and all(token.username == KEY and matches(token, [SECRET]) for token in tokens)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def stage(
    account: Account, control: Control, receiver: Receiver, mode: Mode, at: str, *numbers: str
) -> Stage:
    """The documented application, its numbers, and the clock at a moment of 2 September 2026."""
    assert isinstance(account, EmulatedAccount)
    moment = datetime.fromisoformat(f"2026-09-02T{at}").replace(tzinfo=UTC)
    control.start_at(moment, numbers={"pick": "ordered"})
    subject = account.made(Credentials(mode, KEY, SECRET, numbers))
    control.application(subject, account=ACCOUNT, urls=receiver.urls())
    control.admin.numbers(*numbers, app_key=KEY)
    return Stage(control, subject, receiver)


# Calls


def test_axb_answered_and_recorded(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AXB", "01:00:00", "+8617010000002")
    on.subject.bound(recordFlag="true", recordHintTone="recordHintTone.wav", userData="order-1001")
    control.call(A, on.subject.x, talk_s=62, wait=True)
    control.advance(2)
    on.happened("axb_answered")
    assert on.signed_by_us()


def test_axb_stranger(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AXB", "01:50:00", "+8617010000002")
    on.subject.bound()
    control.call(C, on.subject.x, wait=True)
    control.advance(2)
    on.happened("axb_stranger")
    assert [body["eventType"] for body in receiver.events()] == ["callin", "disconnect"]


def test_ax_a_is_called(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AX", "01:05:00", "+8617010000001")
    on.subject.bound()
    control.call(C, on.subject.x, answer_after_s=9, talk_s=16, wait=True)
    control.advance(2)
    on.happened("ax_called")
    assert on.signed_by_us()


def test_axe_a_is_called_and_calls_back(account: Account, control: Control, receiver: Receiver) -> None:
    """The page's caller types for longer than the emulator's, so the moments differ."""
    on = stage(account, control, receiver, "AXE", "01:10:00", "+8617010000003")
    on.subject.bound()
    control.call(B, on.subject.x, digits=["0007"], outcome="no_answer", wait=True)
    control.advance(2)
    on.happened("axe_called", times=False)
    receiver.received.clear()
    control.admin.advance_to(datetime(2026, 9, 2, 1, 20, tzinfo=UTC))
    control.call(A, on.subject.x, answer_after_s=7, talk_s=61, wait=True)
    control.advance(2)
    on.happened("axe_calls_back")
    assert on.signed_by_us()


def test_axyb_a_dials_y(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AXYB", "01:30:00", "+8617010000004", "+8617010000005")
    y = on.subject.yb(on.subject.bound()).json["relationNumber"]
    control.call(A, y, answer_after_s=6, talk_s=114, wait=True)
    control.advance(2)
    on.happened("axyb")
    assert on.signed_by_us()


def test_x_mode_follows_the_answer(account: Account, control: Control, receiver: Receiver) -> None:
    """x.md §2: the question, and the documented reply that connects."""
    on = stage(account, control, receiver, "X", "01:40:00", "+8617010000006")
    receiver.answer = {
        "operation": "connect",
        "connectInfo": {
            "displayCalleeNum": "+8617010000006",
            "calleeNum": "+8613800138002",
            "maxDuration": 60,
            "waitVoice": "waitVoice.wav",
            "lastMinVoice": "lastMinVoice.wav",
            "userData": "ticket-77",
        },
    }
    control.call(C, on.subject.x, answer_after_s=5, talk_s=40, wait=True)
    control.advance(2)
    on.happened("x")
    assert on.signed_by_us()


# SMS


def sent(on: Stage, sender: str, content: str) -> Json:
    """Send an SMS and let its outcome be pushed."""
    outcome = on.control.admin.sms(sender, on.subject.x, content, wait=True)
    on.control.advance(2)
    return outcome


def sms_pushes(receiver: Receiver) -> list[str]:
    return [text(body) for body in receiver.bodies("smsEvent")]


def expected(*names: str) -> list[str]:
    return [text(SMS[name]) for name in names]


def test_axb_sms(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AXB", "02:00:00", "+8617010000002")
    on.subject.bound()
    sent(on, A, "I am at the gate")
    assert sms_pushes(receiver) == expected("axb_notify")
    assert on.signed_by_us()


def test_axb_sms_without_binding(account: Account, control: Control, receiver: Receiver) -> None:
    """Here the page's application delivers no content."""
    on = stage(account, control, receiver, "AXB", "02:04:00", "+8617010000002")
    control.application(on.subject, account=ACCOUNT, urls=receiver.urls(), sms_content=False)
    sent(on, C, "hello")
    assert sms_pushes(receiver) == expected("axb_without_binding")


def test_ax_sms_of_a_is_asked_for_and_forwarded(
    account: Account, control: Control, receiver: Receiver
) -> None:
    on = stage(account, control, receiver, "AX", "02:01:00", "+8617010000001")
    on.subject.bound()
    receiver.answer = SMS["ax_reply"]
    sent(on, A, "Your parcel is here")
    assert sms_pushes(receiver) == expected("ax_block", "ax_notify")


def test_ax_sms_of_others_reaches_a(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "AX", "02:02:00", "+8617010000001")
    on.subject.bound()
    sent(on, C, "Please leave it at the door")
    assert sms_pushes(receiver) == expected("ax_from_others")


def test_x_sms_is_asked_for_and_discarded(account: Account, control: Control, receiver: Receiver) -> None:
    on = stage(account, control, receiver, "X", "02:03:00", "+8617010000006")
    receiver.answer = SMS["x_reply"]
    sent(on, C, "hello")
    assert sms_pushes(receiver) == expected("x_block", "x_notify")


@pytest.mark.parametrize("mode", ["AXE", "AXYB"])
def test_modes_without_sms_push_nothing(
    account: Account, control: Control, receiver: Receiver, mode: Mode
) -> None:
    """notifications.md §6.1."""
    on = stage(account, control, receiver, mode, "02:00:00", "+8617010000004", "+8617010000005")
    assert on.subject.bind().outcome == OK
    sent(on, A, "hello")
    assert receiver.received == []


# Number states


def test_number_states_come_as_documented(account: Account, control: Control, receiver: Receiver) -> None:
    """notifications.md §7; C-050, C-097: each change is pushed, ``cause`` with status 10 only."""
    numbers = ("+8617010000001", "+8617010000002")
    on = stage(account, control, receiver, "AXB", "03:00:00", *numbers)
    control.application(on.subject, account=ACCOUNT, urls=receiver.urls(), push_num_status=True)
    control.state(numbers[0], "9")
    control.state(numbers[1], "10", "3")
    control.advance(2)
    assert sorted(receiver.bodies("numInfo"), key=lambda body: str(body["numInfo"][0]["number"])) == [
        {"eventType": "numStatus", "numInfo": [{"number": numbers[0], "status": "9"}]},
        {"eventType": "numStatus", "numInfo": [{"number": numbers[1], "status": "10", "cause": "3"}]},
    ]
    assert on.signed_by_us()
