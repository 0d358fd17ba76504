"""Writing down that the platform holds a binding: after its answer, or after it was found by a look-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.bindings.engine import Engine, Overtaken, life_s, told
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.gateway import Bound, Held
from privatenumber.bindings.model import Binding, PartnerState, Reason, State, advanced
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.unbind import finish_release
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import PlatformError
from privatenumber.store.transactions import Contended, Refused

_ROUNDS: Final = 5


def is_wanted(binding: Binding, now: datetime) -> bool:
    """True while nobody asked for the end and the end has not come."""
    return binding.reason is None and binding.ends_at > now


def activate(engine: Engine, binding: Binding, bound: Bound, deadline: Deadline) -> Binding:
    """REQUESTED becomes ACTIVE; what is not wanted any more is released at once.

    When the intent was given up or moved meanwhile, the late binding becomes one of its own that is released.
    """
    current = binding
    for _ in range(_ROUNDS):
        try:
            after = _save(engine, current, _bound(engine, current, bound, deadline))
        except Overtaken:
            current = engine.load(binding.id)
            if current.subscription_id == bound.subscription_id:
                return current
            if current.state is not State.REQUESTED or current.x != binding.x:
                _release_stray(engine, binding, bound, deadline)
                return current
        except Busy:
            break
        else:
            return finish_release(engine, after, deadline) if after.state is State.RELEASING else after
    # Stored as REQUESTED and due: the worker finds the binding at the platform and adopts it.
    return current


def adopt(engine: Engine, binding: Binding, held: Held, deadline: Deadline, *, ours: bool) -> Binding:
    """Take over what the platform holds of these people on this X; REQUESTED in the answer: not yet.

    Unless it is ``ours`` and carries what we sent, it is brought to our terms first.
    """
    if is_wanted(binding, engine.clock()) and not (ours and _carries_our_terms(binding, held)):
        life = life_s(engine, binding)
        try:
            engine.platforms(binding.application).impose(
                binding, held.subscription_id, life, deadline=deadline
            )
        except PlatformError:
            return binding
    engine.count("Adopted", 1)
    return activate(engine, binding, Bound(held.subscription_id), deadline)


def _bound(engine: Engine, binding: Binding, bound: Bound, deadline: Deadline) -> Binding:
    now = engine.clock()
    wanted = is_wanted(binding, now)
    in_flight = engine.in_flight_until(deadline)
    complete = all(partner.state is PartnerState.HELD for partner in binding.partners)
    return advanced(
        binding,
        now,
        state=State.ACTIVE if wanted else State.RELEASING,
        subscription_id=bound.subscription_id,
        due_at=binding.rests_until if wanted and complete else in_flight,
        reason=None if wanted else binding.reason or Reason.EXPIRED,
        in_flight_until=None if complete else in_flight,
        attempts=0,
        **_chosen(engine, binding, bound),
    )


def _chosen(engine: Engine, binding: Binding, bound: Bound) -> dict[str, Any]:
    """The X that the platform chose, with the digits; of one that is not registered here no city is known."""
    if binding.x or not bound.x:
        return {}
    number = engine.numbers.get(bound.x)
    known = number is not None and number.application == binding.application
    if not known:
        engine.count("UnregisteredNumbersBound", 1)
    return {
        "x": bound.x,
        "area": number.area_code if number and known else binding.area,
        "extension": bound.extension or binding.extension,
        "uncounted": not known,
    }


def _save(engine: Engine, before: Binding, after: Binding) -> Binding:
    """Write what a bind made of the intent, with its place on the X that the platform chose, if it did."""
    if after.x == before.x:
        return engine.save(before, after)
    record = engine.record(after)
    try:
        with told():
            engine.store.arrive(record, seen=before.version)
    except Refused:
        # The number has just changed hands: look again.
        raise Overtaken from None
    if record.counted:
        engine.store.take_out_when_full(record.x, record.capacity)
    return after


def _carries_our_terms(binding: Binding, held: Held) -> bool:
    """The duration sent follows from the moment of sending, and that lies in the intent's own window."""
    told = ((held.direction, binding.direction), (held.max_minutes, binding.max_minutes))
    if any(theirs not in (None, ours) for theirs, ours in told):
        return False
    life = RULES[binding.mode].life
    if life is None:
        return True
    if held.duration in (None, life.most_s) or not (binding.platform_ends_at and binding.in_flight_until):
        return False
    slack = timedelta(seconds=life.step_s + 1)
    earliest = binding.platform_ends_at - timedelta(seconds=held.duration)
    return binding.created_at - slack <= earliest <= binding.in_flight_until + slack


def _release_stray(engine: Engine, intent: Binding, bound: Bound, deadline: Deadline) -> None:
    """Give a binding that came too late a record of its own, so that its release is not forgotten either."""
    engine.count("StrayBindings", 1)
    now = engine.clock()
    stray = replace(
        intent,
        id=engine.new_id("b"),
        state=State.RELEASING,
        version=1,
        created_at=now,
        updated_at=now,
        due_at=engine.in_flight_until(deadline),
        in_flight_until=None,
        subscription_id=bound.subscription_id,
        partners=(),
        idempotency=None,
        reason=Reason.LOST,
        attempts=0,
        **{**_chosen(engine, intent, bound), "extension": None},
    )
    try:
        engine.store.create_stray(engine.record(stray))
    except (Refused, Contended):
        # Without a record it is still unbound now; drift repair is the last net.
        engine.count("StrayBindingsUnrecorded", 1)
    finish_release(engine, stray, deadline)
