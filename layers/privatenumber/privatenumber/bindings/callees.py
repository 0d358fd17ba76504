"""Whom A reaches by dialling X: the temporary callee (ax.md §6), or in X mode our own record of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from privatenumber.bindings.attempt import UNKNOWN
from privatenumber.bindings.commands import read_party
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
    """Say whom A reaches next; see `BindingService.set_callee`."""
    binding = _living(engine, binding_id)
    callee = _read(engine, binding, number, seconds, reference)
    try:
        engine.platforms(binding.application).set_callee(binding, callee, seconds, deadline=deadline)
    except NotFound:
        _end(engine, binding, deadline)
        raise StateConflict(State.RELEASING, "the platform does not have it any more") from None
    except UNKNOWN as error:
        # A repetition does no harm: it sets the same callee anew.
        raise OutcomeUnknown(error) from error
    except PlatformError as error:
        raise refusal(error, binding.id, engine.clock()) from error
    return _note(engine, binding, callee)


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


def _note(engine: Engine, binding: Binding, callee: Callee) -> Binding:
    """Write the callee into the binding, whatever else changed there meanwhile; raises Busy."""
    for _ in range(_ROUNDS):
        try:
            return engine.save(binding, advanced(binding, engine.clock(), callee=callee))
        except Overtaken:
            binding = engine.load(binding.id)
            if binding.state is not State.ACTIVE:
                raise StateConflict(binding.state, "it ended meanwhile") from None
    raise Busy


def _end(engine: Engine, binding: Binding, deadline: Deadline) -> None:
    """Close a binding that the platform lost; whoever changes it at the same time finds that out himself."""
    try:
        finish_release(engine, begin_release(engine, binding, Reason.LOST, deadline), deadline)
    except Overtaken:
        return
