"""`python -m local.demo`: an AXB order from bind to reconciled bill, through the deployed stack.

Every step goes over HTTP: the business system's signed requests to the deployed API, the platform's
signed pushes to the deployed callbacks. Each claim printed with a tick was checked.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local import stack as local_stack
from local.billing_acts import close_and_reconcile
from local.deploy import ROOT
from local.narrate import DemoFailed, Narrator
from local.processes import StackError, wait_until
from local.tenant import APPLICATION
from privatenumber.privacy import mask
from privatenumber.times import iso, utc_now

FOLDER = ROOT / ".local" / "demo"
A, B, C, STRANGER = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138009"


@dataclass
class Scene:
    """What the acts share: the stack, the narrator, and the bindings made so far."""

    stack: local_stack.Stack
    say: Narrator
    bindings: dict[str, dict[str, Any]] = field(default_factory=dict)
    first_call: dict[str, Any] = field(default_factory=dict)

    def bind(self, order: str, a: str, b: str, hours: int) -> tuple[int, dict[str, Any]]:
        """Send an order's bind as a business system does; return status and document."""
        body = {"application": APPLICATION.id, "order": order, "mode": "AXB", "a": a, "b": b}
        answer = self.stack.api.request("POST", "/bindings", body={**body, "ttl_seconds": hours * 3600})
        document: dict[str, Any] = answer.json()
        self.bindings[order] = document
        shown = f"X {document['x']}" if answer.is_success else document.get("detail", "")
        self.say.line(
            "business", f"POST /bindings {order}: {mask(a)} and {mask(b)}  →  {answer.status_code} {shown}"
        )
        return answer.status_code, document

    def platform_requests(self, api: str) -> list[dict[str, Any]]:
        """Read the platform's journal: the requests of one kind that it received, oldest first."""
        found: list[dict[str, Any]] = self.stack.platform.get("requests", kind="request", api=api)["entries"]
        return found

    def call(self, caller: str, x: str, **script: Any) -> dict[str, Any]:
        """Let somebody dial X and let the platform's clock run to the end of the call."""
        body = {"caller": caller, "called": x, "wait": True, **script}
        call: dict[str, Any] = self.stack.platform.send("POST", "calls", body)
        return call


def numbers_are_loaded(scene: Scene) -> None:
    """The platform issues three X; the business system imports the console's number table."""
    scene.say.act(0, "three X numbers are ordered")
    answer = scene.stack.load_numbers()
    scene.say.line("business", f"POST /numbers/import (number table, CSV)  →  {answer.status_code}")
    listed = scene.stack.api.request("GET", "/numbers", query={"application": APPLICATION.id}).json()
    scene.say.check(len(listed["numbers"]) == 3, "the inventory lists 3 active X numbers")


def orders_bind(scene: Scene) -> None:
    """Act 1: bind, repeat, and a second order of the same person."""
    scene.say.act(1, "an order hides its parties")
    status, first = scene.bind("order-1001", A, B, hours=1)
    scene.say.check(
        status == 201 and first["state"] == "ACTIVE", f"order-1001: both sides dial {first['dial']}"
    )
    before = len(scene.platform_requests("axb.bind"))
    status, again = scene.bind("order-1001", A, B, hours=1)
    same = status == 200 and again.get("id") == first["id"]
    scene.say.check(
        same and len(scene.platform_requests("axb.bind")) == before, "same binding, no second platform call"
    )
    status, second = scene.bind("order-1002", A, C, hours=3)
    scene.say.check(
        status == 201 and second.get("x") != first["x"], "another X: A already stands on the first"
    )


def people_call(scene: Scene) -> None:
    """Act 2: an answered call, an unanswered one, a stranger; all pushed signed and stored."""
    scene.say.act(2, "people call X")
    x = scene.bindings["order-1001"]["x"]
    scene.first_call = scene.call(A, x, outcome="answered", talk_s=95)
    _tell(scene, scene.first_call, "A calls X, B answers")
    _tell(scene, scene.call(B, x, outcome="no_answer"), "B calls X, A does not answer")
    stranger = scene.call(STRANGER, x)
    _tell(scene, stranger, "a stranger calls X")
    nobody = stranger["cause"] == 8014 and stranger["subscription_id"] is None
    scene.say.check(nobody, "the stranger reaches nobody: cause 8014, no subscriptionId")
    deliveries = scene.stack.platform.get("deliveries")["deliveries"]
    delivered = [d for d in deliveries if d["state"] == "delivered"]
    scene.say.check(
        len(delivered) == len(deliveries), f"{len(delivered)} signed pushes, each stored before its 200"
    )


def an_answer_is_lost(scene: Scene) -> None:
    """Act 3: the platform binds, but its answer never arrives."""
    scene.say.act(3, "the platform drops an answer after it had bound")
    fault = {"where": "api", "kind": "timeout_after_success", "match": {"api": "axb.bind"}, "times": 1}
    scene.stack.platform.send("POST", "faults", {**fault, "params": {"drop": True}})
    before = {api: len(scene.platform_requests(api)) for api in ("axb.bind", "axb.query")}
    status, order = scene.bind("order-1003", STRANGER, B, hours=3)
    for request in [r for api, known in before.items() for r in scene.platform_requests(api)[known:]]:
        answered = request["code"] and f"{request['http_status']} / {request['code']}"
        scene.say.line(
            "platform", f"was sent {request['api']}  →  {answered or 'done, but no answer'}", "dim"
        )
    if status == 202:
        scene.say.line("order", "outcome unknown: the order stays REQUESTED, the sweep asks the platform")
        order = _sweep_until(scene, order["id"], "ACTIVE", utc_now() + timedelta(minutes=5))
    scene.say.check(
        order.get("state") == "ACTIVE", "the order recovered: the platform was asked, its binding adopted"
    )
    sent = scene.platform_requests("axb.bind")[before["axb.bind"] :]
    unanswered = [request["http_status"] for request in sent] == [None]
    scene.say.check(unanswered, "one bind was sent, its answer never came, nothing is bound twice")
    held = scene.stack.platform.get("bindings")["bindings"]
    scene.say.check(len(held) == 3, "the platform holds exactly our 3 bindings")


def the_order_ends(scene: Scene) -> None:
    """Act 4: time passes the end of the first order."""
    scene.say.act(4, "time passes the order's end")
    order = scene.bindings["order-1001"]
    after = datetime.fromisoformat(order["ends_at"]) + timedelta(minutes=1)
    platform_now = datetime.fromisoformat(scene.stack.platform.get("clock")["now"])
    scene.stack.platform.send(
        "POST", "clock/advance", {"seconds": max(0, int((after - platform_now).total_seconds()))}
    )
    scene.say.line("clock", f"moved to {after:%H:%M:%S} UTC, one minute after the end of order-1001")
    closed = _sweep_until(scene, order["id"], "CLOSED", after)
    scene.say.check(
        closed["state"] == "CLOSED", f"the sweep released it: CLOSED ({closed.get('reason', '')})"
    )
    left = scene.stack.platform.get("bindings", x=order["x"])["bindings"]
    mine = [b for b in left if b["x"] == order["x"] and {b["a"], b["b"]} == {A, B}]
    scene.say.check(not mine, f"the platform confirms: nobody of order-1001 stands on {order['x']} any more")


def _tell(scene: Scene, call: dict[str, Any], what: str) -> None:
    talk, cause = call["talk_seconds"], call["cause"]
    result = f"{talk} s of talk" if call["answered_at"] else f"ended with cause {cause}"
    scene.say.line("phones", f"{what}  →  {result}")
    scene.say.line("platform", f"pushes {', '.join(_pushed(scene, call))}", "dim")


def _pushed(scene: Scene, call: dict[str, Any]) -> Iterator[str]:
    """Name what the platform pushed of a call, in order."""
    for delivery in scene.stack.platform.get("deliveries")["deliveries"]:
        body = delivery["body"]
        told = [body.get("statusInfo", {}), *body.get("feeLst", [])]
        if any(part.get("sessionId") == call["session_id"] for part in told):
            yield "CDR" if delivery["kind"] == "fee" else body["eventType"]


def _sweep_until(scene: Scene, binding: str, state: str, moment: datetime) -> dict[str, Any]:
    """Run the scheduled function for `moment` and wait until its worker made it `state`."""
    function = scene.stack.outputs["UnbindSweepFunctionName"]
    found = scene.stack.aws.invoke(function, {"scheduled_time": iso(moment)})
    scene.say.line("schedule", f"sweep of {moment:%H:%M} found {found['due']} due, sent {found['sent']}")

    def look() -> dict[str, Any] | None:
        document: dict[str, Any] = scene.stack.api.request("GET", f"/bindings/{binding}").json()
        return document if document["state"] == state else None

    document = wait_until(look, 20, every_s=0.2)
    if document is None:
        raise DemoFailed(f"binding {binding} did not become {state}; the functions' logs say why")
    return document


def play(stack: local_stack.Stack, say: Narrator) -> None:
    """Play all acts on a running stack."""
    scene = Scene(stack, say)
    for act in (numbers_are_loaded, orders_bind, people_call, an_answer_is_lost, the_order_ends):
        act(scene)
    x = scene.bindings["order-1002"]["x"]
    close_and_reconcile(stack, say, scene.first_call, lambda: scene.call(A, x, outcome="answered", talk_s=61))


def main(say: Narrator | None = None) -> int:
    """Set the stack up, play, stop it; exit 0 when every claim held."""
    say = say or Narrator()
    begun = time.monotonic()
    say.console.print("[bold]Private Number on a laptop[/bold]: an AXB order from bind to reconciled bill")
    try:
        stack = local_stack.up(lambda step: say.line("stack", step), folder=FOLDER)
    except StackError as error:
        say.console.print(str(error), style="red")
        return 1
    try:
        play(stack, say)
    except (DemoFailed, RuntimeError) as error:
        say.console.print(f"\nThe demo stopped: {error}\nLogs: {local_stack.logs(FOLDER)}", style="red")
        return 1
    except KeyboardInterrupt:
        say.console.print("\nInterrupted; stopping what was started.")
        return 130
    finally:
        stack.stop()
    took = time.monotonic() - begun
    say.console.print(
        f"\n[bold green]Done:[/bold green] {say.checks} claims checked in {took:.0f} s; all stopped."
    )
    say.console.print("Next: `make up` leaves the stack running to play with, `make test` runs every test.")
    return 0


if __name__ == "__main__":
    # A demo that is told to end stops what it started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
