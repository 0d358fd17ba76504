"""A release that waits while a call of the binding is under way (checklist C-133).

The platform lets such a call go on when it unbinds (C-046), so the wait is a wish and no guard: it has an
end, and a fact that comes late or never only makes it shorter or longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import Binding, Reason, advanced

LONGEST_WAIT_S: Final = 14_400
"""A binding is released so long after its end at the latest."""

FIRST_LOOK_S: Final = 60
LAST_LOOK_S: Final = 300
"""Looks lie so far apart: the longer it has waited, the further."""

LONGEST_CALL: Final = timedelta(days=1)
"""One that began longer before the end has lost its hang-up: no call is looked at that is older."""

MOST_AHEAD: Final = timedelta(days=1)
"""The clock that stamps calls may be so far ahead of ours; one is held against the end as we heard of it."""

RINGING_S: Final = 300
"""The longest call is counted from the answer; so long it may have rung before."""


def check_wait(seconds: int | None, field: str) -> None:
    """Check how long a release may wait; raises InvalidRequest."""
    if seconds is not None and not 0 <= seconds <= LONGEST_WAIT_S:
        raise InvalidRequest(field, f"must be 0 to {LONGEST_WAIT_S} (four hours)")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a binding shall end: for what reason, after which grace, waiting how long for a call."""

    reason: Reason
    grace_s: int = 0
    wait_s: int | None = None
    """None: as long as the binding says."""

    def of(self, binding: Binding, now: datetime) -> Binding:
        """An ACTIVE binding with its end where this puts it; whatever comes earlier stays.

        A change under way ends with it: it must not bring a later end back.
        """
        end = min(binding.rests_until, now + timedelta(seconds=self.grace_s))
        terms = binding.terms if binding.rests_until <= end else replace(binding.terms, ends_at=end)
        pending = binding.pending and replace(binding.pending, ends_at=min(binding.pending.ends_at, end))
        return replace(
            binding,
            terms=terms,
            pending=pending,
            reason=binding.reason or self.reason,
            waits_s=self._waits_s(binding, now),
        )

    def _waits_s(self, binding: Binding, now: datetime) -> int:
        """A wait that has begun becomes shorter at most: asked for again it does not begin anew."""
        if self.wait_s is None:
            return binding.waits_s
        if self.wait_s == 0 or not binding.is_waiting(now):
            return self.wait_s
        waited = math.ceil((now - binding.rests_until).total_seconds())
        return min(binding.waits_s, waited + self.wait_s)


def next_look(engine: Engine, binding: Binding) -> datetime | None:
    """When to look again at a binding whose end has come; None: it is released now."""
    now = engine.clock()
    if not binding.is_waiting(now) or not _talking(engine, binding, now):
        return None
    waited = (now - binding.rests_until).total_seconds()
    pause = timedelta(seconds=min(max(FIRST_LOOK_S, waited / 4), LAST_LOOK_S))
    return min(now + pause, binding.waits_until)


def put_off(engine: Engine, before: Binding, ending: Binding, due_at: datetime) -> Binding:
    """Write that a binding waits; the same again writes nothing. Raises Overtaken, Busy."""
    if ending == before and before.due_at and before.due_at > engine.clock():
        return before
    after = advanced(
        before,
        engine.clock(),
        terms=ending.terms,
        pending=ending.pending,
        reason=ending.reason,
        waits_s=ending.waits_s,
        due_at=due_at,
    )
    return engine.save(before, after)


def _talking(engine: Engine, binding: Binding, now: datetime) -> bool:
    """Tell whether a call is under way that began before the end: a later one keeps nothing."""
    end = binding.rests_until
    since, until = end - LONGEST_CALL, end + MOST_AHEAD
    begun = engine.open_calls(binding.application, binding.id, since=since, until=until)
    return any(at <= end and _may_last(binding, at, now) for at in begun)


def _may_last(binding: Binding, begun: datetime, now: datetime) -> bool:
    """A call whose end nobody told cannot be longer than the platform lets it be."""
    longest = timedelta(minutes=binding.max_minutes, seconds=RINGING_S)
    return binding.max_minutes == 0 or now < begun + longest
