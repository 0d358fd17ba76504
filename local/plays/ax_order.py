"""AX: a courier keeps one X; whoever dials it reaches him, and he dials it to reach a named customer."""

from __future__ import annotations

from local.narrate import Narrator
from local.scene import Scene
from local.stack import Stack
from local.tenant import BY_MODE
from privatenumber.settings import Mode

COURIER, CUSTOMER, OTHER = "+8613800138021", "+8613800138022", "+8613800138023"
ORDER = "courier-7"


def play(stack: Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say, BY_MODE[Mode.AX])
    for act in (Scene.load_numbers, courier_is_bound, others_call, courier_calls, shift_ends):
        act(scene)


def courier_is_bound(scene: Scene) -> None:
    """Act 1: one X for one person; the same request again binds nothing new."""
    scene.say.act(1, "a courier gets an X")
    status, binding = scene.bind(ORDER, 8, a=COURIER)
    scene.say.check(
        status == 201 and binding["state"] == "ACTIVE", f"customers dial {binding['x']} and see nothing else"
    )
    status, again = scene.bind(ORDER, 8, a=COURIER)
    once = status == 200 and again["id"] == binding["id"] and len(scene.platform_requests("ax.bind")) == 1
    scene.say.check(once, "same binding, no second platform call")


def others_call(scene: Scene) -> None:
    """Act 2: anybody who dials X reaches the courier."""
    scene.say.act(2, "customers call X")
    x = scene.bindings[ORDER]["x"]
    first = scene.call("a customer calls X, the courier answers", CUSTOMER, x, talk_s=42)
    second = scene.call("another one calls X, the courier answers", OTHER, x, talk_s=7)
    scene.say.check(
        first["talk_seconds"] == 42 and second["talk_seconds"] == 7, "both reached the courier through X"
    )


def courier_calls(scene: Scene) -> None:
    """Act 3: the courier's own call needs a temporary callee, set just in time."""
    scene.say.act(3, "the courier calls a customer")
    x = scene.bindings[ORDER]["x"]
    refused = scene.call("the courier dials X, nobody was named", COURIER, x)
    scene.say.check(refused["cause"] == 8013, "without a temporary callee the platform refuses: cause 8013")
    scene.say.check(
        scene.set_callee(ORDER, CUSTOMER, 60).status_code == 200, "the next call is to the customer"
    )
    reached = scene.call("the courier dials X, the customer answers", COURIER, x, talk_s=65)
    scene.say.check(reached["talk_seconds"] == 65, "the customer was reached and saw X")
    used = scene.call("the courier dials X again", COURIER, x)
    scene.say.check(used["cause"] == 8013, "the temporary callee was for one call")
    scene.check_deliveries()


def shift_ends(scene: Scene) -> None:
    """Act 4: the platform keeps an AX binding for ever, so we end it."""
    scene.say.act(4, "the shift ends; the platform itself never ends an AX binding")
    scene.say.check(scene.held(), "the platform holds the binding")
    closed = scene.pass_end_of(ORDER)
    scene.say.check(closed["state"] == "CLOSED" and not scene.held(), "the sweep released it, X is free")
