"""Bulk jobs of business systems: some orders are bound together in one job, and released by another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from emulator.clock import Scheduler
from storm.deals import AGAIN_S, Answer, Ask, Deal, bind_body
from storm.orders import person
from storm.platform import application_id

_LOOK_S: Final = 120.0
_LOOKS: Final = 240


@dataclass
class Bulk:
    """One job: what it was to do for which deals, its id once it was taken, and how it ended."""

    kind: str
    deals: list[Deal]
    id: str | None = None
    last: Mapping[str, Any] = field(default_factory=dict)
    items: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the system has learned that it is over."""
        return bool(self.items)


@dataclass
class Bulks:
    """Plays jobs. ``bound`` goes on with a deal whose binding was read."""

    clock: Scheduler
    ask: Ask
    bound: Callable[[Deal, Mapping[str, Any]], None]
    jobs: list[Bulk] = field(default_factory=list)

    def bind(self, deal: Deal) -> list[Deal]:
        """Bind an order together with its mates; returns the deals of these."""
        now, order = self.clock.now(), deal.order
        mates = [
            Deal(replace(order, a=person(a), b=person(b), acts=(), part=part), asked_at=now)
            for part, (a, b) in enumerate(order.mates, 1)
        ]
        deal.asked_at = now
        deals = [deal, *mates]
        items = [
            {name: value for name, value in bind_body(one.order).items() if name != "application"}
            for one in deals
        ]
        self._send(Bulk("bind", deals), items, 0)
        self.clock.at(now + timedelta(seconds=order.life_s * 0.8), self._releasing(deals), "bulk")
        return mates

    def _releasing(self, deals: list[Deal]) -> Callable[[], Any]:
        async def release() -> None:
            living = [deal for deal in deals if deal.active and deal.release_asked_at is None]
            for deal in living:
                deal.release_asked_at = self.clock.now()
            if living:
                items = [{"binding_id": deal.binding_id or ""} for deal in living]
                self._send(Bulk("release", living), items, 0)

        return release

    def _send(self, bulk: Bulk, items: list[dict[str, Any]], attempt: int) -> None:
        if not attempt:
            self.jobs.append(bulk)
        lead = bulk.deals[0].order
        body = {"kind": bulk.kind, "application": application_id(lead.mode), "items": items}
        answer = self.ask("POST /jobs", body=body, key=f"{bulk.kind} {lead.id}")
        if answer.status == 202:
            bulk.id = answer.body["id"]
            self._later(_LOOK_S, lambda: self._look(bulk, 0))
        elif answer.repeatable and attempt < len(AGAIN_S):
            self._later(AGAIN_S[attempt], lambda: self._send(bulk, items, attempt + 1))
        else:
            for deal in bulk.deals:
                deal.gave_up = deal.gave_up or f"no job: {answer.status}"

    def _look(self, bulk: Bulk, looks: int) -> None:
        found = self._get("GET /jobs/{job}", bulk)
        if found.status == 200:
            bulk.last = found.body
        if found.status == 200 and found.body["state"] in ("finished", "cancelled", "failed"):
            listed = self._get("GET /jobs/{job}/items", bulk)
            if listed.status == 200:
                bulk.items = list(listed.body["items"])
                self._ended(bulk)
                return
        if looks < _LOOKS:
            self._later(_LOOK_S, lambda: self._look(bulk, looks + 1))

    def _get(self, route: str, bulk: Bulk) -> Answer:
        return self.ask(route, path={"job": bulk.id or ""})

    def _ended(self, bulk: Bulk) -> None:
        for item in bulk.items:
            deal = bulk.deals[int(item["n"])]
            if item["state"] != "done":
                deal.gave_up = f"{bulk.kind} item: {item['problem']}"
            elif bulk.kind == "bind":
                self._read(deal, item["result"]["binding_id"], 0)
            else:
                deal.released_at, deal.release_taken = self.clock.now(), True

    def _read(self, deal: Deal, binding_id: str, attempt: int) -> None:
        answer = self.ask("GET /bindings/{id}", path={"id": binding_id})
        if answer.status == 200 and answer.body["state"] == "ACTIVE":
            self.bound(deal, answer.body)
        elif answer.repeatable and attempt < len(AGAIN_S):
            self._later(AGAIN_S[attempt], lambda: self._read(deal, binding_id, attempt + 1))
        else:
            deal.gave_up = f"bound in bulk, and then {answer.status} {answer.body.get('state', '')}"

    def _later(self, after_s: float, action: Callable[[], None]) -> None:
        async def run() -> None:
            action()

        self.clock.after(after_s, run, "bulk")
