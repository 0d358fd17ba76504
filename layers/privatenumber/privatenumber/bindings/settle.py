"""Finding out what became of a requested binding whose outcome nobody wrote down (result-codes.md §5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from privatenumber.bindings.adopt import adopt, is_wanted
from privatenumber.bindings.attempt import attempt, fail, find
from privatenumber.bindings.backoff import PAUSES
from privatenumber.bindings.engine import Engine, life_s, names_x, platform_end
from privatenumber.bindings.model import MIN_LIFE_S, Binding, State, advanced
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.unbind import postponed
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import PlatformError

WITHDRAWN: Final = "withdrawn"
EXPIRED: Final = "expired"
UNSETTLED: Final = "unsettled"
"""Failure codes of ours: deleted before it was bound, its time is over, three requests came to nothing."""


def settle(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Adopt what the platform holds, else bind again or give up. The caller has claimed the binding.

    Never binds while an earlier request may still be on its way. Raises Overtaken, Busy.
    """
    try:
        held = find(engine, binding, deadline)
    except PlatformError as error:
        return engine.save(binding, postponed(engine, binding, error))
    if held:
        engine.count("Recovered", 1)
        adopted = adopt(engine, binding, held, deadline, ours=True)
        if adopted.state is State.REQUESTED and adopted.version == binding.version:
            return engine.save(binding, postponed(engine, binding, None))
        return adopted
    now = engine.clock()
    if binding.in_flight_until and now < binding.in_flight_until:
        return engine.save(binding, advanced(binding, now, due_at=binding.in_flight_until))
    if not names_x(binding):
        # What the lost request may have bound cannot be found: it holds an X until its own life ends.
        engine.count("BindingsStranded", 1)
    if code := _why_not_again(engine, binding):
        engine.count("Recovered", 1)
        return fail(engine, binding, code)
    return _bind_again(engine, binding, deadline)


def _why_not_again(engine: Engine, binding: Binding) -> str | None:
    now = engine.clock()
    if binding.reason:
        return WITHDRAWN
    if not is_wanted(binding, now + timedelta(seconds=MIN_LIFE_S)):
        return EXPIRED
    most = RULES[binding.mode].max_binds(named=names_x(binding))
    return UNSETTLED if binding.binds >= most else None


def _bind_again(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    now = engine.clock()
    in_flight = engine.in_flight_until(deadline)
    claimed = advanced(
        binding,
        now,
        binds=binding.binds + 1,
        due_at=in_flight,
        in_flight_until=in_flight,
        platform_ends_at=platform_end(now, life_s(engine, binding)),
    )
    outcome = attempt(engine, engine.save(binding, claimed), deadline)
    after, refusal = outcome.binding, outcome.refusal
    if refusal is None:
        if after.state is State.ACTIVE:
            engine.count("Recovered", 1)
        return after
    if isinstance(refusal, PAUSES):
        # Not executed: the request does not count.
        return engine.save(after, replace(postponed(engine, after, refusal), binds=after.binds - 1))
    return fail(engine, after, refusal.code or refusal.outcome.value)
