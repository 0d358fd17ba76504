"""AXE calls: digits, call-back, expiry (axe.md §6; C-005)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.emulated import LANDLINE, STRANGER, A, B, D, X
from builders.emulated_modes import IDS, ModePlatform, facts, later, reached
from emulator.digits import typed
from emulator.settings import AxeSettings
from emulator.world import Mode

pytestmark = pytest.mark.anyio

SUBSCRIPTION = IDS[Mode.AXE]
NOBODY = reached(2, STRANGER, X, None, None)


def platform(*, application: dict[str, Any] | None = None, axe: dict[str, Any] | None = None) -> ModePlatform:
    made = ModePlatform("AXE", application=application, axe=axe or {})
    made.bind_axe()
    return made


def typed_digits(running: ModePlatform) -> list[str]:
    return [info["digitInfo"] for info in running.infos("collectInfo")]


# A is called (axe.md §6.1)


async def test_an_extension_leads_to_a() -> None:
    """C-043; axe.md §6.1: callin names no binding, what follows does."""
    running = platform()
    call = await running.call(STRANGER, digits=["0007"])
    assert running.receiver.event_types() == [
        "callin", "collectInfo", "callout", "alerting", "answer", "disconnect",
    ]  # fmt: skip
    entry = running.cdr(call)
    assert facts(entry) == reached(0, STRANGER, X, X, A)
    assert (entry["extendNum"], entry["subscriptionId"]) == ("0007", SUBSCRIPTION)
    assert "subscriptionId" not in running.infos("callin")[0]
    assert running.infos("callout")[0]["subscriptionId"] == SUBSCRIPTION
    assert set(running.infos("collectInfo")[0]) == {"timestamp", "sessionId", "digitInfo"}


@pytest.mark.parametrize(
    ("digits", "told", "code"),
    [
        pytest.param(["0009", "0007"], ["0009", "0007"], 0, id="axe.md §6.1 step 6: right at the second"),
        pytest.param(["0009"] * 4, ["0009"] * 4, 8022, id="axe.md §6.1 step 7: wrong four times"),
        pytest.param([], [""] * 4, 8033, id="axe.md §6.1 step 7: nothing typed"),
        pytest.param(["0009", "", "", ""], ["0009", "", "", ""], 8033, id="step 7: nothing in the last"),
        pytest.param(["", "", "", "0009"], ["", "", "", "0009"], 8022, id="step 7: wrong in the last"),
        pytest.param(["00071"], ["0007"], 0, id="axe.md §6.1 step 3: more digits are lost"),
        pytest.param(["7#", "0007#"], ["7", "0007"], 0, id="axe.md §6.1 step 3: # ends early"),
    ],
)
async def test_attempts_are_told_one_by_one(digits: list[str], told: list[str], code: int) -> None:
    """Decisions 123, 124: three further attempts, one collectInfo each."""
    running = platform()
    call = await running.call(STRANGER, digits=digits)
    entry = running.cdr(call)
    assert (typed_digits(running), entry["ulFailReason"]) == (told, code)
    if code:
        assert facts(entry) == NOBODY
        assert not {"extendNum", "subscriptionId"} & set(entry)
        assert "subscriptionId" not in running.infos("disconnect")[0]


@pytest.mark.parametrize("repeats", [0, 1, 9])
async def test_the_repeat_count_belongs_to_the_application(repeats: int) -> None:
    running = platform(application={"axe_repeat_count": repeats})
    await running.call(STRANGER)
    assert typed_digits(running) == [""] * (repeats + 1)


@pytest.mark.parametrize(("digits", "told"), [([], []), (["0009"], ["0009"])])
async def test_a_caller_may_leave_at_the_prompt(digits: list[str], told: list[str]) -> None:
    """axe.md §6.1 step 8: 7516."""
    running = platform()
    call = await running.call(STRANGER, digits=digits, hang_up_at_prompt=True)
    entry = running.cdr(call)
    assert (typed_digits(running), entry["ulFailReason"], entry["sipStatusCode"]) == (told, 7516, 487)
    assert facts(entry) == NOBODY


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 10), ("0007", 2), ("00", 2 + 5), ("00#", 2)], ids=["none", "all", "some", "#"]
)
def test_a_collection_ends_by_count_by_sign_or_by_time(text: str, seconds: int) -> None:
    """Decision 122."""
    assert typed(text, 4, AxeSettings()).after_s == seconds


async def test_a_landline_hears_no_prompt() -> None:
    """axe.md §6.1: 8023, direction 2."""
    running = platform()
    call = await running.call(LANDLINE, digits=["0007"])
    assert running.receiver.event_types() == ["callin", "disconnect"]
    assert facts(running.cdr(call)) == reached(2, LANDLINE, X, None, None)
    assert running.cdr(call)["ulFailReason"] == 8023


async def test_several_calls_run_on_one_x() -> None:
    running = platform()
    running.bind_axe(D, "0008")
    first = running.start_call(STRANGER, digits=["0007"], talk_s=600)
    second = await running.call(B, digits=["0008"])
    await running.engine.finish(first)
    assert [running.cdr(call)["ulFailReason"] for call in (first, second)] == [0, 0]


@pytest.mark.parametrize("after_s", [0, 2])
async def test_a_binding_that_ends_before_the_digits_is_not_found(after_s: int) -> None:
    """C-046; decision 128; axb.md §6.4."""
    running = platform()
    call = running.start_call(STRANGER, digits=["0007"])
    await running.clock.advance(after_s)
    running.world.axe.end(SUBSCRIPTION, running.clock.now())
    await running.engine.finish(call)
    assert running.cdr(call)["ulFailReason"] in (8022, 8033)
    assert typed_digits(running)[0] == "0007"


async def test_a_binding_that_ends_after_the_digits_keeps_its_call() -> None:
    running = platform()
    call = running.start_call(STRANGER, digits=["0007"])
    await running.clock.advance(3)
    running.world.axe.end(SUBSCRIPTION, running.clock.now())
    await running.engine.finish(call)
    assert running.cdr(call)["ulFailReason"] == 0


async def test_a_binding_expires_while_digits_are_typed() -> None:
    """axe.md §6.3."""
    running = ModePlatform("AXE")
    running.bind_axe(life=1, time_unit="1")
    await running.clock.advance(58)
    call = await running.call(STRANGER, digits=["0007", "0007", "0007", "0007"])
    assert running.cdr(call)["ulFailReason"] == 8022


@pytest.mark.parametrize(
    ("binding", "application", "code"),
    [
        ({"display_mode": "1"}, {}, 8024),
        ({}, {"registered_a": frozenset({D})}, 8058),
        ({}, {"callee_blacklist": frozenset({A})}, 7004),
        ({"record": True, "record_hint_tone": "gone.wav"}, {"voice_files": frozenset({"x.wav"})}, 7507),
    ],
)
async def test_the_gate_judges_once_the_extension_is_known(
    binding: dict[str, Any], application: dict[str, Any], code: int
) -> None:
    """axb.md §6.2 rows 7 to 11."""
    running = ModePlatform("AXE", application=application)
    running.bind_axe(**binding)
    call = await running.call(STRANGER, digits=["0007"])
    assert running.receiver.event_types() == ["callin", "collectInfo", "disconnect"]
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["direction"], entry["subscriptionId"]) == (code, 0, SUBSCRIPTION)


# A calls back (axe.md §6.2)


async def call_back(running: ModePlatform) -> dict[str, Any]:
    return running.cdr(await running.call(A))


async def test_a_reaches_the_last_caller() -> None:
    """axe.md §6.2 row 2; decision 127."""
    running = ModePlatform("AXE")
    running.bind_axe(user_data="order-3001")
    await running.call(STRANGER, digits=["0007"])
    await running.call(D, digits=["0007"])
    before = len(running.infos("collectInfo"))
    entry = await call_back(running)
    assert facts(entry) == reached(1, A, X, X, D)
    assert (entry["extendNum"], entry["subscriptionId"]) == ("0007", SUBSCRIPTION)
    assert len(running.infos("collectInfo")) == before
    callin = running.infos("callin")[-1]
    assert ("subscriptionId" in callin, callin["userData"], callin["called"]) == (False, "order-3001", X)


@pytest.mark.parametrize(
    ("binding", "default", "result"),
    [
        pytest.param({}, "none", 8019, id="axe.md §6.2 row 6: nothing"),
        pytest.param({"callback_tone": "tone.wav"}, "none", "tone.wav", id="axe.md §6.2 row 4: tone"),
        pytest.param({"callback_number": D}, "none", D, id="axe.md §6.2 row 3: number"),
        pytest.param({}, "number:13800138004", D, id="axe.md §6.2 row 5: application's number"),
        pytest.param({}, "tone:app.wav", "app.wav", id="axe.md §6.2 row 5: application's tone"),
        pytest.param({"callback_tone": "tone.wav"}, "number:13800138004", "tone.wav", id="row 4 before 5"),
    ],
)
async def test_without_a_record_the_call_goes_where_was_set(
    binding: dict[str, Any], default: str, result: int | str
) -> None:
    """Decision 126."""
    running = ModePlatform("AXE", application={"axe_callback_default": default})
    running.bind_axe(**binding)
    call = await running.call(A)
    entry = running.cdr(call)
    assert (entry["direction"], entry["subscriptionId"], entry["extendNum"]) == (1, SUBSCRIPTION, "0007")
    if result == D:
        assert (entry["fwdDstNum"], entry["ulFailReason"]) == (D, 0)
    else:
        assert (entry.get("fwdDstNum"), entry["ulFailReason"], entry["sipStatusCode"]) == (None, 8019, 404)
        assert [tone.name for tone in call.prompts] == ([result] if isinstance(result, str) else [])


async def test_a_landline_a_cannot_call_back() -> None:
    """C-045; axe.md §6.2 row 1: before everything else, and without the tone of row 4."""
    running = ModePlatform("AXE")
    running.bind_axe(LANDLINE, callback_tone="tone.wav")
    call = await running.call(LANDLINE)
    entry = running.cdr(call)
    assert (entry["ulFailReason"], entry["direction"]) == (8023, 1)
    assert call.prompts == []


@pytest.mark.parametrize(
    ("on", "outcome", "code"),
    [
        ("callout", "no_answer", 0),
        ("callout", "answered", 0),
        ("answer", "no_answer", 8019),
        ("answer", "answered", 0),
    ],
)
async def test_a_record_is_written_when_a_is_called_or_when_a_answers(
    on: str, outcome: str, code: int
) -> None:
    """Decision 125."""
    running = platform(axe={"callback_record_on": on})
    await running.call(STRANGER, digits=["0007"], outcome=outcome)
    assert (await call_back(running))["ulFailReason"] == code


@pytest.mark.parametrize(("after_s", "code"), [(599, 0), (600, 8019)])
async def test_a_record_lives_as_long_as_the_binding_says(after_s: int, code: int) -> None:
    """axe.md §2 callbackExpiredTime: from its writing, 4 s after the call arrived."""
    running = ModePlatform("AXE")
    running.bind_axe(callback_life=10, callback_unit="1")
    await running.call(STRANGER, digits=["0007"], talk_s=1)
    await running.clock.advance_to(later(4 + after_s))
    assert (await call_back(running))["ulFailReason"] == code


async def test_a_changed_life_counts_for_the_record_there_is() -> None:
    """axe.md §4 callbackExpiredTime: from its writing."""
    running = platform()
    await running.call(STRANGER, digits=["0007"], talk_s=1)
    await running.clock.advance(3600)
    binding = running.world.axe.by_id(SUBSCRIPTION, running.clock.now())
    assert binding is not None
    running.world.axe.change(replace(binding, callback_life=30, callback_unit="1"))
    assert (await call_back(running))["ulFailReason"] == 8019


async def test_a_record_dies_with_its_binding() -> None:
    """axe.md §6.3."""
    running = platform()
    await running.call(STRANGER, digits=["0007"])
    running.world.axe.end(SUBSCRIPTION, running.clock.now())
    running.bind_axe()
    assert (await call_back(running))["ulFailReason"] == 8019


async def test_a_party_of_x_never_reaches_another_a_by_extension() -> None:
    """axe.md §6.2: dialling X is always the call-back."""
    running = platform()
    running.bind_axe(D, "0008")
    call = await running.call(D, digits=["0007"])
    assert typed_digits(running) == []
    assert running.cdr(call)["ulFailReason"] == 8019
