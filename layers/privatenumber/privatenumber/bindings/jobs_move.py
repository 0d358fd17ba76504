"""An order leaves its X: it is bound on another one first, and only then the old binding is released.

Nobody is without a number at any moment; for a while both reach the right people. An end that somebody else
brings about meanwhile ends the new binding too.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.bindings.commands import BindCommand, Replaced
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import BindingError, BindingNotFound, InvalidRequest
from privatenumber.bindings.jobs_model import Task
from privatenumber.bindings.jobs_outcomes import NOT_BOUND, Failed, Outcome, Wait, shown, told
from privatenumber.bindings.model import MIN_LIFE_S, Binding, PartnerState, Party, Reason, State, Terms
from privatenumber.bindings.release import LONGEST_GRACE_S
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.service import BindingService
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.settings import Mode

_RESERVE_S: Final = 60
"""One that ends so soon, beyond the shortest life of a new one, is left to its end."""


def move(engine: Engine, task: Task, old: Binding, deadline: Deadline) -> Outcome:
    """Bring the order of a binding to another X."""
    new = _made(engine, task)
    if new is None:
        if outcome := _stays(task, old, engine.clock()):
            return outcome
        command = same_elsewhere(old, task.key)
        new = BindingService(engine).bind(command, deadline=deadline).binding
    if new.state is State.FAILED:
        return Failed(NOT_BOUND, {"code": new.failure_code, "binding_id": old.id, "order": old.order})
    if new.state is State.REQUESTED or not new.settled:
        return Wait(made=new.id)
    if new.reason is Reason.MOVED:
        return _undone(engine, old, new, deadline)
    try:
        new = _furnished(engine, old, new, deadline)
    except BindingError as error:
        outcome = told(error)
        if isinstance(outcome, Wait):
            return replace(outcome, made=new.id)
        return _undone(engine, old, new, deadline)
    return _take_leave(engine, old, new, deadline)


def _made(engine: Engine, task: Task) -> Binding | None:
    """The binding that this item has made before, whether or not that was written down."""
    identity = task.row.made
    if identity is None:
        key = token(engine.keyring, task.key, purpose="idempotency")
        now = int(engine.clock().timestamp())
        holder = engine.store.holder_of_key(task.job.application, key, now=now)
        identity = holder.binding_id if holder else None
    try:
        return engine.load(identity) if identity else None
    except BindingNotFound:
        return None


def _stays(task: Task, old: Binding, now: datetime) -> Outcome | None:
    """What to tell of a binding that need not move, or not now; None: it moves."""
    if old.state.final:
        return shown(old, "ended")
    if old.x != task.job.params["x"]:
        return shown(old, "not_concerned")
    if old.state is not State.ACTIVE or not old.settled:
        return Wait()
    if old.reason or old.rests_until <= now + timedelta(seconds=MIN_LIFE_S + _RESERVE_S):
        return shown(old, "ending")
    if not RULES[old.mode].names_x:
        raise InvalidRequest("move", f"does not exist in mode {old.mode.value}: the platform chooses X")
    return None


def same_elsewhere(old: Binding, key: str) -> BindCommand:
    """What would have to be asked for to get the same binding on another X."""
    features = old.features
    first = next(iter(_opposite(old)), None)
    return BindCommand(
        application=old.application,
        order=old.order,
        a=old.a.number,
        b=old.b.number if old.b else first,
        anyone=old.anyone,
        area=old.wanted_area,
        fallback_areas=old.cities if old.wanted_area else (),
        spread=old.spread,
        ends_at=old.ends_at,
        direction=old.direction,
        max_minutes=old.max_minutes,
        sms=features.sms,
        record_hint_tone=old.record_hint_tone,
        caller_tone=features.caller_tone,
        callee_tone=features.callee_tone,
        last_minute_tone=features.last_minute_tone,
        callback_number=features.callback_number,
        callback_tone=features.callback_tone,
        user_reference=old.user_reference,
        idle_seconds=old.idle_s,
        release_wait_seconds=old.waits_s,
        idempotency_key=key,
        replaces=Replaced(old.id, old.content_hash),
    )


def _opposite(binding: Binding) -> list[str]:
    """Numbers of the partners who stand there."""
    return [one.party.number for one in binding.partners if one.state is PartnerState.HELD]


def _furnished(engine: Engine, old: Binding, new: Binding, deadline: Deadline) -> Binding:
    """Bring along what came to the old binding since, and in X mode the other partners and the callee.

    Until it is released the old binding says what holds. Another party is refused, because it holds the
    order's pair with him.
    """
    if old.state.final or new.state is not State.ACTIVE:
        return new
    service = BindingService(engine)
    if old.terms != new.terms:
        new = service.change(new.id, deadline=deadline, **_differences(old, new))
    if new.mode is not Mode.X:
        return new
    for number in _opposite(old):
        new = service.add_partner(new.id, number, deadline=deadline).binding
    left = int((old.callee.until - engine.clock()).total_seconds()) if old.callee else 0
    if old.callee and left > 0 and new.callee is None:
        number, reference = old.callee.party.number, old.callee.reference
        new = service.set_callee(new.id, number, seconds=left, user_reference=reference, deadline=deadline)
    return new


def _differences(old: Binding, new: Binding) -> dict[str, Any]:
    """What a change of the new binding has to say for its terms to be those of the old one."""
    return {
        name: value.number if isinstance(value, Party) else value
        for one in fields(Terms)
        if (value := getattr(old.terms, name := one.name)) != getattr(new.terms, name) and value is not None
    }


def _undone(engine: Engine, old: Binding, new: Binding, deadline: Deadline) -> Outcome:
    """What came to the old binding meanwhile cannot be on the new X: the order stays where it is."""
    ended = BindingService(engine).release(new.id, reason=Reason.MOVED, deadline=deadline)
    if not ended.state.final:
        return Wait(made=new.id)
    why = "it was changed meanwhile in a way that the other X does not allow"
    return Failed("state-conflict", {"detail": why, "binding_id": old.id, "order": old.order})


def _take_leave(engine: Engine, old: Binding, new: Binding, deadline: Deadline) -> Outcome:
    if not new.settled:
        return Wait(made=new.id)
    service = BindingService(engine)
    old = service.release(old.id, reason=Reason.MOVED, wait_s=0, deadline=deadline)
    if old.reason is not Reason.MOVED:
        return _ended_otherwise(engine, old, new, deadline)
    if not old.state.final:
        return Wait(made=new.id)
    return shown(new, "moved", old_x=old.x, old_binding_id=old.id)


def _ended_otherwise(engine: Engine, old: Binding, new: Binding, deadline: Deadline) -> Outcome:
    """Somebody ended the old binding, now or after a grace: so ends the new one."""
    left = math.ceil((old.rests_until - engine.clock()).total_seconds())
    grace_s = min(max(left, 0), LONGEST_GRACE_S) if old.state is State.ACTIVE else 0
    reason = old.reason or Reason.DELETED
    ended = BindingService(engine).release(new.id, reason=reason, grace_s=grace_s, deadline=deadline)
    if ended.state.final or (ended.state is State.ACTIVE and ended.reason):
        return shown(old, "ended" if ended.state.final else "ending")
    return Wait(made=new.id)
