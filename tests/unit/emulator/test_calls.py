"""The call engine: gate, outcomes, running calls against bindings, busy, limits (axb.md §6, §7)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.emulated import (
    ACCOUNT,
    APP_KEY,
    LANDLINE,
    START,
    STRANGER,
    SUBSCRIPTION,
    A,
    B,
    D,
    Platform,
    X,
    demo_application,
)
from emulator.callrecord import Call
from emulator.callscript import CallScript
from emulator.clock import Scheduler
from emulator.outcomes import CallOutcome
from emulator.world import NumberStatus
from privatenumber.times import platform_time

pytestmark = pytest.mark.anyio

REFUSED = ["callin", "disconnect"]
STARTED = ["callin", "callout", "disconnect"]
RANG = ["callin", "callout", "alerting", "disconnect"]
TALKED = ["callin", "callout", "alerting", "answer", "disconnect"]

OUTCOMES = [
    ("answered", TALKED, 0, 0, 0, 0),
    ("no_answer", RANG, 8101, 8101, 19, 480),
    ("busy", STARTED, 8102, 8102, 17, 486),
    ("rejected", RANG, 7503, 7503, 21, 603),
    ("rejected_by_service", STARTED, 7504, 7504, 21, 403),
    ("caller_hangup_before_ringing", STARTED, 7501, 7501, 16, 487),
    ("caller_hangup_ringing", RANG, 7502, 7502, 16, 487),
    ("no_reaction", STARTED, 8035, 8035, 18, 408),
    ("unknown_number", STARTED, 8100, 8100, 1, 404),
    ("no_signal", STARTED, 8103, 8103, 41, 503),
    ("power_off", STARTED, 8104, 8104, 20, 480),
    ("out_of_service", STARTED, 8105, 8105, 27, 502),
    ("platform_busy", STARTED, 522, 522, 42, 503),
    ("internal_error", STARTED, 8011, 8011, 41, 500),
]


def cdr_of(platform: Platform, call: Call) -> dict[str, Any]:
    """The one CDR of a call; fails when there is none or more than one."""
    [entry] = [entry for entry in platform.receiver.cdrs() if entry["sessionId"] == call.session_id]
    return entry


def cause(platform: Platform, call: Call) -> tuple[int, int, int, int]:
    entry = cdr_of(platform, call)
    assert call.ending is not None
    codes = (entry["ulFailReason"], entry["fwdUnaswRsn"], entry["sipStatusCode"])
    return (call.ending.state_code, *codes)


@pytest.mark.parametrize(("outcome", "events", "state", "teardown", "q850", "sip"), OUTCOMES)
async def test_every_outcome_has_its_events_and_causes(
    outcome: str, events: list[str], state: int, teardown: int, q850: int, sip: int
) -> None:
    """C-039, C-040; axb.md §6.3, cause-codes.md §4."""
    platform = Platform()
    platform.bind()
    call = await platform.call(outcome=outcome)
    assert platform.receiver.event_types() == events
    assert platform.receiver.events()[-1]["statusInfo"]["stateCode"] == state
    assert cause(platform, call) == (state, teardown, q850, sip)


async def test_all_outcomes_of_the_contract_are_known() -> None:
    assert {outcome for outcome, *_ in OUTCOMES} == set(CallOutcome)


@pytest.mark.parametrize(
    ("outcome", "ends_after_s"),
    [("no_answer", 3 + 60), ("no_reaction", 1 + 90), ("rejected", 8), ("busy", 3), ("answered", 8 + 60)],
)
async def test_a_call_without_orders_takes_believable_times(outcome: str, ends_after_s: int) -> None:
    """Decisions 161, 162: 60 s of ringing, 90 s without a reaction."""
    platform = Platform()
    platform.bind()
    call = await platform.call(outcome=outcome)
    assert call.ended_at == START + timedelta(seconds=ends_after_s)


async def test_the_script_sets_the_times() -> None:
    platform = Platform()
    platform.bind()
    call = await platform.call(ring_after_s=5, answer_after_s=20, talk_s=95, hangup_by="callee")
    entry = cdr_of(platform, call)
    times = ("callInTime", "fwdStartTime", "fwdAlertingTime", "fwdAnswerTime", "callEndTime")
    moments = [START + timedelta(seconds=seconds) for seconds in (0, 1, 5, 20, 115)]
    assert [entry[name] for name in times] == [platform_time(moment) for moment in moments]


async def test_a_reaction_before_the_ringing_is_refused() -> None:
    with pytest.raises(ValueError, match="lies before ring_after_s"):
        CallScript(caller=A, called=X, ring_after_s=9, answer_after_s=5)


async def test_numbers_of_a_script_may_be_given_as_dialled() -> None:
    """C-144: handsets dial X without +86."""
    script = CallScript(caller="13800138001", called="17010000002")
    assert (script.caller, script.called) == (A, X)


# who reaches whom (axb.md §7)


@pytest.mark.parametrize(
    ("caller", "allowed", "direction", "reached"),
    [(A, 0, 1, B), (A, 1, 1, B), (B, 0, 0, A), (B, 2, 0, A)],
)
async def test_a_party_reaches_the_other_through_x(
    caller: str, allowed: int, direction: int, reached: str
) -> None:
    """C-003, C-025; axb.md §7."""
    platform = Platform()
    platform.bind(direction=allowed)
    call = await platform.call(caller)
    entry = cdr_of(platform, call)
    shown = (
        entry["direction"],
        entry["callerNum"],
        entry["calleeNum"],
        entry["fwdDisplayNum"],
        entry["fwdDstNum"],
    )
    assert shown == (direction, caller, X, X, reached)
    assert entry["bindNum"] == X
    assert entry["subscriptionId"] == entry["mptyId"] == SUBSCRIPTION


@pytest.mark.parametrize(("caller", "allowed", "direction"), [(A, 2, 1), (B, 1, 0)])
async def test_the_forbidden_direction_ends_with_8016(caller: str, allowed: int, direction: int) -> None:
    """C-025, C-092; the refused call still names its binding."""
    platform = Platform()
    platform.bind(direction=allowed)
    call = await platform.call(caller)
    assert platform.receiver.event_types() == REFUSED
    assert cause(platform, call) == (8016, 8016, 0, 403)
    entry = cdr_of(platform, call)
    assert (entry["direction"], entry["subscriptionId"]) == (direction, SUBSCRIPTION)
    assert "fwdStartTime" not in entry


async def test_a_stranger_ends_with_8014_and_no_subscription_id() -> None:
    """C-027, C-136, C-176."""
    platform = Platform()
    platform.bind()
    call = await platform.call(STRANGER)
    assert platform.receiver.event_types() == REFUSED
    assert cause(platform, call) == (8014, 8014, 0, 403)
    entry = cdr_of(platform, call)
    assert entry["direction"] == 2
    assert "subscriptionId" not in entry
    assert all("subscriptionId" not in body["statusInfo"] for body in platform.receiver.events())


@pytest.mark.parametrize(("a", "b", "direction"), [(LANDLINE, B, 1), (A, LANDLINE, 0), (A, B, 2)])
async def test_a_landline_can_be_called_but_cannot_call(a: str, b: str, direction: int) -> None:
    """C-045, C-092; axb.md §7: 8023, direction by its role, 2 when unknown."""
    platform = Platform()
    platform.bind(a, b)
    call = await platform.call(LANDLINE)
    assert cause(platform, call) == (8023, 8023, 0, 403)
    assert cdr_of(platform, call)["direction"] == direction


async def test_a_landline_party_is_reached() -> None:
    """C-045."""
    platform = Platform()
    platform.bind(A, LANDLINE)
    call = await platform.call(A)
    assert cdr_of(platform, call)["fwdDstNum"] == LANDLINE
    assert call.answered_at is not None


async def test_several_pairs_talk_on_one_x_at_the_same_time() -> None:
    """C-041; axb.md §1."""
    platform = Platform()
    platform.bind()
    platform.bind(STRANGER, D)
    first, second = platform.start_call(A), platform.start_call(STRANGER)
    await platform.engine.finish(first)
    await platform.engine.finish(second)
    assert first.answered_at == second.answered_at is not None


# the gate (axb.md §6.2)


@pytest.mark.parametrize("called", ["+8617010009999", "gone"])
async def test_an_unknown_or_deleted_number_leaves_no_trace(called: str) -> None:
    """axb.md §6.2 row 1: neither event nor CDR."""
    platform = Platform()
    platform.bind()
    if called == "gone":
        called = X
        platform.world.set_number_status(X, NumberStatus.UNAVAILABLE, "1", START)
    call = await platform.engine.place_and_wait(CallScript(caller=A, called=called))
    assert call is None
    await platform.clock.advance(3600)
    assert len(platform.receiver) == 0
    assert platform.books.calls == []


@pytest.mark.parametrize(
    ("status", "cause_of_status"), [(NumberStatus.SUSPENDED, None), (NumberStatus.UNAVAILABLE, "3")]
)
async def test_a_suspended_or_unavailable_x_ends_with_8055(
    status: NumberStatus, cause_of_status: str | None
) -> None:
    """C-097; numbers.md §3."""
    platform = Platform()
    platform.bind()
    platform.world.set_number_status(X, status, cause_of_status, START)
    call = await platform.call()
    assert platform.receiver.event_types() == REFUSED
    assert cause(platform, call) == (8055, 8055, 0, 403)
    assert cdr_of(platform, call)["subscriptionId"] == SUBSCRIPTION


async def test_a_binding_frozen_x_still_carries_calls() -> None:
    """C-097: status 11 stops new bindings only."""
    platform = Platform()
    platform.bind()
    platform.world.set_number_status(X, NumberStatus.BINDING_FROZEN, None, START)
    assert (await platform.call()).answered_at is not None


async def test_a_frozen_account_ends_calls_with_7108() -> None:
    """C-075, C-110."""
    platform = Platform()
    platform.bind()
    platform.world.accounts[ACCOUNT].frozen = True
    assert cause(platform, await platform.call()) == (7108, 7108, 0, 403)


async def test_a_caller_from_abroad_ends_with_8042() -> None:
    """cause-codes.md §4."""
    platform = Platform()
    platform.bind()
    assert cause(platform, await platform.call("+85221230000")) == (8042, 8042, 0, 403)


@pytest.mark.parametrize(
    ("settings_of_application", "code"),
    [
        ({"caller_blacklist": frozenset({A})}, 7005),
        ({"callee_blacklist": frozenset({B})}, 7004),
        ({"registered_a": frozenset({B})}, 8058),
        ({"voice_files": frozenset({"other.wav"})}, 7507),
    ],
)
async def test_rules_of_the_application_refuse_a_call(
    settings_of_application: dict[str, Any], code: int
) -> None:
    """C-094 (8058), decision 163 (7005, 7004), axb.md §6.2 row 11 (7507)."""
    platform = Platform(application=demo_application(**settings_of_application))
    platform.bind(caller_hint_tone="callerHintTone.wav")
    call = await platform.call()
    assert platform.receiver.event_types() == REFUSED
    assert cdr_of(platform, call)["ulFailReason"] == code
    assert cdr_of(platform, call)["sipStatusCode"] == (500 if code == 7507 else 403)


async def test_an_unregistered_a_is_not_reached_either() -> None:
    """C-094: A as caller or callee."""
    platform = Platform(application=demo_application(registered_a=frozenset()))
    platform.bind()
    assert cause(platform, await platform.call(B))[0] == 8058


async def test_the_first_failing_check_decides() -> None:
    """Decision 154: suspended X before frozen account before landline before missing binding."""
    platform = Platform()
    platform.world.accounts[ACCOUNT].frozen = True
    assert cause(platform, await platform.call(LANDLINE))[0] == 7108
    platform.world.set_number_status(X, NumberStatus.SUSPENDED, None, platform.clock.now())
    assert cause(platform, await platform.call(LANDLINE))[0] == 8055


@pytest.mark.parametrize(("strictness", "code"), [("lenient", 0), ("strict", 8059)])
async def test_recording_without_a_notice_follows_strictness(strictness: str, code: int) -> None:
    """Decision 159; axb.md §6.3."""
    platform = Platform(strictness=strictness)
    platform.bind(record=True)
    call = await platform.call()
    assert cause(platform, call)[0] == code
    assert bool(call.notes) == (code == 0)


async def test_an_application_without_recording_does_not_record() -> None:
    platform = Platform(application=demo_application(recording=False))
    platform.bind(record=True, record_hint_tone="recordHintTone.wav")
    assert cdr_of(platform, await platform.call())["recordFlag"] == 0


async def test_a_badly_formed_bound_number_fails_when_it_is_called() -> None:
    """C-135; numbers.md §1.2: stateCode 8100, ulFailReason 7506."""
    platform = Platform()
    platform.bind(A, "13800138002")
    call = await platform.call()
    assert platform.receiver.event_types() == STARTED
    assert cause(platform, call) == (8100, 7506, 28, 484)


# running calls against unbind, expiry, modify (axb.md §6.4)


@pytest.mark.parametrize("after_s", [0, 2, 30])
async def test_a_call_that_arrived_before_the_unbind_is_completed(after_s: int) -> None:
    """C-046, C-133."""
    platform = Platform()
    platform.bind()
    call = platform.start_call()
    await platform.clock.advance(after_s)
    assert platform.world.end_axb(SUBSCRIPTION, platform.clock.now()) is not None
    await platform.engine.finish(call)
    assert cause(platform, call)[0] == 0
    assert cdr_of(platform, call)["subscriptionId"] == SUBSCRIPTION
    assert platform.receiver.events()[-1]["statusInfo"]["subscriptionId"] == SUBSCRIPTION


async def test_a_call_that_arrives_after_the_unbind_finds_nothing() -> None:
    """C-046."""
    platform = Platform()
    platform.bind()
    platform.world.end_axb(SUBSCRIPTION, platform.clock.now())
    assert cause(platform, await platform.call())[0] == 8014


@pytest.mark.parametrize(("wait_s", "code"), [(59, 0), (60, 8014)])
async def test_a_binding_expires_in_its_exact_second(wait_s: int, code: int) -> None:
    """Decision 158."""
    platform = Platform()
    platform.bind(duration=60)
    await platform.clock.advance(wait_s)
    assert cause(platform, await platform.call())[0] == code


async def test_a_running_call_keeps_the_values_it_started_with() -> None:
    """Decision 157; C-026."""
    platform = Platform()
    binding = platform.bind(user_data="order-1001")
    call = platform.start_call(talk_s=300)
    await platform.clock.advance(0.5)
    platform.world.change_axb(replace(binding, b=D, max_duration=1, direction=2, user_data="other"))
    await platform.engine.finish(call)
    entry = cdr_of(platform, call)
    assert (entry["fwdDstNum"], entry["ulFailReason"], entry["userData"]) == (B, 0, "order-1001")
    assert call.talk_seconds == 300


# limits, busy, stop, redial


@pytest.mark.parametrize(("talk_s", "code", "talked"), [(119, 0, 119), (120, 8010, 120), (500, 8010, 120)])
async def test_max_duration_hangs_up_to_the_second(talk_s: int, code: int, talked: int) -> None:
    """C-024; axb.md §6.3: n x 60 s after the answer, 8010, connected all the same."""
    platform = Platform()
    platform.bind(max_duration=2)
    call = await platform.call(talk_s=talk_s)
    assert cause(platform, call) == (code, code, 0, 0)
    assert call.talk_seconds == talked
    assert "failTime" not in cdr_of(platform, call)


@pytest.mark.parametrize(("minutes", "talk_s", "played_after_s"), [(2, 100, 60), (1, 10, 0), (2, 59, None)])
async def test_the_last_minute_tone_is_played_once_to_both(
    minutes: int, talk_s: int, played_after_s: int | None
) -> None:
    """C-024: at n x 60 - 60 s; a call limited to one minute hears it at the answer."""
    platform = Platform()
    platform.bind(max_duration=minutes, last_min_voice="lastMinVoice.wav")
    call = await platform.call(talk_s=talk_s)
    assert call.answered_at is not None
    heard = [(tone.to, (tone.at - call.answered_at).total_seconds()) for tone in call.prompts]
    assert heard == ([] if played_after_s is None else [("both", played_after_s)])


@pytest.mark.parametrize(("caller", "tone"), [(A, "callerHintTone.wav"), (B, "calleeHintTone.wav")])
async def test_the_caller_hears_the_tone_of_his_side(caller: str, tone: str) -> None:
    """axb.md §7."""
    platform = Platform()
    platform.bind(caller_hint_tone="callerHintTone.wav", callee_hint_tone="calleeHintTone.wav")
    call = await platform.call(caller)
    assert [(prompt.name, prompt.to) for prompt in call.prompts] == [(tone, "caller")]


@pytest.mark.parametrize("b_talks_as", ["callee", "caller"])
async def test_a_callee_in_another_call_is_busy(b_talks_as: str) -> None:
    """Decision 160; axb.md §7 (A dials X while B talks)."""
    platform = Platform()
    other_x = platform.number("+8617010000003").x
    platform.bind()
    platform.bind(D, B, x=other_x)
    platform.start_call(D if b_talks_as == "callee" else B, other_x, talk_s=600)
    await platform.clock.advance(20)
    call = await platform.call(A)
    assert cause(platform, call)[0] == 8102
    assert cdr_of(platform, call)["direction"] == 1


async def test_a_callee_is_free_again_after_his_call() -> None:
    platform = Platform()
    platform.bind()
    await platform.call(A)
    assert cause(platform, await platform.call(A))[0] == 0


async def test_a_scenario_may_override_busy() -> None:
    """axb.md §6.3."""
    platform = Platform()
    platform.bind()
    platform.start_call(talk_s=600)
    await platform.clock.advance(20)
    assert (await platform.call(A, override_busy=True)).answered_at is not None


@pytest.mark.parametrize(("after_s", "code"), [(0, 7501), (2, 7501), (4, 7502), (20, 0)])
async def test_a_stopped_call_ends_by_its_stage(after_s: int, code: int) -> None:
    """Decision 179; recording-and-call-stop.md §3."""
    platform = Platform()
    platform.bind()
    call = platform.start_call()
    await platform.clock.advance(after_s)
    assert platform.engine.stop(APP_KEY, call.session_id)
    assert call.ended_at == START + timedelta(seconds=after_s)
    assert not platform.engine.stop(APP_KEY, call.session_id)
    await platform.clock.advance(600)
    assert cause(platform, call)[0] == code
    assert platform.receiver.event_types().count("disconnect") == 1


async def test_only_the_owner_stops_a_call() -> None:
    platform = Platform()
    platform.bind()
    call = platform.start_call()
    assert not platform.engine.stop("another application", call.session_id)
    assert [running.session_id for running in platform.engine.running()] == [call.session_id]


async def test_a_handset_that_redials_makes_a_second_record() -> None:
    """C-149; notifications.md §5.4: same binding, other ids, the first without an answer."""
    platform = Platform()
    platform.bind()
    first = await platform.call(outcome="no_signal", redial_after_s=3)
    await platform.clock.advance(120)
    [_, second] = platform.engine.calls.values()
    assert second.redial_of == first.session_id
    records = platform.receiver.cdrs()
    assert [entry["subscriptionId"] for entry in records] == [SUBSCRIPTION, SUBSCRIPTION]
    assert len({entry["icid"] for entry in records}) == len({entry["sessionId"] for entry in records}) == 2
    assert ["fwdAnswerTime" in entry for entry in records] == [False, True]


async def test_an_answered_call_is_not_redialled() -> None:
    platform = Platform()
    platform.bind()
    await platform.call(redial_after_s=3)
    await platform.clock.advance(120)
    assert len(platform.engine.calls) == 1


async def test_every_call_ends_with_one_disconnect_and_one_cdr() -> None:
    """notifications.md §4.4, over all outcomes and refusals at once."""
    platform = Platform()
    platform.bind()
    platform.bind(STRANGER, LANDLINE)
    for outcome in CallOutcome:
        platform.start_call(A, outcome=outcome)
        platform.start_call(D)
        platform.start_call(STRANGER, outcome=outcome)
    await platform.clock.advance(3600)
    sessions = sorted(platform.engine.calls)
    ended = [body for body in platform.receiver.events() if body["eventType"] == "disconnect"]
    assert sorted(body["statusInfo"]["sessionId"] for body in ended) == sessions
    assert sorted(entry["sessionId"] for entry in platform.receiver.cdrs()) == sessions
    assert platform.engine.running() == []
    assert platform.clock.failures == []


async def test_waiting_ends_when_the_pushes_were_attempted_once() -> None:
    """The admin route's `wait`: the CDR is out although its window closes after the call."""
    platform = Platform()
    platform.bind()
    call = await platform.call()
    assert call.ended_at is not None
    assert platform.clock.now() == call.ended_at + timedelta(seconds=1)
    assert [len(delivery.attempts) for delivery in platform.deliveries()] == [1] * 6


async def test_calls_run_unattended_on_a_real_clock() -> None:
    """A background runner is enough; the machine's time is a parameter here."""
    moments = iter(range(10_000))
    machine = Scheduler("real", machine=lambda: START + timedelta(seconds=next(moments)))
    platform = Platform(clock=machine)
    platform.bind()
    runner = asyncio.create_task(machine.run())
    call = platform.start_call(talk_s=5)
    async with asyncio.timeout(10):
        while not platform.receiver.cdrs():
            machine.at(machine.now(), _nothing)
            await asyncio.sleep(0)
    runner.cancel()
    assert cause(platform, call)[0] == 0
    assert len(platform.receiver) == 6


async def _nothing() -> None:
    """Wake the runner."""
