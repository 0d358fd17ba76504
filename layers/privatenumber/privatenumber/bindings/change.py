"""Changing a binding that lives: its end, its direction, its longest call, one of its parties. X stays.

The new party's place is taken before the platform is asked and the old one's is free only afterwards; the
change under way stands in the binding until it is known whether the platform carried it out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from privatenumber.bindings.attempt import UNKNOWN
from privatenumber.bindings.backoff import PAUSES
from privatenumber.bindings.checks import check_end, check_partner, check_terms, read_party
from privatenumber.bindings.engine import Engine, Overtaken, life_s, platform_end, told
from privatenumber.bindings.errors import (
    InvalidRequest,
    OrderConflict,
    PartyConflict,
    StateConflict,
    refusal,
)
from privatenumber.bindings.gateway import Held
from privatenumber.bindings.model import Binding, Callee, Reason, State, Terms, advanced
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.unbind import begin_release, finish_release, postponed
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import Conflict, NotFound, PlatformError
from privatenumber.store.holdings import PAIR, PLACE
from privatenumber.store.transactions import Refused


@dataclass(frozen=True, slots=True)
class ChangeCommand:
    """What shall be different; None = unchanged. Numbers in any form of numbers.md §1.3."""

    ends_at: datetime | None = None
    a: str | None = None
    b: str | None = None
    direction: int | None = None
    max_minutes: int | None = None

    def __repr__(self) -> str:
        return "ChangeCommand(...)"


@dataclass(frozen=True, slots=True)
class _Outcome:
    binding: Binding
    refusal: PlatformError | None = None


def change(engine: Engine, binding_id: str, command: ChangeCommand, deadline: Deadline) -> Binding:
    """Change an ACTIVE binding; see `BindingService.change`."""
    binding = engine.load(binding_id)
    terms = _changed_terms(engine, binding, command)
    if terms == binding.terms:
        return binding
    try:
        if not _platform_must_know(engine, binding, terms):
            due_at = replace(binding, terms=terms).rests_until
            return engine.save(binding, advanced(binding, engine.clock(), terms=terms, due_at=due_at))
        outcome = _carry_out(engine, _hold(engine, binding, terms, deadline), deadline)
    except Overtaken:
        raise StateConflict(binding.state, "somebody else is changing it", retry_after_s=1) from None
    if isinstance(outcome.refusal, Conflict):
        raise PartyConflict("b" if terms.a == binding.a else "a") from outcome.refusal
    if outcome.refusal:
        raise refusal(outcome.refusal, binding.id, engine.clock())
    if outcome.binding.state is not State.ACTIVE:
        raise StateConflict(outcome.binding.state, "it ended meanwhile")
    return outcome.binding


def resume_change(engine: Engine, binding: Binding, deadline: Deadline) -> Binding:
    """Finish a change that was interrupted; the caller has claimed the binding. Raises Overtaken, Busy."""
    engine.count("Recovered", 1)
    return _carry_out(engine, binding, deadline, patient=True).binding


def _changed_terms(engine: Engine, binding: Binding, command: ChangeCommand) -> Terms:
    """The terms that are asked for; raises StateConflict, InvalidRequest."""
    now = engine.clock()
    _check_state(binding, now)
    rules = RULES[binding.mode]
    asked = {one.name: value for one in fields(command) if (value := getattr(command, one.name)) is not None}
    for name in asked.keys() - rules.changeable:
        raise InvalidRequest(name, f"cannot be changed in mode {binding.mode.value}")
    for name in asked.keys() & {"a", "b"}:
        asked[name] = read_party(asked[name], name, engine.keyring)
    terms = replace(binding.terms, **asked)
    if command.ends_at is not None:
        check_end(command.ends_at, now, rules)
    check_terms(terms, binding.x)
    for partner in binding.partners:
        check_partner(partner.party, terms.a, binding.x)
    if not rules.prolonged and _too_near(engine, binding, terms):
        raise InvalidRequest(
            "ends_at",
            f"cannot lie that far ahead: in mode {binding.mode.value} the platform keeps the end of the bind",
        )
    return terms


def _check_state(binding: Binding, now: datetime) -> None:
    if binding.state is State.REQUESTED:
        raise StateConflict(binding.state, "the platform has not confirmed it yet", retry_after_s=30)
    if binding.state is not State.ACTIVE or binding.ends_at <= now:
        raise StateConflict(binding.state, "it has ended")
    if binding.reason:
        raise StateConflict(binding.state, "it is about to end")
    if not binding.settled:
        raise StateConflict(binding.state, "another change is not finished yet", retry_after_s=30)


def _platform_must_know(engine: Engine, binding: Binding, terms: Terms) -> bool:
    """Tell whether more changes than our own end, or an end too near to the platform's.

    Without a platform (X mode) it is enough for new people to be held first.
    """
    if not RULES[binding.mode].at_platform:
        return terms.people != binding.terms.people
    return replace(terms, ends_at=binding.ends_at) != binding.terms or _too_near(engine, binding, terms)


def _too_near(engine: Engine, binding: Binding, terms: Terms) -> bool:
    """Tell whether the platform would end the binding with less than half the margin behind our end."""
    if RULES[binding.mode].life is None:
        return False
    if binding.platform_ends_at is None:
        return True
    return terms.ends_at + timedelta(seconds=engine.margin_s / 2) > binding.platform_ends_at


def _hold(engine: Engine, binding: Binding, terms: Terms, deadline: Deadline) -> Binding:
    """Write the change under way and take the new party's place; raises PartyConflict, OrderConflict."""
    in_flight = engine.in_flight_until(deadline)
    after = advanced(
        binding, engine.clock(), pending=terms, due_at=in_flight, in_flight_until=in_flight, attempts=0
    )
    places, pairs = after.places - binding.places, after.pairs - binding.pairs
    if not places and not pairs:
        return engine.save(binding, after)
    try:
        with told():
            engine.store.hold(engine.record(after), seen=binding.version, places=places, pairs=pairs)
    except Refused as refused:
        found = refused.found or {}
        if refused.action == PLACE:
            whose = str(found.get("pk", ""))
            raise PartyConflict("a" if whose.endswith(f"#{terms.a.token}") else "b") from None
        if refused.action == PAIR:
            raise OrderConflict(str(found.get("binding_id", ""))) from None
        raise
    return after


def _carry_out(engine: Engine, binding: Binding, deadline: Deadline, *, patient: bool = False) -> _Outcome:
    """Ask the platform for the change under way and write what came of it.

    ``patient``: nobody waits, so a pause postpones the change instead of undoing it.
    """
    duration = _duration(engine, binding)
    try:
        engine.platforms(binding.application).modify(
            binding, binding.pending or binding.terms, duration, deadline=deadline
        )
    except NotFound:
        lost = begin_release(engine, binding, Reason.LOST, deadline)
        return _Outcome(finish_release(engine, lost, deadline))
    except UNKNOWN as error:
        return _Outcome(engine.save(binding, postponed(engine, binding, error)) if patient else binding)
    except PAUSES as error:
        if patient:
            return _Outcome(engine.save(binding, postponed(engine, binding, error)))
        return _Outcome(_end(engine, binding, binding.terms), error)
    except PlatformError as error:
        return _after_refusal(engine, binding, error, duration, deadline, patient=patient)
    return _Outcome(_done(engine, binding, duration))


def _after_refusal(
    engine: Engine,
    binding: Binding,
    error: PlatformError,
    duration: int | None,
    deadline: Deadline,
    *,
    patient: bool,
) -> _Outcome:
    """An earlier attempt may have carried the change out all the same: look before it is undone."""
    try:
        held = engine.platforms(binding.application).find(binding, deadline=deadline)
    except PlatformError as unclear:
        return _Outcome(engine.save(binding, postponed(engine, binding, unclear)) if patient else binding)
    if held and _carried_out(binding, held, duration):
        return _Outcome(_done(engine, binding, duration))
    return _Outcome(_end(engine, binding, binding.terms), error)


def _carried_out(binding: Binding, held: Held, duration: int | None) -> bool:
    """Tell whether the platform's row shows the change; a mere prolongation shows in its duration only."""
    pending = binding.pending or binding.terms
    if held.subscription_id != binding.subscription_id:
        return False
    shown = ((held.direction, pending.direction), (held.max_minutes, pending.max_minutes))
    if any(theirs not in (None, ours) for theirs, ours in shown):
        return False
    prolonged_only = replace(pending, ends_at=binding.ends_at) == binding.terms
    return not prolonged_only or held.duration == duration


def _done(engine: Engine, binding: Binding, duration: int | None) -> Binding:
    ends = platform_end(engine.clock(), duration) if duration else binding.platform_ends_at
    return _end(engine, replace(binding, platform_ends_at=ends), binding.pending or binding.terms)


def _end(engine: Engine, binding: Binding, terms: Terms) -> Binding:
    """Write the terms that hold now and free what only the others needed; raises Overtaken, Busy."""
    after = advanced(
        binding,
        engine.clock(),
        terms=terms,
        callee=None if _is_a(binding.callee, terms) else binding.callee,
        pending=None,
        due_at=replace(binding, terms=terms).rests_until,
        in_flight_until=None,
        attempts=0,
    )
    places, pairs = binding.places - after.places, binding.pairs - after.pairs
    if not places and not pairs:
        return engine.save(binding, after)
    with told():
        engine.store.let_go(
            engine.record(after),
            seen=binding.version,
            places=places,
            pairs=pairs,
            cool_until=engine.cool_until(binding),
        )
    return after


def _is_a(callee: Callee | None, terms: Terms) -> bool:
    """Nobody reaches himself: whoever becomes A is no callee of this binding any more (ax.md §6)."""
    return callee is not None and callee.party.token == terms.a.token


def _duration(engine: Engine, binding: Binding) -> int | None:
    pending = binding.pending or binding.terms
    if pending.ends_at == binding.ends_at or not _too_near(engine, binding, pending):
        return None
    return life_s(engine, binding, pending.ends_at)
