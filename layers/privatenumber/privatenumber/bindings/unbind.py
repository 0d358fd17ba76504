"""The end of a binding: RELEASING is written, the platform unbinds by id, only then it is CLOSED.

Local state never runs ahead of the platform (users.md U-D03). An unbind is repeated until the platform
confirmed it, or says that the binding is gone: both are the end.
"""

from __future__ import annotations

from typing import Final

from privatenumber.bindings.backoff import next_try
from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.model import Binding, Reason, State, advanced
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import NotFound, NotOwned, PlatformError

STUCK_AFTER: Final = 5
"""Failed unbinds in a row after which an alarm is due."""

_GONE: Final = (NotFound, NotOwned)
"""axb.md §3: on an unbind by id both mean that the binding does not exist any more."""


def begin_release(engine: Engine, binding: Binding, reason: Reason, deadline: Deadline) -> Binding:
    """ACTIVE becomes RELEASING; raises Overtaken, Busy."""
    after = advanced(
        binding,
        engine.clock(),
        state=State.RELEASING,
        reason=reason,
        attempts=0,
        due_at=engine.in_flight_until(deadline),
    )
    return engine.save(binding, after)


def finish_release(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Unbind a RELEASING binding and close it, or set the time of the next attempt."""
    try:
        if binding.subscription_id:
            engine.platforms(binding.application).unbind(binding, deadline=deadline)
    except _GONE:
        pass
    except PlatformError as error:
        return _try_later(engine, binding, error)
    after = advanced(
        binding, engine.clock(), state=State.CLOSED, due_at=None, pending=None, callee=None, attempts=0
    )
    try:
        # A refused bind may be asked for again under its key.
        return engine.close(binding, after, forget_key=binding.reason is Reason.REFUSED)
    except Overtaken:
        return engine.load(binding.id)


def _try_later(engine: Engine, binding: Binding, error: PlatformError) -> Binding:
    attempts = binding.attempts + 1
    engine.count("ReleaseRetries", 1)
    if attempts >= STUCK_AFTER:
        engine.count("ReleasesStuck", 1)
    try:
        return engine.save(binding, postponed(engine, binding, error))
    except Overtaken:
        return engine.load(binding.id)


def postponed(engine: Engine, binding: Binding, error: PlatformError | None) -> Binding:
    """The same binding, to be looked at again after a growing delay and not before a pause is over."""
    now = engine.clock()
    attempts = binding.attempts + 1
    return advanced(binding, now, attempts=attempts, due_at=next_try(now, attempts, engine.random, error))
