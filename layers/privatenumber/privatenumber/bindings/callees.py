"""Whom A reaches by dialling X: the temporary callee (ax.md §6), or in X mode our own record of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from privatenumber.bindings.attempt import UNKNOWN
from privatenumber.bindings.checks import read_party
from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.errors import Busy, InvalidRequest, OutcomeUnknown, StateConflict, refusal
from privatenumber.bindings.model import Binding, Callee, Reason, State, advanced
from privatenumber.bindings.references import check_reference
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.unbind import begin_release, finish_release
from privatenumber.deadline import Deadline
from privatenumber.phone import NumberKind, kind
from privatenumber.platform.errors import NotFound, PlatformError

LONGEST_S: Final = 259_200
"""Three days (ax.md §1)."""

ONLY_OTHERS_CALL: Final = 2
_ROUNDS: Final = 5


def set_callee(
    engine: Engine,
    binding_id: str,
    number: str,
    seconds: int,
    reference: str | None,
    deadline: Deadline,
) -> Binding:
    """Say whom A reaches next; see `BindingService.set_callee`.

    At the platform the last request wins, and nobody knows which of two came last. So each request is noted
    before it is sent, and its callee stands in the binding only if no other came between.
    """
    binding = _living(engine, binding_id)
    callee = _read(engine, binding, number, seconds, reference)
    if not RULES[binding.mode].at_platform:
        return _noted(engine, binding, lambda current: replace(current, callee=callee))
    mine = engine.new_id("q")
    asked = _noted(engine, binding, lambda current: replace(current, callee=None, callee_asked=mine))
    try:
        engine.platforms(asked.application).set_callee(asked, callee, seconds, deadline=deadline)
    except NotFound:
        _end(engine, asked, deadline)
        raise StateConflict(State.RELEASING, "the platform does not have it any more") from None
    except UNKNOWN as error:
        # A repetition does no harm: it sets the same callee anew.
        raise OutcomeUnknown(error) from error
    except PlatformError as error:
        raise refusal(error, binding.id, engine.clock()) from error
    return _noted(engine, asked, lambda current: _certain(current, callee, mine))


def _certain(current: Binding, callee: Callee, asked: str) -> Binding:
    """The binding with a callee that is certain; raises StateConflict after making it uncertain for all."""
    if current.callee_asked != asked or callee.party.token == current.a.token:
        return replace(current, callee=None, callee_asked=None)
    return replace(current, callee=callee, callee_asked=None)


def _living(engine: Engine, binding_id: str) -> Binding:
    binding = engine.load(binding_id)
    if not RULES[binding.mode].callee:
        raise InvalidRequest(
            "mode", f"{binding.mode.value} has no callee that could be set, only AX and X have"
        )
    if binding.state is State.REQUESTED:
        raise StateConflict(binding.state, "the platform has not confirmed it yet", retry_after_s=30)
    if binding.state is not State.ACTIVE or binding.ends_at <= engine.clock():
        raise StateConflict(binding.state, "it has ended")
    if binding.direction == ONLY_OTHERS_CALL:
        raise StateConflict(binding.state, "its direction lets only the others call")
    if kind(binding.a.number) is NumberKind.LANDLINE:
        raise StateConflict(binding.state, "A is a landline, which can be called but cannot call X")
    return binding


def _read(engine: Engine, binding: Binding, number: str, seconds: int, reference: str | None) -> Callee:
    if not 1 <= seconds <= LONGEST_S:
        raise InvalidRequest("seconds", f"must be 1 to {LONGEST_S} (3 days)")
    # Only the platform's own temporary callee may be a 400, 800 or 95 number (ax.md §6).
    party = read_party(number, "callee", engine.keyring, service=RULES[binding.mode].at_platform)
    if party.number in (binding.a.number, binding.x):
        raise InvalidRequest("callee", "must be another number than a and X")
    check_reference(reference, binding.a, party)
    return Callee(party, engine.clock() + timedelta(seconds=seconds), reference)


def _noted(engine: Engine, binding: Binding, change: Callable[[Binding], Binding]) -> Binding:
    """Write a change of the callee, whatever else changed in the binding meanwhile.

    Raises Busy, and StateConflict when the binding ended or another callee was asked for.
    """
    for _ in range(_ROUNDS):
        wanted = change(binding)
        try:
            after = engine.save(
                binding,
                advanced(binding, engine.clock(), callee=wanted.callee, callee_asked=wanted.callee_asked),
            )
        except Overtaken:
            binding = engine.load(binding.id)
            if binding.state is not State.ACTIVE:
                raise StateConflict(binding.state, "it ended meanwhile") from None
            continue
        if after.callee is None and after.callee_asked is None:
            raise StateConflict(
                after.state, "another callee or another A was asked for meanwhile", retry_after_s=1
            )
        return after
    raise Busy


def _end(engine: Engine, binding: Binding, deadline: Deadline) -> None:
    """Close a binding that the platform lost; whoever changes it at the same time finds that out himself."""
    try:
        finish_release(engine, begin_release(engine, binding, Reason.LOST, deadline), deadline)
    except Overtaken:
        return
