"""What each mode allows: its fields, its capacities, the lives it knows (numbers.md §4, the mode pages)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from privatenumber.settings import Mode

DAY_S: Final = 86_400
AXB_PAIRS: Final = 5000
"""Pairs that one X carries (axb.md §1)."""

AXE_ADVISED: Final = 200
"""Bindings that one X should carry, however many extensions it has (axe.md §1)."""

X_PER_PERSON: Final = 5
"""X numbers of one A in AX and AXYB, counted per application (numbers.md §4)."""

MAX_PARTNERS: Final = 40
"""So many Bs of one binding: they are freed together in one transaction, which takes a hundred actions."""

_TONES: Final = frozenset({"caller_tone", "callee_tone"})


@dataclass(frozen=True, slots=True)
class PlatformLife:
    """How a mode's life is told to the platform: in steps of seconds, between two bounds."""

    step_s: int
    least_s: int
    most_s: int

    def seconds(self, now: datetime, ends_at: datetime, margin_s: int) -> int:
        """What is left and a margin, rounded up. Never 0: to the platform that is a life without end."""
        left = max(0, math.ceil((ends_at - now).total_seconds())) + margin_s
        stepped = math.ceil(left / self.step_s) * self.step_s
        return min(max(stepped, self.least_s), self.most_s)


@dataclass(frozen=True, slots=True)
class ModeRules:
    """One mode. ``capacity`` is how many bindings one X carries by our books; ``longest_s`` our own limit.

    ``fields`` are the optional fields of a bind that the mode knows, ``changeable`` what may change later.
    ``life`` is None where the platform itself never ends a binding, ``prolonged`` tells whether a later end
    can be told to it. ``names_x``: we choose X, so that a bind of unknown outcome can be looked up.
    """

    capacity: int
    longest_s: int
    fields: frozenset[str]
    changeable: frozenset[str]
    required: tuple[str, ...] = ()
    """Of which at least one is needed."""
    life: PlatformLife | None = None
    prolonged: bool = True
    names_x: bool = True
    x_per_person: int | None = None
    partners: bool = False
    callee: bool = False
    at_platform: bool = True
    """False: the platform stores nothing, a binding is our own record."""

    def max_binds(self, *, named: bool) -> int:
        """Bind requests for one intent. One that cannot be looked up is the last resort, and only where what
        it may have left behind ends by itself.
        """
        if named:
            return 3
        return 1 if self.life is None else 2


_CALLS: Final = frozenset({"direction", "max_minutes", "last_minute_tone"})
_CHOICE: Final = frozenset({"x", "spread", "sticky", "fallback_areas"})
_LEFT: Final = frozenset({"chosen_by"})
_NAMED: Final = frozenset({"record_hint_tone", "user_reference"})

RULES: Final[Mapping[Mode, ModeRules]] = MappingProxyType(
    {
        Mode.AX: ModeRules(
            capacity=1,
            longest_s=5 * 365 * DAY_S,
            fields=_CHOICE | _LEFT | _NAMED | _CALLS | _TONES | {"sms"},
            changeable=frozenset({"ends_at", "a", "direction", "max_minutes"}),
            x_per_person=X_PER_PERSON,
            callee=True,
        ),
        Mode.AXB: ModeRules(
            capacity=AXB_PAIRS,
            longest_s=90 * DAY_S,
            fields=_CHOICE | _LEFT | _NAMED | _CALLS | _TONES | {"b", "sms"},
            changeable=frozenset({"ends_at", "a", "b", "direction", "max_minutes"}),
            required=("b",),
            life=PlatformLife(step_s=1, least_s=1, most_s=7_776_000),
        ),
        Mode.AXE: ModeRules(
            capacity=AXE_ADVISED,
            longest_s=30 * DAY_S,
            fields=_CHOICE | _LEFT | _NAMED | {"extension", "callback_number", "callback_tone"},
            changeable=frozenset({"ends_at"}),
            life=PlatformLife(step_s=60, least_s=60, most_s=43_200 * 60),
        ),
        Mode.AXYB: ModeRules(
            capacity=1,
            longest_s=90 * DAY_S,
            fields=_NAMED | _TONES | {"b", "direction"},
            changeable=frozenset({"ends_at"}),
            required=("area",),
            life=PlatformLife(step_s=1, least_s=60, most_s=7_776_000),
            prolonged=False,
            names_x=False,
            partners=True,
        ),
        Mode.X: ModeRules(
            capacity=AXB_PAIRS,
            longest_s=5 * 365 * DAY_S,
            fields=_CHOICE | _NAMED | _CALLS | _TONES | {"b", "anyone"},
            changeable=frozenset({"ends_at", "a", "direction", "max_minutes"}),
            required=("b", "anyone"),
            partners=True,
            callee=True,
            at_platform=False,
        ),
    }
)


def capacity(mode: Mode, extension_digits: int) -> int:
    """How many bindings one X carries; with AXE also no more than it has extensions (axe.md §1.1)."""
    most = RULES[mode].capacity
    return min(most, 10**extension_digits - 1) if mode is Mode.AXE else most
