"""What a diagnosis is made of and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from privatenumber.codes.situations import Actor, Severity, filled, situation
from privatenumber.codes.texts import Text


class Confidence(StrEnum):
    """How sure a finding is."""

    CERTAIN = "certain"
    """The records say it themselves."""
    LIKELY = "likely"
    """It follows from records of ours and the platform's together."""
    POSSIBLE = "possible"
    """It fits, and something else might."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, and in which record (``cdr``, ``event disconnect``, ``binding <id>``, …).

    Never a real number: people are told of by their role.
    """

    what: Text
    value: Text
    source: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding about a call or text, as it is told."""

    situation: str
    title: Text
    explanation: Text
    next_step: Text
    evidence: tuple[Evidence, ...]
    checklist: tuple[str, ...]
    severity: Severity
    acts: Actor
    confidence: Confidence
    weight: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A situation that was recognised, with what fills its texts."""

    situation: str
    values: Mapping[str, Text] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    confidence: Confidence = Confidence.CERTAIN

    def told(self) -> Diagnosis:
        """The finding in the words of the table."""
        row = situation(self.situation)
        return Diagnosis(
            situation=row.id,
            title=filled(row.title, self.values),
            explanation=filled(row.explanation, self.values),
            next_step=filled(row.next_step, self.values),
            evidence=self.evidence,
            checklist=row.checklist,
            severity=row.severity,
            acts=row.acts,
            confidence=self.confidence,
            weight=row.weight,
        )
