"""Rows as CSV that a spreadsheet opens as they are meant (billing-rules.md §9.2).

UTF-8 with a byte order mark, without which Excel shows no Chinese. A text that a spreadsheet would take for a
formula is made one by an apostrophe before it; so is a number in global form, which would lose its digits.
Who reads such a file takes the apostrophe away again, as our own imports do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | Decimal | bool | None

BYTE_ORDER_MARK: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE: Final = ("＝", "＋", "－", "＠")
"""Some spreadsheets take the full-width forms for the same."""


def rendered(rows: Iterable[Sequence[Value]]) -> str:
    """Lines of a CSV, each ended by CR LF."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Value) -> str:
    """A value as a cell; None is an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"'{value}" if value.startswith((*_FORMULA, *_WIDE)) else value
