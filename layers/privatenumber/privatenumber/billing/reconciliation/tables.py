"""Where the records of one kind stand when a month is laid out: calls and SMS are compared alike.

Rows are those of the platform's files, lines are our rated records.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from privatenumber.billing.rating.rent import first_day, next_month
from privatenumber.billing.reconciliation.workbench import clock
from privatenumber.billing.tariff.prices import Item
from privatenumber.times import day_bounds


@dataclass(frozen=True, slots=True)
class Span:
    """The month compared, as the tables count time."""

    since: int
    until: int

    @classmethod
    def of(cls, month: str) -> Span:
        """A Beijing month."""
        first = first_day(month)
        return cls(clock(day_bounds(first)[0]), clock(day_bounds(next_month(first))[0]))


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables and columns of one kind of record, as SQL names them."""

    item: Item
    name: str
    """The kind of file."""
    rows: str
    names: str
    """Of rows whose record id is that of no line: what else they are recognised by."""
    lines: str
    pairs: str
    """Which row is which line, and the rule that has found it."""
    people: str
    """Rows and lines of one id that name two people."""
    id: str
    """The column of lines that a record id is held against."""
    person: str
    units: str
    time: str
    """The column of rows and lines by which they are recognised."""
    near: int
    """How far both times of one record may be apart, in milliseconds (billing-rules.md §9.3)."""
    clocks: tuple[str, ...]
    """The columns of rows that follow the clock of their file."""

    def sql(self, statement: str, **parts: object) -> str:
        """A statement about these tables; ``parts`` stand in it like the names of this class."""
        names = {each.name: getattr(self, each.name) for each in fields(self)}
        return statement.format(**names, repeats=f"{self.rows}_repeats", **parts)


CALLS: Final = Tables(
    item=Item.CALL,
    name="calls",
    rows="rows",
    names="row_names",
    lines="lines",
    pairs="pairs",
    people="other_people",
    id="icid",
    person="caller",
    units="minutes",
    time="ended",
    near=2000,
    clocks=("ended", "at", "begun"),
)
SMS: Final = Tables(
    item=Item.SMS,
    name="sms",
    rows="sms_rows",
    names="sms_names",
    lines="sms_lines",
    pairs="sms_pairs",
    people="other_senders",
    id="sms",
    person="sender",
    units="parts",
    time="at",
    near=60_000,
    clocks=("at",),
)
