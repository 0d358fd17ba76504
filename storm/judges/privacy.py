"""No person's number in clear: in what functions print, answer, send and store."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from storm.judges.verdict import Verdict
from storm.orders import PEOPLE, STRANGERS, person, stranger
from storm.plan import CROWD

_RUN = re.compile(r"(?=(1[3-9]\d{9}))")
"""Wherever a number may begin: digits before it must not hide it."""

_SEALED = "sealed"
_PACKED = "lines"
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
            "no full phone number of a person in any log line, metric, error, answer, webhook, message, file"
            " name, or anything of a row but what is sealed",
        )
    )

    def hear(self, where: str, text: str) -> None:
        """Look at a text."""
        self.verdict.judged += 1
        if found := self.known.intersection(_RUN.findall(text)):
            shown = text
            for number in found:
                shown = shown.replace(number, number[:3] + "xxxxxxxx")
            self.verdict.broken(f"{where} told a number", [shown[:_LONGEST]])

    def look(self, where: str, texts: Iterable[str]) -> None:
        """Look at many."""
        for text in texts:
            self.hear(where, text)


def readable(value: Any) -> Iterator[str]:
    """Every text in a row that is not sealed, names of members too; packed pages are opened."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name != _SEALED:
                yield str(name)
                packed = name == _PACKED and isinstance(member, bytes)
                yield from readable(zlib.decompress(member) if packed else member)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from readable(member)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    else:
        yield str(value)
