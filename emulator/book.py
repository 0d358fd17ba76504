"""A book of bindings: by id and by private number, each ended at the exact second its life ends.

Every question names the moment it is asked for: an expired binding is found by nobody (axb.md §6.4).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Literal, TypeVar

EndReason = Literal["unbound", "unbound_with_x", "expired", "number_withdrawn"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What every stored binding has. ``bound_at`` never moves; ``ended_at`` and ``end_reason`` come last."""

    subscription_id: str
    app_key: str
    x: str
    bound_at: datetime
    changed_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def expires_at(self) -> datetime | None:
        """The exact moment the life ends, None = never."""
        return None


Binding = TypeVar("Binding", bound=Kept)


class Book(Generic[Binding]):
    """Bindings of one mode. Subclasses keep further indices in `_placed` and `_removed`."""

    def __init__(self) -> None:
        self.ended: list[Binding] = []
        self._bindings: dict[str, Binding] = {}
        self._on: dict[str, dict[str, None]] = {}
        self._serials: dict[str, int] = {}
        self._ends: list[tuple[datetime, str]] = []

    def add(self, binding: Binding) -> Binding:
        """Store a new binding; the caller has checked that it may be."""
        self._bindings[binding.subscription_id] = binding
        self._serials[binding.subscription_id] = len(self.ended) + len(self._bindings)
        self._on.setdefault(binding.x, {})[binding.subscription_id] = None
        self._remember_end(binding)
        self._placed(binding)
        return binding

    def change(self, changed: Binding) -> Binding:
        """Replace a binding by its changed form, same id and same X. KeyError when it does not exist."""
        before = self._bindings[changed.subscription_id]
        self._displaced(before)
        self._bindings[changed.subscription_id] = changed
        self._remember_end(changed)
        self._placed(changed)
        return changed

    def end(self, subscription_id: str, at: datetime, reason: EndReason = "unbound") -> Binding | None:
        """End a live binding and return it as it ended; None when nothing live has that id."""
        binding = self.by_id(subscription_id, at)
        return self._remove(binding, at, reason) if binding is not None else None

    def end_all(self, x: str, at: datetime, reason: EndReason) -> int:
        """End every live binding of a private number; return how many there were."""
        return len([self._remove(binding, at, reason) for binding in self.on(x, at)])

    def by_id(self, subscription_id: str, at: datetime) -> Binding | None:
        """Return the live binding with that id."""
        self.expire(at)
        return self._bindings.get(subscription_id)

    def on(self, x: str, at: datetime) -> list[Binding]:
        """Return the live bindings of a private number, oldest first."""
        self.expire(at)
        return [self._bindings[found] for found in self._on.get(x, {})]

    def all(self, at: datetime) -> Iterator[Binding]:
        """Yield every live binding, oldest first."""
        self.expire(at)
        yield from self._bindings.values()

    def serial(self, subscription_id: str) -> int:
        """Return the place of a live binding in the order of creation."""
        return self._serials[subscription_id]

    def expire(self, at: datetime) -> None:
        """Move what ended up to that moment to `ended`, each at its own moment."""
        while self._ends and self._ends[0][0] <= at:
            moment, subscription_id = heapq.heappop(self._ends)
            binding = self._bindings.get(subscription_id)
            # A modification leaves the old end in the heap; only the end in force counts.
            if binding is not None and binding.expires_at == moment:
                self._remove(binding, moment, "expired")

    def _remember_end(self, binding: Binding) -> None:
        if binding.expires_at is not None:
            heapq.heappush(self._ends, (binding.expires_at, binding.subscription_id))

    def _remove(self, binding: Binding, at: datetime, reason: EndReason) -> Binding:
        del self._bindings[binding.subscription_id]
        del self._serials[binding.subscription_id]
        self._on[binding.x].pop(binding.subscription_id, None)
        self._displaced(binding)
        self._removed(binding, at, reason)
        ended = replace(binding, ended_at=at, end_reason=reason)
        self.ended.append(ended)
        return ended

    def _placed(self, binding: Binding) -> None:
        """Enter a binding into the indices of the mode."""

    def _displaced(self, binding: Binding) -> None:
        """Take a binding out of the indices of the mode."""

    def _removed(self, binding: Binding, at: datetime, reason: EndReason) -> None:
        """Forget what depended on a binding that ended."""
