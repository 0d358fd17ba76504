"""What a binding is: its parties, its states and the arrows between them (design.md §4).

Nothing here talks to a table or to the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from privatenumber.privacy import mask
from privatenumber.settings import Mode
from privatenumber.store import binding_private
from privatenumber.store.binding_keys import ANYONE, pair_name

MIN_LIFE_S = 60
"""A binding ends at least this many seconds after it was asked for."""


class State(StrEnum):
    """States of a binding; CLOSED and FAILED are final."""

    REQUESTED = "REQUESTED"
    ACTIVE = binding_private.ACTIVE
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
    IDLE = "idle"
    """Nobody called for as long as was agreed."""
    DELETED = "deleted"
    LOST = "lost"
    """The platform no longer had it: removed in the console, X transferred or unsubscribed."""
    REFUSED = "refused"
    """AXYB: the platform gave A an X, but refused B a Y."""
    MOVED = "moved"
    """Its order was brought to another X, because this X goes back."""


class Spread(StrEnum):
    """How bindings spread over the numbers that would do."""

    RANDOM = "random"
    LEAST_LOADED = "least_loaded"


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
    """What the business system may change while the binding lives. ``b`` exists in AXB only."""

    a: Party
    b: Party | None
    ends_at: datetime
    direction: int
    """0 both, 1 only A may call, 2 only the others may call (axb.md §2)."""
    max_minutes: int
    """Longest call in minutes from the answer; 0 = no limit."""

    @property
    def people(self) -> tuple[Party, ...]:
        """A, and B where there is one."""
        return (self.a, self.b) if self.b else (self.a,)


class PartnerState(StrEnum):
    """How far a partner has come: the platform may not know a WANTED one yet and a LEAVING one still."""

    WANTED = "wanted"
    HELD = binding_private.HELD
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody who comes and goes while the binding lives: a B with his Y (AXYB), or a B of ours (X mode)."""

    id: str
    party: Party
    y: str | None
    """AXYB: the number that A dials to reach this B; None until the platform allocated it."""
    state: PartnerState
    founding: bool = False
    """The binding was asked for with him: if he cannot come, it makes no sense (axyb.md §6)."""


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom A reaches by dialling X, until a moment (ax.md §6; in X mode our own record decides)."""

    party: Party
    until: datetime
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Features:
    """What is settled when a binding is made; which of it a mode knows stands in `rules`.

    ``callback_number`` and ``callback_tone`` serve A of an AXE binding whom nobody has called yet.
    """

    sms: bool = True
    caller_tone: str | None = None
    callee_tone: str | None = None
    last_minute_tone: str | None = None
    callback_number: str | None = field(default=None, repr=False)
    callback_tone: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of an order. `version` grows with every write; a write names the version it saw.

    ``x`` is empty while the platform has not told the X it chose (AXYB). ``ends_at`` is ours;
    ``platform_ends_at`` is when the platform itself would end it, a margin later, None = never.
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
    idle_s: int | None = None
    """It also ends so many seconds after its last call; None: only at `ends_at`."""
    active_at: datetime | None = None
    """The last call that is known."""
    in_flight_until: datetime | None = None
    pending: Terms | None = None
    """The change under way: its places are taken, the platform may or may not know it yet."""
    partners: tuple[Partner, ...] = ()
    """AXYB and X mode: who stands opposite A, in the order they came."""
    anyone: bool = False
    """X mode: whoever dials X reaches A."""
    extension: str | None = None
    """AXE: the digits that lead to A on this X."""
    callee: Callee | None = None
    callee_asked: str | None = None
    """AX: the request for a callee that is on its way; until it is certain no callee is known."""
    features: Features = Features()
    record_hint_tone: str | None = None
    user_reference: str | None = field(default=None, repr=False)
    idempotency: str | None = None
    """Token of the Idempotency-Key."""
    wanted_area: str | None = None
    cities: tuple[str, ...] = ()
    """Fallback cities, as in `choose.Wish`."""
    spread: Spread = Spread.RANDOM
    fixed_x: bool = False
    """The business system named X: the binding never moves to another one."""
    platform_chooses: bool = False
    """The business system left X to the platform; in AXYB it always is."""
    uncounted: bool = False
    """The platform chose an X that was none of our registered numbers: its counter knows nothing of it."""
    waits_s: int = 0
    """So long its release waits, from its end on, while a call that began before is under way."""
    binds: int = 0
    """Bind requests that may have reached the platform."""
    attempts: int = 0
    """Steps in the present state that came to nothing; the back-off grows with them."""
    moves: int = 0
    """How often the intent moved to another X."""
    reason: Reason | None = None
    """Why it ends. On REQUESTED: it is no longer wanted; on ACTIVE: it ends after a grace, at `ends_at`."""
    failure_code: str | None = None
    """FAILED: the platform's result code, or a word of ours."""

    @property
    def a(self) -> Party:
        """Party A, as the platform knows it now."""
        return self.terms.a

    @property
    def b(self) -> Party | None:
        """Party B of an AXB binding, as the platform knows it now."""
        return self.terms.b

    @property
    def ends_at(self) -> datetime:
        """When the binding is released by us."""
        return self.terms.ends_at

    @property
    def rests_until(self) -> datetime:
        """When it is released if nothing happens: at its end, or when it has been idle for too long."""
        if self.idle_s is None:
            return self.ends_at
        return min(self.ends_at, (self.active_at or self.created_at) + timedelta(seconds=self.idle_s))

    @property
    def waits_until(self) -> datetime:
        """When it is released whatever is under way."""
        return self.rests_until + timedelta(seconds=self.waits_s)

    def is_waiting(self, now: datetime) -> bool:
        """True when its end has come and only a call keeps it from being released."""
        return self.state is State.ACTIVE and self.rests_until <= now < self.waits_until

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
        """False while the platform's view of the binding or of a change to it is not known for certain."""
        if self.state.final:
            return True
        known = all(partner.state is PartnerState.HELD for partner in self.partners)
        return self.state is not State.REQUESTED and self.pending is None and known

    @property
    def people(self) -> tuple[Party, ...]:
        """Everybody who stands on X through this binding, or is about to."""
        coming = self.pending.people if self.pending else ()
        return (*self.terms.people, *coming, *(partner.party for partner in self.partners))

    @property
    def places(self) -> frozenset[str]:
        """Tokens for which a place on X is held; `ANYONE` keeps every stranger's (ax.md §1).

        Partners of an AXYB binding stand under its AX and not on its X (axyb.md §1).
        """
        if not self.x:
            return frozenset()
        if self.mode is Mode.AXYB:
            return frozenset({self.a.token})
        everybody = {ANYONE} if self.anyone or self.mode is Mode.AX else set[str]()
        return frozenset({who.token for who in self.people} | everybody)

    @property
    def pairs(self) -> frozenset[str]:
        """Hashes of the pairs that the order holds through this binding."""
        held = {pair_hash(*self.terms.people)}
        if self.pending:
            held.add(pair_hash(*self.pending.people))
        return frozenset(held)

    def partner(self, partner_id: str) -> Partner | None:
        """The partner of this id."""
        return next((one for one in self.partners if one.id == partner_id), None)

    def partner_of(self, party: Party) -> Partner | None:
        """The partner that is this person."""
        return next((one for one in self.partners if one.party.token == party.token), None)


def without(partners: Iterable[Partner], gone: Partner) -> tuple[Partner, ...]:
    """The partners but one."""
    return tuple(one for one in partners if one.id != gone.id)


def instead(partners: Iterable[Partner], changed: Partner) -> tuple[Partner, ...]:
    """The partners, one of them changed."""
    return tuple(changed if one.id == changed.id else one for one in partners)


def pair_hash(*people: Party) -> str:
    """Name of an unordered pair, or of A alone."""
    return pair_name(who.token for who in people)


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
