"""The business systems: they bind, change and release through our API, and repeat what was not answered well.

People call and text the numbers that it was told.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from emulator.callscript import CallScript
from emulator.platform import Emulator
from emulator.smsrecord import SmsScript
from privatenumber.times import from_iso, iso
from storm.bulk import Bulks
from storm.deals import AGAIN_S, Answer, Deal, bind_body
from storm.lambdas import Lambdas
from storm.orders import Act, Order, person, stranger

USER: Final = "arn:aws-cn:iam::123456789012:user/storm"


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was not answered well: by which function, with which problem; status 0: nothing came.

    ``key`` is its Idempotency-Key, that of a bind is its order.
    """

    at: datetime
    function: str
    status: int
    problem: str
    key: str | None = None


class Business:
    """Plays orders."""

    def __init__(self, emulator: Emulator, lambdas: Lambdas, start: datetime) -> None:
        self._emulator = emulator
        self._clock = emulator.scheduler
        self._lambdas = lambdas
        self._start = start
        self.deals: list[Deal] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self.problems: Counter[str] = Counter()
        self.told: list[str] = []
        self.refused: list[Refused] = []
        self.bulks = Bulks(self._clock, self.ask, self._bound)

    def play(self, orders: list[Order]) -> None:
        """Let all orders happen at their time."""
        for order in orders:
            deal = Deal(order)
            self.deals.append(deal)
            self._later(self._start + timedelta(seconds=order.at_s), lambda deal=deal: self._bind(deal, 0))

    def hurry(self) -> bool:
        """The next order that has not begun begins now; False: there is none within a day."""
        now = self._clock.now()
        for deal in self.deals:
            begins = self._start + timedelta(seconds=deal.order.at_s)
            if deal.asked_at is None and now < begins < now + timedelta(days=1):
                self._bind(deal, 0)
                return True
        return False

    def ask(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        function: str = "BindingsFunction",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request through API Gateway."""
        event = {
            "version": "2.0",
            "routeKey": route,
            "headers": {"content-type": "application/json", **({"idempotency-key": key} if key else {})},
            "requestContext": {
                "authorizer": {"iam": {"userArn": USER}},
                "requestId": f"api-{sum(self.answers.values())}",
                "http": {"method": route.split()[0]},
            },
            "pathParameters": dict(path or {}),
            "queryStringParameters": dict(query or {}),
            "body": json.dumps(body) if body is not None else None,
            "isBase64Encoded": False,
        }
        invoked = self._lambdas.invoke(function, event)
        result = invoked.result
        answer = Answer(result["statusCode"], json.loads(result["body"])) if result else Answer(0, {})
        self.answers[route, answer.status] += 1
        if answer.status >= 400 or not answer.status:
            kind = str(answer.body.get("type", "")).rpartition(":")[2]
            self.refused.append(Refused(self._clock.now(), function, answer.status, kind, key))
        if answer.status >= 400:
            self.problems[f"{route}: {answer.status} {answer.body.get('type', '')}"] += 1
        if result:
            self.told.append(result["body"])
        return answer

    def insist(self, ask: Callable[[], Answer], attempt: int = 0) -> None:
        """Ask, and ask again later as long as it is not answered well and the system has not given up."""
        if ask().repeatable and attempt < len(AGAIN_S):
            when = self._clock.now() + timedelta(seconds=AGAIN_S[attempt])
            self._later(when, lambda: self.insist(ask, attempt + 1))

    def _later(self, when: datetime, action: Any) -> None:
        async def run() -> None:
            action()

        self._clock.at(when, run, "business")

    def _again(self, attempt: int, deal: Deal, action: Any) -> bool:
        """Repeat something later; False: the system gives up."""
        if attempt >= len(AGAIN_S):
            return False
        self._later(self._clock.now() + timedelta(seconds=AGAIN_S[attempt]), action)
        return True

    # the life of a binding

    def _bind(self, deal: Deal, attempt: int) -> None:
        order, now = deal.order, self._clock.now()
        if not attempt and deal.asked_at:
            # It began sooner than it was meant to.
            return
        if order.mates:
            self.deals += self.bulks.bind(deal)
            return
        deal.asked_at = deal.asked_at or now
        body = bind_body(order)
        answer = self.ask("POST /bindings", body=body, key=order.id)
        self._note(deal, f"bind {answer.status} {answer.body.get('state', answer.body.get('type', ''))}")
        if answer.status in (200, 201) and answer.body["state"] == "ACTIVE":
            self._bound(deal, answer.body)
        elif answer.status == 202 or answer.repeatable:
            deal.binding_id = answer.body.get("id", deal.binding_id)
            if not self._again(attempt, deal, lambda: self._bind(deal, attempt + 1)):
                deal.gave_up = "bind not settled"
        else:
            deal.gave_up = str(answer.body.get("type") or answer.body.get("state"))

    def _bound(self, deal: Deal, body: Mapping[str, Any]) -> None:
        order = deal.order
        deal.active, deal.bound_at = True, self._clock.now()
        deal.binding_id, deal.x, deal.extension = body["id"], body["x"], body["extension"]
        deal.y = next((partner["y"] for partner in body["partners"]), None)
        deal.ends, deal.bs = [from_iso(body["ends_at"])], [order.b]
        begun = self._start + timedelta(seconds=order.at_s)
        for act in order.acts:
            when = max(self._clock.now(), begun + timedelta(seconds=act.after_s))
            self._later(when, lambda act=act: self._act(deal, act))

    def _act(self, deal: Deal, act: Act) -> None:
        if act.kind == "call":
            self._call(deal, act)
        elif act.kind == "sms":
            self._text(deal, act)
        elif act.kind == "release":
            self._release(deal, 0)
        else:
            self._change(deal, act, 0)

    def _change(self, deal: Deal, act: Act, attempt: int) -> None:
        if deal.release_asked_at or max(deal.ends) <= self._clock.now() + timedelta(minutes=5):
            return
        if act.kind == "prolong":
            wanted = max(deal.ends[0] + timedelta(seconds=int(act.params["by_s"])), self._least())
            body: dict[str, Any] = {"ends_at": iso(wanted)}
            deal.ends.append(wanted)
        else:
            b = person(int(act.params["b"]))
            if b == deal.order.a:
                return
            body = {"b": b}
            deal.bs.append(b)
        answer = self._of(deal, "PATCH", body=body)
        self._note(deal, f"{act.kind} {answer.status} {answer.body.get('type', '')}")
        if answer.status == 200 and "ends_at" in body and not answer.body["change_pending"]:
            deal.ends = [from_iso(answer.body["ends_at"])]
        elif answer.repeatable and attempt < 2:
            self._again(attempt, deal, lambda: self._change(deal, act, attempt + 1))

    def _least(self) -> datetime:
        return self._clock.now() + timedelta(minutes=10)

    def _release(self, deal: Deal, attempt: int) -> None:
        deal.release_asked_at = deal.release_asked_at or self._clock.now()
        answer = self._of(deal, "DELETE")
        self._note(deal, f"release {answer.status} {answer.body.get('state', answer.body.get('type', ''))}")
        deal.release_taken = deal.release_taken or answer.status in (200, 202)
        if answer.status == 200:
            deal.released_at = self._clock.now()
        elif answer.repeatable:
            self._again(attempt, deal, lambda: self._release(deal, attempt + 1))

    def _of(self, deal: Deal, method: str, **request: Any) -> Answer:
        return self.ask(f"{method} /bindings/{{id}}", path={"id": deal.binding_id or ""}, **request)

    # people

    def _call(self, deal: Deal, act: Act) -> None:
        order, who = deal.order, act.who
        caller = {"a": order.a, "b": deal.bs[-1]}.get(who) or stranger(int(act.params["stranger"]))
        called = deal.y if who == "a" and order.mode == "AXYB" else deal.x
        if who == "a" and order.mode == "AX":
            body = {"callee": deal.bs[-1]}
            answer = self.ask("POST /bindings/{id}/call", path={"id": deal.binding_id or ""}, body=body)
            self._note(deal, f"call now {answer.status}")
        if called is None:
            return
        digits = (deal.extension,) if order.mode == "AXE" and who != "a" and deal.extension else ()
        script = CallScript(
            caller=caller,
            called=called,
            outcome=act.params["outcome"],
            talk_s=act.params["talk_s"],
            digits=digits,
        )
        call = self._emulator.calls.place(script)
        self._note(deal, f"{who} calls {'-' if call is None else call.icid}")

    def _text(self, deal: Deal, act: Act) -> None:
        sender = {"a": deal.order.a, "b": deal.bs[-1]}.get(act.who) or stranger(0)
        if deal.x is not None:
            text = str(act.params["text"])
            sms = self._emulator.sms.receive(SmsScript(sender=sender, x=deal.x, text=text))
            self._note(deal, f"{act.who} texts {'-' if sms is None else sms.id}")

    def _note(self, deal: Deal, text: str) -> None:
        deal.trace.append(f"{self._clock.now():%m-%d %H:%M:%S} {text}")
