"""What the platform does to the text of an SMS, and into how many parts a text is split.

Pure rules: notifications.md §6.1 (AX: ``@number`` and ``[From…]``), billing-rules.md §4.1 (parts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from privatenumber.phone import NumberKind, is_global, kind, national

SINGLE_ENGLISH: Final = 160
PART_ENGLISH: Final = 154
"""Documented; not 153 as elsewhere."""
SINGLE_OTHER: Final = 70
PART_OTHER: Final = 67

_VALID: Final = re.compile(r"@(?P<number>(?:\+86)?1[3-9][0-9]{9})\s*\Z")
#: What was meant as a receiver and is none: digits behind any @, or a mobile number at the end without one.
_ATTEMPT: Final = re.compile(
    r"[@＠]\s*[+＋]?[0-9０-９]|(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}\s*\Z",
)


class AtNumber(StrEnum):
    """What the end of A's text says about the receiver (notifications.md §6.1)."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A's text in AX, read: `receiver` in global form and the text without it, when the ending is valid."""

    ending: AtNumber
    text: str = field(repr=False)
    receiver: str | None = field(default=None, repr=False)


def addressed(text: str) -> Addressed:
    """Read the end of a text that A sent to its X.

    Valid is a half-width ``@``, optionally ``+86``, a mobile number of 11 digits and blanks, nothing behind.
    """
    found = _VALID.search(text)
    if found:
        number = found["number"]
        receiver = number if number.startswith("+") else f"+86{number}"
        return Addressed(AtNumber.VALID, text[: found.start()], receiver)
    ending = AtNumber.MALFORMED if _ATTEMPT.search(text) else AtNumber.MISSING
    return Addressed(ending, text)


def with_sender(text: str, sender: str) -> str:
    """The text that A gets when another writes to A's X: the number is appended in national form."""
    mobile = is_global(sender) and kind(sender) is NumberKind.MOBILE
    return f"{text}[From{national(sender) if mobile else sender}]"


def parts(text: str) -> int:
    """Into how many SMS a text is split; the empty text is one (billing-rules.md §4.1)."""
    single, part = (SINGLE_ENGLISH, PART_ENGLISH) if text.isascii() else (SINGLE_OTHER, PART_OTHER)
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= single else -(-length // part)
