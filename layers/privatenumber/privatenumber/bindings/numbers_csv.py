"""The number table as a file: `numbers.csv` of billing-rules.md §9.2, read leniently and row by row.

Pure: bytes in, rows out. What a row means for the inventory is decided in `numbers_import.py`. No error text
contains a cell, because a cell of a wrong column may be a person's number.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeVar

from privatenumber.phone import InvalidNumber, NumberKind, kind, normalise
from privatenumber.store.numbers import NumberState, NumberType

_T = TypeVar("_T")

MAX_ROWS: Final = 5000  # the platform's own jobs on numbers take as many (operations.md §6)
_SEPARATORS: Final = (",", ";", "\t")
_HEADERS_SHOWN: Final = 20

# First hit wins, compared without blanks and case. The provider publishes no layout: the Chinese texts are
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
    **dict.fromkeys(("draining", "bindingfrozen", "冻结绑定", "11"), NumberState.DRAINING),
    **dict.fromkeys(("retired", "returned", "退回"), NumberState.RETIRED),
    "locked": NumberState.LOCKED,
}
_SCIENTIFIC: Final = re.compile(r"^[+-]?\d+(?:\.\d+)?[eE][+-]?\d+$")
_AREA_CODE: Final = re.compile(r"^0?(?:10|2\d|[3-9]\d{2})$")
_DATE_FORMATS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")


class FileRefused(Exception):
    """The file as a whole cannot be imported.

    `rule` says why, `line` where (when it is a matter of one line), `headers` what stood in the first line.
    """

    def __init__(self, rule: str, *, line: int | None = None, headers: Sequence[str] = ()) -> None:
        super().__init__(rule)
        self.rule = rule
        self.line = line
        self.headers = tuple(headers)


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
    """What a file contains, and how it was read."""

    encoding: str
    separator: str
    rows: tuple[NumberRow | BadRow, ...]


def read_number_table(data: bytes) -> NumberTable:
    """Read a `numbers.csv`: UTF-8 with or without byte order mark, else GB18030; separator `,` `;` or tab.

    Raises FileRefused when encoding, header, quoting or size make the file unreadable as a whole.
    """
    text, encoding = _decode(data)
    if "\ufffd" in text:
        raise FileRefused("characters were lost on the way: send the file as application/octet-stream")
    header = text.split("\n", 1)[0].rstrip("\r")
    separator = max(_SEPARATORS, key=lambda mark: len(_positions(_cells(header, mark))))
    positions = _positions(_cells(header, separator))
    missing = [name for name in _REQUIRED if name not in positions]
    if missing:
        raise FileRefused(
            f"required column missing: {', '.join(missing)}", headers=_shown(_cells(header, separator))
        )
    rows = tuple(
        _row(line, cells, positions) for line, cells in _lines(text, separator) if any(map(str.strip, cells))
    )
    return NumberTable(encoding, separator, rows)


def _decode(data: bytes) -> tuple[str, str]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding), "gb18030" if encoding == "gb18030" else "utf-8"
        except UnicodeDecodeError:
            continue
    raise FileRefused("neither UTF-8 nor GB18030")


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for count, cells in enumerate(reader):
            if count > MAX_ROWS:
                raise FileRefused(f"more than {MAX_ROWS} rows: split the file", line=begins)
            if count:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error:
        raise FileRefused("quotes do not follow RFC 4180", line=begins) from None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _positions(headers: Sequence[str]) -> dict[str, int]:
    compared = [_bare(text) for text in headers]
    positions = {}
    for column, texts in _COLUMNS.items():
        hits = [compared.index(_bare(text)) for text in texts if _bare(text) in compared]
        if hits:
            positions[column] = hits[0]
    return positions


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _shown(headers: Sequence[str]) -> list[str]:
    # A file without a header line begins with data: nothing with a longer run of digits is repeated.
    texts = [unicodedata.normalize("NFKC", text).strip() for text in headers]
    return [text[:40] for text in texts if not re.search(r"\d{3}", text)][:_HEADERS_SHOWN]


class _CellError(Exception):
    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _row(line: int, cells: Sequence[str], positions: Mapping[str, int]) -> NumberRow | BadRow:
    def cell(column: str) -> str:
        position = positions.get(column)
        return _clean(cells[position]) if position is not None and position < len(cells) else ""

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
    if not _AREA_CODE.match(text):
        raise _CellError("not an area code such as 0755 or 010")
    return text if text.startswith("0") else f"0{text}"  # spreadsheets drop the leading zero


def _translated(texts: Mapping[str, _T], text: str) -> _T:
    value = texts.get(_bare(text))
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
