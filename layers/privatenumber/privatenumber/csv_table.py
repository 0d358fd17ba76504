"""A CSV file of unknown origin as rows of named cells: encoding, separator, header (billing-rules.md §9.2).

Nothing here knows what a cell means, and no error text contains one.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple, TextIO

_MARK: Final = "\ufeff"
_SEPARATORS: Final = (",", ";", "\t")
_HEADERS_SHOWN: Final = 20
_LONGEST_HEADER: Final = 40
MOST_OF_ROW: Final = 128 * 1024
"""Characters of one row, its line ends included: a file without line ends must not fill the memory."""


class FileRefused(ValueError):
    """A file as a whole cannot be imported.

    `rule` says why, `line` where (when it is a matter of one line), `headers` what the header line holds
    (when it lacks a column). The message says all of it.
    """

    def __init__(self, rule: str, *, line: int | None = None, headers: Sequence[str] | None = None) -> None:
        place = "" if line is None else f"line {line}: "
        found = "" if headers is None else f"; headers found: {', '.join(headers) or 'none'}"
        super().__init__(f"{place}{rule}{found}")
        self.rule = rule
        self.line = line
        self.headers = tuple(headers or ())


class CsvRow(NamedTuple):
    """One row: the line it begins on and its cells by column.

    ``too_wide``: it has text beyond the last header. An amount like ``1,000.00`` without quotes does that, so
    no cell of such a row is to be trusted.
    """

    line: int
    cells: Mapping[str, str]
    too_wide: bool


_TOO_LONG: Final = f"a row of more than {MOST_OF_ROW} characters"
TOO_WIDE: Final = "more cells than the header line: quote cells that contain the separator"


@dataclass(frozen=True, slots=True)
class CsvTable:
    """An opened file. ``rows`` may raise FileRefused while it is read.

    Rows without any text are left out; a row that is too short lacks its last cells.
    """

    separator: str
    rows: Iterator[CsvRow]


def decode_text(data: bytes) -> tuple[str, str]:
    """Text and encoding: UTF-8 with or without byte order mark, else GB18030. Raises FileRefused."""
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        refuse_mixed(data)
    try:
        return data.decode("gb18030"), "gb18030"
    except UnicodeDecodeError:
        raise FileRefused("neither UTF-8 nor GB18030") from None


def refuse_mixed(begin: bytes) -> None:
    """Refuse a file that says it is UTF-8, and is not: as GB18030 its mark would spoil its first header."""
    if begin.startswith(codecs.BOM_UTF8):
        raise FileRefused("begins as UTF-8 and goes on in another encoding: save it as UTF-8")


def open_table(
    text: str,
    columns: Mapping[str, Sequence[str]],
    *,
    required: Iterable[str],
    skip_lines: int = 0,
    most_rows: int | None = None,
) -> CsvTable:
    """Open a CSV whose separator is ``,`` ``;`` or tab; its header line stands behind `skip_lines` lines.

    `columns` maps a column to the header texts it may have: the first hit wins, compared as by `bare`.
    Raises FileRefused when a required column has no header.
    """
    lines = io.StringIO(text, newline="")
    return open_lines(lines, columns, required=required, skip_lines=skip_lines, most_rows=most_rows)


def open_lines(
    lines: Iterable[str],
    columns: Mapping[str, Sequence[str]],
    *,
    required: Iterable[str],
    skip_lines: int = 0,
    most_rows: int | None = None,
) -> CsvTable:
    """Open a CSV as `open_table` does, from lines as they come, their ends included: none of them is kept."""
    left = iter(lines)
    for _ in range(skip_lines):
        if next(left, None) is None:
            break
    first = next(left, "")
    header = first.rstrip("\r\n")
    separator = max(_SEPARATORS, key=lambda mark: len(_positions(_cells(header, mark), columns)))
    headers = _cells(header, separator)
    positions = _positions(headers, columns)
    missing = [name for name in required if name not in positions]
    if missing:
        raise FileRefused(f"required column missing: {', '.join(missing)}", headers=_shown(headers))
    rows = _rows(chain((first,), left), separator, skip_lines, positions, len(headers), most_rows)
    return CsvTable(separator, rows)


def open_cells(
    rows: Iterable[tuple[int, Sequence[str]]],
    columns: Mapping[str, Sequence[str]],
    *,
    required: Iterable[str],
    most_rows: int | None = None,
) -> Iterator[CsvRow]:
    """Rows of cells that came from elsewhere, such as a spreadsheet; the first of them is the header.

    A cell beyond the last header is a note and no accident of separators: it is left out.
    Raises FileRefused as `open_table` does, and while it is read.
    """
    left = iter(rows)
    _, headers = next(left, (0, ()))
    positions = _positions(headers, columns)
    missing = [name for name in required if name not in positions]
    if missing:
        raise FileRefused(f"required column missing: {', '.join(missing)}", headers=_shown(headers))
    for count, (line, cells) in enumerate(left, 1):
        if most_rows is not None and count > most_rows:
            raise FileRefused(f"more than {most_rows} rows: split the file", line=line)
        yield CsvRow(line, {name: cells[at] for name, at in positions.items() if at < len(cells)}, False)


def bounded_lines(text: TextIO) -> Iterator[str]:
    """The lines of a file, none of them longer than a row may be. Raises FileRefused."""
    number = 1
    while line := text.readline(MOST_OF_ROW + 1):
        if len(line) > MOST_OF_ROW:
            raise FileRefused(_TOO_LONG, line=number)
        yield line
        number += 1


def bare(text: str) -> str:
    """A header text as it is compared: without blanks, byte order marks and case."""
    return "".join(text.replace(_MARK, "").split()).casefold()


def _rows(
    lines: Iterable[str],
    separator: str,
    skip: int,
    positions: Mapping[str, int],
    width: int,
    most_rows: int | None,
) -> Iterator[CsvRow]:
    begins, taken = skip + 1, 0

    def within() -> Iterator[str]:
        """The lines; quotes may make one row of many of them."""
        nonlocal taken
        for line in lines:
            taken += len(line)
            if taken > MOST_OF_ROW:
                raise FileRefused(_TOO_LONG, line=begins)
            yield line

    reader = csv.reader(within(), delimiter=separator, strict=True)
    places = tuple(positions.items())
    try:
        for count, cells in enumerate(reader):
            if most_rows is not None and count > most_rows:
                raise FileRefused(f"more than {most_rows} rows: split the file", line=begins)
            if count and any(map(str.strip, cells)):
                there = len(cells)
                named = {name: cells[at] for name, at in places if at < there}
                yield CsvRow(begins, named, there > width and any(map(str.strip, cells[width:])))
            begins, taken = skip + reader.line_num + 1, 0
    except csv.Error:
        raise FileRefused("quotes do not follow RFC 4180", line=begins) from None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _positions(headers: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    compared = [bare(text) for text in headers]
    positions = {}
    for column, texts in columns.items():
        hits = [compared.index(bare(text)) for text in texts if bare(text) in compared]
        if hits:
            positions[column] = hits[0]
    return positions


def _shown(headers: Sequence[str]) -> list[str]:
    # A file without a header line begins with data: nothing with a longer run of digits is repeated.
    texts = (unicodedata.normalize("NFKC", text).strip() for text in headers)
    shown = [text[:_LONGEST_HEADER] for text in texts if text and not re.search(r"\d{3}", text)]
    return shown[:_HEADERS_SHOWN]
