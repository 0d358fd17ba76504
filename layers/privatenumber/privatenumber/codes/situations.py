"""What can be said of a call or text that failed or surprised, and of one that did not, in both languages.

One table, ``situations.csv``; docs/diagnosis.md shows it. Texts hold places in braces, which whoever finds a
situation fills with what it found. ``weight`` orders the findings of one call: causes before what is odd
about its records, those before what is only worth knowing (cause-codes.md §5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from string import Formatter

from privatenumber.codes.texts import Text, rows_of


class Severity(StrEnum):
    """How a situation looks to those who run the system."""

    FINE = "fine"
    """As it should be."""
    NOTICE = "notice"
    """Nothing is broken, but somebody may wonder."""
    FAILED = "failed"
    """The call or text did not succeed, for an ordinary reason."""
    ALARM = "alarm"
    """Something has to be put right, or the next ones fail as well."""


class Actor(StrEnum):
    """Who can do something about it (cause-codes.md §3)."""

    NOBODY = "nobody"
    CALLER = "caller"
    CALLEE = "callee"
    US = "us"
    """Whoever binds: the business system, its app, our backend."""
    OPERATOR = "operator"
    """Whoever runs the deployment and looks after account and console."""
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Situation:
    """One row. ``proof`` says whether the emulator produces it in a test, else why not."""

    id: str
    weight: int
    severity: Severity
    acts: Actor
    title: Text
    explanation: Text
    next_step: Text
    checklist: tuple[str, ...]
    proof: str

    @property
    def places(self) -> frozenset[str]:
        """Names of the places in its texts."""
        texts = (self.title, self.explanation, self.next_step)
        found = (_places(text.en) | _places(text.zh) for text in texts)
        return frozenset().union(*found)


def situation(identity: str) -> Situation:
    """The situation of this id; KeyError when there is none."""
    return _table()[identity]


def situations() -> tuple[Situation, ...]:
    """The whole table, in its order."""
    return tuple(_table().values())


def filled(text: Text, values: Mapping[str, Text]) -> Text:
    """A text with its places filled, each language with its own words; KeyError names one that is missing."""
    return Text(
        text.en.format_map({name: value.en for name, value in values.items()}),
        text.zh.format_map({name: value.zh for name, value in values.items()}),
    )


def _places(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


@cache
def _table() -> dict[str, Situation]:
    return {
        row["id"]: Situation(
            id=row["id"],
            weight=int(row["weight"]),
            severity=Severity(row["severity"]),
            acts=Actor(row["acts"]),
            title=Text(row["title_en"], row["title_zh"]),
            explanation=Text(row["says_en"], row["says_zh"]),
            next_step=Text(row["next_en"], row["next_zh"]),
            checklist=tuple(row["checklist"].split()),
            proof=row["proof"],
        )
        for row in rows_of("situations.csv")
    }
