"""Reports as plain text in aligned columns, for a terminal, a mail or a log."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from privatenumber.billing.outputs.reconciliation_report import (
    cause_of,
    headline,
    proposal_of,
    reconciliation_report,
)
from privatenumber.billing.outputs.report import Document, Report, Section
from privatenumber.billing.outputs.statement_report import statement_report
from privatenumber.billing.outputs.tables import Table
from privatenumber.billing.outputs.texts import Language, Words

_WIDTH: Final = 100
_MOST_ROWS: Final = 40
_TOO_WIDE: Final = ("W", "F")


def render_statement(document: Document, language: Language = Language.EN) -> str:
    """A statement: what was deducted, what the month cost and whose that is, packages and rents."""
    words = Words(language)
    report = statement_report(document, words)
    return _text([*_head(report, words), *_sections(report, words), *_remarks(report)])


def render_reconciliation(document: Document, language: Language = Language.EN) -> str:
    """A reconciliation: our figures beside the platform's, then every difference with cause and proposal."""
    words = Words(language)
    report = reconciliation_report(document, words)
    bill = next(section for section in report.sections if section.name == "bill")
    rest = [section for section in report.sections if section.name not in ("bill", "differences")]
    lines = [*_head(report, words), *_remarks(report), "", *_section(bill, words)]
    lines += ["", *_wrapped(headline(document, words), "  ")]
    for number, found in enumerate(document["differences"][:_MOST_ROWS], start=1):
        lines += _difference(found, number, document["difference_count"] == 1, words)
    left_out = len(document["differences"][_MOST_ROWS:])
    lines += [f"  {words.say('more_rows', count=left_out)}"] if left_out else []
    lines += ["", *(f"{words[f'figure.{each.name}']}: {each.text}" for each in report.figures[1:])]
    for section in rest:
        lines += ["", *_section(section, words)]
    return _text(lines)


def _head(report: Report, words: Words) -> list[str]:
    facts = "   ".join(f"{name} {text}" for name, text in report.facts if name != words["fact.month"])
    return [f"{words[f'title.{report.kind}'].upper()} {report.month}", *_wrapped(facts, "  "), ""]


def _sections(report: Report, words: Words) -> Iterator[str]:
    for section in report.sections:
        yield from _section(section, words)
        yield ""


def _section(section: Section, words: Words) -> Iterator[str]:
    yield words[f"section.{section.name}"]
    yield from _table(section.table, words)


def _remarks(report: Report) -> list[str]:
    return [line for remark in report.remarks for line in _wrapped(remark, "  ")]


def _difference(found: Document, number: int, single: bool, words: Words) -> Iterator[str]:
    amount = words["unpriced"] if found["amount"] == "unpriced" else f"{found['amount']} CNY"
    if not single:
        yield from _wrapped(f"{number}. {cause_of(found, words)}", "     ", first="  ")
    kind = words.code("kind", found["kind"])
    proposal = (
        f"{kind} ({found['kind']}), {amount}; {words['column.action'].lower()}: {proposal_of(found, words)}"
    )
    yield from _wrapped(proposal, "     ", first="  " if single else "     ")


def _table(of: Table, words: Words) -> list[str]:
    """Aligned columns: texts left, numbers right, a rule under the titles and above the sums."""
    table = of.for_people()
    titles = [column.title(words) for column in table.columns]
    rows = [table.shown(row, words) for row in table.rows[:_MOST_ROWS]]
    total = table.shown_total(words)
    everything = [titles, *rows, *([total] if total else [])]
    widths = [max(_width(row[at]) for row in everything) for at in range(len(titles))]
    right = [column.cell.is_number for column in table.columns]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_aligned(titles, widths, right), rule, *(_aligned(row, widths, right) for row in rows)]
    left_out = len(table.rows) - len(rows)
    lines += [words.say("more_rows", count=left_out)] if left_out else []
    return lines + ([rule, _aligned(total, widths, right)] if total else [])


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        blanks = " " * (width - _width(cell))
        padded.append(blanks + cell if is_right else cell + blanks)
    return "  ".join(padded)


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(mark) in _TOO_WIDE else 1 for mark in text)


def _wrapped(text: str, indent: str, first: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=indent)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"
