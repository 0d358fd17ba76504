"""What a judge says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["true", "not judged", "BROKEN"]


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that must not be: what it is, the story that led to it, and when it was, if that is known."""

    what: str
    trace: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass
class Verdict:
    """One invariant: what it says, how many things were looked at, what breaks it, figures for the report.

    ``notes`` say what was left out, and why. ``absent`` says what the plan itself has none of; it is empty
    when there should have been something to look at.
    """

    name: str
    says: str
    judged: int = 0
    breaches: list[Breach] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    absent: str = ""

    @property
    def holds(self) -> bool:
        """Whether it holds, and anything was looked at."""
        return not self.breaches and self.judged > 0

    @property
    def state(self) -> State:
        """What the report says: not judged only where the plan itself has nothing of it."""
        if self.holds:
            return "true"
        return "not judged" if self.absent and not self.judged and not self.breaches else "BROKEN"

    def broken(self, what: str, trace: Sequence[str] = (), at: datetime | None = None) -> None:
        """Note a breach."""
        self.breaches.append(Breach(what, tuple(trace), at))
