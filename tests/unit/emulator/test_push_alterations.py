"""Pushes that deviate as deployed platforms do (notifications.md §2.8, §11)."""

from __future__ import annotations

from typing import Any

import pytest

from builders.emulated import STRANGER, A, Platform, X
from builders.emulated_modes import ModePlatform
from emulator.pushfaults import UNKNOWN_EVENT
from emulator.world import NumberStatus

pytestmark = pytest.mark.anyio


async def first_push(
    kind: str, match: dict[str, Any], **params: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of a push under a fault, and the same push without it."""
    bodies = []
    for faulty in (True, False):
        platform = ModePlatform("AXB")
        platform.bind(user_data="order")
        if faulty:
            platform.fault(kind, match=match, **params)
        await platform.call(A, outcome="no_answer")
        await platform.sms(A)
        platform.numbers.change(X, NumberStatus.SUSPENDED)
        await platform.pusher.settle()
        wanted = [
            one.body for one in platform.pusher.log
            if all(one.facts.get(name) == value for name, value in match.items())
        ]  # fmt: skip
        bodies.append(wanted[0])
    return bodies[0], bodies[1]


async def test_whole_numbers_may_be_texts() -> None:
    sent, usual = await first_push("integers_as_text", {"kind": "fee"})
    [entry], [plain] = sent["feeLst"], usual["feeLst"]
    numbers = {name for name, value in plain.items() if isinstance(value, int)}
    assert {"direction", "ulFailReason", "recordFlag"} <= numbers
    assert {name: entry[name] for name in numbers} == {name: str(plain[name]) for name in numbers}
    sent, _ = await first_push("integers_as_text", {"kind": "sms_notify"})
    assert sent["smsEvent"]["sendResult"] == "0"


async def test_times_of_stages_not_reached_may_be_empty() -> None:
    sent, usual = await first_push("empty_times", {"kind": "fee"})
    [entry], [plain] = sent["feeLst"], usual["feeLst"]
    assert "fwdAnswerTime" not in plain
    assert entry == {**plain, "fwdAnswerTime": "", "recordStartTime": ""}


async def test_events_may_carry_beijing_time() -> None:
    sent, usual = await first_push("beijing_time", {"event": "disconnect"})
    assert usual["statusInfo"]["timestamp"] == "2026-09-02 01:01:03"
    assert sent["statusInfo"] == {**usual["statusInfo"], "timestamp": "2026-09-02 09:01:03"}


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({"event": "callin"}, "statusInfo"),
        ({"kind": "fee"}, "feeLst"),
        ({"kind": "sms_notify"}, "smsEvent"),
        ({"kind": "num_status"}, "numInfo"),
    ],
)
async def test_unknown_members_may_stand_beside_the_others(match: dict[str, str], place: str) -> None:
    sent, usual = await first_push("unknown_fields", match)
    subject, plain = sent[place], usual[place]
    if isinstance(subject, list):
        [subject], [plain] = subject, plain
    assert {name: value for name, value in subject.items() if not name.startswith("future")} == plain
    assert len(subject) > len(plain)


async def test_an_event_may_be_unknown() -> None:
    sent, usual = await first_push("unknown_event", {"kind": "status"})
    assert sent == {**usual, "eventType": UNKNOWN_EVENT}


@pytest.mark.parametrize(("params", "shown"), [({}, ""), ({"empty": False}, None)])
async def test_a_binding_id_may_be_missing_in_an_sms(params: dict[str, Any], shown: str | None) -> None:
    sent, usual = await first_push("drop_subscription_id", {"kind": "sms_notify"}, **params)
    assert usual["smsEvent"]["subscriptionId"]
    assert sent["smsEvent"].get("subscriptionId") == shown


async def test_the_truth_does_not_change() -> None:
    """The given body stays as it is: books and exports never see the deviation."""
    platform = Platform()
    platform.fault("integers_as_text", times=None)
    call = await platform.call(STRANGER)
    assert (platform.books.calls[0].call, call.direction) == (call, 2)
