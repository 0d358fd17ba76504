"""What the acts of every demo share: the stack, the narrator, one company, and what people and systems do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from local import stack as local_stack
from local.narrate import DemoFailed, Narrator
from local.processes import wait_until
from local.tenant import Tenant
from privatenumber.privacy import mask
from privatenumber.times import iso

PEOPLE = ("a", "b")


@dataclass
class Scene:
    """One company on the running stack, and the bindings made so far by order."""

    stack: local_stack.Stack
    say: Narrator
    tenant: Tenant
    bindings: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def load_numbers(self) -> None:
        """The platform issues the company's X numbers; its business system imports the number table."""
        self.say.act(0, f"{len(self.tenant.numbers)} X numbers are ordered")
        answer = self.stack.load_numbers(self.tenant)
        self.say.line("business", f"POST /numbers/import (number table, CSV)  →  {answer.status_code}")
        listed = self.stack.api.request("GET", "/numbers", query={"application": self.tenant.id}).json()
        count = len(self.tenant.numbers)
        self.say.check(len(listed["numbers"]) == count, f"the inventory lists {count} active X numbers")

    def bind(self, order: str, hours: int, **asked: Any) -> tuple[int, dict[str, Any]]:
        """Send an order's bind as a business system does; return status and document."""
        body = {"application": self.tenant.id, "order": order, "mode": self.tenant.mode.value}
        answer = self.stack.api.request(
            "POST", "/bindings", body=body | {"ttl_seconds": hours * 3600} | asked
        )
        document: dict[str, Any] = answer.json()
        self.bindings[order] = document
        people = " and ".join(mask(asked[who]) for who in PEOPLE if who in asked)
        shown = _dial(document) if answer.is_success else document.get("detail", "")
        self.say.line("business", f"POST /bindings {order}: {people}  →  {answer.status_code} {shown}")
        return answer.status_code, document

    def set_callee(self, order: str, callee: str, seconds: int) -> httpx.Response:
        """Say whom A reaches when A dials X next."""
        path = f"/bindings/{self.bindings[order]['id']}/callee"
        answer = self.stack.api.request("PUT", path, body={"callee": callee, "seconds": seconds})
        self.say.line("business", f"PUT {path[:17]}…/callee {mask(callee)}  →  {answer.status_code}")
        return answer

    def add_partner(self, order: str, b: str) -> dict[str, Any]:
        """Put one more B opposite A of an order."""
        path = f"/bindings/{self.bindings[order]['id']}/partners"
        answer = self.stack.api.request("POST", path, body={"b": b})
        self.say.line("business", f"POST …/partners {mask(b)}  →  {answer.status_code}")
        self.bindings[order] = answer.json()
        return self.bindings[order]

    def remove_partner(self, order: str, n: int) -> dict[str, Any]:
        """Take the n-th B away from A of an order."""
        binding = self.bindings[order]
        path = f"/bindings/{binding['id']}/partners/{binding['partners'][n]['id']}"
        answer = self.stack.api.request("DELETE", path)
        self.say.line("business", f"DELETE …/partners {binding['partners'][n]['b']}  →  {answer.status_code}")
        self.bindings[order] = answer.json()
        return self.bindings[order]

    def call(self, what: str, caller: str, x: str, **script: Any) -> dict[str, Any]:
        """Let somebody dial a number, let the platform's clock run to the end of the call, and tell it."""
        body = {"caller": caller, "called": x, "wait": True, **script}
        call: dict[str, Any] = self.stack.platform.send("POST", "calls", body)
        self.calls.append(call)
        answered = call["answered_at"]
        result = f"{call['talk_seconds']} s of talk" if answered else f"ended with cause {call['cause']}"
        self.say.line("phones", f"{what}  →  {result}")
        self.say.line("platform", f"pushes {', '.join(self._pushed(call))}", "dim")
        return call

    def text(self, what: str, sender: str, x: str, text: str) -> dict[str, Any]:
        """Let somebody text a number and tell what became of it."""
        sms: dict[str, Any] = self.stack.platform.send(
            "POST", "sms", {"sender": sender, "x": x, "text": text, "wait": True}
        )
        self.say.line("phones", f"{what}  →  sendResult {sms['send_result']}")
        return sms

    def explain(self, what: str, number: str) -> list[dict[str, Any]]:
        """Ask as support does what became of somebody's last call; return the findings, heaviest first."""
        query = {"application": self.tenant.id, "number": number, "limit": "1"}

        def look() -> dict[str, Any] | None:
            calls: list[dict[str, Any]] = self.stack.api.request("GET", "/calls", query=query).json()["calls"]
            return calls[0] if calls and calls[0]["state"] == "settled" else None

        call = wait_until(look, 20, every_s=0.2)
        if call is None:
            raise DemoFailed(f"no settled call of {mask(number)} is listed; the functions' logs say why")
        told = self.stack.api.request("GET", f"/calls/{call['id']}", query={"application": self.tenant.id})
        findings: list[dict[str, Any]] = told.json()["diagnosis"]
        self.say.line("support", f"{what}: GET /calls?number={mask(number)}, its story and diagnosis")
        for finding in findings[:1]:
            self.say.line("support", f"{finding['title']}. {finding['next_step']}", "dim")
        return findings

    def platform_requests(self, api: str) -> list[dict[str, Any]]:
        """Read the platform's journal: the requests of one kind that it received, oldest first."""
        found: list[dict[str, Any]] = self.stack.platform.get("requests", kind="request", api=api)["entries"]
        return [request for request in found if request["application"] == self.tenant.app_key]

    def deliveries(self) -> list[dict[str, Any]]:
        """What the platform pushed to this company, and how it was answered."""
        pushed = self.stack.platform.get("deliveries", application=self.tenant.app_key)
        deliveries: list[dict[str, Any]] = pushed["deliveries"]
        return deliveries

    def check_deliveries(self) -> None:
        """Claim that every push so far was answered 200."""
        pushed = self.deliveries()
        delivered = [push for push in pushed if push["state"] == "delivered"]
        self.say.check(
            len(delivered) == len(pushed), f"{len(delivered)} signed pushes, each stored before its 200"
        )

    def held(self) -> list[dict[str, Any]]:
        """Read the bindings that the platform holds for this company."""
        held = self.stack.platform.get("bindings")["bindings"]
        return [binding for binding in held if binding["app_key"] == self.tenant.app_key]

    def pass_end_of(self, order: str) -> dict[str, Any]:
        """Move the platform's clock past the end of an order, sweep, and return the closed binding."""
        binding = self.bindings[order]
        after = datetime.fromisoformat(binding["ends_at"]) + timedelta(minutes=1)
        now = datetime.fromisoformat(self.stack.platform.get("clock")["now"])
        ahead = max(0, int((after - now).total_seconds()))
        self.stack.platform.send("POST", "clock/advance", {"seconds": ahead})
        self.say.line("clock", f"moved to {after:%H:%M:%S} UTC, one minute after the end of {order}")
        return self.sweep_until(binding["id"], "CLOSED", after)

    def sweep_until(self, binding: str, state: str, moment: datetime) -> dict[str, Any]:
        """Run the scheduled function for `moment` and wait until its worker made the binding `state`."""
        function = self.stack.outputs["UnbindSweepFunctionName"]
        found = self.stack.aws.invoke(function, {"scheduled_time": iso(moment)})
        self.say.line("schedule", f"sweep of {moment:%H:%M} found {found['due']} due, sent {found['sent']}")

        def look() -> dict[str, Any] | None:
            document: dict[str, Any] = self.stack.api.request("GET", f"/bindings/{binding}").json()
            return document if document["state"] == state else None

        document = wait_until(look, 20, every_s=0.2)
        if document is None:
            raise DemoFailed(f"binding {binding} did not become {state}; the functions' logs say why")
        return document

    def _pushed(self, call: dict[str, Any]) -> Iterator[str]:
        """Name what the platform pushed of a call, in order."""
        for delivery in self.deliveries():
            body = delivery["body"]
            told = [body.get("statusInfo", {}), *body.get("feeLst", [])]
            if any(part.get("sessionId") == call["session_id"] for part in told):
                yield "CDR" if delivery["kind"] == "fee" else body["eventType"]


def _dial(document: dict[str, Any]) -> str:
    """What people of the order dial."""
    extension = document.get("extension")
    return f"X {document['x']}" + (f" and extension {extension}" if extension else "")
