"""What the facts of a running call say together, as far as rules need it: a function of their set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privatenumber.platform.pushes import EventType
from privatenumber.store.call_facts import CallFacts
from privatenumber.store.call_rules import Act
from privatenumber.store.fact_rows import EventFact

#: Events of the second leg: they name the real callee (notifications.md §4.3).
_SECOND_LEG: Final = (EventType.CALLOUT.value, EventType.ALERTING.value, EventType.ANSWER.value)


@dataclass(frozen=True, slots=True)
class CallSoFar:
    """People and the number dialled are tokens; what no fact says is None."""

    caller: str | None = None
    x: str | None = None
    callee: str | None = None
    came_at: datetime | None = None
    answered_at: datetime | None = None
    subscription_id: str | None = None
    binding_id: str | None = None
    order: str | None = None
    x_number: str | None = None
    over: bool = False
    stopped: bool = False


def call_so_far(facts: CallFacts) -> CallSoFar:
    """Put the facts of one call together."""
    events = {fact.event: fact for fact in facts.events}
    decision = facts.decision
    first, answer = events.get(EventType.CALLIN.value), events.get(EventType.ANSWER.value)
    legs = [events[name] for name in _SECOND_LEG if name in events]
    named = [first, *legs] if first else legs
    return CallSoFar(
        caller=first.caller if first else None,
        x=first.called if first else None,
        callee=next((leg.called for leg in legs if leg.called), None),
        came_at=_moment(first),
        answered_at=_moment(answer),
        subscription_id=next((event.subscription_id for event in named if event.subscription_id), None),
        binding_id=decision.binding_id if decision else None,
        order=decision.order if decision else None,
        x_number=decision.x if decision else None,
        over=EventType.DISCONNECT.value in events or bool(facts.cdrs),
        stopped=any(Act(rule.act).final for rule in facts.rules),
    )


def _moment(event: EventFact | None) -> datetime | None:
    return (event.at or event.received_at) if event else None
