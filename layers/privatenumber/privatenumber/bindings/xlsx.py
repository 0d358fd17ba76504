"""The first visible sheet of an XLSX file as rows of text (ECMA-376 part 1, §18).

A cell becomes the text that a person would write into a CSV file: a phone number all its digits, a date its
day. Formulas count by their last result. Nothing else of a spreadsheet matters to a table of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from privatenumber.bindings.xlsx_parts import Element, Parts, target
from privatenumber.csv_table import FileRefused

MOST_COLUMNS: Final = 256
MOST_ROWS: Final = 20_000
MOST_STRINGS: Final = 200_000

_WORKBOOK: Final = "xl/workbook.xml"
_EXACT: Final = Decimal(10) ** 15
"""Excel keeps 15 digits: a longer number has lost some."""

_DATE_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Built-in formats that show a day, the Chinese ones included (§18.8.30)."""

_LITERAL: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_COLUMN: Final = re.compile(r"([A-Z]{1,3})[0-9]+", re.ASCII)
_LAST_DAY: Final = 100_000


def read_sheet(data: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of the first visible sheet that have any text, each with its number; raises FileRefused."""
    parts = Parts(data)
    sheet, from_1904 = _sheet(parts)
    strings = _strings(parts)
    dates = _dates(parts)
    return _rows(parts, sheet, strings, dates, date(1904, 1, 1) if from_1904 else date(1899, 12, 30))


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


def _strings(parts: Parts) -> list[str]:
    """The shared strings; how a Chinese text is read aloud (`rPh`) is no part of it."""
    found: list[str] = []
    if not parts.has("xl/sharedStrings.xml"):
        return found
    text, aloud = "", 0
    for kind, element, inner in parts.events("xl/sharedStrings.xml"):
        if element.name == "rPh":
            aloud += 1 if kind == "start" else -1
        elif kind == "end" and element.name == "t" and not aloud:
            text += inner
        elif kind == "end" and element.name == "si":
            found.append(text)
            text = ""
        if len(found) > MOST_STRINGS:
            raise FileRefused("an XLSX file of too many texts")
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


def _rows(
    parts: Parts, sheet: str, strings: Sequence[str], dates: frozenset[str], epoch: date
) -> Iterator[tuple[int, Sequence[str]]]:
    line, cells, value, aloud = 0, dict[int, str](), "", 0
    for kind, element, inner in parts.events(sheet):
        match kind, element.name:
            case "start", "row":
                line, cells = _whole(element.attributes.get("r", "")) or line + 1, {}
                if line > MOST_ROWS:
                    raise FileRefused(f"more than {MOST_ROWS} rows: split the file")
            case "start", "c":
                value = ""
            case "start" | "end", "rPh":
                aloud += 1 if kind == "start" else -1
            case "end", "v" | "t" if not aloud:
                value += inner
            case "end", "c":
                at = _column(element, max(cells, default=-1) + 1)
                cells[at] = _text(element, value, strings, dates, epoch)
            case "end", "row" if any(text.strip() for text in cells.values()):
                yield line, [cells.get(n, "") for n in range(max(cells) + 1)]
            case _:
                continue


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


def _text(cell: Element, value: str, strings: Sequence[str], dates: frozenset[str], epoch: date) -> str:
    kind = cell.attributes.get("t", "n")
    if kind == "s":
        at = _whole(value)
        return strings[at] if value and at < len(strings) else ""
    if kind == "d":
        return value[:10]
    if kind != "n" or not value:
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite() or abs(number) >= _EXACT:
        return value
    if cell.attributes.get("s") in dates and 0 < number < _LAST_DAY:
        return (epoch + timedelta(days=int(number))).isoformat()
    return str(int(number)) if number == number.to_integral_value() else value


def _whole(text: str) -> int:
    """A number of the file's own book-keeping; what is none is 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
