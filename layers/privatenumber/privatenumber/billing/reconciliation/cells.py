"""Cells of the platform's files as typed values (billing-rules.md §9.2).

No error text contains a cell, because a cell of a wrong column may be a person's number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

from privatenumber.billing.reconciliation.layouts import Layout
from privatenumber.phone import InvalidNumber, normalise

Value = TypeVar("Value")

_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+", re.ASCII)
_PATTERN: Final = re.compile(r"(?:\+?86)?(?=[\d*]*\*)[\d*]{5,13}", re.ASCII)
_FOREIGN: Final = re.compile(r"\+(?!86)\d{6,18}", re.ASCII)
_GLOBAL_MOBILE: Final = re.compile(r"\+861[3-9]\d{9}", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,15}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_MIRRORED: Final = str.maketrans(".,", ",.")
_MOBILE_LENGTH: Final = 11
_MOST_DIGITS: Final = 15
#: An export has few X and many people: the numbers of the last rows are read once.
_NUMBERS_KEPT: Final = 4096


class BadCell(ValueError):
    """A cell that cannot be read: its column and the rule it breaks."""


@dataclass(frozen=True, slots=True)
class ImportedNumber:
    """A phone number of a file: whole and global, or a pattern with ``*`` where the provider hid digits."""

    text: str = field(repr=False)

    @property
    def masked(self) -> bool:
        """True when digits are hidden."""
        return "*" in self.text

    def matches(self, number: str | None) -> bool:
        """Whether this can be `number` (global form): every digit that is shown is equal."""
        if number is None or len(number) != len(self.text):
            return False
        return all(mine in ("*", theirs) for mine, theirs in zip(self.text, number, strict=True))


class Cells:
    """Typed access to one row by product column."""

    __slots__ = ("_cells", "_layout")

    def __init__(self, layout: Layout, cells: Mapping[str, str]) -> None:
        self._layout = layout
        self._cells = cells

    def text(self, column: str) -> str | None:
        """The text without blanks and apostrophe, translated by the layout; ``None`` when there is none."""
        text = self._cells.get(column, "").strip().removeprefix("'").strip()
        words = self._layout.values.get(column)
        if words:
            text = words.get(text, text)
        return text or self._layout.constants.get(column) or None

    def time(self, column: str) -> datetime | None:
        """A moment, written in the zone of the layout, as UTC."""
        text = self.text(column)
        if text is None:
            return None
        moment = self._layout.moment(text)
        if moment is None:
            raise BadCell(f"{column}: not a time of the layout")
        return moment

    def number(self, column: str) -> ImportedNumber | None:
        """A phone number, or a pattern of one."""
        text = self.text(column)
        if text is None:
            return None
        if _GLOBAL_MOBILE.fullmatch(text):
            return ImportedNumber(text)
        found, rule = _number(text)
        if found is None:
            raise BadCell(f"{column}: {rule}")
        return found

    def decimal(self, column: str) -> Decimal | None:
        """An exact number, with the decimal separator of the layout; the other one parts thousands."""
        text = self.text(column)
        if text is None:
            return None
        if self._layout.decimal_separator == ",":
            text = text.translate(_MIRRORED)
        if _THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        value = Decimal(text) if _DECIMAL.fullmatch(text) else None
        # As a whole number, 1E+999 would have a thousand digits.
        if value is None or abs(value.adjusted()) > _MOST_DIGITS:
            raise BadCell(f"{column}: not a number")
        return value

    def whole(self, column: str, *, most: int = 10**_MOST_DIGITS) -> int | None:
        """A whole number from 0 to ``most``."""
        text = self.text(column)
        value = int(text) if text is not None and _WHOLE.fullmatch(text) else self.decimal(column)
        if value is None:
            return None
        if value < 0 or value != int(value):
            raise BadCell(f"{column}: not a whole number")
        if value > most:
            raise BadCell(f"{column}: more than {most}")
        return int(value)

    def has(self, *columns: str) -> bool:
        """Whether the row has a cell of one of these columns, be it an empty one."""
        return any(column in self._cells or column in self._layout.constants for column in columns)


def needed(value: Value | None, column: str) -> Value:
    """A value that must be there."""
    if value is None:
        raise BadCell(f"{column}: missing")
    return value


def one_of(text: str, allowed: Iterable[str], column: str) -> str:
    """One of some words, however it is capitalised."""
    for choice in allowed:
        if text.casefold() == choice.casefold():
            return str(choice)
    raise BadCell(f"{column}: none of {', '.join(allowed)}")


@lru_cache(maxsize=_NUMBERS_KEPT)
def _number(text: str) -> tuple[ImportedNumber | None, str]:
    """A number, or the rule that a text breaks."""
    if _SCIENTIFIC.fullmatch(text):
        return None, "scientific notation has lost digits, format the column as text"
    if "*" in text:
        pattern = _pattern(text)
        return (ImportedNumber(pattern), "") if pattern else (None, "neither a number nor a masked number")
    try:
        return ImportedNumber(normalise(text, service=True)), ""
    except InvalidNumber as error:
        return (ImportedNumber(text), "") if _FOREIGN.fullmatch(text) else (None, error.rule)


def _pattern(text: str) -> str | None:
    """A masked number in global form, its stars where the provider put them."""
    plain = "".join(text.split())
    if not _PATTERN.fullmatch(plain):
        return None
    if plain.startswith("+"):
        return plain
    return f"+86{plain}" if len(plain) <= _MOBILE_LENGTH else f"+{plain}"
