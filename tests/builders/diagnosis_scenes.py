"""Calls that the emulated platform lets fail or surprise, one scene per situation of the diagnosis table.

Each scene plays on an application of its own and answers the diagnosis of the call it is about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias

from builders.emulated import LANDLINE, START, STRANGER, SUBSCRIPTION, A, B, D, X
from builders.emulated_modes import CALLEE, Y
from builders.explained import Explained
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.settings import Mode

Diagnoses: TypeAlias = tuple[Diagnosis, ...]
Scene: TypeAlias = Callable[[Any], Awaitable[Diagnoses]]

X2: Final = "+8617010000009"
DISPATCH: Final = "dispatch"


def axb(client: Any, *, bound: dict[str, Any] | None = None, **more: Any) -> tuple[Explained, Binding]:
    """A and B bound on X, on both sides; ``bound`` are terms at the platform."""
    scene = Explained(client, Mode.AXB, **more)
    scene.platform.bind(**(bound or {}))
    return scene, scene.bound(b=B)


def ax(client: Any, *, bound: dict[str, Any] | None = None, **more: Any) -> tuple[Explained, Binding]:
    """A behind X, on both sides."""
    scene = Explained(client, Mode.AX, **more)
    scene.platform.bind_ax(**(bound or {}))
    return scene, scene.bound()


def axe(client: Any, **more: Any) -> tuple[Explained, Binding]:
    """A behind extension 0007 of X, on both sides."""
    scene = Explained(client, Mode.AXE, **more)
    scene.platform.bind_axe()
    return scene, scene.bound(extension="0007")


async def told(scene: Explained, caller: str = A, called: str = X, **script: Any) -> Diagnoses:
    call = await scene.call(caller, called, **script)
    await scene.settle()
    return scene.of(call)


# The binding at the moment of the call


def ended(reason: Reason, before_s: int = 40) -> Scene:
    """A binding that is over some seconds before the call, for a reason."""

    async def play(client: Any) -> Diagnoses:
        scene, made = axb(client, bound={"duration": 600})
        await scene.platform.clock.advance(600 + before_s)
        scene.ends(made, START + timedelta(seconds=600), reason, by=DISPATCH)
        return await told(scene)

    return play


async def refused_bind(client: Any) -> Diagnoses:
    scene = Explained(client)
    asked = scene.bound(b=B, confirmed=False)
    later = asked.created_at + timedelta(seconds=1)
    scene.becomes(asked, later, state=State.FAILED, due_at=None, failure_code="1012010")
    return await told(scene)


async def unconfirmed_bind(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.bound(b=B, confirmed=False)
    return await told(scene)


async def bound_later(client: Any) -> Diagnoses:
    scene = Explained(client)
    call = await scene.call()
    scene.bound(b=B, asked_at=START + timedelta(seconds=20))
    await scene.settle()
    return scene.of(call)


async def other_x(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.number(X2)
    scene.platform.bind(x=X2)
    scene.bound(b=B, x=X2, subscription_id="other")
    return await told(scene)


async def stranger(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    return await told(scene, STRANGER)


async def never_bound(client: Any) -> Diagnoses:
    return await told(Explained(client), STRANGER)


async def unknown_at_platform(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.bound(b=B)
    return await told(scene)


async def released_while_talking(client: Any) -> Diagnoses:
    scene, made = axb(client)
    call = await scene.call(talk_s=300)
    scene.ends(made, call.call_in_at + timedelta(seconds=60), Reason.DELETED)
    await scene.settle()
    return scene.of(call)


async def wrong_direction(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind(direction=1)
    scene.bound(b=B, direction=1)
    return await told(scene, B)


async def landline(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind(LANDLINE, B, subscription_id=SUBSCRIPTION)
    scene.bound(a=LANDLINE, b=B)
    return await told(scene, LANDLINE)


# The temporary callee of AX


async def no_callee(client: Any) -> Diagnoses:
    scene, _ = ax(client)
    return await told(scene)


async def callee_expired(client: Any) -> Diagnoses:
    scene, made = ax(client)
    scene.platform.callee(seconds=60)
    scene.with_callee(made, CALLEE, scene.now)
    await scene.platform.clock.advance(75)
    return await told(scene)


async def callee_used(client: Any) -> Diagnoses:
    scene, made = ax(client)
    scene.platform.callee(seconds=3600)
    scene.with_callee(made, CALLEE, scene.now, seconds=3600)
    await scene.call(talk_s=30)
    await scene.platform.clock.advance(60)
    return await told(scene)


async def callee_too_late(client: Any) -> Diagnoses:
    scene, made = ax(client)
    call = await scene.call()
    scene.with_callee(made, CALLEE, call.call_in_at + timedelta(seconds=12))
    await scene.settle()
    return scene.of(call)


async def callee_unknown_at_platform(client: Any) -> Diagnoses:
    scene, made = ax(client)
    scene.with_callee(made, CALLEE, scene.now, seconds=3600)
    await scene.platform.clock.advance(5)
    return await told(scene)


async def x_engaged(client: Any) -> Diagnoses:
    scene, _ = ax(client)
    scene.platform.start_call(B, talk_s=600)
    await scene.platform.clock.advance(20)
    return await told(scene, STRANGER)


async def x_switched_off(client: Any) -> Diagnoses:
    scene, _ = ax(client, bound={"turned_on": False})
    return await told(scene, B)


# Extensions


def typing(*digits: str, **script: Any) -> Scene:
    """A call to an extension number, with what the caller types at each prompt."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axe(client)
        return await told(scene, B, digits=digits, **script)

    return play


async def extension_ended(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.AXE)
    made = scene.bound(extension="0007")
    scene.ends(made, scene.now - timedelta(seconds=40))
    return await told(scene, B, digits=("0007",) * 4)


async def extension_later(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.AXE)
    call = await scene.call(B, digits=("0007",) * 4)
    scene.bound(extension="0007", asked_at=START + timedelta(minutes=5))
    await scene.settle()
    return scene.of(call)


async def call_back_without_caller(client: Any) -> Diagnoses:
    scene, _ = axe(client)
    return await told(scene, A)


# AXYB


async def own_private_number(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.AXYB)
    scene.platform.number(Y)
    scene.platform.pair(scene.platform.bind_axyb())
    scene.bound(ys={B: Y})
    return await told(scene, A, X)


async def no_y_left(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.AXYB)
    scene.platform.bind_axyb()
    scene.bound()
    return await told(scene, STRANGER, X)


# X mode: our own answers


async def nobody_named(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.X)
    scene.bound(ys={B: "", D: ""})
    return await told(scene)


async def callee_is_caller(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.X)
    scene.bound(ys={X: ""})
    return await told(scene)


async def no_answer_of_ours(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.X)
    scene.bound(ys={B: ""})
    scene.silent = True
    call = await scene.call()
    scene.silent = False
    await scene.settle()
    return scene.of(call)


async def tone_of_our_answer(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.X, emulated={"voice_files": frozenset()})
    scene.bound(ys={B: ""}, record_hint_tone="record.wav")
    return await told(scene)


BINDING_SCENES: Final[dict[str, Scene]] = {
    "binding.expired": ended(Reason.EXPIRED),
    "binding.idle": ended(Reason.IDLE),
    "binding.released": ended(Reason.DELETED),
    "binding.lost": ended(Reason.LOST),
    "binding.failed": refused_bind,
    "binding.pending": unconfirmed_bind,
    "binding.later": bound_later,
    "binding.other_x": other_x,
    "binding.wrong_caller": stranger,
    "binding.never": never_bound,
    "binding.not_at_platform": unknown_at_platform,
    "binding.ended_during": released_while_talking,
    "direction.forbidden": wrong_direction,
    "landline.caller": landline,
    "callee.never_set": no_callee,
    "callee.expired": callee_expired,
    "callee.used": callee_used,
    "callee.set_late": callee_too_late,
    "callee.not_at_platform": callee_unknown_at_platform,
    "x.engaged": x_engaged,
    "x.switched_off": x_switched_off,
    "extension.wrong": typing("0008", "0008", "0008", "0008"),
    "extension.ended": extension_ended,
    "extension.later": extension_later,
    "extension.too_short": typing("00", "00", "00", "07"),
    "extension.nothing": typing(),
    "extension.left": typing("0", hang_up_at_prompt=True),
    "extension.retyped": typing("0008", "0007"),
    "callback.none": call_back_without_caller,
    "axyb.own_number": own_private_number,
    "axyb.no_y": no_y_left,
    "answer.no_counterpart": nobody_named,
    "answer.unreachable": callee_is_caller,
    "answer.none": no_answer_of_ours,
    "answer.tone": tone_of_our_answer,
}
"""Situation -> a scene in which the emulator produces it."""
