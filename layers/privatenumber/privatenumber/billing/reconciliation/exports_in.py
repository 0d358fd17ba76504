"""The platform's own files: the detail export of calls (I4) and the monthly bill (I6), as typed rows.

Bytes in, rows out (billing-rules.md §9.1, §9.2). No error text contains a cell, because a cell of a wrong
column may be a person's number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Generic, TypeVar

from privatenumber.billing.reconciliation.layouts import BILL, CALLS, Layout
from privatenumber.billing.tariff.prices import Item
from privatenumber.csv_table import TOO_WIDE, FileRefused, decode_text, open_table
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.store.numbers import NumberType

Row = TypeVar("Row")
Value = TypeVar("Value")

_MOST_BAD: Final = Decimal("0.05")
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+")
_PATTERN: Final = re.compile(r"(?:\+?86)?(?=[\d*]*\*)[\d*]{5,13}")
_FOREIGN: Final = re.compile(r"\+(?!86)\d{6,18}")
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_MOBILE_LENGTH: Final = 11
_MOST_DIGITS: Final = 15


class _BadCell(ValueError):
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


@dataclass(frozen=True, slots=True)
class ImportedCall:
    """One row of ``calls.csv``. Times are aware UTC; ``line`` is the row's line in the file."""

    line: int
    record_id: str | None
    binding_id: str | None
    app_key: str | None
    x: ImportedNumber
    caller: ImportedNumber
    ended_at: datetime
    answered_at: datetime | None
    duration_s: int | None
    billed_minutes: int | None
    result: str | None


@dataclass(frozen=True, slots=True)
class ImportedCharge:
    """One line of ``bill.csv`` in CNY. ``period``: ``yyyy-MM``; ``item``: rent, call, sms, package, other."""

    line: int
    period: str
    item: str
    number_type: NumberType | None
    x: ImportedNumber | None
    quantity: Decimal | None
    unit_price: Decimal | None
    package_quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported: its line, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported(Generic[Row]):
    """What a file contains, and how it was read. ``repeated`` counts rows that an earlier one had said."""

    sha256: str
    encoding: str
    separator: str
    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]
    repeated: int = 0


def read_calls(data: bytes, layout: Layout = CALLS) -> Imported[ImportedCall]:
    """Read a detail export of calls; rows that repeat a record id with equal content are merged.

    Raises FileRefused when the file is unreadable, lacks a required column, or has more than 5 % bad rows.
    """
    return _merged(_read(data, layout, _call))


def read_bill(data: bytes, layout: Layout = BILL) -> Imported[ImportedCharge]:
    """Read a monthly bill; equal lines are two charges. Raises FileRefused like `read_calls`."""
    return _read(data, layout, _charge)


class _Cells:
    """Typed access to one row by product column."""

    def __init__(self, layout: Layout, cells: Mapping[str, str]) -> None:
        self._layout = layout
        self._cells = cells

    def text(self, column: str) -> str | None:
        """The text without blanks and apostrophe, translated by the layout; ``None`` when there is none."""
        text = self._cells.get(column, "").strip().removeprefix("'").strip()
        text = self._layout.values.get(column, {}).get(text, text)
        return text or self._layout.constants.get(column) or None

    def time(self, column: str) -> datetime | None:
        """A moment, written in the zone of the layout, as UTC."""
        text = self.text(column)
        if text is None:
            return None
        moment = self._layout.moment(text)
        if moment is None:
            raise _BadCell(f"{column}: not a time of the layout")
        return moment

    def number(self, column: str) -> ImportedNumber | None:
        """A phone number, or a pattern of one."""
        text = self.text(column)
        if text is None:
            return None
        if _SCIENTIFIC.fullmatch(text):
            raise _BadCell(f"{column}: scientific notation has lost digits, format the column as text")
        if "*" in text:
            return ImportedNumber(_pattern(text, column))
        try:
            return ImportedNumber(normalise(text, field=column, service=True))
        except InvalidNumber as error:
            if _FOREIGN.fullmatch(text):
                return ImportedNumber(text)
            raise _BadCell(f"{column}: {error.rule}") from None

    def decimal(self, column: str) -> Decimal | None:
        """An exact number, with the decimal separator of the layout."""
        text = self.text(column)
        if text is None:
            return None
        try:
            value = Decimal(text.replace(self._layout.decimal_separator, "."))
        except InvalidOperation:
            value = Decimal("NaN")
        # As a whole number, 1E+999999 would have a million digits.
        if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
            raise _BadCell(f"{column}: not a number")
        return value

    def whole(self, column: str) -> int | None:
        """A whole number of at least 0."""
        value = self.decimal(column)
        if value is None:
            return None
        if value < 0 or value != value.to_integral_value():
            raise _BadCell(f"{column}: not a whole number")
        return int(value)


def _read(data: bytes, layout: Layout, make: Callable[[int, _Cells], Row]) -> Imported[Row]:
    text, encoding = decode_text(data)
    required = [column for column in layout.required if column not in layout.constants]
    table = open_table(text, layout.columns, required=required, skip_lines=layout.skip_lines)
    rows: list[Row] = []
    bad: list[BadRow] = []
    for row in table.rows:
        try:
            if row.too_wide:
                raise _BadCell(TOO_WIDE)
            rows.append(make(row.line, _Cells(layout, row.cells)))
        except _BadCell as error:
            bad.append(BadRow(row.line, str(error)))
    found = len(rows) + len(bad)
    if len(bad) > _MOST_BAD * found:
        raise FileRefused(f"{len(bad)} of {found} rows are bad; line {bad[0].line}: {bad[0].reason}")
    digest = hashlib.sha256(data).hexdigest()
    return Imported(digest, encoding, table.separator, tuple(rows), tuple(bad))


def _merged(calls: Imported[ImportedCall]) -> Imported[ImportedCall]:
    known: dict[str, ImportedCall] = {}
    rows: list[ImportedCall] = []
    bad = list(calls.bad_rows)
    repeated = 0
    for row in calls.rows:
        first = known.setdefault(row.record_id, row) if row.record_id else row
        if first is row:
            rows.append(row)
        elif replace(row, line=first.line) == first:
            repeated += 1
        else:
            bad.append(BadRow(row.line, f"record_id: line {first.line} has it with other content"))
    return replace(calls, rows=tuple(rows), bad_rows=tuple(bad), repeated=repeated)


def _call(line: int, cells: _Cells) -> ImportedCall:
    return ImportedCall(
        line=line,
        record_id=cells.text("record_id"),
        binding_id=cells.text("binding_id"),
        app_key=cells.text("app_key"),
        x=_needed(cells.number("x_number"), "x_number"),
        caller=_needed(cells.number("caller"), "caller"),
        ended_at=_needed(cells.time("end_time"), "end_time"),
        answered_at=cells.time("answer_time"),
        duration_s=cells.whole("duration_s"),
        billed_minutes=cells.whole("billed_minutes"),
        result=cells.text("result"),
    )


def _charge(line: int, cells: _Cells) -> ImportedCharge:
    period = _needed(cells.text("period"), "period")
    if not _MONTH.fullmatch(period):
        raise _BadCell("period: a month such as 2026-09 is expected")
    _one_of(cells.text("currency") or "CNY", ("CNY",), "currency")
    number_type = cells.text("number_type")
    return ImportedCharge(
        line=line,
        period=period,
        item=_one_of(_needed(cells.text("item"), "item"), (*Item, "package", "other"), "item"),
        number_type=NumberType(_one_of(number_type, NumberType, "number_type")) if number_type else None,
        x=cells.number("x_number"),
        quantity=cells.decimal("quantity"),
        unit_price=cells.decimal("unit_price"),
        package_quantity=cells.decimal("package_quantity") or Decimal(0),
        amount=_needed(cells.decimal("amount"), "amount"),
    )


def _needed(value: Value | None, column: str) -> Value:
    if value is None:
        raise _BadCell(f"{column}: missing")
    return value


def _one_of(text: str, allowed: Iterable[str], column: str) -> str:
    for choice in allowed:
        if text.casefold() == choice.casefold():
            return str(choice)
    raise _BadCell(f"{column}: none of {', '.join(allowed)}")


def _pattern(text: str, column: str) -> str:
    """A masked number in global form, its stars where the provider put them."""
    plain = "".join(text.split())
    if not _PATTERN.fullmatch(plain):
        raise _BadCell(f"{column}: neither a number nor a masked number")
    if plain.startswith("+"):
        return plain
    return f"+86{plain}" if len(plain) <= _MOBILE_LENGTH else f"+{plain}"
