"""What a statement or a reconciliation says, before it is text, a page, a workbook or a PDF.

A report has no layout: figures to put first, sections with a table and perhaps a chart, remarks. It holds
codes and values; who lays it out has the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from privatenumber.billing.outputs.tables import Table

Document: TypeAlias = Mapping[str, Any]

_PRESENTED: Final = {"usage": "rows", "rent": "rents", "close": "closes"}
_BY_VIEW: Final = {"share": "shares", "correction": "correction_shares"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that stands at the top. ``alarming`` when it should be nothing and is not."""

    name: str
    text: str
    alarming: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: a readable label and CNY."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """Amounts side by side. ``name`` is that of its title."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part: a table, remarks under it, a chart beside it."""

    table: Table
    remarks: tuple[str, ...] = ()
    chart: Chart | None = None

    @property
    def name(self) -> str:
        """The section's, which is its table's."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. ``facts`` are names and texts that identify it: version, state, hash of its inputs."""

    kind: str
    month: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    remarks: tuple[str, ...] = ()


def lines_of(document: Document, kind: str) -> list[Document]:
    """The lines of a kind behind a statement's sums, in their order.

    A statement comes with its stored ``lines``, or as it is presented, with those an answer has room for.
    """
    if "lines" in document:
        return [line for line in document["lines"] if line["line"] == kind]
    if kind in _BY_VIEW:
        views = document.get(_BY_VIEW[kind], {})
        return [{**line, "view": view} for view, found in views.items() for line in found]
    return list(document.get(_PRESENTED[kind], ()))
