"""Which format brings what with it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from builders.events import ROOT
from builders.statements import compared_month, corrected_month, worked_month
from builders.worked import worked_statement
from privatenumber.billing.closing.allocation import Share
from privatenumber.billing.closing.costs import View
from privatenumber.billing.closing.presented import present
from privatenumber.billing.closing.statement import Booked
from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.outputs.formats import CONTENT_TYPES, Format, render, report_of
from privatenumber.billing.outputs.statement_tables import tables
from privatenumber.billing.outputs.texts import Language, Words

LIBRARIES = {"jinja2": Format.HTML, "xlsxwriter": Format.XLSX, "reportlab": Format.PDF}

PROGRAM = """
import sys
from builders.statements import compared_month, corrected_month, worked_month
from privatenumber.billing.outputs.formats import Format, render
if sys.argv[1]:
    b"".join(render(worked_month(), Format(sys.argv[1]))[1])
print(*sorted(name for name in ("jinja2", "xlsxwriter", "reportlab") if name in sys.modules))
"""


@pytest.mark.parametrize("form", ["", "txt", "csv", "focus", "html", "xlsx", "pdf"])
def test_a_format_loads_its_own_library_and_no_other(form: str) -> None:
    """Cold start: who asks for JSON or CSV waits for none of them (anchors.md §2)."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("layers/privatenumber", "tests"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [library for library, own in LIBRARIES.items() if own == form]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("language", list(Language))
def test_every_format_is_made_in_both_languages(form: Format, language: Language) -> None:
    content_type, pieces = render(worked_month(), form, language)
    assert content_type == CONTENT_TYPES[form]
    assert b"".join(pieces)


@pytest.mark.parametrize("form", list(Format))
def test_a_statement_as_it_is_made_is_handed_out_with_its_totals(form: Format) -> None:
    """billing-rules.md §8.2: 114.00 by deduction. Text stands in PDF and XLSX packed."""
    made = worked_statement()
    file = b"".join(render({**made.document(), "lines": list(made.lines())}, form)[1])
    if form in (Format.TEXT, Format.HTML):
        assert b"114.00" in file
        assert b"119.00" in file
    assert len(file) > 300


def test_a_statement_reads_the_same_as_it_is_stored_and_as_it_is_presented() -> None:
    made = worked_statement()
    stored = {**made.document(), "lines": list(made.lines())}
    presented = present(made.document(), made.lines())
    for form in (Format.TEXT, Format.FOCUS, Format.HTML):
        assert list(render(stored, form)[1]) == list(render(presented, form)[1])


def test_whose_a_correction_is_stands_in_a_table_of_its_own() -> None:
    """billing-rules.md §8.3: it is another month's cost, so not in the shares of this one."""
    made, share = (
        worked_statement(),
        Share(View.ORDER, "order-1001", 2, 0, Decimal("0.20"), *[Decimal(0)] * 3),
    )
    booked = Booked("2026-08", 1, Decimal("0.20"), ("late_facts",), "hash", (share.document(),))
    document = present(made.document(), [*made.lines(), *booked.lines()])
    (table,) = [table for table in tables(document) if table.name == "correction_shares"]
    assert table.rows == [
        ("2026-08", 1, "order", "order-1001", 2, 0, *map(Decimal, ("0.20", "0", "0", "0", "0.20")))
    ]


@pytest.mark.parametrize("document", [worked_month(), corrected_month()], ids=["plain", "corrected"])
def test_what_was_deducted_comes_to_the_same_in_every_format(document: dict[str, Any]) -> None:
    total = Decimal(document["total"])

    def made(form: Format) -> bytes:
        return b"".join(render(document, form)[1])

    def summed(form: Format, column: str) -> Decimal:
        rows = csv.DictReader(io.StringIO(made(form).decode("utf-8-sig")))
        return sum((Decimal(row[column]) for row in rows), Decimal(0))

    sheet = openpyxl.load_workbook(io.BytesIO(made(Format.XLSX)))["What was deducted"]
    *amounts, last = [Decimal(str(row[-1])) for row in sheet.iter_rows(min_row=2, values_only=True)]
    pages = PdfReader(io.BytesIO(made(Format.PDF))).pages
    assert summed(Format.CSV, "amount") == summed(Format.FOCUS, "BilledCost") == total
    assert sum(amounts) == last == total
    for text in (made(Format.TEXT).decode(), made(Format.HTML).decode(), pages[0].extract_text()):
        assert f"{total:,.2f}" in text


def test_whose_a_correction_is_stands_under_it_by_application_and_in_a_workbook_by_every_view() -> None:
    """billing-rules.md §8.3: every fen has somebody who bears it, a late one too."""
    document = corrected_month()
    text = b"".join(render(document, Format.TEXT)[1]).decode()
    table = text[text.index("Corrections by application") :].split("\n\n")[0]
    rows = [line.split() for line in table.splitlines()[3:]]
    assert [(row[2], row[-1]) for row in rows] == [("ax", "0.20"), ("axb", "0.59"), ("the", "-2,000.00")]
    book = openpyxl.load_workbook(io.BytesIO(b"".join(render(document, Format.XLSX)[1])))
    assert book["Corrections by application"].max_row == 4
    assert book["Whose the corrections are"].max_row == 5


def test_a_total_with_corrections_is_not_said_to_be_that_of_the_platforms_bill() -> None:
    said = "which the platform's bill has not"
    pages = [str(part) for part in report_of(corrected_month(), Words()).sections[0].remarks]
    assert said in pages[-1]
    assert said not in str(report_of(worked_month(), Words()).sections[0].remarks)


def test_what_was_accepted_is_named_for_what_it_is() -> None:
    accepted = [{"kind": kind, "item": "call", "amount": "0.01"} for kind in ("rounding", "package_order")]
    for language in Language:
        *_, rounding, packages = report_of(compared_month(accepted=accepted), Words(language)).remarks
        assert rounding != packages
        assert "0.01" in rounding
        assert "0.01" in packages


def test_a_reconciliation_is_no_data_set_of_costs() -> None:
    with pytest.raises(CannotRender, match="focus is a format of statements"):
        render({"kind": "reconciliation"}, Format.FOCUS)
