"""What the rows of a running call say together, as far as rules need it: a function of the set of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from privatenumber.platform.pushes import EventType
from privatenumber.store.call_rules import KIND as RULE
from privatenumber.store.call_rules import Act
from privatenumber.times import from_iso

#: Events of the second leg: they name the real callee (notifications.md §4.3).
_SECOND_LEG: Final = (EventType.CALLOUT.value, EventType.ALERTING.value, EventType.ANSWER.value)


@dataclass(frozen=True, slots=True)
class CallSoFar:
    """People and the number dialled are tokens; what no row says is None."""

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


def call_so_far(rows: Iterable[Mapping[str, Any]]) -> CallSoFar:
    """Put the rows of one call together; contradicting ones beside the first do not count."""
    facts = [row for row in rows if "variant" not in row.get("flags", ())]
    events = {row["event"]: row for row in facts if row["kind"] == "event"}
    decision = next((row for row in facts if row["kind"] == "decision"), {})
    first = events.get(EventType.CALLIN.value, {})
    legs = [events[name] for name in _SECOND_LEG if name in events]
    answer = events.get(EventType.ANSWER.value)
    return CallSoFar(
        caller=first.get("caller"),
        x=first.get("called"),
        callee=next((leg["called"] for leg in legs if "called" in leg), None),
        came_at=_moment(first) if first else None,
        answered_at=_moment(answer) if answer else None,
        subscription_id=next(
            (event["subscription_id"] for event in (first, *legs) if "subscription_id" in event), None
        ),
        binding_id=decision.get("binding_id"),
        order=decision.get("order"),
        x_number=decision.get("x"),
        over=EventType.DISCONNECT.value in events or any(row["kind"] == "cdr" for row in facts),
        stopped=any(row["kind"] == RULE and Act(row["act"]).final for row in facts),
    )


def _moment(row: Mapping[str, Any]) -> datetime:
    return from_iso(row["at"] if "at" in row else row["received_at"])
