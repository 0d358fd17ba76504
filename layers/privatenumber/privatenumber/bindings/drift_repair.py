"""What is done about a difference: decided on a fresh read of both sides, carried out like any other change.

A binding of ours is written first, on the version that was read before the platform was asked: whoever is
faster wins, and the difference is left to the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from privatenumber.bindings.attempt import UNKNOWN
from privatenumber.bindings.drift import IMPOSED, SAFE, Difference, Kind, at_rest, compare, differing
from privatenumber.bindings.drift_reading import held_on, living_on
from privatenumber.bindings.engine import Engine, Overtaken, life_s, platform_end
from privatenumber.bindings.errors import BindingNotFound, Busy
from privatenumber.bindings.gateway import Standing
from privatenumber.bindings.model import Binding, Reason, State, advanced
from privatenumber.bindings.records import party
from privatenumber.bindings.unbind import begin_release, finish_release
from privatenumber.deadline import Deadline
from privatenumber.platform.errors import NotFound, NotOwned, PlatformError
from privatenumber.store.binding_keys import ANYONE

_ROUNDS: Final = 5


class Action(StrEnum):
    """What a difference wants."""

    CLOSE = "close_as_lost"
    """Our binding ends: the platform has lost it."""
    UNBIND = "unbind_again"
    """Our binding has ended, the platform's ends too."""
    IMPOSE = "bring_to_our_terms"
    DECIDE = "decide"
    """Somebody has to look at it: nothing is done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about a difference, and the binding of ours as read."""

    action: Action
    difference: Difference
    binding: Binding | None = None


class Outcome(StrEnum):
    """What came of a plan."""

    DONE = "repaired"
    OVERTAKEN = "gone"
    """Somebody else was at it meanwhile."""
    UNKNOWN = "listed"
    """The platform gave no answer: the next run looks again."""


class UnderWay(Exception):
    """Something is under way with the binding of a difference: it says nothing until that has ended."""


def plan(engine: Engine, application: str, found: Difference, deadline: Deadline) -> Plan | None:
    """Look at a difference once more; None when it is none any more. Raises PlatformError, UnderWay."""
    if found.kind is Kind.UNREAD:
        return Plan(Action.DECIDE, found)
    if found.binding_id:
        return _of_ours(engine, found, deadline)
    if found.subscription_id is None:
        return _unnamed(engine, application, found, deadline)
    return _of_theirs(engine, application, found, found.subscription_id, deadline)


def carry_out(engine: Engine, planned: Plan, deadline: Deadline) -> Outcome:
    """Do what a plan says, which is no decision of people. Raises PlatformError: nothing was done."""
    if planned.binding is None:
        raise ValueError("a repair is about a binding of ours")
    try:
        if planned.action is Action.CLOSE:
            lost = begin_release(engine, planned.binding, Reason.LOST, deadline)
            finish_release(engine, lost, deadline)
            return Outcome.DONE
        if planned.action is Action.UNBIND:
            _unbind(engine, planned.binding, deadline)
            return Outcome.DONE
        return _impose(engine, planned.binding, deadline)
    except (Overtaken, Busy):
        return Outcome.OVERTAKEN


def _of_ours(engine: Engine, found: Difference, deadline: Deadline) -> Plan | None:
    """The same whether it was missing or different: it is asked for by its id."""
    binding = _loaded(engine, found.binding_id or "")
    if binding is None or (binding.subscription_id, binding.x) != (found.subscription_id, found.x):
        return None
    if binding.state is State.ACTIVE and not binding.settled:
        raise UnderWay
    if binding.subscription_id is None or not at_rest(binding, engine.clock()):
        return None
    row = _standing(engine, binding.application, binding.subscription_id, deadline)
    if row is None:
        return Plan(Action.CLOSE, _seen(Kind.OURS_ONLY, found), binding)
    fields = differing(binding, row, engine.clock())
    if not fields:
        return None
    safe = SAFE.issuperset(fields) and binding.mode in IMPOSED
    return Plan(Action.IMPOSE if safe else Action.DECIDE, _seen(Kind.DIFFERENT, found, fields), binding)


def _of_theirs(
    engine: Engine, application: str, found: Difference, subscription_id: str, deadline: Deadline
) -> Plan | None:
    """Known by its id as one that ended: unbind again. Known as living: none. Unknown: a decision."""
    row = _standing(engine, application, subscription_id, deadline)
    if row is None:
        return None
    known = engine.search.of_subscription(application, subscription_id)
    binding = _loaded(engine, known) if known else None
    if binding is None:
        return None if _under_way(engine, application, row) else Plan(Action.DECIDE, found)
    if binding.state is State.CLOSED:
        return Plan(Action.UNBIND, found, binding)
    if binding.x != row.x and at_rest(binding, engine.clock()):
        return Plan(Action.DECIDE, _seen(Kind.DIFFERENT, found, ("x",)))
    return None


def _unnamed(engine: Engine, application: str, found: Difference, deadline: Deadline) -> Plan | None:
    """An AX whose id no query tells (axyb.md §4): nobody can unbind it, it ends with its own life."""
    ours = living_on(engine, application, found.x)
    held = held_on(engine, application, found.x, ours, deadline)
    unnamed = [row for row in held if row.subscription_id is None]
    still = {one.id for one in compare(ours, unnamed, engine.clock())}
    if found.id not in still or any(_under_way(engine, application, row) for row in unnamed):
        return None
    return Plan(Action.DECIDE, found)


def _under_way(engine: Engine, application: str, row: Standing) -> bool:
    """Tell whether A's place on this X is held by a binding that the platform may just have made."""
    tokens = (party(engine.keyring, row.a).token, ANYONE)
    holders = (engine.store.holder_of_place(application, token, row.x) for token in tokens)
    bindings = (_loaded(engine, holder.binding_id) for holder in holders if holder)
    return any(
        one is not None and one.state is not State.CLOSED and not at_rest(one, engine.clock())
        for one in bindings
    )


def _unbind(engine: Engine, binding: Binding, deadline: Deadline) -> None:
    try:
        engine.platforms(binding.application).unbind(binding, deadline=deadline)
    except (NotFound, NotOwned):
        # Gone is what was wanted (result-codes.md §5).
        return


def _impose(engine: Engine, binding: Binding, deadline: Deadline) -> Outcome:
    """Bring the platform's binding to our terms; written down as a change, so that no other one starts."""
    now = engine.clock()
    in_flight = engine.in_flight_until(deadline)
    held = advanced(
        binding, now, pending=binding.terms, due_at=in_flight, in_flight_until=in_flight, attempts=0
    )
    claimed = engine.save(binding, held)
    life = life_s(engine, claimed)
    try:
        engine.platforms(binding.application).impose(
            claimed, claimed.subscription_id or "", life, deadline=deadline
        )
    except NotFound:
        finish_release(engine, begin_release(engine, claimed, Reason.LOST, deadline), deadline)
        return Outcome.DONE
    except UNKNOWN:
        # It may still take effect: the worker ends the change once that is over.
        return Outcome.UNKNOWN
    except PlatformError:
        _settle(engine, claimed, None)
        raise
    _settle(engine, claimed, life)
    return Outcome.DONE


def _settle(engine: Engine, claimed: Binding, life: int | None) -> None:
    """End the change; a call that was noted meanwhile is kept, a release that began goes on."""
    current = claimed
    for _ in range(_ROUNDS):
        if current.state is not State.ACTIVE or current.pending != claimed.pending:
            return
        now = engine.clock()
        ends = platform_end(now, life) if life else current.platform_ends_at
        after = advanced(
            current,
            now,
            pending=None,
            due_at=current.rests_until,
            in_flight_until=None,
            platform_ends_at=ends,
        )
        try:
            engine.save(current, after)
        except Overtaken:
            current = engine.load(claimed.id)
        else:
            return
    raise Busy


def _standing(engine: Engine, application: str, subscription_id: str, deadline: Deadline) -> Standing | None:
    try:
        return engine.platforms(application).standing_of(subscription_id, deadline=deadline)
    except NotOwned:
        return None


def _loaded(engine: Engine, binding_id: str) -> Binding | None:
    try:
        return engine.load(binding_id)
    except BindingNotFound:
        return None


def _seen(kind: Kind, found: Difference, fields: tuple[str, ...] = ()) -> Difference:
    """The same difference as it looks now; its people are those of our binding."""
    return Difference(kind, found.x, found.subscription_id, found.binding_id, fields, found.a, found.b)
