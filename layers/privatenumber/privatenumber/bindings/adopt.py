"""Writing down that the platform holds a binding: after its answer, or after it was found by a look-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.model import (
    PLATFORM_MAX_DURATION_S,
    Binding,
    Reason,
    State,
    advanced,
    platform_duration,
)
from privatenumber.bindings.records import to_record
from privatenumber.bindings.unbind import finish_release
from privatenumber.platform.axb import AxbModify, AxbRow
from privatenumber.platform.errors import PlatformError
from privatenumber.platform.transport import Deadline
from privatenumber.store.transactions import Contended, Refused

_ROUNDS: Final = 5


def is_wanted(binding: Binding, now: datetime) -> bool:
    """True while nobody asked for the end and the end has not come."""
    return binding.reason is None and binding.ends_at > now


def activate(engine: Engine, binding: Binding, subscription_id: str, deadline: Deadline) -> Binding:
    """REQUESTED becomes ACTIVE; what is not wanted any more is released at once.

    When the intent was given up or moved meanwhile, the late binding becomes one of its own that is released.
    """
    current = binding
    for _ in range(_ROUNDS):
        try:
            after = engine.save(current, _bound(engine, current, subscription_id, deadline))
        except Overtaken:
            current = engine.load(binding.id)
            if current.subscription_id == subscription_id:
                return current
            if current.state is not State.REQUESTED or current.x != binding.x:
                _release_stray(engine, binding, subscription_id, deadline)
                return current
        except Busy:
            break
        else:
            return finish_release(engine, after, deadline) if after.state is State.RELEASING else after
    # Stored as REQUESTED and due: the worker finds the binding at the platform and adopts it.
    return current


def adopt(engine: Engine, binding: Binding, row: AxbRow, deadline: Deadline, *, ours: bool) -> Binding:
    """Take over a binding of this pair that the platform holds on this X; REQUESTED in the answer: not yet.

    Unless it is ``ours`` and carries what we sent, it is brought to our terms first.
    """
    now = engine.clock()
    if is_wanted(binding, now) and not (ours and _carries_our_terms(binding, row)):
        duration = platform_duration(now, binding.ends_at, engine.margin_s)
        modify = AxbModify(
            subscription_id=row.subscription_id,
            direction=binding.direction,
            duration=duration,
            max_duration=binding.max_minutes,
            user_data=binding.user_reference,
        )
        try:
            engine.platforms(binding.application).modify_axb(modify, deadline=deadline)
        except PlatformError:
            return binding
    engine.count("Adopted", 1)
    return activate(engine, binding, row.subscription_id, deadline)


def _bound(engine: Engine, binding: Binding, subscription_id: str, deadline: Deadline) -> Binding:
    now = engine.clock()
    wanted = is_wanted(binding, now)
    return advanced(
        binding,
        now,
        state=State.ACTIVE if wanted else State.RELEASING,
        subscription_id=subscription_id,
        due_at=binding.ends_at if wanted else engine.in_flight_until(deadline),
        reason=None if wanted else binding.reason or Reason.EXPIRED,
        in_flight_until=None,
        attempts=0,
    )


def _carries_our_terms(binding: Binding, row: AxbRow) -> bool:
    """The duration sent follows from the moment of sending, and that lies in the intent's own window."""
    if (row.direction, row.max_duration) != (binding.direction, binding.max_minutes):
        return False
    if row.duration == PLATFORM_MAX_DURATION_S or not (binding.platform_ends_at and binding.in_flight_until):
        return False
    slack = timedelta(seconds=2)
    earliest = binding.platform_ends_at - timedelta(seconds=row.duration)
    return binding.created_at - slack <= earliest <= binding.in_flight_until + slack


def _release_stray(engine: Engine, intent: Binding, subscription_id: str, deadline: Deadline) -> None:
    """Give a binding that came too late a record of its own, so that its release is not forgotten either."""
    engine.count("StrayBindings", 1)
    now = engine.clock()
    stray = replace(
        intent,
        id=engine.new_id(),
        state=State.RELEASING,
        version=1,
        created_at=now,
        updated_at=now,
        due_at=engine.in_flight_until(deadline),
        in_flight_until=None,
        subscription_id=subscription_id,
        idempotency=None,
        reason=Reason.LOST,
        attempts=0,
    )
    try:
        engine.store.create_stray(to_record(stray, engine.keyring))
    except (Refused, Contended):
        # Without a record it is still unbound now; drift repair is the last net.
        engine.count("StrayBindingsUnrecorded", 1)
    finish_release(engine, stray, deadline)
