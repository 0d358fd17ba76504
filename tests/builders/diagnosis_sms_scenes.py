"""Texts that the emulated platform lets fail or surprise, one scene per situation of the diagnosis table."""

from __future__ import annotations

from typing import Any, Final

from builders.diagnosis_scenes import Diagnoses, Scene, ax, axb
from builders.emulated import STRANGER, A, B, D
from builders.explained import Explained
from privatenumber.bindings.model import Features
from privatenumber.settings import Mode

LONG: Final = "中" * 71
"""Two parts."""


async def _told(scene: Explained, sender: str = A, text: str = "hello", **script: Any) -> Diagnoses:
    sms = await scene.platform.sms(sender, text=text, **script)
    await scene.settle(1)
    return scene.of_sms(sms)


def texting(text: str = "hello", *, emulated: dict[str, Any] | None = None, **script: Any) -> Scene:
    """A text between two who are bound."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = axb(client, emulated=emulated)
        return await _told(scene, text=text, **script)

    return play


async def stranger_writes(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    return await _told(scene, STRANGER)


async def switched_off(client: Any) -> Diagnoses:
    scene = Explained(client)
    scene.platform.bind(private_sms=False)
    scene.bound(b=B, features=Features(sms=False))
    return await _told(scene)


def answering(text: str) -> Scene:
    """A's text to X of an AX binding."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = ax(client)
        return await _told(scene, text=text)

    return play


async def signed_by_the_platform(client: Any) -> Diagnoses:
    scene, _ = ax(client)
    return await _told(scene, B, text="中" * 60)


async def nobody_named(client: Any) -> Diagnoses:
    scene = Explained(client, Mode.X)
    scene.bound(ys={B: "", D: ""})
    return await _told(scene)


async def we_were_silent(client: Any) -> Diagnoses:
    scene, _ = ax(client)
    scene.silent = True
    sms = await scene.platform.sms(A, text="hello")
    scene.silent = False
    await scene.settle(1)
    return scene.of_sms(sms)


def result_lost(hours: float) -> Scene:
    """A question about a text whose result never comes, looked at so many hours later."""

    async def play(client: Any) -> Diagnoses:
        scene, _ = ax(client)
        scene.platform.fault("lose", times=None, match={"kind": "sms_notify"})
        sms = await scene.platform.sms(A, text="hello")
        await scene.settle(hours)
        return scene.of_sms(sms)

    return play


async def account_frozen(client: Any) -> Diagnoses:
    scene, _ = axb(client)
    scene.platform.world.account_of(scene.ours.app_key).frozen = True
    return await _told(scene)


SMS_SCENES: Final[dict[str, Scene]] = {
    "sms.sent": texting(),
    "sms.result": texting("a forbidden word", emulated={"sms_forbidden_words": ("forbidden",)}),
    "sms.unbound": stranger_writes,
    "sms.no_receiver": answering("on my way"),
    "sms.malformed_receiver": answering("on my way ＠13800138002"),
    "sms.discarded": nobody_named,
    "sms.answer_late": we_were_silent,
    "sms.no_notify": result_lost(1),
    "sms.awaited": result_lost(0.1),
    "sms.switched_off": switched_off,
    "sms.x_without_sms": texting(emulated={"sms": False}),
    "sms.partly": texting(LONG, failed_parts=1),
    "sms.content_missing": texting(emulated={"sms_content": False}),
    "sms.longer_by_sender": signed_by_the_platform,
    "sms.several_parts": texting(LONG),
    "account.frozen": account_frozen,
    "binding.wrong_caller": stranger_writes,
}
"""Situation -> a scene in which the emulator produces it."""
