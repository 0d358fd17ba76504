"""The rows of the platform's own files: detail exports of calls and SMS (I4) and the monthly bill (I6).

Layouts: billing-rules.md §9.1, §9.2. How a file is read: `export_files`.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Generic

from privatenumber.billing.reconciliation.cells import BadCell, Cells, ImportedNumber, needed, one_of
from privatenumber.billing.reconciliation.export_files import BadRow, Export, Opens, Row
from privatenumber.billing.reconciliation.layouts import BILL, CALLS, SMS, Layout
from privatenumber.billing.tariff.prices import Item
from privatenumber.platform.push_fields import MAX_INTEGER
from privatenumber.store.numbers import NumberType

__all__ = ["BadRow", "ImportedNumber"]

#: A row may say what a push may say: it becomes the same record.
_MOST: Final = MAX_INTEGER - 1
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_TOTALS: Final = frozenset({"合计", "总计", "total", "totals"})
#: A spreadsheet takes a month for its first day.
_FIRST_OF_MONTH: Final = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))-01(?: 00:00:00)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImportedCall:
    """One row of ``calls.csv``. Times are aware UTC; ``line`` is the row's line in the file."""

    line: int
    record_id: str | None
    binding_id: str | None
    app_key: str | None
    x: ImportedNumber
    caller: ImportedNumber
    callee: ImportedNumber | None
    call_in_at: datetime | None
    ended_at: datetime
    answered_at: datetime | None
    duration_s: int | None
    billed_minutes: int | None
    result: str | None
    length_told: bool = True
    """Whether the export has a column that tells how long calls were; one without answer has it empty."""


@dataclass(frozen=True, slots=True)
class ImportedSms:
    """One row of ``sms.csv``. ``at`` is aware UTC; ``line`` is the row's line in the file."""

    line: int
    sms_id: str | None
    app_key: str | None
    x: ImportedNumber
    sender: ImportedNumber
    receiver: ImportedNumber | None
    at: datetime
    parts: int
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
    discount: Decimal = Decimal(0)
    """What the platform has taken off already: ``amount`` is without it."""

    @property
    def gross(self) -> Decimal:
        """What would be charged without discount."""
        return self.amount + self.discount

    @property
    def pieces(self) -> Decimal:
        """Rents or packages on the line: its quantity, else one."""
        return Decimal(1) if self.quantity is None else self.quantity


@dataclass(frozen=True, slots=True)
class Imported(Generic[Row]):
    """What a small file contains, and how it was read."""

    sha256: str
    encoding: str
    separator: str
    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]
    bad: int = 0
    """How many bad rows there are; the first ones are told."""

    @property
    def good(self) -> int:
        """How many rows were read."""
        return len(self.rows)


def open_calls(opens: Opens, layout: Layout = CALLS) -> Export[ImportedCall]:
    """Open a detail export of calls. Raises FileRefused, also while it is read."""
    return Export(opens, layout, _call)


def open_sms(opens: Opens, layout: Layout = SMS) -> Export[ImportedSms]:
    """Open a detail export of SMS. Raises FileRefused, also while it is read."""
    return Export(opens, layout, _sms)


def read_bill(data: bytes, layout: Layout = BILL) -> Imported[ImportedCharge]:
    """Read a monthly bill; equal lines are two charges.

    Raises FileRefused when the file is unreadable, lacks a required column, or has more than 5 % bad rows.
    """
    return whole(Export(lambda: io.BytesIO(data), layout, _charge))


def whole(export: Export[Row]) -> Imported[Row]:
    """Everything of a file at once. Raises FileRefused."""
    rows = tuple(export)
    return Imported(
        export.sha256, export.encoding, export.separator, rows, tuple(export.bad_rows), export.bad
    )


def adds_up(cells: Cells, *columns: str) -> bool:
    """Whether a row is the one with the sums of the others: one of these columns says so."""
    return any((cells.text(column) or "").casefold() in _TOTALS for column in columns)


def _call(line: int, cells: Cells) -> ImportedCall:
    return ImportedCall(
        line=line,
        record_id=cells.text("record_id"),
        binding_id=cells.text("binding_id"),
        app_key=cells.text("app_key"),
        x=needed(cells.number("x_number"), "x_number"),
        caller=needed(cells.number("caller"), "caller"),
        callee=_optional(cells, "callee"),
        call_in_at=cells.time("call_in_time"),
        ended_at=needed(cells.time("end_time"), "end_time"),
        answered_at=cells.time("answer_time"),
        duration_s=cells.whole("duration_s", most=_MOST),
        billed_minutes=cells.whole("billed_minutes", most=_MOST // 60),
        result=cells.text("result"),
        length_told=cells.has("answer_time", "duration_s", "billed_minutes"),
    )


def _sms(line: int, cells: Cells) -> ImportedSms:
    return ImportedSms(
        line=line,
        sms_id=cells.text("sms_id"),
        app_key=cells.text("app_key"),
        x=needed(cells.number("x_number"), "x_number"),
        sender=needed(cells.number("sender"), "sender"),
        receiver=_optional(cells, "receiver"),
        at=needed(cells.time("time"), "time"),
        parts=needed(cells.whole("parts", most=_MOST), "parts"),
        result=cells.text("result"),
    )


def _charge(line: int, cells: Cells) -> ImportedCharge | None:
    """A line of the bill; `None` for the row that adds the others up."""
    if adds_up(cells, "period", "item"):
        return None
    period = needed(cells.text("period"), "period")
    if first := _FIRST_OF_MONTH.fullmatch(period):
        period = first[1]
    if not _MONTH.fullmatch(period):
        raise BadCell("period: a month such as 2026-09 is expected")
    one_of(cells.text("currency") or "CNY", ("CNY",), "currency")
    number_type = cells.text("number_type")
    return ImportedCharge(
        line=line,
        period=period,
        item=one_of(needed(cells.text("item"), "item"), (*Item, "other"), "item"),
        number_type=NumberType(one_of(number_type, NumberType, "number_type")) if number_type else None,
        x=cells.number("x_number"),
        quantity=cells.decimal("quantity"),
        unit_price=cells.decimal("unit_price"),
        package_quantity=cells.decimal("package_quantity") or Decimal(0),
        amount=needed(cells.decimal("amount"), "amount"),
        discount=cells.decimal("discount") or Decimal(0),
    )


def _optional(cells: Cells, column: str) -> ImportedNumber | None:
    """The other party: nothing is compared with it, so what cannot be read of it spoils no row."""
    try:
        return cells.number(column)
    except BadCell:
        return None
