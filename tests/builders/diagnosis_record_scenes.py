"""Calls that the emulated platform lets fail by X, account, carrier and people, and what befalls records."""

from __future__ import annotations

from typing import Any, Final

from builders.diagnosis_scenes import BINDING_SCENES, Diagnoses, Scene, ax, axb, told
from builders.emulated import ACCOUNT, SUBSCRIPTION, A, B, X
from builders.explained import Explained
from emulator.outcomes import CallOutcome
from emulator.world import NumberStatus

ABROAD: Final = "+14155550100"


# X, account, rules of platform and carriers


def number_state(status: NumberStatus, cause: str | None = None, *, pushed: bool = True) -> Scene:
    """A call through an X in a state."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axb(client, emulated={"push_num_status": pushed})
        scene.platform.numbers.change(X, status, cause)
        await scene.platform.clock.advance(60)
        return await told(scene)

    return play


async def emptied(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.numbers.change(X, NumberStatus.SUSPENDED)
    await scene.platform.clock.advance(60)
    scene.platform.world.set_number_status(X, NumberStatus.NORMAL, None, scene.now)
    return await told(scene, outcome=CallOutcome.UNKNOWN_NUMBER)


async def account_frozen(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.world.accounts[ACCOUNT].frozen = True
    return await told(scene)


def outcome(how: CallOutcome, **script: Any) -> Scene:
    """A call that B's phone, or A's patience, brings to an end."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axb(client)
        return await told(scene, outcome=how, **script)

    return play


async def badly_written(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind(A, "+861380013", subscription_id=SUBSCRIPTION)
    scene.bound(b="+861380013")
    return await told(scene)


async def longest_call(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind(max_duration=1)
    scene.bound(b=B, max_minutes=1)
    return await told(scene, talk_s=600)


async def recorded_silently(client: Any) -> Diagnoses:
    scene, _ = axb(client, bound={"record": True}, calls={"record_without_hint": "intercept"})
    return await told(scene)


async def unregistered(client: Any) -> Diagnoses:
    scene, _ = axb(client, emulated={"registered_a": frozenset()})
    return await told(scene)


async def shows_real_number(client: Any) -> Diagnoses:
    scene, _ = ax(client, bound={"display_real": True})
    return await told(scene, B)


async def barred_caller(client: Any) -> Diagnoses:
    scene, _ = axb(client, emulated={"caller_blacklist": frozenset({A})})
    return await told(scene)


async def barred_callee(client: Any) -> Diagnoses:
    scene, _ = axb(client, emulated={"callee_blacklist": frozenset({B})})
    return await told(scene)


async def from_abroad(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    return await told(scene, ABROAD)


async def missing_tone(client: Any) -> Diagnoses:
    scene, _ = axb(client, bound={"caller_hint_tone": "welcome.wav"}, emulated={"voice_files": frozenset()})
    return await told(scene)


# Records


async def answered(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    return await told(scene)


async def still_ringing(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    call = scene.platform.start_call(talk_s=600)
    await scene.platform.clock.advance(5)
    return scene.of(call)


def redial(which: int) -> Scene:
    """The first or second call of a handset that dials again by itself."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axb(client)
        await scene.call(outcome=CallOutcome.BUSY, redial_after_s=4)
        await scene.settle()
        return scene.of(list(scene.platform.engine.calls.values())[which])

    return play


async def subscription_dropped(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.fault("drop_subscription_id", times=None)
    return await told(scene)


async def bound_in_the_console(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind()
    return await told(scene)


async def beijing_time(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.fault("beijing_time", times=None)
    return await told(scene)


async def ringing_lost(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.fault("lose", match={"event": "alerting"})
    return await told(scene)


def cdr_lost(hours: float, *kinds: str) -> Scene:
    """A call whose records of some kinds never arrive, looked at so many hours later."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axb(client)
        for event in kinds or ("fee",):
            scene.platform.fault("lose", times=None, match={"event": event})
        call = await scene.call()
        await scene.settle(hours)
        return scene.of(call)

    return play


async def cdr_held_back(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.fault("delay", match={"kind": "fee"}, hold_s=3600)
    return await told(scene)


def recorded(talk_s: int, *, switched: bool = True) -> Scene:
    """A call of a binding that asks for recording."""

    async def play(client: Any) -> Diagnoses:
        scene = Explained(client, emulated={"recording": switched})
        scene.platform.bind(record=True, record_hint_tone="record.wav")
        scene.bound(b=B, record_hint_tone="record.wav")
        return await told(scene, talk_s=talk_s)

    return play


CALL_SCENES: Final[dict[str, Scene]] = {
    **BINDING_SCENES,
    "number.suspended": number_state(NumberStatus.SUSPENDED),
    "number.unavailable": number_state(NumberStatus.UNAVAILABLE, "3"),
    "number.unknown_state": number_state(NumberStatus.SUSPENDED, pushed=False),
    "number.impaired": emptied,
    "account.frozen": account_frozen,
    "callee.busy": outcome(CallOutcome.BUSY),
    "callee.no_answer": outcome(CallOutcome.NO_ANSWER),
    "callee.no_reaction": outcome(CallOutcome.NO_REACTION),
    "callee.power_off": outcome(CallOutcome.POWER_OFF),
    "callee.no_signal": outcome(CallOutcome.NO_SIGNAL),
    "callee.suspended": outcome(CallOutcome.OUT_OF_SERVICE),
    "callee.empty_number": outcome(CallOutcome.UNKNOWN_NUMBER),
    "callee.malformed": badly_written,
    "callee.rejected": outcome(CallOutcome.REJECTED),
    "callee.blocked_by_service": outcome(CallOutcome.REJECTED_BY_SERVICE),
    "caller.gave_up_early": outcome(CallOutcome.CALLER_HANGUP_BEFORE_RINGING),
    "caller.gave_up_ringing": outcome(CallOutcome.CALLER_HANGUP_RINGING),
    "limit.reached": longest_call,
    "carrier.intercepted": recorded_silently,
    "caller.unregistered": unregistered,
    "display.forbidden": shows_real_number,
    "caller.barred": barred_caller,
    "callee.barred": barred_callee,
    "caller.abroad": from_abroad,
    "tone.missing": missing_tone,
    "cause.known": outcome(CallOutcome.PLATFORM_BUSY),
    "carrier.said": outcome(CallOutcome.BUSY),
    "call.answered": answered,
    "call.running": still_ringing,
    "redial.first": redial(0),
    "redial.repeat": redial(1),
    "answered.unbound": subscription_dropped,
    "subscription.unknown": bound_in_the_console,
    "clock.eight_hours": beijing_time,
    "events.missing": ringing_lost,
    "cdr.awaited": cdr_lost(0.1),
    "cdr.late": cdr_lost(2),
    "cdr.lost": cdr_lost(12),
    "end.unknown": cdr_lost(12, "fee", "disconnect"),
    "push.late": cdr_held_back,
    "recording.too_short": recorded(2),
    "recording.none": recorded(60, switched=False),
}
"""Situation -> a scene in which the emulator produces it."""
