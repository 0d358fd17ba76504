"""The first visible sheet of an XLSX file as rows of text (ECMA-376 part 1, §18).

A cell becomes the text that a person would write into a CSV file: a phone number all its digits, a date its
day. Formulas count by their last result. Nothing else of a spreadsheet matters to a table of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from sys import getsizeof
from typing import Final

from privatenumber.csv_table import FileRefused
from privatenumber.xlsx_parts import MOST_BYTES, MOST_TEXT, TOO_LONG, Element, Parts, target

MOST_COLUMNS: Final = 256
MOST_ROWS: Final = 20_000
MOST_STRINGS: Final = 200_000

_WORKBOOK: Final = "xl/workbook.xml"
_EXACT: Final = Decimal(10) ** 15
"""Excel keeps 15 digits: a longer number has lost some."""
_SHOWN: Final = Context(prec=15)
"""So many digits are shown; the file may hold the 17 of the nearest binary fraction."""

_DATE_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Built-in formats that show a day, the Chinese ones included (§18.8.30)."""

_LITERAL: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_COLUMN: Final = re.compile(r"([A-Z]{1,3})[0-9]+", re.ASCII)
_LAST_DAY: Final = 100_000
_TOO_MUCH: Final = "an XLSX file of too much text"
#: One character outside the plane of common ones makes every character of its text four bytes.
_EMPTY: Final = getsizeof("")
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a file may be: unpacked bytes, its rows and the number of the last one, shared texts.

    All its cells together have at most as many characters, and its shared texts take as many bytes of memory.
    """

    most_bytes: int = MOST_BYTES
    most_rows: int = MOST_ROWS
    most_strings: int = MOST_STRINGS


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the cells of a file are read with."""

    strings: Sequence[str]
    dates: frozenset[str]
    epoch: date
    times: bool
    point: str
    most_rows: int
    most_text: int


def read_sheet(
    data: bytes, *, times: bool = False, point: str = ".", bounds: Bounds | None = None
) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of the first visible sheet that have any text, each with its number; raises FileRefused.

    A moment becomes its day, with ``times`` also its second. A fraction stands behind ``point``.
    """
    bounds = bounds or Bounds()
    parts = Parts(data, bounds.most_bytes)
    sheet, from_1904 = _sheet(parts)
    strings = _strings(parts, bounds)
    epoch = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    reading = _Reading(strings, _dates(parts), epoch, times, point, bounds.most_rows, bounds.most_bytes)
    return _rows(parts, sheet, reading)


def _sheet(parts: Parts) -> tuple[str, bool]:
    """Name of the sheet's part, and whether days are counted from 1904."""
    identity, from_1904 = "", False
    for kind, element, _ in parts.events(_WORKBOOK):
        if kind == "start" and element.name == "workbookPr":
            from_1904 = element.attributes.get("date1904") in ("1", "true")
        visible = element.attributes.get("state", "visible") == "visible"
        if kind == "start" and element.name == "sheet" and visible and not identity:
            identity = element.attributes.get("id", "")
    for kind, element, _ in parts.events("xl/_rels/workbook.xml.rels"):
        if kind == "start" and element.name == "Relationship" and element.attributes.get("Id") == identity:
            return target(_WORKBOOK, element.attributes.get("Target", "")), from_1904
    raise FileRefused("no visible sheet")


def _strings(parts: Parts, bounds: Bounds) -> list[str]:
    """The shared strings; how a Chinese text is read aloud (`rPh`) is no part of it."""
    found: list[str] = []
    if not parts.has("xl/sharedStrings.xml"):
        return found
    text, aloud, held = "", 0, 0
    for kind, element, inner in parts.events("xl/sharedStrings.xml"):
        if element.name == "rPh":
            aloud += 1 if kind == "start" else -1
        elif kind == "end" and element.name == "t" and not aloud:
            text = _longer(text, inner)
        elif kind == "end" and element.name == "si":
            found.append(text)
            held += getsizeof(text) - _EMPTY
            text = ""
        if len(found) > bounds.most_strings:
            raise FileRefused("an XLSX file of too many texts")
        if held > bounds.most_bytes:
            raise FileRefused(_TOO_MUCH)
    return found


def _dates(parts: Parts) -> frozenset[str]:
    """The cell styles that show a number as a day."""
    if not parts.has("xl/styles.xml"):
        return frozenset()
    formats, styles, inside = set(_DATE_FORMATS), list[bool](), False
    for kind, element, _ in parts.events("xl/styles.xml"):
        if element.name == "cellXfs":
            inside = kind == "start"
        elif kind != "start":
            continue
        elif element.name == "numFmt":
            code = _LITERAL.sub("", element.attributes.get("formatCode", "")).lower()
            identity = _whole(element.attributes.get("numFmtId", ""))
            if "y" in code or "d" in code:
                formats.add(identity)
            else:
                formats.discard(identity)
        elif element.name == "xf" and inside:
            styles.append(_whole(element.attributes.get("numFmtId", "0")) in formats)
    return frozenset(str(n) for n, shows_a_day in enumerate(styles) if shows_a_day)


def _rows(parts: Parts, sheet: str, reading: _Reading) -> Iterator[tuple[int, Sequence[str]]]:
    line, cells, value, aloud = 0, dict[int, str](), "", 0
    rows = characters = 0
    for kind, element, inner in parts.events(sheet):
        match kind, element.name:
            case "start", "row":
                line, cells, rows = _whole(element.attributes.get("r", "")) or line + 1, {}, rows + 1
                if max(line, rows) > reading.most_rows:
                    raise FileRefused(f"more than {reading.most_rows} rows: split the file")
            case "start", "c":
                value = ""
            case "start" | "end", "rPh":
                aloud += 1 if kind == "start" else -1
            case "end", "v" | "t" if not aloud:
                value = _longer(value, inner)
            case "end", "c":
                at = _column(element, max(cells, default=-1) + 1)
                cells[at] = _text(element, value, reading)
                characters += len(cells[at])
                if characters > reading.most_text:
                    raise FileRefused(_TOO_MUCH)
            case "end", "row" if any(text.strip() for text in cells.values()):
                yield line, [cells.get(n, "") for n in range(max(cells) + 1)]
            case _:
                continue


def _longer(text: str, more: str) -> str:
    if len(text) + len(more) > MOST_TEXT:
        raise FileRefused(TOO_LONG)
    return text + more


def _column(cell: Element, following: int) -> int:
    """Place of a cell in its row, from 0."""
    found = _COLUMN.fullmatch(cell.attributes.get("r", ""))
    at = following
    if found:
        at = -1
        for letter in found[1]:
            at = (at + 1) * 26 + ord(letter) - ord("A")
    if at >= MOST_COLUMNS:
        raise FileRefused(f"more than {MOST_COLUMNS} columns")
    return at


def _text(cell: Element, value: str, reading: _Reading) -> str:
    kind = cell.attributes.get("t", "n")
    if kind == "s":
        at = _whole(value)
        return reading.strings[at] if value and at < len(reading.strings) else ""
    if kind == "d":
        return value[:19].replace("T", " ") if reading.times else value[:10]
    if kind != "n" or not value:
        return value
    try:
        number = Decimal(value)
        kept = number.is_finite() and abs(number) < _EXACT
    except ArithmeticError:
        return value
    if not kept:
        return value
    if cell.attributes.get("s") in reading.dates and 0 < number < _LAST_DAY:
        return _moment(number, reading)
    shown = number if len(number.as_tuple().digits) <= _SHOWN.prec else _SHOWN.plus(number)
    if shown == shown.to_integral_value():
        return str(int(shown))
    return _plain(value, number, shown).replace(".", reading.point)


def _plain(value: str, number: Decimal, shown: Decimal) -> str:
    """A fraction as the file wrote it, unless a binary one of 17 digits stands for what people typed."""
    return value if shown == number else f"{shown.normalize():f}"


def _moment(serial: Decimal, reading: _Reading) -> str:
    """A count of days as people write it; 0.5 is noon, and a second is no exact part of a day."""
    if not reading.times:
        return (reading.epoch + timedelta(days=int(serial))).isoformat()
    seconds = int((serial * _DAY_S).to_integral_value())
    # The sheet names no zone: what is written is what is read.
    moment = datetime.combine(reading.epoch, time()) + timedelta(seconds=seconds)
    return moment.isoformat(sep=" ")


def _whole(text: str) -> int:
    """A number of the file's own book-keeping; what is none is 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
