"""AXB: two parties and an X, calls, a dropped answer, the end, the bill and its reconciliation."""

from __future__ import annotations

from datetime import timedelta

from local.billing_acts import close_and_reconcile
from local.narrate import Narrator
from local.scene import Scene
from local.stack import Stack
from local.tenant import BY_MODE
from privatenumber.settings import Mode
from privatenumber.times import utc_now

A, B, C, STRANGER = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138009"


def play(stack: Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say, BY_MODE[Mode.AXB])
    for act in (Scene.load_numbers, orders_bind, people_call, an_answer_is_lost, the_order_ends):
        act(scene)
    x = scene.bindings["order-1002"]["x"]
    close_and_reconcile(
        stack, say, scene.calls[0], lambda: scene.call("A calls the X of order-1002", A, x, talk_s=61)
    )


def orders_bind(scene: Scene) -> None:
    """Act 1: bind, repeat, and a second order of the same person."""
    scene.say.act(1, "an order hides its parties")
    status, first = scene.bind("order-1001", 1, a=A, b=B)
    scene.say.check(
        status == 201 and first["state"] == "ACTIVE", f"order-1001: both sides dial {first['dial']}"
    )
    before = len(scene.platform_requests("axb.bind"))
    status, again = scene.bind("order-1001", 1, a=A, b=B)
    same = status == 200 and again.get("id") == first["id"]
    scene.say.check(
        same and len(scene.platform_requests("axb.bind")) == before, "same binding, no second platform call"
    )
    status, second = scene.bind("order-1002", 3, a=A, b=C)
    scene.say.check(
        status == 201 and second.get("x") != first["x"], "another X: A already stands on the first"
    )


def people_call(scene: Scene) -> None:
    """Act 2: an answered call, an unanswered one, a stranger; all pushed signed and stored."""
    scene.say.act(2, "people call X")
    x = scene.bindings["order-1001"]["x"]
    scene.call("A calls X, B answers", A, x, outcome="answered", talk_s=95)
    scene.call("B calls X, A does not answer", B, x, outcome="no_answer")
    stranger = scene.call("a stranger calls X", STRANGER, x)
    sms = scene.text("A texts X, B reads it", A, x, "I am at the door")
    scene.say.check(sms["send_result"] == 0, "B got the text, sent by X")
    nobody = stranger["cause"] == 8014 and stranger["subscription_id"] is None
    scene.say.check(nobody, "the stranger reaches nobody: cause 8014, no subscriptionId")
    scene.check_deliveries()
    findings = scene.explain("asks why the stranger reached nobody", STRANGER)
    scene.say.check(
        bool(findings), f"the call explains itself: {findings[0]['situation'] if findings else ''}"
    )


def an_answer_is_lost(scene: Scene) -> None:
    """Act 3: the platform binds, but its answer never arrives."""
    scene.say.act(3, "the platform drops an answer after it had bound")
    fault = {"where": "api", "kind": "timeout_after_success", "match": {"api": "axb.bind"}, "times": 1}
    scene.stack.platform.send("POST", "faults", {**fault, "params": {"drop": True}})
    before = {api: len(scene.platform_requests(api)) for api in ("axb.bind", "axb.query")}
    status, order = scene.bind("order-1003", 3, a=STRANGER, b=B)
    for request in [r for api, known in before.items() for r in scene.platform_requests(api)[known:]]:
        answered = request["code"] and f"{request['http_status']} / {request['code']}"
        scene.say.line(
            "platform", f"was sent {request['api']}  →  {answered or 'done, but no answer'}", "dim"
        )
    if status == 202:
        scene.say.line("order", "outcome unknown: the order stays REQUESTED, the sweep asks the platform")
        order = scene.sweep_until(order["id"], "ACTIVE", utc_now() + timedelta(minutes=5))
    scene.say.check(
        order.get("state") == "ACTIVE", "the order recovered: the platform was asked, its binding adopted"
    )
    sent = scene.platform_requests("axb.bind")[before["axb.bind"] :]
    unanswered = [request["http_status"] for request in sent] == [None]
    scene.say.check(unanswered, "one bind was sent, its answer never came, nothing is bound twice")
    scene.say.check(len(scene.held()) == 3, "the platform holds exactly our 3 bindings")


def the_order_ends(scene: Scene) -> None:
    """Act 4: time passes the end of the first order."""
    scene.say.act(4, "time passes the order's end")
    order = scene.bindings["order-1001"]
    closed = scene.pass_end_of("order-1001")
    scene.say.check(
        closed["state"] == "CLOSED", f"the sweep released it: CLOSED ({closed.get('reason', '')})"
    )
    mine = [b for b in scene.held() if b["x"] == order["x"] and {b["a"], b["b"]} == {A, B}]
    scene.say.check(not mine, f"the platform confirms: nobody of order-1001 stands on {order['x']} any more")
