"""A CSV file of unknown origin as rows of named cells: encoding, separator, header (billing-rules.md §9.2).

Nothing here knows what a cell means, and no error text contains one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from privatenumber.billing.layouts import Layout, bare

_SEPARATORS: Final = (",", ";", "\t")
_HEADERS_SHOWN: Final = 20
_LONGEST_HEADER: Final = 40


class FileRefused(ValueError):
    """A file as a whole cannot be imported; the message says why and which headers were found."""


@dataclass(frozen=True, slots=True)
class Table:
    """An opened file. ``rows`` yields line number and cells by product column, and may raise FileRefused."""

    encoding: str
    separator: str
    rows: Iterator[tuple[int, Mapping[str, str]]]


def open_table(data: bytes, layout: Layout) -> Table:
    """Open a CSV: UTF-8 with or without byte order mark, else GB18030; separator ``,`` ``;`` or tab.

    Raises FileRefused when the encoding is neither or a required column has no header.
    """
    text, encoding = _decode(data)
    header = next(islice(io.StringIO(text), layout.skip_lines, None), "").rstrip("\r\n")
    separator = max(_SEPARATORS, key=lambda mark: len(_positions(_cells(header, mark), layout)))
    positions = _positions(_cells(header, separator), layout)
    missing = [name for name in layout.required if name not in positions and name not in layout.constants]
    if missing:
        found = ", ".join(_shown(_cells(header, separator))) or "none"
        raise FileRefused(f"required column missing: {', '.join(missing)}; headers found: {found}")
    return Table(encoding, separator, _rows(text, separator, layout.skip_lines, positions))


def _decode(data: bytes) -> tuple[str, str]:
    for codec, name in (("utf-8-sig", "utf-8"), ("gb18030", "gb18030")):
        try:
            return data.decode(codec), name
        except UnicodeDecodeError:
            continue
    raise FileRefused("neither UTF-8 nor GB18030")


def _rows(
    text: str, separator: str, skip: int, positions: Mapping[str, int]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    stream = io.StringIO(text, newline="")
    for _ in range(skip):
        stream.readline()
    reader = csv.reader(stream, delimiter=separator, strict=True)
    begins = skip + 1
    try:
        for count, cells in enumerate(reader):
            if count and any(map(str.strip, cells)):
                yield begins, {name: cells[at] for name, at in positions.items() if at < len(cells)}
            begins = skip + reader.line_num + 1
    except csv.Error:
        raise FileRefused(f"line {begins}: quotes do not follow RFC 4180") from None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _positions(headers: Sequence[str], layout: Layout) -> dict[str, int]:
    compared = [bare(text) for text in headers]
    positions = {}
    for column, texts in layout.columns.items():
        hits = [compared.index(bare(text)) for text in texts if bare(text) in compared]
        if hits:
            positions[column] = hits[0]
    return positions


def _shown(headers: Sequence[str]) -> list[str]:
    # A file without a header begins with data: nothing with a longer run of digits is repeated.
    texts = [text.strip()[:_LONGEST_HEADER] for text in headers]
    return [text for text in texts if text and not re.search(r"\d{3}", text)][:_HEADERS_SHOWN]
