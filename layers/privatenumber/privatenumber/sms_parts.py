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


DOCUMENTED: Final = SmsLimits(english=Limits(160, 154), other=Limits(70, 67))
"""As the platform documents them: 154, not 153 as elsewhere."""


@dataclass(frozen=True, slots=True)
class TextSize:
    """What decides into how many SMS a text is split, without its words.

    ``length`` is in UTF-16 code units: a character outside the basic plane counts two. Pure English is
    U+0000 to U+007F, brackets and tildes count one.
    """

    length: int
    english: bool

    def parts(self, limits: SmsLimits = DOCUMENTED) -> int:
        """Into how many SMS the text is split."""
        return (limits.english if self.english else limits.other).parts(self.length)

    def note(self) -> str:
        """The size in a few bytes, as rows hold it: the length, ``e`` behind that of pure English."""
        return f"{self.length}{'e' if self.english else ''}"


def noted_size(note: str) -> TextSize:
    """The size that `TextSize.note` wrote."""
    return TextSize(int(note.rstrip("e")), note.endswith("e"))


def size_of(text: str) -> TextSize:
    """The size of a text."""
    return TextSize(len(text.encode("utf-16-le", "surrogatepass")) // 2, text.isascii())


def parts(text: str, limits: SmsLimits = DOCUMENTED) -> int:
    """Into how many SMS a text is split."""
    return size_of(text).parts(limits)
