"""AXE: several people share one X, each behind an extension of our choice."""

from __future__ import annotations

from local.narrate import Narrator
from local.scene import Scene
from local.stack import Stack
from local.tenant import BY_MODE
from privatenumber.settings import Mode

LANDLORD, AGENT, TENANT = "+8613800138031", "+8613800138032", "+8613800138033"
FLAT, HOUSE = "flat-12", "house-3"


def play(stack: Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say, BY_MODE[Mode.AXE])
    for act in (Scene.load_numbers, two_share_an_x, a_tenant_calls, the_landlord_calls_back, an_offer_ends):
        act(scene)


def two_share_an_x(scene: Scene) -> None:
    """Act 1: two offers on one X, told apart by their extensions."""
    scene.say.act(1, "two offers share one X")
    status, flat = scene.bind(FLAT, 2, a=LANDLORD)
    scene.say.check(status == 201, f"{FLAT}: dial {flat['x']}, then {flat['extension']}")
    status, house = scene.bind(HOUSE, 4, a=AGENT, x=flat["x"])
    apart = house["x"] == flat["x"] and house["extension"] != flat["extension"]
    scene.say.check(status == 201 and apart, f"{HOUSE}: the same X, extension {house['extension']}")


def a_tenant_calls(scene: Scene) -> None:
    """Act 2: the extension leads to the right person; a wrong one to nobody."""
    scene.say.act(2, "a tenant dials X and an extension")
    flat = scene.bindings[FLAT]
    reached = scene.call(
        "a tenant dials X and the flat's extension", TENANT, flat["x"], digits=[flat["extension"]], talk_s=80
    )
    right = reached["talk_seconds"] == 80 and reached["subscription_id"] == _held_for(scene, FLAT)
    scene.say.check(right, "the landlord of the flat answered")
    taken = {scene.bindings[order]["extension"] for order in (FLAT, HOUSE)}
    wrong = next(digits for digits in ("0001", "0002", "0003") if digits not in taken)
    lost = scene.call("somebody types a wrong extension", TENANT, flat["x"], digits=[wrong] * 4)
    scene.say.check(lost["cause"] == 8022, "after the last attempt the platform hangs up: cause 8022")


def the_landlord_calls_back(scene: Scene) -> None:
    """Act 3: A dials X and reaches the last caller."""
    scene.say.act(3, "the landlord calls back")
    back = scene.call(
        "the landlord dials X, the tenant answers", LANDLORD, scene.bindings[FLAT]["x"], talk_s=30
    )
    scene.say.check(back["talk_seconds"] == 30, "without an extension X leads back to the last caller")
    nobody = scene.call("the agent dials X", AGENT, scene.bindings[HOUSE]["x"])
    scene.say.check(nobody["cause"] == 8019, "nobody had called the agent: cause 8019")
    scene.check_deliveries()


def an_offer_ends(scene: Scene) -> None:
    """Act 4: one offer ends, the other goes on."""
    scene.say.act(4, "the flat is let")
    staying = _held_for(scene, HOUSE)
    closed = scene.pass_end_of(FLAT)
    left = [binding["subscription_id"] for binding in scene.held()]
    scene.say.check(
        closed["state"] == "CLOSED" and left == [staying],
        "the sweep released the flat's binding and no other",
    )


def _held_for(scene: Scene, order: str) -> str:
    """The platform's id of the binding behind an order's extension."""
    extension = scene.bindings[order]["extension"]
    held: str = next(one["subscription_id"] for one in scene.held() if one["extension"] == extension)
    return held
