"""Statements as PDF, their text read back with another library than writes them."""

from __future__ import annotations

import io
from typing import Any

from pypdf import PdfReader

from builders.statements import share, worked_month
from privatenumber.billing.outputs.formats import Format, render
from privatenumber.billing.outputs.texts import Language


def file_of(document: dict[str, Any], language: Language = Language.EN) -> bytes:
    return b"".join(render(document, Format.PDF, language)[1])


def text_of(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def test_a_statement_has_its_totals_tables_and_remarks() -> None:
    """billing-rules.md §8.2."""
    text = text_of(file_of(worked_month()))
    for part in (
        "Statement 2026-09",
        "114.00",
        "119.00",
        "What was deducted",
        "order-1",
        "65.09",
        "PKG-2026-0901",
    ):
        assert part in text, part
    assert "Calls: 15 attempts, 13 answered" in text


def test_chinese_is_set_and_read_back() -> None:
    text = text_of(file_of(worked_month(), Language.ZH))
    for part in ("账单 2026-09", "当月扣费", "通话服务费", "号码月租费", "套餐包", "无归属"):
        assert part in text, part


def test_a_chinese_name_in_an_english_statement_is_set_too() -> None:
    assert "上海" in text_of(file_of(worked_month(lines=[share("city", "上海", "1.00"), share("city", "x")])))


def test_what_helvetica_has_is_set_in_it() -> None:
    """A reader without a Chinese font shows gaps for the other one."""
    cut = share("application", "a-name-that-a-chart-cuts-with-an-ellipsis", "1.00")
    assert b"STSong" not in file_of(worked_month(lines=[cut, share("application", "ax", "2.00")]))
    assert b"STSong" in file_of(worked_month(), Language.ZH)


def test_what_identifies_a_statement_is_told_apart() -> None:
    text = text_of(file_of(worked_month())).replace("\n", " ")
    assert "State closed · Version 1 ·" in " ".join(text.split())


def test_nothing_is_embedded_so_the_file_is_small() -> None:
    assert len(file_of(worked_month(), Language.ZH)) < 30_000


def test_the_same_statement_gives_the_same_file() -> None:
    assert file_of(worked_month()) == file_of(worked_month())


def test_markup_in_a_name_is_text() -> None:
    name = "<b>&amp;</b><font size=99>"
    assert name in text_of(file_of(worked_month(lines=[share("order", name), share("order", "o")]))).replace(
        "\n", ""
    )


def test_a_long_table_goes_over_pages_and_repeats_its_heading() -> None:
    many = [share("x", f"+86170{n:08d}", "0.10") for n in range(250)]
    data = file_of(worked_month(lines=many))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    assert len(pages) > 5
    assert sum("X number" in page for page in pages) > 3
    assert "and 50 more rows" in text_of(data)


def test_a_chart_of_all_days_fits_on_a_page() -> None:
    days = [share("day", f"2026-10-{day:02d}", f"{day}.00") for day in range(1, 32)]
    assert "2026-10-31" in text_of(file_of(worked_month(lines=days)))


def test_a_very_long_name_breaks_and_stays_on_the_page() -> None:
    name = "x" * 400
    assert text_of(file_of(worked_month(lines=[share("order", name), share("order", "o")]))).count("x") >= 400
