"""AXYB calls: Y of A, X of B, automatic Y, expiry (axyb.md §5; C-006)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.emulated import APP_KEY, LANDLINE, STRANGER, A, B, D, X
from builders.emulated_modes import IDS, Y2, ModePlatform, Y, facts, reached
from emulator.world import Mode, NumberStatus

pytestmark = pytest.mark.anyio

SUBSCRIPTION = IDS[Mode.AXYB]
OTHER_A = "+8613800138005"


def platform(*, paired: bool = True, axyb: dict[str, Any] | None = None, **binding: Any) -> ModePlatform:
    """A with X, B with Y, and one more number."""
    made = ModePlatform("AXYB", axyb=axyb or {})
    made.number(Y)
    made.number(Y2)
    ax = made.bind_axyb(**binding)
    if paired:
        made.pair(ax)
    return made


@pytest.mark.parametrize(
    ("caller", "dialled", "binding", "code", "direction"),
    [
        pytest.param(A, X, {}, 8032, 2, id="axyb.md §5 row 1: A dials its own X"),
        pytest.param(B, Y, {}, 8032, 2, id="axyb.md §5 row 1: B dials its own Y"),
        pytest.param(A, Y2, {}, 8030, 2, id="axyb.md §5 row 2 and 3: A dials a number that is no Y of A"),
        pytest.param(A, Y, {"direction": 2}, 8016, 1, id="axyb.md §5 row 4: only B may call"),
        pytest.param(D, Y, {}, 8030, 2, id="axyb.md §5 row 6: somebody else dials Y"),
        pytest.param(B, X, {"direction": 1}, 8016, 0, id="axyb.md §5 row 7: only A may call"),
        pytest.param(STRANGER, X, {"direction": 1}, 8016, 0, id="axyb.md §5 row 7: somebody else"),
        pytest.param(LANDLINE, X, {}, 8023, 0, id="axb.md §6.2 row 4: a landline caller"),
    ],
)
async def test_a_refused_call_starts_no_second_leg(
    caller: str, dialled: str, binding: dict[str, Any], code: int, direction: int
) -> None:
    running = platform(**binding)
    call = await running.call(caller, dialled)
    assert running.receiver.event_types() == ["callin", "disconnect"]
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["direction"]) == (code, direction)
    assert entry.get("subscriptionId") == (SUBSCRIPTION if direction != 2 else None)


async def test_row_5_a_dials_y_and_b_sees_x() -> None:
    """C-044; axyb.md §5 row 5; notifications.md §4.3."""
    running = platform(pre_voice_x="x.wav", pre_voice_y="y.wav", user_data="order")
    call = await running.call(A, Y)
    assert facts(running.cdr(call)) == reached(1, A, Y, X, B)
    assert running.cdr(call)["subscriptionId"] == running.cdr(call)["mptyId"] == SUBSCRIPTION
    assert [tone.name for tone in call.prompts] == ["x.wav"]
    told = running.infos("callout")[0]
    assert (told["caller"], told["called"], told["userData"]) == (X, B, "order")
    assert all(body["statusInfo"]["subscriptionId"] == SUBSCRIPTION for body in running.receiver.events())


async def test_row_8_b_dials_x_and_a_sees_y() -> None:
    """axyb.md §5 row 8."""
    running = platform(pre_voice_x="x.wav", pre_voice_y="y.wav")
    call = await running.call(B, X)
    assert facts(running.cdr(call)) == reached(0, B, X, Y, A)
    assert [tone.name for tone in call.prompts] == ["y.wav"]


async def test_row_9_an_unknown_caller_gets_a_y_of_his_own() -> None:
    """axyb.md §5 row 9: found by query, no push announces it."""
    running = platform()
    call = await running.call(STRANGER, X)
    entry = running.cdr(call)
    given = entry["fwdDisplayNum"]
    assert given == Y2
    assert facts(entry) == reached(0, STRANGER, X, Y2, A)
    [pair] = [pair for pair in running.world.axyb.pairs(SUBSCRIPTION, running.clock.now()) if pair.automatic]
    assert (pair.b, pair.y) == (STRANGER, Y2)
    back = await running.call(A, Y2)
    assert facts(running.cdr(back)) == reached(1, A, Y2, X, STRANGER)


async def test_the_same_caller_keeps_his_y() -> None:
    running = platform()
    shown = {running.cdr(await running.call(STRANGER, X))["fwdDisplayNum"] for _ in range(3)}
    assert shown == {Y2}


async def test_row_10_without_a_free_y_the_call_ends() -> None:
    """axyb.md §5 row 10: one Y serves at most one B per A."""
    running = platform()
    running.world.set_number_status(Y2, NumberStatus.BINDING_FROZEN, None, running.clock.now())
    entry = running.cdr(await running.call(STRANGER, X))
    assert (entry["ulFailReason"], entry["direction"], entry["sipStatusCode"]) == (8031, 2, 503)


async def test_row_11_without_automatic_y_strangers_reach_nobody() -> None:
    """axyb.md §5 row 11; decision 136."""
    running = platform(axyb={"auto_y": False})
    entry = running.cdr(await running.call(STRANGER, X))
    assert (entry["ulFailReason"], entry["direction"]) == (8030, 2)


async def test_a_call_refused_by_the_gate_allocates_no_y() -> None:
    running = platform(paired=False)
    barred = replace(running.world.applications[APP_KEY], callee_blacklist=frozenset({A}))
    running.world.put_application(barred)
    assert running.cdr(await running.call(STRANGER, X))["ulFailReason"] == 7004
    assert running.world.axyb.pairs(SUBSCRIPTION, running.clock.now()) == []


async def test_the_limit_of_pairs_holds_for_automatic_ones() -> None:
    """Decision 135."""
    running = platform(axyb={"max_yb_per_ax": 1})
    assert running.cdr(await running.call(STRANGER, X))["ulFailReason"] == 8031


async def test_one_y_serves_the_bs_of_several_a() -> None:
    """axyb.md §1: A1-X1-Y1-B1 with A2-X2-Y1-B2 is allowed."""
    running = platform()
    other = running.bind_axyb(OTHER_A, x=Y2)
    running.pair(other, D, y=Y)
    assert running.cdr(await running.call(A, Y))["fwdDstNum"] == B
    assert running.cdr(await running.call(OTHER_A, Y))["fwdDstNum"] == D


@pytest.mark.parametrize(
    ("after_s", "a_dials_y", "b_dials_x"),
    [(299, 0, 0), (300, 8030, 0), (7200, 8030, 8030)],
    ids=["all live", "the pair ended", "the AX ended"],
)
async def test_a_pair_and_an_ax_end_each_at_its_second(after_s: int, a_dials_y: int, b_dials_x: int) -> None:
    """axyb.md §1 expiry; axb.md §6.4. Once his pair ended, B is an unknown caller and gets a new Y."""
    running = platform(yb_duration=300)
    await running.clock.advance(after_s)
    assert running.cdr(await running.call(A, Y, talk_s=1))["ulFailReason"] == a_dials_y
    entry = running.cdr(await running.call(B, X, talk_s=1))
    assert entry["ulFailReason"] == b_dials_x


async def test_a_talk_outlasts_the_end_of_its_binding() -> None:
    running = platform(yb_duration=60)
    call = await running.call(A, Y, talk_s=600)
    assert (call.talk_seconds, running.cdr(call)["subscriptionId"]) == (600, SUBSCRIPTION)


@pytest.mark.parametrize("registered", [frozenset[str](), frozenset({D})])
async def test_registration_does_not_matter(registered: frozenset[str]) -> None:
    """axyb.md §5: the check of A does not apply."""
    running = ModePlatform("AXYB", application={"registered_a": registered})
    running.number(Y)
    running.pair(running.bind_axyb())
    assert running.cdr(await running.call(A, Y))["ulFailReason"] == 0
