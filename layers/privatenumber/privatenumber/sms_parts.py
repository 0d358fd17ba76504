"""Into how many SMS a text is split (billing-rules.md §4.1): calls count with it, billing charges by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest text that goes out as one SMS, and the length of the parts of a longer one."""

    single: int
    part: int

    def parts(self, length: int) -> int:
        """The parts of a text of this length; an empty text is one."""
        return 1 if length <= self.single else -(-length // self.part)


@dataclass(frozen=True, slots=True)
class SmsLimits:
    """The limits of pure English texts and of all others, in UTF-16 code units."""

    english: Limits
    other: Limits

    def parts(self, length: int, *, english: bool) -> int:
        """The parts of a text by its length and class."""
        return (self.english if english else self.other).parts(length)


DOCUMENTED: Final = SmsLimits(english=Limits(160, 154), other=Limits(70, 67))
"""As the platform documents them: 154, not 153 as elsewhere."""


def is_english(text: str) -> bool:
    """Whether every character is U+0000 to U+007F; brackets and tildes count one."""
    return text.isascii()


def length_of(text: str) -> int:
    """Length in UTF-16 code units: a character outside the basic plane counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(text: str, limits: SmsLimits = DOCUMENTED) -> int:
    """Into how many SMS a text is split."""
    return limits.parts(length_of(text), english=is_english(text))
