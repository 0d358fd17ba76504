"""Where our books and the platform's differ on one X: the comparison alone, without a table or a request.

What is under way on our side is no difference: the worker that is at it brings both sides together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.bindings.gateway import Standing
from privatenumber.bindings.model import Binding, Partner, PartnerState, State
from privatenumber.bindings.rules import RULES
from privatenumber.privacy import mask
from privatenumber.settings import Mode

SAFE: Final = frozenset({"direction", "max_minutes", "duration"})
"""Fields that may be brought to our terms without asking anybody: no other person is reached by it."""

IMPOSED: Final = frozenset({Mode.AX, Mode.AXB})
"""Modes whose bindings tell these fields and take others by a modification."""

_SLACK: Final = timedelta(seconds=120)
"""A life starts when the platform executes the request, not when it is sent."""


class Kind(StrEnum):
    """What kind of difference it is."""

    OURS_ONLY = "ours_only"
    """ACTIVE with us, unknown to the platform."""
    PLATFORM_ONLY = "platform_only"
    """Held by the platform, no living binding of ours."""
    DIFFERENT = "different"
    """Known to both, with other people or terms."""
    UNREAD = "unread"
    """The X could not be compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference on an X; people masked. ``fields`` are those that differ."""

    kind: Kind
    x: str
    subscription_id: str | None = None
    binding_id: str | None = None
    fields: tuple[str, ...] = ()
    a: str | None = None
    b: str | None = None

    @property
    def id(self) -> str:
        """The same for the same difference, however often it is found."""
        parts = (self.kind, self.x, self.subscription_id or "", self.binding_id or "")
        return f"d{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def compare(ours: Sequence[Binding], held: Iterable[Standing], now: datetime) -> Iterator[Difference]:
    """Yield the differences on one X between our living bindings and who stands there at the platform."""
    by_id = {binding.subscription_id: binding for binding in ours if binding.subscription_id}
    met: set[str] = set()
    for row in held:
        binding = by_id.get(row.subscription_id) if row.subscription_id else None
        if binding is None:
            if not any(_may_become(one, row) for one in ours):
                yield platform_only(row)
            continue
        met.add(binding.id)
        if at_rest(binding, now) and (fields := differing(binding, row, now)):
            yield of_binding(Kind.DIFFERENT, binding, fields)
    for binding in ours:
        if binding.subscription_id and binding.id not in met and at_rest(binding, now):
            yield of_binding(Kind.OURS_ONLY, binding)


def of_binding(kind: Kind, binding: Binding, fields: tuple[str, ...] = ()) -> Difference:
    """A difference of a binding of ours."""
    b = binding.b.masked if binding.b else None
    return Difference(kind, binding.x, binding.subscription_id, binding.id, fields, binding.a.masked, b)


def platform_only(row: Standing) -> Difference:
    """A difference of something that only the platform knows."""
    b = mask(row.b) if row.b else None
    return Difference(Kind.PLATFORM_ONLY, row.x, row.subscription_id, None, (), mask(row.a), b)


def at_rest(binding: Binding, now: datetime) -> bool:
    """Tell whether the platform must hold a binding just as we do: nothing is under way, its end is ahead."""
    in_flight = binding.in_flight_until is not None and binding.in_flight_until > now
    return binding.state is State.ACTIVE and binding.settled and not in_flight and binding.rests_until > now


def differing(binding: Binding, row: Standing, now: datetime) -> tuple[str, ...]:
    """Names of what the platform holds otherwise than we do; what the mode does not tell is no difference."""
    told = {
        "x": row.x == binding.x,
        "a": row.a == binding.a.number,
        "b": row.b is None or (binding.b is not None and row.b == binding.b.number),
        "extension": row.extension is None or row.extension == binding.extension,
        "direction": row.direction in (None, binding.direction),
        "max_minutes": row.max_minutes in (None, binding.max_minutes),
        "duration": not _wrong_life(binding, row, now),
        "partners": binding.mode is not Mode.AXYB or all(_stands(row, one) for one in binding.partners),
    }
    return tuple(name for name, equal in told.items() if not equal)


def _stands(row: Standing, partner: Partner) -> bool:
    """A YB that only the platform has is no difference: it makes one for each stranger who calls X."""
    return partner.state is not PartnerState.HELD or (partner.y, partner.party.number) in row.partners


def _wrong_life(binding: Binding, row: Standing, now: datetime) -> bool:
    """Tell whether the life as set cannot be ours, whenever it started since the bind (axb.md §5)."""
    if RULES[binding.mode].life is None or row.duration is None or binding.platform_ends_at is None:
        return False
    if row.duration == 0:
        return True
    life = timedelta(seconds=row.duration)
    return now + life < binding.ends_at or binding.created_at + life > binding.platform_ends_at + _SLACK


def _may_become(binding: Binding, row: Standing) -> bool:
    """Tell whether this is the bind that a requested binding of ours still waits to hear of."""
    if binding.state is not State.REQUESTED or row.a != binding.a.number:
        return False
    b = binding.b.number if binding.b else None
    return row.b == b and row.extension in (None, binding.extension)
