"""No person's number in clear: in what functions print and answer, in row keys and documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from storm.judges.verdict import Verdict
from storm.orders import PEOPLE, STRANGERS, person, stranger
from storm.plan import CROWD

_RUN = re.compile(r"1[3-9]\d{9}")
_LONGEST = 400
FOREIGN = 20
"""People behind the crowd, of bindings made at the platform's console."""


def people() -> frozenset[str]:
    """The national digits of everybody."""
    everybody = [person(n) for n in range(PEOPLE)] + [stranger(n) for n in range(STRANGERS + CROWD + FOREIGN)]
    return frozenset(number.removeprefix("+86") for number in everybody)


@dataclass
class PrivacyWatch:
    """Looks at whatever leaves a function."""

    known: frozenset[str] = field(default_factory=people)
    verdict: Verdict = field(
        default_factory=lambda: Verdict(
            "privacy",
            "no full phone number of a person in any log line, metric, error, answer, webhook or row key",
        )
    )

    def hear(self, where: str, text: str) -> None:
        """Look at a text."""
        self.verdict.judged += 1
        if any(found in self.known for found in _RUN.findall(text)):
            shown = _RUN.sub(lambda found: found[0][:3] + "xxxxxxxx", text)
            self.verdict.broken(f"{where} told a number", [shown[:_LONGEST]])

    def look(self, where: str, texts: Iterable[str]) -> None:
        """Look at many."""
        for text in texts:
            self.hear(where, text)
