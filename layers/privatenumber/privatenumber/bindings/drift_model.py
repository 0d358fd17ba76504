"""What a drift run is and what it keeps of a difference, as the table stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from privatenumber.bindings.drift import Difference, Kind
from privatenumber.store.drift import Item
from privatenumber.times import from_iso, iso

WHOLESALE: Final = 10
"""From so many on, bindings that are most of all are not closed as lost: the platform may be mistaken."""

KEPT: Final = timedelta(days=90)


class RunState(StrEnum):
    """How far a run is."""

    COMPARING = "comparing"
    REPAIRING = "repairing"
    DONE = "done"


SUSPECTED: Final = "suspected"
REPAIRING: Final = "repairing"
REPAIRED: Final = "repaired"
LISTED: Final = "listed"
GONE: Final = "gone"
IGNORED: Final = "ignored"
"""States of a difference; the first two are not final. IGNORED is what somebody decided of a LISTED one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run over the numbers of an application. ``counts``: finished differences by kind and state."""

    application: str
    id: str
    state: RunState
    repair: bool
    actor: str
    started_at: datetime
    due_at: datetime
    version: int = 0
    finished_at: datetime | None = None
    cursor: str | None = None
    numbers: int = 0
    bindings: int = 0
    lost: int = 0
    repaired: int = 0
    stumbles: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def wholesale(self) -> bool:
        """True when the platform seems to have lost most of what we hold there."""
        return self.lost >= WHOLESALE and self.lost * 2 > self.bindings

    @property
    def expires_at(self) -> int:
        """When it and what it found are forgotten, in epoch seconds."""
        return int((self.started_at + KEPT).timestamp())

    def to_item(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "application": self.application,
            "state": self.state.value,
            "repair": self.repair,
            "actor": self.actor,
            "started_at": iso(self.started_at),
            "due_at": iso(self.due_at),
            "finished_at": self.finished_at and iso(self.finished_at),
            "cursor": self.cursor,
            "numbers": self.numbers,
            "bindings": self.bindings,
            "lost": self.lost,
            "repaired": self.repaired,
            "stumbles": self.stumbles,
            "counts": dict(self.counts),
            "expires_at": self.expires_at,
        }

    @classmethod
    def from_item(cls, item: Item) -> Run:
        """Read a stored run."""
        finished = item.get("finished_at")
        return cls(
            application=item["application"],
            id=item["run_id"],
            state=RunState(item["state"]),
            repair=item["repair"],
            actor=item["actor"],
            started_at=from_iso(item["started_at"]),
            due_at=from_iso(item["due_at"]),
            version=int(item["version"]),
            finished_at=from_iso(finished) if finished else None,
            cursor=item.get("cursor"),
            numbers=int(item["numbers"]),
            bindings=int(item["bindings"]),
            lost=int(item["lost"]),
            repaired=int(item["repaired"]),
            stumbles=int(item["stumbles"]),
            counts={name: int(count) for name, count in item["counts"].items()},
        )


def shown(difference: Difference) -> dict[str, Any]:
    """A difference as it is stored."""
    return {
        "kind": difference.kind.value,
        "x": difference.x,
        "subscription_id": difference.subscription_id,
        "binding_id": difference.binding_id,
        "fields": list(difference.fields),
        "a": difference.a,
        "b": difference.b,
    }


def difference_of(item: Item) -> Difference:
    """The difference that an item holds."""
    return Difference(
        Kind(item["kind"]),
        item["x"],
        item.get("subscription_id"),
        item.get("binding_id"),
        tuple(item.get("fields", ())),
        item.get("a"),
        item.get("b"),
    )
