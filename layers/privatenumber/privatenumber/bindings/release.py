"""What DELETE and the due time do to a binding in whatever state it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from privatenumber.bindings.attempt import look_up
from privatenumber.bindings.change import resume_change
from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.errors import Busy, InvalidRequest
from privatenumber.bindings.model import Binding, Reason, State, advanced
from privatenumber.bindings.partners import resume_partners
from privatenumber.bindings.settle import settle
from privatenumber.bindings.unbind import begin_release, finish_release, postponed
from privatenumber.bindings.waiting import Ending, check_wait, next_look, put_off
from privatenumber.deadline import Deadline

_ROUNDS: Final = 5


LONGEST_GRACE_S: Final = 86_400


def release(engine: Engine, binding_id: str, ending: Ending, deadline: Deadline) -> Binding:
    """End a binding; idempotent. Raises BindingNotFound, InvalidRequest, Busy.

    With a grace it lives on for so many seconds, so that a return call still reaches somebody (users.md
    U-N10). With a wait, a call that is under way at its end is waited for (C-133).
    """
    if not 0 <= ending.grace_s <= LONGEST_GRACE_S:
        raise InvalidRequest("grace_seconds", f"must be 0 to {LONGEST_GRACE_S} (one day)")
    check_wait(ending.wait_s, "wait_seconds")
    for _ in range(_ROUNDS):
        binding = engine.load(binding_id)
        if ending.reason is Reason.MOVED and binding.reason:
            # Whoever ends it for another reason must be able to tell.
            return binding
        try:
            if binding.state is State.ACTIVE and (later := _ends_later(engine, binding, ending)):
                return later
            return _release(engine, binding, ending.reason, deadline)
        except Overtaken:
            continue
    raise Busy


def step(engine: Engine, binding_id: str, deadline: Deadline) -> Binding:
    """Do the next step of a binding that is due by the engine's clock; nothing when it is not.

    A claim moves the due time, so of several workers with the same message one works.
    Raises BindingNotFound, Busy.
    """
    binding = engine.load(binding_id)
    if not _is_due(engine, binding):
        return binding
    try:
        return _step(engine, binding, deadline)
    except Overtaken:
        return engine.load(binding_id)
    except InvalidRequest:
        # The application is not configured any more: a message that fails for ever would help nobody.
        engine.count("ApplicationsMissing", 1)
        return _put_off(engine, binding_id)


def _release(engine: Engine, binding: Binding, reason: Reason, deadline: Deadline) -> Binding:
    if binding.state.final:
        return binding
    if binding.state is State.ACTIVE:
        return finish_release(engine, begin_release(engine, binding, reason, deadline), deadline)
    if binding.state is State.RELEASING:
        return _step(engine, binding, deadline) if _is_due(engine, binding) else binding
    return _withdraw(engine, binding, reason, deadline)


def _ends_later(engine: Engine, binding: Binding, ending: Ending) -> Binding | None:
    """The binding with its end written down, where it does not end at once."""
    now = engine.clock()
    if ending.grace_s and binding.settled:
        if binding.reason:
            return binding
        after = ending.of(binding, now)
        return put_off(engine, binding, after, after.rests_until)
    after = replace(ending, grace_s=0).of(binding, now)
    look = next_look(engine, after)
    return put_off(engine, binding, after, look) if look else None


def _withdraw(engine: Engine, binding: Binding, reason: Reason, deadline: Deadline) -> Binding:
    """Mark an intent as not wanted; end it now if its outcome can be known now, else the worker does."""
    if binding.reason is None:
        binding = engine.save(binding, advanced(binding, engine.clock(), reason=reason))
    if _is_due(engine, binding):
        return _step(engine, binding, deadline)
    return look_up(engine, binding, deadline)


def _step(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    if binding.state is State.ACTIVE and binding.settled and binding.rests_until > engine.clock():
        # A call postponed its end.
        return engine.save(binding, advanced(binding, engine.clock(), due_at=binding.rests_until))
    if binding.state is State.ACTIVE and (binding.settled or _is_over(engine, binding)):
        if look := next_look(engine, binding):
            return engine.save(binding, advanced(binding, engine.clock(), due_at=look))
        ending = begin_release(engine, binding, _why(engine, binding), deadline)
        return finish_release(engine, ending, deadline)
    claimed = engine.save(binding, advanced(binding, engine.clock(), due_at=engine.in_flight_until(deadline)))
    if claimed.state is State.REQUESTED:
        return settle(engine, claimed, deadline)
    if claimed.state is State.ACTIVE:
        resume = resume_change if claimed.pending else resume_partners
        return resume(engine, claimed, deadline)
    return finish_release(engine, claimed, deadline)


def _why(engine: Engine, binding: Binding) -> Reason:
    """Why an ACTIVE binding ends that is due."""
    ran_out = binding.ends_at <= engine.clock() or not binding.settled
    return binding.reason or (Reason.EXPIRED if ran_out else Reason.IDLE)


def _put_off(engine: Engine, binding_id: str) -> Binding:
    binding = engine.load(binding_id)
    try:
        return binding if binding.state.final else engine.save(binding, postponed(engine, binding, None))
    except Overtaken:
        return binding


def _is_due(engine: Engine, binding: Binding) -> bool:
    return binding.due_at is not None and binding.due_at <= engine.clock()


def _is_over(engine: Engine, binding: Binding) -> bool:
    """Tell whether its end has come, and that of a prolongation under way too."""
    ends = [terms.ends_at for terms in (binding.terms, binding.pending) if terms]
    return max(ends) <= engine.clock()
