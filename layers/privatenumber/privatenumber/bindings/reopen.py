"""Binding again what ended by itself a moment ago, because one of its people called (users.md U-N11).

Asked for by a message about a call without a binding; the application's policy has decided that already. The
same message again leads to the same binding, by the Idempotency-Key that the call is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from privatenumber.bindings.bind import bind
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import PartyConflict, StateConflict
from privatenumber.bindings.jobs_move import same_elsewhere
from privatenumber.bindings.model import Binding, PartnerState, Reason, State
from privatenumber.bindings.partners import add_partner
from privatenumber.bindings.rules import RULES
from privatenumber.deadline import Deadline
from privatenumber.settings import Mode

ENDED_BY_ITSELF: Final = frozenset({Reason.EXPIRED, Reason.IDLE})
"""What somebody ended is not bound again by a call."""

_ROUNDS: Final = 3


def reopen(engine: Engine, binding_id: str, call: str, seconds: int, deadline: Deadline) -> Binding:
    """Bind the people of a closed binding again, on its X, for its order; ``call`` is the token of the call.

    Raises BindingNotFound, StateConflict for one that cannot be bound again, and what a bind raises.
    """
    old = engine.load(binding_id)
    if old.state is not State.CLOSED or old.reason not in ENDED_BY_ITSELF:
        raise StateConflict(old.state, "it did not end by itself")
    if not RULES[old.mode].names_x or old.platform_chooses:
        raise StateConflict(old.state, "the platform chose its X and would choose another")
    again = replace(
        same_elsewhere(old, f"reopen {call}"),
        x=old.x,
        extension=old.extension,
        area=None,
        fallback_areas=(),
        ends_at=None,
        ttl_seconds=seconds,
        replaces=None,
    )
    return _furnished(engine, old, bind(engine, again, deadline).binding, deadline)


def _furnished(engine: Engine, old: Binding, new: Binding, deadline: Deadline) -> Binding:
    """Bring the other partners along, where our record is all there is of them (X mode).

    Told twice, or after a crash, it goes on where it was; not once somebody else has changed the binding: who
    was taken out of it since stays out.
    """
    if new.mode is not Mode.X:
        return new
    for partner in old.partners:
        if new.state is not State.ACTIVE or not _is_as_made(engine, new):
            return new
        if partner.state is PartnerState.HELD:
            # Who stands on this X in another binding by now stays there.
            with suppress(PartyConflict):
                new = _joined(engine, new, partner.party.number, deadline)
    return new


def _joined(engine: Engine, new: Binding, number: str, deadline: Deadline) -> Binding:
    """A call that is noted at the same moment is no reason to leave somebody out."""
    for _ in range(_ROUNDS - 1):
        with suppress(StateConflict):
            return add_partner(engine, new.id, number, deadline).binding
    return add_partner(engine, new.id, number, deadline).binding


def _is_as_made(engine: Engine, new: Binding) -> bool:
    item = engine.store.get(new.id)
    return item is not None and item["by"] == engine.author.by
