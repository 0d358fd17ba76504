"""What a business system asks for, and what is wanted once every rule of it holds (`command_reading`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from privatenumber.bindings.choose import Wish
from privatenumber.bindings.model import Features, Party, Spread, Terms, pair_hash
from privatenumber.bindings.rules import RULES, ModeRules
from privatenumber.settings import Mode


class Chooser(StrEnum):
    """Who chooses X where the mode leaves that open."""

    US = "us"
    PLATFORM = "platform"


class Sticky(StrEnum):
    """Whether a pair shall meet on the X where it met last; a wish, not a condition (users.md U-S04)."""

    NONE = "none"
    PREFER = "prefer"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A living binding whose order and people go to another X; the new one stands for the same request."""

    binding_id: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class BindCommand:
    """What a business system asks for. Exactly one of ``ends_at`` (aware UTC) and ``ttl_seconds`` is given.

    ``mode`` None is the application's. Numbers in any form that numbers.md §1.3 accepts. ``b`` is B (AXB) or
    the first partner (AXYB, X mode); ``anyone`` lets whoever dials X reach A (X mode). Calls are recorded
    when ``record_hint_tone`` is set (axb.md §6.3). ``area`` is the city of X; ``fallback_areas`` stand in for
    it in turn, city codes, ``province`` or ``any`` (at most five), ``fallback_any_area`` is short for the
    last. ``spread`` says which of several numbers is taken. ``extension`` names the digits (AXE), else we
    choose. Tones are names of files that the platform has; ``callback_number`` or ``callback_tone`` serve A
    of an AXE binding while nobody has called. With ``idle_seconds`` a binding also ends so long after its
    last call; its release waits up to ``release_wait_seconds`` for a call that is under way. With
    ``chosen_by`` the platform takes any X of ``area``, and a bind whose answer is lost cannot be found again.
    """

    application: str
    order: str
    a: str = field(repr=False)
    b: str | None = field(default=None, repr=False)
    mode: Mode | None = None
    anyone: bool = False
    area: str | None = None
    x: str | None = None
    extension: str | None = None
    ends_at: datetime | None = None
    ttl_seconds: int | None = None
    direction: int = 0
    max_minutes: int = 0
    sms: bool = True
    record_hint_tone: str | None = None
    caller_tone: str | None = None
    callee_tone: str | None = None
    last_minute_tone: str | None = None
    callback_number: str | None = field(default=None, repr=False)
    callback_tone: str | None = None
    user_reference: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    fallback_any_area: bool = False
    fallback_areas: tuple[str, ...] = ()
    spread: Spread = Spread.RANDOM
    sticky: Sticky = Sticky.NONE
    idle_seconds: int | None = None
    release_wait_seconds: int = 0
    chosen_by: Chooser = Chooser.US
    replaces: Replaced | None = None
    """Ours alone: the order may have both bindings until the old one is released."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command whose rules hold: numbers in global form, the end as a moment, content and key as tokens."""

    application: str
    order: str
    mode: Mode
    terms: Terms
    partner: Party | None
    anyone: bool
    wish: Wish
    sticky: Sticky
    idle_s: int | None
    waits_s: int
    platform_chooses: bool
    extension: str | None
    extension_digits: int
    features: Features
    record_hint_tone: str | None
    user_reference: str | None = field(repr=False)
    idempotency: str | None
    content_hash: str
    replaces: str | None = None

    @property
    def rules(self) -> ModeRules:
        """What the mode allows."""
        return RULES[self.mode]

    @property
    def people(self) -> tuple[Party, ...]:
        """Everybody who will stand on X."""
        return (*self.terms.people, *([self.partner] if self.partner else []))

    @property
    def names_x(self) -> bool:
        """Whether we choose X."""
        return self.rules.names_x and not self.platform_chooses

    @property
    def pair(self) -> str:
        """Name of what the order may have once: the pair, or A where the others come and go."""
        return pair_hash(*self.terms.people)

    @property
    def met(self) -> str:
        """Name of the people as they are remembered to have met."""
        return pair_hash(*self.people)
