"""Faults to order: what the emulator does wrong on purpose (auth.md, notifications.md §11).

A fault waits for a matching occasion, acts ``times`` times and is spent. Chance comes from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emulator.faultparams import API_PARAMS, PUSH_PARAMS, checked

Where = Literal["api", "push"]


class Fault(BaseModel):
    """One ordered fault.

    ``match``: fact name -> wanted value, or a list of them; an absent name matches everything. Facts of an
    API request: ``api``, ``application``, ``x``; of a push: what the pusher gives. ``nth``: act from the n-th
    match on (1 = at once). ``times``: None = for ever. ``params`` depend on the kind (`faultparams`).
    """

    model_config = ConfigDict(extra="forbid")

    id: str = ""
    where: Where
    kind: str
    match: dict[str, Any] = Field(default_factory=dict)
    nth: int = Field(1, ge=1)
    times: int | None = Field(1, ge=0)
    probability: float = Field(1.0, ge=0, le=1)
    params: dict[str, Any] = Field(default_factory=dict)
    seen: int = 0
    taken: int = 0

    @model_validator(mode="after")
    def _kind_fits_place(self) -> Fault:
        kinds = API_PARAMS if self.where == "api" else PUSH_PARAMS
        if self.kind not in kinds:
            raise ValueError(f"kind of a fault at {self.where!r} is one of {', '.join(sorted(kinds))}")
        self.params = checked(kinds[self.kind], self.params)
        return self

    @property
    def spent(self) -> bool:
        """Whether the fault will never act again."""
        return self.times is not None and self.taken >= self.times

    def matches(self, facts: dict[str, Any]) -> bool:
        """Tell whether the occasion is one this fault waits for; of lists one common value is enough."""
        return all(_texts(wanted) & _texts(facts.get(name)) for name, wanted in self.match.items())


def _texts(value: Any) -> set[str]:
    return {str(one) for one in (value if isinstance(value, list) else [value])}


class FaultPlan:
    """The faults in force, asked at every occasion. ``listeners`` hear of each that acts (the journal)."""

    def __init__(self, chance: random.Random) -> None:
        self.listeners: list[Callable[[Fault, dict[str, Any]], None]] = []
        self._chance = chance
        self._faults: dict[str, Fault] = {}
        self._count = 0

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; it gets the next id (``fault-1`` ...) when it has none."""
        self._count += 1
        stored = fault.model_copy(update={"id": fault.id or f"fault-{self._count}"})
        self._faults[stored.id] = stored
        return stored

    def all(self) -> list[Fault]:
        """Return every fault, spent ones included, in the order they were added."""
        return list(self._faults.values())

    def remove(self, fault_id: str) -> bool:
        """Withdraw one fault; False when there is none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Withdraw all faults."""
        self._faults.clear()

    def take(self, where: Where, **facts: Any) -> Fault | None:
        """Return the first fault that acts on this occasion and count it, or None."""
        for fault in self._faults.values():
            if fault.where != where or fault.spent or not fault.matches(facts):
                continue
            fault.seen += 1
            if fault.seen < fault.nth or not self._strikes(fault):
                continue
            fault.taken += 1
            for listener in self.listeners:
                listener(fault, facts)
            return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        return fault.probability >= 1 or self._chance.random() < fault.probability
