"""AXYB: a household and its cleaners; each of them sees a number of its own, and neither sees the other's."""

from __future__ import annotations

from typing import Any

from local.narrate import Narrator
from local.scene import Scene
from local.stack import Stack
from local.tenant import BY_MODE
from privatenumber.settings import Mode

HOUSEHOLD, CLEANER, STAND_IN = "+8613800138041", "+8613800138042", "+8613800138043"
ORDER = "cleaning-9"


def play(stack: Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say, BY_MODE[Mode.AXYB])
    for act in (
        Scene.load_numbers,
        two_steps_made_one,
        both_call,
        a_stand_in_comes,
        the_cleaner_goes,
        it_ends,
    ):
        act(scene)


def two_steps_made_one(scene: Scene) -> None:
    """Act 1: the platform gives the household an X, then the cleaner a Y; the caller sees one request."""
    scene.say.act(1, "a household books a cleaner")
    status, order = scene.bind(ORDER, 3, a=HOUSEHOLD, b=CLEANER, area=scene.tenant.area_code)
    scene.say.check(status == 201 and order["state"] == "ACTIVE", "one request of ours, two of the platform")
    x, y = order["x"], _y(order, 0)
    scene.say.check(
        len(scene.platform_requests("axyb.bind")) == 2 and x != y,
        f"the cleaner dials {x}, the household dials {y}",
    )


def both_call(scene: Scene) -> None:
    """Act 2: each reaches the other by the number that stands for him."""
    scene.say.act(2, "both call")
    order = scene.bindings[ORDER]
    out = scene.call("the household dials Y, the cleaner answers", HOUSEHOLD, _y(order, 0), talk_s=50)
    back = scene.call("the cleaner dials X, the household answers", CLEANER, order["x"], talk_s=12)
    scene.say.check(
        out["talk_seconds"] == 50 and back["talk_seconds"] == 12,
        "both were reached, no real number was shown",
    )
    own = scene.call("the household dials its own X", HOUSEHOLD, order["x"])
    scene.say.check(own["cause"] == 8032, "one's own number leads nowhere: cause 8032")


def a_stand_in_comes(scene: Scene) -> None:
    """Act 3: another B under the same X, with a Y of his own."""
    scene.say.act(3, "a second cleaner helps out")
    order = scene.add_partner(ORDER, STAND_IN)
    scene.say.check(
        len(order["partners"]) == 2 and _y(order, 1) != _y(order, 0),
        f"the household tells them apart: {_y(order, 0)} and {_y(order, 1)}",
    )
    call = scene.call("the household dials the second Y", HOUSEHOLD, _y(order, 1), talk_s=9)
    scene.say.check(call["talk_seconds"] == 9, "the second cleaner answered")


def the_cleaner_goes(scene: Scene) -> None:
    """Act 4: one B goes, the other stays."""
    scene.say.act(4, "the first cleaner is done")
    gone = _y(scene.bindings[ORDER], 0)
    order = scene.remove_partner(ORDER, 0)
    scene.say.check(len(order["partners"]) == 1, "one partner is left")
    call = scene.call("the household dials the first Y once more", HOUSEHOLD, gone)
    scene.say.check(call["cause"] == 8030, "nobody is behind it any more: cause 8030")
    scene.check_deliveries()


def it_ends(scene: Scene) -> None:
    """Act 5: the end of the AX takes every YB along."""
    scene.say.act(5, "the order ends")
    closed = scene.pass_end_of(ORDER)
    scene.say.check(closed["state"] == "CLOSED" and not scene.held(), "the sweep released X and every Y")


def _y(order: dict[str, Any], n: int) -> str:
    y: str = order["partners"][n]["y"]
    return y
