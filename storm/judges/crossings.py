"""No crossing, ever: looked at after each write of a binding, and at each call and SMS put through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.bindings.model import Binding
from storm.deals import Deal
from storm.judges.verdict import Verdict
from storm.tables import Written

_FINAL: Final = frozenset({"CLOSED", "FAILED"})
Place = tuple[str, str]
_ABOUT: Final = timedelta(days=6)


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
    for at, back, *way in sorted(_connections(emulator)):
        verdict.judged += 1
        dialled, sender, receiver = way
        # A who calls his own X in AXE, or texts it in AX, reaches whoever reached him on it last.
        if not (back and (dialled, receiver, sender) in reached):
            _judge(verdict, known, deals, dialled, sender, receiver, at)
        reached.add((dialled, sender, receiver))
    return verdict


def _connections(emulator: Emulator) -> Iterator[tuple[datetime, bool, str, str, str]]:
    """Everything that was put through: when, whether its way may lead back, X, from whom and to whom."""
    for call in emulator.calls.calls.values():
        if call.route is not None and call.started_at is not None:
            yield call.call_in_at, call.mode == "AXE", call.dialled, call.caller, call.route.destination
    for sms in emulator.sms.messages.values():
        if sms.receiver is not None and sms.arrived:
            yield sms.received_at, sms.mode == "AX", sms.x, sms.sender, sms.receiver


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
    deals: list[Deal],
    dialled: str,
    caller: str,
    reached: str,
    at: datetime,
) -> None:
    candidates = known.get((dialled, reached), [])
    if not any(_belongs(deal, caller, reached, at) for deal in candidates):
        verdict.broken(
            f"{at:%m-%d %H:%M:%S}: a call to {dialled} reached somebody it should not",
            [line for deal in deals for line in _story(deal, caller, reached, at)],
        )


def _story(deal: Deal, caller: str, reached: str, at: datetime) -> list[str]:
    """What an order says for or against a call, if it was about its time and one of the two takes part."""
    roles = {deal.order.a: "A", **dict.fromkeys([deal.order.b, *deal.bs], "B")}
    if not roles.keys() & {caller, reached} or deal.asked_at is None or abs(deal.asked_at - at) > _ABOUT:
        return []
    part = f"caller is {roles.get(caller, '-')}, reached is {roles.get(reached, '-')}"
    head = (
        f"{deal.order.id} ({deal.order.mode}) on {deal.x}: {part}, binding {deal.binding_id}, {deal.gave_up}"
    )
    return [head, *(f"    {line}" for line in deal.trace)]


def _belongs(deal: Deal, caller: str, reached: str, at: datetime) -> bool:
    a, others = deal.order.a, {deal.order.b, *deal.bs}
    pair = (caller == a and reached in others) or (caller in others and reached == a)
    open_to_all = deal.order.mode in ("AX", "AXE", "AXYB") and reached == a
    return (pair or open_to_all) and deal.asked_at is not None and deal.asked_at <= at
