"""Reports as a workbook: a summary, a sheet for each table, all rows, numbers as numbers.

Rows go to disk as they are written, so a large month needs little memory. Nothing that a text says becomes a
formula, a link or a number: X numbers stay what they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import IO, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from privatenumber.billing.outputs.report import Report
from privatenumber.billing.outputs.tables import Cell, Column, Row, Table, Value
from privatenumber.billing.outputs.texts import Words

#: What a sheet can hold, its header and sums included (a limit of the format).
MOST_ROWS: Final = 1_048_576

_CHUNK: Final = 256 * 1024
_LONGEST_NAME: Final = 31
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_WIDTHS: Final = {
    Cell.TEXT: 20,
    Cell.CODES: 24,
    Cell.PROSE: 60,
    Cell.COUNT: 11,
    Cell.MONEY: 13,
    Cell.PRICE: 13,
    Cell.MOMENT: 17,
}
_FORMATS: Final = {
    Cell.TEXT: "@",
    Cell.CODES: "@",
    Cell.PROSE: "@",
    Cell.COUNT: "#,##0",
    Cell.MONEY: "#,##0.00",
    Cell.PRICE: "0.00####",
    Cell.MOMENT: "@",
}


def workbook(report: Report, tables: Iterable[Table], words: Words) -> Iterator[bytes]:
    """A workbook of a report's sections and of further tables."""
    with tempfile.TemporaryFile() as file:
        _write(file, report, tables, words)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(file: IO[bytes], report: Report, tables: Iterable[Table], words: Words) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": f"{words[f'title.{report.kind}']} {report.month}"})
        sheets = _Sheets(book, words)
        sheets.summary(report)
        for table in (*(section.table for section in report.sections), *tables):
            sheets.add(table)


def _shown_as(cell: Cell, value: int | Decimal) -> Cell:
    """A count that is no whole number is shown exactly, as a price is."""
    return Cell.PRICE if cell is Cell.COUNT and value != int(value) else cell


class _Sheets:
    """Writes sheets one after another; the formats are shared by all."""

    def __init__(self, book: xlsxwriter.Workbook, words: Words) -> None:
        self._book, self._words = book, words
        self._names: set[str] = set()
        self._heading: Format = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._formats = {cell: book.add_format({"num_format": form}) for cell, form in _FORMATS.items()}
        self._sums = {
            cell: book.add_format({"num_format": form, "bold": True, "top": 1})
            for cell, form in _FORMATS.items()
        }

    def summary(self, report: Report) -> None:
        """The first sheet: what identifies the report, its figures, its remarks."""
        sheet = self._sheet(self._words["section.summary"])
        sheet.set_column(0, 1, 34)
        lines = [
            (f"{self._words[f'title.{report.kind}']} {report.month}", ""),
            *report.facts,
            *((self._words[f"figure.{figure.name}"], figure.text) for figure in report.figures),
            *((remark, "") for remark in (*report.remarks, self._words["generated"])),
        ]
        for at, (name, text) in enumerate(lines):
            sheet.write_string(at, 0, name, None if at else self._heading)
            sheet.write_string(at, 1, text)

    def add(self, table: Table) -> None:
        """A table, on as many sheets as its rows need."""
        title = self._words[f"section.{table.name}"]
        at_once = MOST_ROWS - 2
        for start in range(0, max(len(table.rows), 1), at_once):
            rows = table.rows[start : start + at_once]
            is_last = start + at_once >= len(table.rows)
            self._add(title, table, rows, table.total if is_last else None)

    def _add(self, title: str, table: Table, rows: Iterable[Row], total: Row | None) -> None:
        sheet = self._sheet(title)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(table.columns):
            sheet.set_column(at, at, _WIDTHS[column.cell])
            sheet.write_string(0, at, column.title(self._words), self._heading)
        line = 0
        for line, row in enumerate(rows, start=1):
            self._row(sheet, line, table.columns, row, self._formats)
        if total is not None:
            sheet.write_string(line + 1, 0, self._words["total"], self._sums[Cell.TEXT])
            self._row(sheet, line + 1, table.columns[1:], total[1:], self._sums, first=1)

    def _row(
        self,
        sheet: Worksheet,
        line: int,
        columns: Iterable[Column],
        row: Iterable[Value],
        formats: dict[Cell, Format],
        first: int = 0,
    ) -> None:
        for at, (column, value) in enumerate(zip(columns, row, strict=True), start=first):
            if isinstance(value, int | Decimal):
                # The format knows no other numbers; fifteen digits are more than any sum here has.
                sheet.write_number(line, at, float(value), formats[_shown_as(column.cell, value)])
            elif text := column.shown(value, self._words):
                sheet.write_string(line, at, text, formats[Cell.TEXT])

    def _sheet(self, title: str) -> Worksheet:
        """A sheet under a name that spreadsheets accept and the book has not yet."""
        # An apostrophe may stand within a name only.
        base = title.translate(_FORBIDDEN).strip()[:_LONGEST_NAME].strip(" '")
        name, n = base, 1
        while name.casefold() in self._names:
            n += 1
            name = f"{base[: _LONGEST_NAME - 4]} {n}"
        self._names.add(name.casefold())
        return self._book.add_worksheet(name)
