"""Binding again what ended by itself a moment ago, because one of its people called (users.md U-N11).

Asked for by a message about a call without a binding; the application's policy has decided that already. The
same message again leads to the same binding, by the Idempotency-Key that the call is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from privatenumber.bindings.bind import bind
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import StateConflict
from privatenumber.bindings.jobs_move import same_elsewhere
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.bindings.rules import RULES
from privatenumber.deadline import Deadline

ENDED_BY_ITSELF: Final = frozenset({Reason.EXPIRED, Reason.IDLE})
"""What somebody ended is not bound again by a call."""


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
    return bind(engine, again, deadline).binding
