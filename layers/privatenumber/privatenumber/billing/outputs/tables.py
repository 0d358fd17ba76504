"""Tables as every output knows them: named columns of a kind, and rows of plain values.

A cell that is a code (``call``, ``virtual``, ``missing_push``) stays one in files for programs and becomes a
word where people read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import TypeAlias

from privatenumber.billing.outputs.texts import Words
from privatenumber.billing.tariff.money import plain
from privatenumber.times import BEIJING, from_iso

Value: TypeAlias = str | int | Decimal | None
Row: TypeAlias = tuple[Value, ...]


class Cell(Enum):
    """What a column holds."""

    TEXT = auto()
    CODES = auto()
    """Several codes in one text, blanks between them."""
    PROSE = auto()
    """Sentences, which want room."""
    COUNT = auto()
    MONEY = auto()
    """A sum in CNY, shown with two decimals."""
    PRICE = auto()
    """CNY for one unit, shown exactly."""
    MOMENT = auto()
    """A stored UTC time; people see Beijing time."""

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, which stand at the right of a column."""
        return self in (Cell.COUNT, Cell.MONEY, Cell.PRICE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    ``codes``: the family of codes that its texts are; ``empty``: the word for no value; ``spare``: people do
    not see it while it says nothing.
    """

    name: str
    cell: Cell = Cell.TEXT
    codes: str | None = None
    empty: str | None = None
    spare: bool = False

    def title(self, words: Words) -> str:
        """The column's heading for people."""
        return words[f"column.{self.name}"]

    def shown(self, value: Value, words: Words) -> str:
        """A value as people read it."""
        if value is None:
            return words[self.empty] if self.empty else ""
        if self.cell is Cell.MONEY and not isinstance(value, str):
            return f"{value:,.2f}"
        if self.cell is Cell.COUNT and not isinstance(value, str):
            return f"{value:,}"
        if self.cell is Cell.PRICE and isinstance(value, Decimal):
            return plain(value) or ""
        text = str(value)
        if self.cell is Cell.MOMENT:
            return beijing_text(text)
        if self.codes is None:
            return text
        codes = text.split() if self.cell is Cell.CODES else [text]
        return ", ".join(words.code(self.codes, code) for code in codes)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. ``name`` is that of its file, sheet and title; ``total``: a last row of sums,
    whose first cell is empty."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    total: Row | None = None

    def for_people(self) -> Table:
        """The table without spare columns that say nothing."""
        kept = [
            at
            for at, column in enumerate(self.columns)
            if not column.spare or any(row[at] for row in self.rows)
        ]
        return Table(
            self.name,
            tuple(self.columns[at] for at in kept),
            [tuple(row[at] for at in kept) for row in self.rows],
            self.total and tuple(self.total[at] for at in kept),
        )

    def shown(self, row: Row, words: Words) -> list[str]:
        """A row's cells as people read them."""
        return [column.shown(value, words) for column, value in zip(self.columns, row, strict=True)]

    def shown_total(self, words: Words) -> list[str] | None:
        """The row of sums as people read it: its first cell, which is empty, says that it is one."""
        return [words["total"], *self.shown(self.total, words)[1:]] if self.total else None


def beijing_text(moment: str | None) -> str:
    """A stored UTC time as people in Beijing write it."""
    return f"{from_iso(moment).astimezone(BEIJING):%Y-%m-%d %H:%M}" if moment else ""


def amount(text: object) -> Decimal | None:
    """An amount of a document, exact; what is absent or no number is None."""
    return Decimal(str(text)) if text not in (None, "", "unpriced") else None


def summed(values: Iterable[Value]) -> Decimal:
    """The sum of what is a number."""
    return sum((Decimal(value) for value in values if isinstance(value, int | Decimal)), Decimal(0))
