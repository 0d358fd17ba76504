"""A file of the platform, read row by row: CSV of any length, or XLSX (billing-rules.md §9.2).

A CSV is never held as a whole: it is looked through for its encoding and its hash, then read as it comes.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Final, Generic, TypeAlias, TypeVar

from privatenumber.billing.reconciliation.cells import BadCell, Cells
from privatenumber.billing.reconciliation.layouts import Layout
from privatenumber.csv_table import (
    TOO_WIDE,
    CsvRow,
    FileRefused,
    bounded_lines,
    open_cells,
    open_lines,
    refuse_mixed,
)

Row = TypeVar("Row")

Opens: TypeAlias = Callable[[], BinaryIO]
"""Opens the same file anew: it is read more than once."""

#: Bad rows that are listed; a file may have 5 % of them, and a million rows are 50,000.
MOST_BAD_SHOWN: Final = 2000
#: Largest spreadsheet: it is unpacked in memory. Beyond that, CSV is what the console exports anyway.
MOST_XLSX_BYTES: Final = 32 * 1024 * 1024
_MOST_UNPACKED: Final = 256 * 1024 * 1024
_MOST_XLSX_ROWS: Final = 200_000
_MOST_XLSX_TEXTS: Final = 1_000_000

_MOST_BAD: Final = Decimal("0.05")
_CHUNK: Final = 256 * 1024
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_UTF8: Final = ("utf-8-sig", "utf-8")
_GB: Final = ("gb18030", "gb18030")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported: its line, and why."""

    line: int
    reason: str


class Export(Generic[Row]):
    """A file to be read once, row by row; FileRefused may come at any of them, and at the end.

    ``sha256``, ``encoding`` and ``separator`` are known before. ``good`` and ``bad`` count what was read so
    far; ``bad_rows`` holds the first of the bad ones. Where ``make`` makes nothing of a row it is left out.
    """

    def __init__(self, opens: Opens, layout: Layout, make: Callable[[int, Cells], Row | None]) -> None:
        self.layout = layout
        self._make = make
        self.good = self.bad = 0
        self.bad_rows: list[BadRow] = []
        self.sha256, codec, self.encoding = _probe(opens)
        self.separator, self._rows = _opened(opens, codec, layout)

    def __iter__(self) -> Iterator[Row]:
        layout, make = self.layout, self._make
        for row in self._rows:
            try:
                if row.too_wide:
                    raise BadCell(TOO_WIDE)
                made = make(row.line, Cells(layout, row.cells))
            except BadCell as error:
                self.bad += 1
                if len(self.bad_rows) < MOST_BAD_SHOWN:
                    self.bad_rows.append(BadRow(row.line, str(error)))
                continue
            if made is not None:
                self.good += 1
                yield made
        found = self.good + self.bad
        if self.bad > _MOST_BAD * found:
            first = self.bad_rows[0]
            raise FileRefused(f"{self.bad} of {found} rows are bad; line {first.line}: {first.reason}")


def _probe(opens: Opens) -> tuple[str, str, str]:
    """SHA-256 of a file, how to decode it, and what that is called. Raises FileRefused."""
    digest, begin, codec = hashlib.sha256(), b"", _UTF8
    decoder = codecs.getincrementaldecoder(codec[0])()
    size = 0
    with closing(opens()) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            begin = begin or chunk[:4]
            if begin == _ZIP:
                if size > MOST_XLSX_BYTES:
                    raise FileRefused(
                        f"an XLSX file of more than {MOST_XLSX_BYTES >> 20} MiB: save it as CSV"
                    )
                continue
            if codec is _UTF8 and not _decodes(decoder, chunk):
                codec = _GB
    if begin == _OLE:
        raise FileRefused("an old or encrypted Excel file: save it as XLSX or CSV without a password")
    if begin == _ZIP:
        return digest.hexdigest(), "", "xlsx"
    if codec is _UTF8 and not _decodes(decoder, b"", last=True):
        codec = _GB
    if codec is _GB:
        refuse_mixed(begin)
    return digest.hexdigest(), *codec


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, last: bool = False) -> bool:
    try:
        decoder.decode(chunk, last)
    except UnicodeDecodeError:
        return False
    return True


def _opened(opens: Opens, codec: str, layout: Layout) -> tuple[str, Iterator[CsvRow]]:
    """Separator and rows of a file."""
    required = [column for column in layout.required if column not in layout.constants]
    if not codec:
        return "", open_cells(_sheet(opens, layout), layout.columns, required=required)
    table = open_lines(_lines(opens, codec), layout.columns, required=required, skip_lines=layout.skip_lines)
    return table.separator, table.rows


def _lines(opens: Opens, codec: str) -> Iterator[str]:
    with io.TextIOWrapper(io.BufferedReader(_Raw(opens()), _CHUNK), codec, newline="") as text:
        try:
            yield from bounded_lines(text)
        except UnicodeDecodeError:
            raise FileRefused("neither UTF-8 nor GB18030") from None


def _sheet(opens: Opens, layout: Layout) -> Iterable[tuple[int, list[str]]]:
    # Only who has a spreadsheet pays for an XML parser at a cold start.
    from privatenumber.xlsx import Bounds, read_sheet

    with closing(opens()) as file:
        data = file.read()
    bounds = Bounds(_MOST_UNPACKED, _MOST_XLSX_ROWS, _MOST_XLSX_TEXTS)
    for line, cells in read_sheet(data, times=True, point=layout.decimal_separator, bounds=bounds):
        if line > layout.skip_lines:
            yield line, list(cells)


class _Raw(io.RawIOBase):
    """What is only read forward, such as an answer of S3, as a raw stream that can be buffered."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a part of the buffer; 0 at the end."""
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file too."""
        if not self.closed:
            self._file.close()
        super().close()
