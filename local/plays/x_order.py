"""X: the platform stores nothing; every call and every SMS is a question that our own relations answer."""

from __future__ import annotations

from local.narrate import Narrator
from local.scene import Scene
from local.stack import Stack
from local.tenant import BY_MODE
from privatenumber.settings import Mode

DOCTOR, PATIENT, HOTLINE, STRANGER = "+8613800138051", "+8613800138052", "+8613800138053", "+8613800138059"
VISIT, DUTY = "visit-5", "duty-1"


def play(stack: Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say, BY_MODE[Mode.X])
    for act in (Scene.load_numbers, relations_are_made, calls_are_asked, sms_are_asked, the_visit_ends):
        act(scene)


def relations_are_made(scene: Scene) -> None:
    """Act 1: a pair and a line, without a request to the platform."""
    scene.say.act(1, "relations are made on our side only")
    status, visit = scene.bind(VISIT, 1, a=DOCTOR, b=PATIENT)
    scene.say.check(
        status == 201 and visit["state"] == "ACTIVE", f"{VISIT}: doctor and patient dial {visit['x']}"
    )
    another = next(x for x in scene.tenant.numbers if x != visit["x"])
    status, duty = scene.bind(DUTY, 8, a=HOTLINE, anyone=True, x=another)
    scene.say.check(status == 201 and duty["x"] == another, f"{DUTY}: whoever dials {duty['x']} is answered")
    scene.say.check(not scene.held(), "the platform knows of no binding")


def calls_are_asked(scene: Scene) -> None:
    """Act 2: the platform asks for each call; strangers are turned away."""
    scene.say.act(2, "each call is a question")
    x = scene.bindings[VISIT]["x"]
    call = scene.call("the doctor dials X, the patient answers", DOCTOR, x, talk_s=61)
    scene.say.check(call["talk_seconds"] == 61, "our answer: connect, to the patient")
    call = scene.call("the patient dials X, the doctor answers", PATIENT, x, talk_s=20)
    scene.say.check(call["talk_seconds"] == 20, "our answer: connect, to the doctor")
    call = scene.call("a stranger dials X", STRANGER, x)
    scene.say.check(call["cause"] == 8017, "our answer: close; cause 8017")
    call = scene.call("the stranger dials the duty number", STRANGER, scene.bindings[DUTY]["x"], talk_s=15)
    scene.say.check(call["talk_seconds"] == 15, "the hotline answers everybody")


def sms_are_asked(scene: Scene) -> None:
    """Act 3: the same for SMS."""
    scene.say.act(3, "each SMS is a question, too")
    x = scene.bindings[VISIT]["x"]
    sent = scene.text("the patient texts X", PATIENT, x, "I am in the waiting room")
    scene.say.check(sent["send_result"] == 0, "our answer: forward; the doctor reads it, sent by X")
    dropped = scene.text("a stranger texts X", STRANGER, x, "hello")
    scene.say.check(dropped["send_result"] == 6, "our answer: discard; result 6")
    scene.check_deliveries()


def the_visit_ends(scene: Scene) -> None:
    """Act 4: the end is ours alone and takes effect with the next question."""
    scene.say.act(4, "the visit ends")
    closed = scene.pass_end_of(VISIT)
    scene.say.check(closed["state"] == "CLOSED", "the sweep closed the relation")
    call = scene.call("the patient dials X once more", PATIENT, scene.bindings[VISIT]["x"])
    scene.say.check(call["cause"] == 8017, "nobody is connected any more: cause 8017")
