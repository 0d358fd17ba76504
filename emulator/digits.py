"""Collecting an extension: what a caller's typing comes to, and how long it takes (axe.md §6.1)."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.settings import AxeSettings

TYPING_S = 2
"""How long a caller takes to type what he types at one prompt."""
END = "#"


@dataclass(frozen=True, slots=True)
class Typed:
    """Digits of one attempt, ``""`` for none, and after how many seconds the collection ends."""

    digits: str
    after_s: int


def typed(text: str, wanted: int, rules: AxeSettings) -> Typed:
    """Read what is typed at a prompt: it ends with the last wanted digit, at ``#``, or at a time-out."""
    if not text:
        return Typed("", rules.first_digit_s)
    digits, ended, _ = text.partition(END)
    complete = bool(ended) or len(digits) >= wanted
    return Typed(digits[:wanted], TYPING_S + (0 if complete else rules.next_digit_s))
