"""What a binding is: its parties, its states and the arrows between them (design.md §4).

Nothing here talks to a table or to the platform.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from privatenumber.privacy import mask
from privatenumber.settings import Mode

MIN_LIFE_S = 60
"""A binding ends at least this many seconds after it was asked for."""

PLATFORM_MAX_DURATION_S = 7_776_000
"""Longest `duration` the platform accepts: 90 days (axb.md §2)."""


class State(StrEnum):
    """States of a binding; CLOSED and FAILED are final."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    RELEASING = "RELEASING"
    CLOSED = "CLOSED"
    FAILED = "FAILED"

    @property
    def final(self) -> bool:
        """True when nothing is left to be done for the binding."""
        return self in (State.CLOSED, State.FAILED)


ARROWS: Mapping[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.REQUESTED, State.ACTIVE, State.RELEASING, State.FAILED}),
    State.ACTIVE: frozenset({State.ACTIVE, State.RELEASING}),
    State.RELEASING: frozenset({State.RELEASING, State.CLOSED}),
    State.CLOSED: frozenset(),
    State.FAILED: frozenset(),
}
"""State -> states it may become. A state may be written again: due time, attempts, a change under way."""


class Reason(StrEnum):
    """Why a binding ends or ended."""

    EXPIRED = "expired"
    DELETED = "deleted"
    LOST = "lost"
    """The platform no longer had it: removed in the console, X transferred or unsubscribed."""


class ImpossibleStep(RuntimeError):
    """Code asked for an arrow that the state machine does not have."""


@dataclass(frozen=True, slots=True, repr=False)
class Party:
    """A person of a binding: the real number (global form) and the keyed token that stands for it in keys."""

    number: str
    token: str

    @property
    def masked(self) -> str:
        """The number as people may see it (numbers.md §6)."""
        return mask(self.number)

    def __repr__(self) -> str:
        return f"Party({self.masked})"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the business system may change while the binding lives."""

    a: Party
    b: Party
    ends_at: datetime
    direction: int
    """0 both, 1 only A may call B, 2 only B may call A (axb.md §2)."""
    max_minutes: int
    """Longest call in minutes from the answer; 0 = no limit."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of an order. `version` grows with every write; a write names the version it saw.

    ``ends_at`` is ours; ``platform_ends_at`` is when the platform itself would end it, a margin later.
    ``due_at`` is when the sweep looks at it next: None only in a final state. Until ``in_flight_until`` a
    request may still be on its way to the platform: no other that depends on its outcome is sent before.
    """

    id: str
    application: str
    order: str
    mode: Mode
    state: State
    version: int
    x: str
    area: str
    """City code of X."""
    terms: Terms
    created_at: datetime
    updated_at: datetime
    content_hash: str
    due_at: datetime | None
    subscription_id: str | None = None
    platform_ends_at: datetime | None = None
    in_flight_until: datetime | None = None
    pending: Terms | None = None
    """The change under way: its places are taken, the platform may or may not know it yet."""
    record_hint_tone: str | None = None
    user_reference: str | None = field(default=None, repr=False)
    idempotency: str | None = None
    """Token of the Idempotency-Key."""
    wanted_area: str | None = None
    any_area: bool = False
    fixed_x: bool = False
    """The business system named X: the binding never moves to another one."""
    binds: int = 0
    """Bind requests that may have reached the platform."""
    attempts: int = 0
    """Steps in the present state that came to nothing; the back-off grows with them."""
    moves: int = 0
    """How often the intent moved to another X."""
    reason: Reason | None = None
    """Why it ends; on REQUESTED: it is no longer wanted."""
    failure_code: str | None = None
    """FAILED: the platform's result code, or a word of ours."""

    @property
    def a(self) -> Party:
        """Party A, as the platform knows it now."""
        return self.terms.a

    @property
    def b(self) -> Party:
        """Party B, as the platform knows it now."""
        return self.terms.b

    @property
    def ends_at(self) -> datetime:
        """When the binding is released by us."""
        return self.terms.ends_at

    @property
    def direction(self) -> int:
        """0 both, 1 only A may call, 2 only B may call."""
        return self.terms.direction

    @property
    def max_minutes(self) -> int:
        """Longest call in minutes; 0 = no limit."""
        return self.terms.max_minutes

    @property
    def settled(self) -> bool:
        """False while the platform's view of the binding or of its change is not known for certain."""
        return self.state is not State.REQUESTED and self.pending is None

    @property
    def places(self) -> frozenset[str]:
        """Tokens of everybody for whom a place on X is held."""
        held = {self.a.token, self.b.token}
        if self.pending:
            held |= {self.pending.a.token, self.pending.b.token}
        return frozenset(held)

    @property
    def pairs(self) -> frozenset[str]:
        """Hashes of the pairs that the order holds through this binding."""
        held = {pair_hash(self.a, self.b)}
        if self.pending:
            held.add(pair_hash(self.pending.a, self.pending.b))
        return frozenset(held)


def pair_hash(a: Party, b: Party) -> str:
    """Name of an unordered pair; made of keyed tokens, so it tells nobody a number."""
    first, second = sorted((a.token, b.token))
    return hashlib.sha256(f"{first}\0{second}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, newest first; ``cursor`` opens the next page, None = this was the last."""

    bindings: tuple[Binding, ...]
    cursor: str | None


def advanced(binding: Binding, now: datetime, **changes: Any) -> Binding:
    """The next version of a binding; raises ImpossibleStep for an arrow or a due time that must not be."""
    after = replace(binding, version=binding.version + 1, updated_at=now, **changes)
    if after.state not in ARROWS[binding.state]:
        raise ImpossibleStep(f"{binding.state} -> {after.state}")
    if after.state.final != (after.due_at is None):
        raise ImpossibleStep(f"{after.state} with due time {after.due_at}")
    return after


def platform_duration(now: datetime, ends_at: datetime, margin_s: int) -> int:
    """Life in seconds that the platform is told: what is left and a margin, within its limit (axb.md §2).

    Never 0: to the platform that is a binding without end.
    """
    left = max(0, math.ceil((ends_at - now).total_seconds()))
    return min(max(left + margin_s, 1), PLATFORM_MAX_DURATION_S)
