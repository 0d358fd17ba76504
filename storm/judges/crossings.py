"""No crossing, ever: looked at after each write of a binding, and at each call and SMS put through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.bindings.model import Binding
from storm.business import Deal
from storm.judges.verdict import Verdict
from storm.tables import Written

_FINAL: Final = frozenset({"CLOSED", "FAILED"})
Place = tuple[str, str]


@dataclass
class PlaceWatch:
    """Who stands on which X by the rows of bindings, moment by moment."""

    now: Callable[[], datetime]
    verdict: Verdict = field(
        default_factory=lambda: Verdict(
            "places", "a person stands on an X at most once, at every moment, in every unended binding"
        )
    )
    _holders: dict[Place, str] = field(default_factory=dict)

    def hear(self, written: Written) -> None:
        """A row was written."""
        if written.table != "BindingsTable" or written.key[1] != "BINDING":
            return
        binding = written.key[0]
        before, after = _places(written.old), _places(written.new)
        for place in before - after:
            if self._holders.get(place) == binding:
                del self._holders[place]
        for place in after:
            holder = self._holders.setdefault(place, binding)
            if holder != binding:
                self.verdict.broken(
                    f"{self.now():%m-%d %H:%M:%S}: {binding} and {holder} hold the same person on {place[0]}"
                )
        self.verdict.judged += 1


def _places(row: Mapping[str, Any] | None) -> set[Place]:
    if row is None or row["state"] in _FINAL or not row.get("x"):
        return set()
    people = {row["a_token"]}
    if row["mode"] != "AXYB":
        people |= {row.get("b_token"), *(partner["token"] for partner in row.get("partners", ()))}
        pending = row.get("pending") or {}
        people |= {pending.get("a_token"), pending.get("b_token")}
    if row["mode"] == "AX" or row.get("anyone"):
        people.add("anyone")
    return {(str(row["x"]), str(one)) for one in people if one}


def judge_calls(emulator: Emulator, deals: list[Deal], bindings: Sequence[Binding]) -> Verdict:
    """Whoever was connected to somebody stood in an order with him, on that number."""
    verdict = Verdict(
        "calls", "every call and SMS that was put through reached the other side of its own order"
    )
    known = _known(deals, bindings)
    reached: set[tuple[str, str, str]] = set()
    for call in sorted(emulator.calls.calls.values(), key=lambda one: one.call_in_at):
        if call.route is not None and call.started_at is not None:
            verdict.judged += 1
            way = (call.dialled, call.caller, call.route.destination)
            # Who calls his own X in AXE reaches whoever called him on it last (axe.md).
            back = call.mode == "AXE" and (way[0], way[2], way[1]) in reached
            if not back:
                _judge(verdict, known, *way, call.call_in_at)
            reached.add(way)
    for sms in emulator.sms.messages.values():
        if sms.receiver is not None and sms.arrived:
            verdict.judged += 1
            _judge(verdict, known, sms.x, sms.sender, sms.receiver, sms.received_at)
    return verdict


def _known(deals: list[Deal], bindings: Sequence[Binding]) -> dict[tuple[str, str], list[Deal]]:
    """The orders of each person on each number, those included whose business system was never told."""
    by_order = {deal.order.id: deal for deal in deals}
    found: dict[tuple[str, str], list[Deal]] = {}
    for binding in bindings:
        deal = by_order[binding.order]
        for x in {binding.x, deal.x, deal.y, *(partner.y for partner in binding.partners)} - {None, ""}:
            for somebody in {deal.order.a, deal.order.b, *deal.bs}:
                found.setdefault((str(x), somebody), []).append(deal)
    return found


def _judge(
    verdict: Verdict,
    known: Mapping[tuple[str, str], list[Deal]],
    dialled: str,
    caller: str,
    reached: str,
    at: datetime,
) -> None:
    candidates = known.get((dialled, reached), [])
    if not any(_belongs(deal, caller, reached, at) for deal in candidates):
        stories = [f"{deal.order.id}: {line}" for deal in candidates for line in deal.trace]
        verdict.broken(f"{at:%m-%d %H:%M:%S}: a call to {dialled} reached somebody it should not", stories)


def _belongs(deal: Deal, caller: str, reached: str, at: datetime) -> bool:
    a, others = deal.order.a, {deal.order.b, *deal.bs}
    pair = (caller == a and reached in others) or (caller in others and reached == a)
    open_to_all = deal.order.mode in ("AX", "AXE", "AXYB") and reached == a
    return (pair or open_to_all) and deal.asked_at is not None and deal.asked_at <= at
