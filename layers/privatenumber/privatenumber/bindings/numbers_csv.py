"""The number table as a file: `numbers.csv` of billing-rules.md §9.2, read leniently and row by row.

Pure: bytes in, rows out. What a row means for the inventory is decided in `numbers_import.py`. No error text
contains a cell, because a cell of a wrong column may be a person's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeVar

from privatenumber.csv_table import TOO_WIDE, FileRefused, bare, decode_text, open_cells, open_table
from privatenumber.phone import InvalidNumber, NumberKind, kind, normalise
from privatenumber.phone_areas import AREA_CODE
from privatenumber.store.numbers import NumberState, NumberType

_T = TypeVar("_T")

MAX_ROWS: Final = 5000  # the platform's own jobs on numbers take as many (operations.md §6)

# The provider publishes no layout: the Chinese texts are
# those its console uses for the same things.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "x_number": ("x_number", "隐私号码", "X号码", "号码"),
    "number_type": ("number_type", "号码类型"),
    "app_key": ("app_key", "APP_Key"),
    "city_code": ("city_code", "城市码"),
    "state": ("state", "号码状态", "状态"),
    "issued_on": ("issued_on", "下发时间", "下发日期"),
    "unsubscribed_on": ("unsubscribed_on", "退订时间", "退订日期"),
}
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_REQUIRED: Final = ("x_number", "number_type")
_TYPES: Final[Mapping[str, NumberType]] = {
    "virtual": NumberType.VIRTUAL,
    "虚号": NumberType.VIRTUAL,
    "carrier": NumberType.CARRIER,
    "实号": NumberType.CARRIER,
}
# operations.md §6: console text, pushed status and product state say the same.
_STATES: Final[Mapping[str, NumberState]] = {
    **dict.fromkeys(("active", "normal", "正常", "5"), NumberState.ACTIVE),
    **dict.fromkeys(("suspended", "暂停", "9"), NumberState.SUSPENDED),
    **dict.fromkeys(("unavailable", "不可用", "10"), NumberState.UNAVAILABLE),
    **dict.fromkeys(("transferring", "beingtransferred", "转移中"), NumberState.UNAVAILABLE),
    **dict.fromkeys(
        ("pending_real_name", "waitingforreal-nameactivation", "待实名激活"), NumberState.UNAVAILABLE
    ),
    "draining": NumberState.DRAINING,
    **dict.fromkeys(("frozen", "bindingfrozen", "冻结绑定", "11"), NumberState.FROZEN),
    **dict.fromkeys(("retired", "returned", "退回"), NumberState.RETIRED),
    "locked": NumberState.LOCKED,
    "reserved": NumberState.RESERVED,
}
_SCIENTIFIC: Final = re.compile(r"^[+-]?\d+(?:\.\d+)?[eE][+-]?\d+$")
_AREA_CODE: Final = re.compile(f"(?:{AREA_CODE}|{AREA_CODE[1:]})", re.ASCII)
_DATE_FORMATS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is rejected: product column and broken rule, never the cell."""

    field: str
    rule: str


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A readable row. `None`: the column is missing or its cell is empty. Dates are Beijing dates."""

    line: int
    x: str = field(repr=False)
    number_type: NumberType
    app_key: str | None = None
    area_code: str | None = None
    state: NumberState | None = None
    issued_on: date | None = None
    unsubscribed_on: date | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, by the line it begins on."""

    line: int
    error: RowError


@dataclass(frozen=True, slots=True)
class NumberTable:
    """What a file contains, and how it was read: `encoding` is that of a CSV, or `xlsx` (no separator)."""

    encoding: str
    separator: str
    rows: tuple[NumberRow | BadRow, ...]


def read_number_table(data: bytes) -> NumberTable:
    """Read a `numbers.csv`: UTF-8 with or without byte order mark, else GB18030; separator `,` `;` or tab.

    The same table as XLSX is told by its first bytes. Raises FileRefused when encoding, header, quoting or
    size make the file unreadable as a whole.
    """
    if data.startswith(_ZIP):
        return _workbook(data)
    if data.startswith(_OLE):
        raise FileRefused("an old or encrypted Excel file: save it as XLSX without a password")
    text, encoding = decode_text(data)
    if "\ufffd" in text:
        raise FileRefused("characters were lost on the way: send the file as application/octet-stream")
    table = open_table(text, _COLUMNS, required=_REQUIRED, most_rows=MAX_ROWS)
    rows = tuple(
        BadRow(row.line, RowError("(row)", TOO_WIDE)) if row.too_wide else _row(row.line, row.cells)
        for row in table.rows
    )
    return NumberTable(encoding, table.separator, rows)


def _workbook(data: bytes) -> NumberTable:
    # Nobody else pays for an XML parser at a cold start.
    from privatenumber.xlsx import read_sheet

    rows = open_cells(read_sheet(data), _COLUMNS, required=_REQUIRED, most_rows=MAX_ROWS)
    return NumberTable("xlsx", "", tuple(_row(row.line, row.cells) for row in rows))


class _CellError(Exception):
    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _row(line: int, cells: Mapping[str, str]) -> NumberRow | BadRow:
    def cell(column: str) -> str:
        return _clean(cells.get(column, ""))

    column = ""
    try:
        column = "x_number"
        x = _x(cell(column))
        column = "number_type"
        number_type = _translated(_TYPES, cell(column))
        column = "city_code"
        area_code = _area_code(cell(column)) if cell(column) else None
        column = "state"
        state = _translated(_STATES, cell(column)) if cell(column) else None
        column = "issued_on"
        issued_on = _day(cell(column)) if cell(column) else None
        column = "unsubscribed_on"
        unsubscribed_on = _day(cell(column)) if cell(column) else None
    except _CellError as error:
        return BadRow(line, RowError(column, error.rule))
    return NumberRow(
        line, x, number_type, cell("app_key") or None, area_code, state, issued_on, unsubscribed_on
    )


def _clean(text: str) -> str:
    # Spreadsheets mark text with a leading apostrophe.
    return text.strip().removeprefix("'").strip()


def _x(text: str) -> str:
    if not text:
        raise _CellError("missing")
    if _SCIENTIFIC.match(text):
        raise _CellError("scientific notation has lost digits: format the column as text")
    if "*" in text:
        raise _CellError("masked")
    try:
        x = normalise(text, field="x_number")
    except InvalidNumber as error:
        raise _CellError(error.rule) from None
    if kind(x) is not NumberKind.MOBILE:
        raise _CellError("a private number has the form of a mobile number")
    return x


def _area_code(text: str) -> str:
    if not _AREA_CODE.fullmatch(text):
        raise _CellError("not an area code such as 0755 or 010")
    return text if text.startswith("0") else f"0{text}"  # spreadsheets drop the leading zero


def _translated(texts: Mapping[str, _T], text: str) -> _T:
    value = texts.get(bare(text))
    if value is None:
        raise _CellError(f"none of {', '.join(known for known in texts if known.isascii())}")
    return value


def _day(text: str) -> date:
    for form in _DATE_FORMATS:
        try:
            # The file speaks Beijing time and a rent knows days only: the written day is the day.
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise _CellError("not a date such as 2026-09-01 or 2026/9/1")
