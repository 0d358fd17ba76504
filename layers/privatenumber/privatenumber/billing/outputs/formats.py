"""A statement or a reconciliation in the format and language somebody asks for.

What a format needs is imported when it is asked for: the libraries of workbooks, pages and PDF files are in a
layer of their own, and a function that hands out JSON never loads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import Final

from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.report import Document, Report
from privatenumber.billing.outputs.texts import Language, Words


class Format(StrEnum):
    """Formats beside JSON."""

    TEXT = "txt"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    PDF = "pdf"
    FOCUS = "focus"
    """Cost and usage as CSV by the FinOps FOCUS specification; statements only."""


CONTENT_TYPES: Final[Mapping[Format, str]] = {
    Format.TEXT: "text/plain; charset=utf-8",
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.HTML: "text/html; charset=utf-8",
    Format.PDF: "application/pdf",
    Format.FOCUS: "text/csv; charset=utf-8",
}

_STATEMENT: Final = "statement"


def render(
    document: Document, format: Format, language: Language = Language.EN, *, table: str | None = None
) -> tuple[str, Iterator[bytes]]:
    """The content type and the file, in pieces.

    Parameters
    ----------
    document : a statement or a reconciliation as JSON; a statement with the ``lines`` behind its sums, and
        with its ``reconciliation`` where it was compared
    table : which table a CSV file holds; left out, that of the bill or of the differences

    Raises CannotRender.
    """
    if table is not None and format is not Format.CSV:
        raise CannotRender(f"{format} is the whole document, only csv is one table of it")
    if format is Format.FOCUS and document["kind"] != _STATEMENT:
        raise CannotRender("focus is a format of statements")
    return CONTENT_TYPES[format], _RENDERERS[format](document, language, table)


def tables_of(document: Document) -> tuple[str, ...]:
    """The tables that a document can be asked for as CSV, the one for who names none first."""
    return tuple(_tables(document))


def report_of(document: Document, words: Words) -> Report:
    """The report that a document is."""
    if document["kind"] == _STATEMENT:
        from privatenumber.billing.outputs.statement_report import statement_report

        return statement_report(document, words)
    from privatenumber.billing.outputs.reconciliation_report import reconciliation_report

    return reconciliation_report(document, words)


def _tables(document: Document) -> Mapping[str, Callable[[], Iterator[bytes]]]:
    from privatenumber.billing.outputs import csv_files, reconciliation_report, statement_tables

    if document["kind"] != _STATEMENT:
        compared = reconciliation_report.tables(document)
        return {table.name: partial(csv_files.table_csv, table) for table in compared}
    found = [*statement_tables.tables(document)]
    if "reconciliation" in document:
        found.append(reconciliation_report.evidence_table(document["reconciliation"]))
    return {
        "bill": partial(csv_files.bill_csv, document),
        **{table.name: partial(csv_files.table_csv, table) for table in found},
    }


def _text(document: Document, language: Language, _: str | None) -> Iterator[bytes]:
    from privatenumber.billing.outputs.text import render_reconciliation, render_statement

    render_it = render_statement if document["kind"] == _STATEMENT else render_reconciliation
    yield render_it(document, language).encode()


def _csv(document: Document, _: Language, table: str | None) -> Iterator[bytes]:
    tables = _tables(document)
    name = table or next(iter(tables))
    if name not in tables:
        raise CannotRender(f"no such table; there are {', '.join(tables)}")
    return tables[name]()


def _xlsx(document: Document, language: Language, _: str | None) -> Iterator[bytes]:
    from privatenumber.billing.outputs.statement_tables import detail_tables
    from privatenumber.billing.outputs.workbook import workbook

    words = Words(language)
    is_statement = document["kind"] == _STATEMENT
    more = detail_tables(document) if is_statement else ()
    return workbook(report_of(document, words), more, words)


def _html(document: Document, language: Language, _: str | None) -> Iterator[bytes]:
    from privatenumber.billing.outputs.page import page

    words = Words(language)
    return page(report_of(document, words), words)


def _pdf(document: Document, language: Language, _: str | None) -> Iterator[bytes]:
    from privatenumber.billing.outputs.pdf import pdf

    words = Words(language)
    return pdf(report_of(document, words), words)


def _focus(document: Document, _language: Language, _table: str | None) -> Iterator[bytes]:
    from privatenumber.billing.outputs.focus import focus

    return focus(document)


_RENDERERS: Final[Mapping[Format, Callable[[Document, Language, str | None], Iterator[bytes]]]] = {
    Format.TEXT: _text,
    Format.CSV: _csv,
    Format.XLSX: _xlsx,
    Format.HTML: _html,
    Format.PDF: _pdf,
    Format.FOCUS: _focus,
}
