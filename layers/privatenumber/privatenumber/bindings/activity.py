"""What calls do to a binding that ends when it is idle: each postpones its end (users.md U-S03)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from privatenumber.bindings.engine import Engine, Overtaken
from privatenumber.bindings.errors import Busy
from privatenumber.bindings.model import Binding, State, advanced

_ROUNDS: Final = 5


def touch(engine: Engine, binding_id: str, at: datetime) -> None:
    """Note a call; see `BindingService.touch`."""
    for _ in range(_ROUNDS):
        binding = engine.load(binding_id)
        if not _counts(binding, at):
            return
        later = replace(binding, active_at=at)
        due_at = later.rests_until if binding.settled else binding.due_at
        try:
            engine.save(binding, advanced(binding, engine.clock(), active_at=at, due_at=due_at))
        except Overtaken:
            continue
        return
    raise Busy


def _counts(binding: Binding, at: datetime) -> bool:
    """Only a later call than the last known one postpones anything, and none what has begun to end."""
    if binding.idle_s is None or binding.state is not State.ACTIVE:
        return False
    return binding.created_at <= at and (binding.active_at is None or binding.active_at < at)
