"""AX calls: every row of the call table, temporary callees, running calls (ax.md §6, §7; C-001, C-002)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.emulated import LANDLINE, START, STRANGER, A, D, X, demo_application
from builders.emulated_modes import CALLEE, IDS, ModePlatform, facts, reached
from emulator.world import Mode

pytestmark = pytest.mark.anyio

REFUSED = ["callin", "disconnect"]
TALKED = ["callin", "callout", "alerting", "answer", "disconnect"]
SUBSCRIPTION = IDS[Mode.AX]


def platform(**binding: Any) -> ModePlatform:
    made = ModePlatform("AX")
    made.bind_ax(**binding)
    return made


@pytest.mark.parametrize(
    ("caller", "binding", "state", "teardown", "direction"),
    [
        pytest.param(A, {"direction": 2}, 8016, 8016, 1, id="ax.md §7 row 2: A, only others may call"),
        pytest.param(STRANGER, {"direction": 1}, 8016, 8016, 0, id="ax.md §7 row 3: other, only A may call"),
        pytest.param(STRANGER, {"turned_on": False}, 8104, 8104, 0, id="ax.md §7 row 4: turned off"),
        pytest.param(A, {}, 8013, 8013, 1, id="ax.md §7 row 5: A without a temporary callee"),
        pytest.param(STRANGER, {"display_real": True}, 8024, 8024, 0, id="ax.md §7 row 6: real number shown"),
        pytest.param(
            STRANGER, {"direction": 1, "turned_on": False}, 8016, 8016, 0, id="ax.md §7: row 3 before row 4"
        ),
        pytest.param(LANDLINE, {}, 8023, 8023, 0, id="axb.md §6.2 row 4: a landline caller"),
    ],
)
async def test_a_refused_call_starts_no_second_leg(
    caller: str, binding: dict[str, Any], state: int, teardown: int, direction: int
) -> None:
    running = platform(**binding)
    call = await running.call(caller)
    assert running.receiver.event_types() == REFUSED
    assert running.infos("disconnect")[0]["stateCode"] == state
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["subscriptionId"]) == (teardown, SUBSCRIPTION)
    assert facts(entry) == reached(direction, caller, X, None, None)
    assert running.infos("callin")[0]["subscriptionId"] == SUBSCRIPTION


@pytest.mark.parametrize("caller", [A, STRANGER])
async def test_row_1_an_x_without_a_binding_refuses_everybody(caller: str) -> None:
    """ax.md §7 row 1; decision 91: the two codes differ and no binding is named."""
    running = ModePlatform("AX")
    call = await running.call(caller)
    entry = running.cdr(call)
    assert running.infos("disconnect")[0]["stateCode"] == 8018
    assert (entry["ulFailReason"], entry["direction"], entry.get("subscriptionId")) == (7104, 2, None)
    assert "subscriptionId" not in running.infos("callin")[0]


@pytest.mark.parametrize("caller", [A, STRANGER])
async def test_row_7_an_x_carries_one_call_at_a_time(caller: str) -> None:
    """ax.md §7 row 7; decision 92: no second leg, although the code is that of a busy callee."""
    running = platform()
    running.callee()
    running.start_call(D)
    call = await running.call(caller)
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["sipStatusCode"], entry.get("fwdDstNum")) == (8102, 486, None)
    assert entry["direction"] == (1 if caller == A else 0)


async def test_an_x_is_free_again_when_its_call_is_over() -> None:
    running = platform()
    await running.call(D)
    call = await running.call(STRANGER)
    assert running.cdr(call)["ulFailReason"] == 0


async def test_a_refused_call_does_not_engage_x() -> None:
    running = platform()
    running.start_call(LANDLINE)
    call = await running.call(STRANGER)
    assert running.cdr(call)["ulFailReason"] == 0


async def test_row_8_a_reaches_the_temporary_callee() -> None:
    """C-042; ax.md §7 row 8; notifications.md §4.3."""
    running = platform(caller_hint_tone="to-callee.wav", callee_hint_tone="to-a.wav")
    running.callee()
    call = await running.call(A)
    assert running.receiver.event_types() == TALKED
    assert facts(running.cdr(call)) == reached(1, A, X, X, CALLEE)
    assert (running.infos("callin")[0]["caller"], running.infos("callin")[0]["called"]) == (A, X)
    assert (running.infos("callout")[0]["caller"], running.infos("callout")[0]["called"]) == (X, CALLEE)
    assert [tone.name for tone in call.prompts] == ["to-callee.wav"]
    assert running.cdr(call)["serviceType"] == "003"


async def test_row_9_everybody_else_reaches_a() -> None:
    """ax.md §7 row 9."""
    running = platform(caller_hint_tone="to-callee.wav", callee_hint_tone="to-a.wav")
    call = await running.call(STRANGER)
    assert facts(running.cdr(call)) == reached(0, STRANGER, X, X, A)
    assert [tone.name for tone in call.prompts] == ["to-a.wav"]


async def test_a_switched_off_x_still_lets_a_call() -> None:
    """ax.md §7 row 4: A's own calls are not affected."""
    running = platform(turned_on=False)
    running.callee()
    assert running.cdr(await running.call(A))["ulFailReason"] == 0


async def test_the_code_of_a_switched_off_x_is_a_setting() -> None:
    """Decision 81."""
    running = ModePlatform("AX", ax={"turn_off_code": 8105})
    running.bind_ax(turned_on=False)
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == 8105


# temporary callee (ax.md §6)


async def test_a_new_callee_replaces_the_old_with_its_life_and_user_data() -> None:
    running = platform(user_data="binding")
    running.callee("+8613800138007", 9999, "old")
    running.callee(CALLEE, 60, "new")
    entry = running.cdr(await running.call(A))
    assert (entry["fwdDstNum"], entry["userData"]) == (CALLEE, "new")


@pytest.mark.parametrize(("after_s", "code"), [(59, 0), (60, 8013)])
async def test_a_call_must_arrive_before_the_callees_life_ends(after_s: int, code: int) -> None:
    """C-023; ax.md §6: Deadline."""
    running = platform()
    running.callee(seconds=60)
    await running.clock.advance(after_s)
    assert running.cdr(await running.call(A, talk_s=300))["ulFailReason"] == code


@pytest.mark.parametrize(("rule", "second"), [("first_call", 8013), ("expiry_only", 0)])
async def test_a_callee_serves_one_call_unless_the_setting_says_otherwise(rule: str, second: int) -> None:
    """Decision 88."""
    running = ModePlatform("AX", ax={"temp_callee_consumption": rule})
    running.bind_ax()
    running.callee(seconds=3600)
    await running.call(A)
    assert running.cdr(await running.call(A))["ulFailReason"] == second


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "caller_hangup_before_ringing"])
async def test_a_call_that_is_not_connected_uses_the_callee_up_as_well(outcome: str) -> None:
    """Decision 88: connected or not."""
    running = platform()
    running.callee(seconds=3600)
    await running.call(A, outcome=outcome)
    assert running.cdr(await running.call(A))["ulFailReason"] == 8013


async def test_a_refused_call_leaves_the_callee() -> None:
    running = platform()
    running.callee(seconds=3600)
    running.start_call(D)
    assert running.cdr(await running.call(A))["ulFailReason"] == 8102
    await running.clock.advance(300)
    assert running.cdr(await running.call(A))["ulFailReason"] == 0


async def test_a_callee_without_user_data_leaves_that_of_the_binding() -> None:
    """Decision 90."""
    running = platform(user_data="binding")
    running.callee()
    assert running.cdr(await running.call(A))["userData"] == "binding"


async def test_a_malformed_callee_fails_as_the_page_says() -> None:
    """numbers.md §1.2: stateCode 8100, ulFailReason 7506."""
    running = platform()
    running.callee("13800138009")
    entry = running.cdr(await running.call(A))
    assert running.infos("disconnect")[0]["stateCode"] == 8100
    assert (entry["ulFailReason"], entry["fwdUnaswRsn"], entry["sipStatusCode"]) == (7506, 28, 484)


@pytest.mark.parametrize("callee", ["+864001001380", "+8695500", LANDLINE])
async def test_a_may_call_service_numbers_and_landlines(callee: str) -> None:
    """numbers.md §1: temporary callee of AX only."""
    running = platform()
    running.callee(callee)
    assert running.cdr(await running.call(A))["fwdDstNum"] == callee


# bindings against running calls (axb.md §6.4)


async def test_an_unbind_ends_no_running_call_and_takes_the_callee() -> None:
    """C-046; axb.md §6.4."""
    running = platform()
    running.callee(seconds=3600)
    call = running.start_call(STRANGER, talk_s=90)
    await running.clock.advance(20)
    running.world.ax.end(SUBSCRIPTION, running.clock.now())
    await running.engine.finish(call)
    assert (call.talk_seconds, running.cdr(call)["subscriptionId"]) == (90, SUBSCRIPTION)
    assert running.cdr(await running.call(A))["ulFailReason"] == 7104


async def test_a_call_that_arrived_before_the_unbind_is_completed() -> None:
    running = platform()
    call = running.start_call(STRANGER)
    running.world.ax.end(SUBSCRIPTION, running.clock.now())
    await running.engine.finish(call)
    assert running.cdr(call)["ulFailReason"] == 0


async def test_a_modification_leaves_running_calls_alone() -> None:
    running = platform(max_duration=0)
    call = running.start_call(STRANGER, talk_s=180)
    await running.clock.advance(20)
    changed = running.world.ax.by_id(SUBSCRIPTION, running.clock.now())
    assert changed is not None
    running.world.ax.change(replace(changed, a=D, max_duration=1))
    await running.engine.finish(call)
    assert (running.cdr(call)["fwdDstNum"], call.talk_seconds) == (A, 180)
    assert running.cdr(await running.call(STRANGER, talk_s=180))["fwdDstNum"] == D


async def test_a_call_is_hung_up_at_its_longest_duration() -> None:
    """C-024; axb.md §6.3: exactly n x 60 s after the answer, the tone 60 s before."""
    running = platform(max_duration=2, last_min_voice="last.wav")
    call = await running.call(STRANGER, talk_s=3600)
    entry = running.cdr(call)
    assert (entry["ulFailReason"], call.talk_seconds) == (8010, 120)
    assert call.answered_at is not None
    [tone] = [tone for tone in call.prompts if tone.name == "last.wav"]
    assert (tone.to, tone.at) == ("both", call.answered_at + timedelta(seconds=60))


@pytest.mark.parametrize(("registered", "code"), [({A}, 0), ({D}, 8058), (set(), 8058)])
async def test_calls_of_an_unregistered_a_are_intercepted(registered: set[str], code: int) -> None:
    """C-094; numbers.md §5; axb.md §6.2 row 7."""
    running = ModePlatform("AX", application={"registered_a": frozenset(registered)})
    running.bind_ax()
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == code


async def test_a_number_in_another_hand_is_not_asked_about_its_old_binding() -> None:
    """numbers.md §3: a transfer removes all bindings."""
    running = platform()
    running.world.put_application(demo_application(app_key="other", mode=Mode.AX))
    running.numbers.transfer(X, "other")
    assert running.world.ax.by_id(SUBSCRIPTION, START) is None
    assert running.receiver.states() == []
