"""Whoever was connected to somebody stood in an order with him, on that number, at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emulator.platform import Emulator
from privatenumber.bindings.model import Binding
from privatenumber.settings import Mode
from storm.deals import Deal
from storm.judges.crossings import Moments, took_part
from storm.judges.verdict import Verdict

_ABOUT: Final = timedelta(days=6)
_SECOND: Final = timedelta(seconds=1)
"""The platform tells the second in which a call or SMS came."""

_OPEN: Final = frozenset({"AX", "AXE", "AXYB"})
"""Whoever dials X of these reaches A."""

_NAMED_BY_A: Final = frozenset({"AX", "AXE"})
"""In these no binding names B."""

Tokens = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Way:
    """Something that was put through: when, whom it led from and to, and whether it may lead back."""

    at: datetime
    reached_at: datetime
    back: bool
    dialled: str
    sender: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An order on its numbers: from when until when the platform held it, None: nothing limits it there, and
    who took part in it by our books. ``contacts`` are those who were connected with A, in their order.
    """

    deal: Deal
    x: str | None
    begins: datetime | None
    ends: datetime | None
    people: Moments
    contacts: list[tuple[datetime, str]] = field(default_factory=list)

    def lets(self, way: Way, tokens: Tokens) -> bool:
        """Whether the order connects the two at that moment."""
        if self.begins is not None and self.begins > way.at + _SECOND:
            return False
        if self.ends is not None and self.ends < way.at:
            return False
        a, mode = self.deal.order.a, self.deal.order.mode
        if a not in (way.sender, way.receiver) or not self._takes_part(tokens(a), way.at):
            return False
        if way.receiver == a and way.dialled == self.x and mode in _OPEN:
            return True
        other = way.sender if way.receiver == a else way.receiver
        if way.back and way.sender == a and self._was_last(other, way):
            return True
        named = other in {self.deal.order.b, *self.deal.bs}
        return named and (mode in _NAMED_BY_A or self._takes_part(tokens(other), way.at))

    def _takes_part(self, token: str, at: datetime) -> bool:
        return took_part(self.people, token, at, _SECOND)

    def _was_last(self, other: str, way: Way) -> bool:
        """Whether he was connected with A last before that; in AX we are told so after a call, at best: there
        it may have been anybody before.
        """
        before = [(at, who) for at, who in self.contacts if at <= way.at + _SECOND]
        if self.deal.order.mode == "AXE" and before:
            latest = max(at for at, _ in before)
            before = [(at, who) for at, who in before if at >= latest - _SECOND]
        return other in {who for _, who in before}


def judge_calls(
    emulator: Emulator,
    deals: list[Deal],
    bindings: Sequence[Binding],
    people: Mapping[str, Moments],
    tokens: Tokens,
) -> Verdict:
    """Look at every connection that the emulator made, in their order."""
    verdict = Verdict(
        "calls", "every call and SMS that was put through reached the other side of its own order"
    )
    standings = _standings(emulator, deals, bindings, people)
    for way in sorted(_ways(emulator), key=lambda one: one.at):
        verdict.judged += 1
        found = next((one for one in standings.get(way.dialled, ()) if one.lets(way, tokens)), None)
        if found is None:
            verdict.broken(
                f"{way.at:%m-%d %H:%M:%S}: a call to {way.dialled} reached somebody it should not",
                [line for deal in deals for line in _story(deal, way)],
                way.at,
            )
            continue
        a = found.deal.order.a
        found.contacts.append((way.reached_at, way.sender if way.receiver == a else way.receiver))
    return verdict


def _ways(emulator: Emulator) -> Iterator[Way]:
    """Everything that was put through."""
    for call in emulator.calls.calls.values():
        if call.route is not None and call.started_at is not None:
            yield Way(
                call.call_in_at,
                call.started_at,
                call.mode == "AXE",
                call.dialled,
                call.caller,
                call.route.destination,
            )
    for sms in emulator.sms.messages.values():
        if sms.receiver is not None and sms.arrived:
            yield Way(sms.received_at, sms.received_at, sms.mode == "AX", sms.x, sms.sender, sms.receiver)


def _standings(
    emulator: Emulator,
    deals: list[Deal],
    bindings: Sequence[Binding],
    people: Mapping[str, Moments],
) -> dict[str, list[Standing]]:
    """The orders of each number, those included whose business system was never told."""
    by_order = {deal.order.id: deal for deal in deals}
    lives = _lives(emulator)
    found: dict[str, list[Standing]] = {}
    for binding in bindings:
        deal, life = by_order[binding.order], lives.get(binding.subscription_id or "")
        if life is None and binding.mode is not Mode.X:
            # The platform never held it: nobody can be connected by it.
            continue
        begins, ends = life or (None, None)
        standing = Standing(deal, binding.x or None, begins, ends, people.get(binding.id, []))
        ys = (partner.y for partner in binding.partners)
        for number in {binding.x, *ys, deal.y if deal.binding_id == binding.id else None}:
            if number:
                found.setdefault(number, []).append(standing)
    return found


def _lives(emulator: Emulator) -> dict[str, tuple[datetime | None, datetime | None]]:
    """From when until when the platform held each binding, by subscriptionId."""
    books = emulator.books
    kept = {one.subscription_id: (one.bound_at, one.ended_at) for one in books.kept_bindings()}
    pairs = {one.subscription_id: (one.bound_at or one.started_at, one.ended_at) for one in books.bindings()}
    return {**kept, **pairs}


def _story(deal: Deal, way: Way) -> list[str]:
    """What an order says for or against a call, if it was about its time and one of the two takes part."""
    roles = {deal.order.a: "A", **dict.fromkeys([deal.order.b, *deal.bs], "B")}
    if not roles.keys() & {way.sender, way.receiver}:
        return []
    if deal.asked_at is None or abs(deal.asked_at - way.at) > _ABOUT:
        return []
    part = f"caller is {roles.get(way.sender, '-')}, reached is {roles.get(way.receiver, '-')}"
    head = (
        f"{deal.order.id} ({deal.order.mode}) on {deal.x}: {part}, binding {deal.binding_id}, {deal.gave_up}"
    )
    return [head, *(f"    {line}" for line in deal.trace)]
