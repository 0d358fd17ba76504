"""Statements and reconciliations as workbooks, read back with another library than writes them."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from builders.statements import V1, compared, compared_month, found, share, worked_month
from privatenumber.billing.outputs import workbook
from privatenumber.billing.outputs.formats import Format, render
from privatenumber.billing.outputs.texts import Language


def book_of(document: dict[str, Any], language: Language = Language.EN) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(b"".join(render(document, Format.XLSX, language)[1])))


def rows_of(sheet: Worksheet) -> list[tuple[object, ...]]:
    return list(sheet.iter_rows(values_only=True))


BOOK = book_of(worked_month())


def test_a_sheet_for_every_section_and_for_what_a_page_has_no_room_for() -> None:
    assert BOOK.sheetnames == [
        *("Summary", "What was deducted", "What the month cost", "Cost by application", "Cost by mode"),
        *("Cost by X number", "Cost by order", "Packages", "Rents deducted", "Price lists in force, CNY"),
        *("Use", "Closed days"),
    ]


def test_totals_are_numbers_and_those_of_the_statement() -> None:
    """billing-rules.md §8.2: 114.00 by deduction, 119.00 by cost month."""
    for name, total in (("What was deducted", "114.00"), ("What the month cost", "119.00")):
        row = rows_of(BOOK[name])[-1]
        assert (row[0], row[-1]) == ("Total", float(total))
    for name in ("Cost by application", "Cost by mode", "Cost by X number", "Cost by order"):
        assert rows_of(BOOK[name])[-1][-1] == 119, name


def test_amounts_add_up_to_the_totals_under_them() -> None:
    for name in ("What was deducted", "Cost by application", "Cost by order", "Rents deducted"):
        *amounts, total = [row[-1] for row in rows_of(BOOK[name])[1:]]
        assert sum(Decimal(str(amount)) for amount in amounts) == Decimal(str(total)), name


def test_an_amount_has_two_decimals_and_an_x_is_text() -> None:
    amount = BOOK["Rents deducted"].cell(2, 7)
    assert (amount.value, amount.number_format, amount.data_type) == (5, "#,##0.00", "n")
    x = BOOK["Rents deducted"].cell(2, 1)
    assert (x.value, x.data_type) == (V1, "s")


def test_a_count_is_a_whole_number_unless_it_is_none() -> None:
    """Of `0.##` a spreadsheet shows the point also where nothing follows: 605. for 605."""
    assert BOOK["Cost by application"].cell(2, 2).number_format == "#,##0"
    halves = {"quantity": "2.5", "amount": "0.25", "unpriced": 0}
    row = compared("call", "virtual", "0.20", "0.00", "0.25") | {"bill": {**halves, "package_quantity": "0"}}
    sheet = book_of(compared_month(bill=[row]))["Our figures and the platform's"]
    assert [(sheet.cell(2, at).value, sheet.cell(2, at).number_format) for at in (3, 7)] == [
        (2, "#,##0"),
        (2.5, "0.00####"),
    ]


def test_a_unit_price_is_as_exact_as_it_is() -> None:
    price = BOOK["Price lists in force, CNY"].cell(2, 4)
    assert (price.value, price.number_format) == (0.28, "0.00####")


def test_a_chinese_workbook_is_chinese() -> None:
    book = book_of(worked_month(), Language.ZH)
    assert book.sheetnames[:3] == ["汇总", "当月扣费", "当月成本"]
    assert rows_of(book["当月扣费"])[1][:2] == ("通话服务费", "实号")


@pytest.mark.parametrize(
    "name", ["=1+1", "+86", "-1", "@SUM(A1)", "http://example.org", "{=1}", "12345678901234567"]
)
def test_a_text_stays_the_text_it_is(name: str) -> None:
    """billing-rules.md §9.2: no formula, no link, no number that loses its digits."""
    book = book_of(worked_month(lines=[share("order", name), share("order", "other")]))
    cell = book["Cost by order"].cell(2, 1)
    assert (cell.value, cell.data_type, cell.hyperlink) == (name, "s", None)


def test_differences_are_a_sheet_with_cause_amount_and_proposal() -> None:
    book = book_of(compared_month(found()))
    (heading, row) = rows_of(book["Differences"])
    assert heading[:4] == ("Kind", "CNY", "Cause", "Proposed")
    assert row[:2] == ("CDR or SMS missing", 0.2)
    assert str(row[2]).startswith("missing CDR: the platform's detail export lists a call")


def test_a_table_beyond_what_a_sheet_holds_goes_on_in_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 12)
    many = [share("x", f"+86170{n:08d}", "0.10") for n in range(25)]
    book = book_of(worked_month(lines=many))
    sheets = [name for name in book.sheetnames if name.startswith("Cost by X number")]
    assert sheets == ["Cost by X number", "Cost by X number 2", "Cost by X number 3"]
    rows = [row for name in sheets for row in rows_of(book[name])[1:]]
    assert len(rows) == 26
    assert (rows[-1][0], rows[-1][-1]) == ("Total", 2.5)
