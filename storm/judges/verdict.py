"""What a judge says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that must not be: what it is, and the story that led to it."""

    what: str
    trace: tuple[str, ...] = ()


@dataclass
class Verdict:
    """One invariant: what it says, how many things were looked at, what breaks it, figures for the report.

    ``notes`` say what was left out, and why.
    """

    name: str
    says: str
    judged: int = 0
    breaches: list[Breach] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether it holds, and anything was looked at."""
        return not self.breaches and self.judged > 0

    def broken(self, what: str, trace: Sequence[str] = ()) -> None:
        """Note a breach."""
        self.breaches.append(Breach(what, tuple(trace)))
