"""Phone numbers: what the platform accepts on the wire and what people type (numbers.md §1).

A number in *global* form is ``+86…`` and matches one of four patterns. Errors name the field and the broken
rule, never the number.
"""

import re
from enum import StrEnum
from typing import Final

from privatenumber.phone_areas import AREA_PROVINCES

__all__ = ["AREA_PROVINCES", "InvalidNumber", "NumberKind", "is_global", "kind", "national", "normalise"]


class NumberKind(StrEnum):
    """The four kinds of numbers of numbers.md §1. X numbers are always MOBILE."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    SERVICE_400 = "service_400"
    SERVICE_95 = "service_95"


class InvalidNumber(ValueError):
    """A text that is no number this field may carry.

    Attributes: ``field``, the name of the offending input; ``rule``, what it should have been.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


# Order matters: a 400/800 number would also match the landline pattern (numbers.md §1).
_GLOBAL: Final = (
    (NumberKind.MOBILE, re.compile(r"\+861[3-9]\d{9}", re.ASCII)),
    (NumberKind.SERVICE_400, re.compile(r"\+86[48]00\d{7}", re.ASCII)),
    (NumberKind.SERVICE_95, re.compile(r"\+8695\d{3,6}", re.ASCII)),
    (NumberKind.LANDLINE, re.compile(r"\+86(?:(?:10|2[0-57-9])\d{8}|[3-9]\d{2}\d{7,8})", re.ASCII)),
)
_SERVICE: Final = frozenset({NumberKind.SERVICE_400, NumberKind.SERVICE_95})

_FULL_WIDTH: Final = {0xFF10 + digit: str(digit) for digit in range(10)} | {ord("＋"): "+"}
_PUNCTUATION: Final = dict.fromkeys(map(ord, "-()（）－‐‑‒–—−"))
_TYPED: Final = _FULL_WIDTH | _PUNCTUATION


def normalise(text: str, *, field: str = "number", service: bool = False) -> str:
    """Bring what a person typed into global form (the table of numbers.md §1.3); idempotent.

    ``service`` also admits 400, 800 and 95 numbers, which only a temporary callee of AX may be.
    Raises InvalidNumber; nothing is guessed beyond the table.
    """
    typed = "".join(text.split()).translate(_TYPED)
    number = _globalise(typed, service=service)
    found = _kind(number) if number else None
    if found is None:
        raise InvalidNumber(
            field, "must be a mainland mobile number, or a landline number with its area code"
        )
    if found in _SERVICE and not service:
        raise InvalidNumber(
            field, "must be a mobile or landline number; 400, 800 and 95 numbers cannot be bound"
        )
    return number


def kind(number: str) -> NumberKind:
    """The kind of a number in global form. Raises InvalidNumber for anything else."""
    found = _kind(number)
    if found is None:
        raise InvalidNumber("number", "must be in global form, +86…")
    return found


def is_global(number: str) -> bool:
    """Whether the platform would accept this text as a number."""
    return _kind(number) is not None


def national(number: str) -> str:
    """What a person dials: 11 digits for mobiles and X (never +86), 0 and area code for landlines."""
    return "0" + number[3:] if kind(number) is NumberKind.LANDLINE else number[3:]


def _kind(number: str) -> NumberKind | None:
    return next((found for found, pattern in _GLOBAL if pattern.fullmatch(number)), None)


def _globalise(typed: str, *, service: bool) -> str:
    """Prefix the typed digits with +86 where the form leaves no doubt, else the empty string."""
    if typed.startswith("+86"):
        return typed
    if typed.startswith("0086"):
        return "+" + typed[2:]
    if typed.startswith("0"):
        # Exactly one zero is the trunk prefix; before anything but a landline it means something else.
        return _only("+86" + typed[1:], NumberKind.LANDLINE)
    if typed.startswith("86") and len(typed) == 13:
        return _only("+" + typed, NumberKind.MOBILE)
    allowed = (NumberKind.MOBILE, *_SERVICE) if service else (NumberKind.MOBILE,)
    return _only("+86" + typed, *allowed)


def _only(number: str, *kinds: NumberKind) -> str:
    return number if _kind(number) in kinds else ""
