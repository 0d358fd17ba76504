"""Statements and reconciliations as one printable page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from builders.statements import V1, compared_month, found, share, worked_month
from privatenumber.billing.outputs.formats import Format, render
from privatenumber.billing.outputs.texts import Language

HOSTILE = "\"><script>alert('1')</script>&amp;{{7*7}}"
_VOID = ("meta", "rect")


class Page(HTMLParser):
    """Reads a page: its elements, its texts; complains when elements are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source, self.open = source, list[str]()
        self.elements = list[tuple[str, dict[str, str | None]]]()
        self.texts = list[str]()
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(document: dict[str, Any], language: Language = Language.EN) -> Page:
    return Page(b"".join(render(document, Format.HTML, language)[1]).decode())


PAGE = page_of(worked_month())


def test_the_totals_stand_at_the_top() -> None:
    """billing-rules.md §8.2."""
    first = PAGE.texts[: PAGE.texts.index("What was deducted")]
    assert first[first.index("Deducted in the month, CNY") + 1] == "114.00"
    assert first[first.index("Cost of the month, CNY") + 1] == "119.00"


def test_a_page_needs_nothing_else_and_runs_nothing() -> None:
    assert not PAGE.tags("script") + PAGE.tags("link") + PAGE.tags("img")
    assert not [a for _, a in PAGE.elements if {"src", "href", "onclick", "style"} & set(a)]
    assert {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'",
    } in (PAGE.tags("meta"))
    assert not re.search(r"https?://|url\(", PAGE.source)


def test_a_page_is_made_for_paper() -> None:
    assert "@media print" in PAGE.source
    assert "@page { size: A4" in PAGE.source


def test_tables_say_what_their_columns_are() -> None:
    assert len(PAGE.tags("table")) == len(PAGE.tags("thead")) == 9
    assert {cell.get("scope") for cell in PAGE.tags("th")} == {"col"}


def test_charts_are_pictures_with_a_title_and_a_bar_for_each_part() -> None:
    pictures = PAGE.tags("svg")
    assert [picture["role"] for picture in pictures] == ["img", "img"]
    assert [title["id"] for title in PAGE.tags("title") if title] == [
        "chart-cost_by_component",
        "chart-cost_by_application",
    ]
    bars = [float(bar["width"] or 0) for bar in PAGE.tags("rect")]
    # The longest of seven components is the package, 38.00; ax bears more than axb.
    assert len(bars) == 7 + 2
    assert max(bars[:7]) == bars[6] == pytest.approx(bars[4] * 38 / 30, abs=0.2)
    assert bars[7] == pytest.approx(bars[8] * 65.09 / 53.91, abs=0.2)


def test_days_are_a_chart_too() -> None:
    days = [share("day", f"2026-09-{day:02d}", f"{day}.00") for day in (1, 2, 3)]
    page = page_of(worked_month(lines=days))
    assert "Cost by day" in page.texts
    assert "chart-cost_by_day" in page.source


@pytest.mark.parametrize("view", ["application", "order", "city", "enterprise", "side", "day"])
def test_a_hostile_name_is_text(view: str) -> None:
    page = page_of(worked_month(lines=[share(view, HOSTILE, "1.00"), share(view, "other")]))
    assert not page.tags("script")
    assert HOSTILE in page.texts


def test_a_hostile_cause_is_text() -> None:
    page = page_of(compared_month(found(cause=HOSTILE, action=HOSTILE, application=HOSTILE)))
    assert not page.tags("script")
    assert page.texts.count(HOSTILE) == 3


def test_every_difference_is_listed_with_cause_amount_and_proposal() -> None:
    page = page_of(compared_month(found(), found("price_diff", "unpriced", cause="the bill charges 0.12")))
    assert [text for text in page.texts if text in ("CDR or SMS missing", "price")] == [
        "CDR or SMS missing",
        "price",
    ]
    assert "the bill charges 0.12" in page.texts
    assert "unpriced" in page.texts
    assert page.texts.count("wait for its push; if none comes, accept the row and keep the file") == 2


def test_differences_are_explained_in_chinese() -> None:
    page = page_of(compared_month(found()), Language.ZH)
    assert "缺少话单或短信" in page.texts
    assert "等待推送；若一直未到，则采纳该行并保存文件。" in page.texts
    assert page.tags("html") == [{"lang": "zh"}]


@pytest.mark.parametrize(
    ("residual", "shown", "alarming"),
    [
        ({"total": "0.00"}, "0.00", 1),
        ({"total": "0.05"}, "0.05", 2),
        ({"total": None}, "unknown", 2),
        (None, "unknown", 2),
    ],
)
def test_what_nothing_explains_is_shown_and_stands_out(
    residual: dict[str, Any] | None, shown: str, alarming: int
) -> None:
    """Issue: "the residual unexplained amount is shown". Differences stand out, too."""
    page = page_of(compared_month(found(), residual=residual))
    assert page.texts[page.texts.index("Unexplained, CNY") + 1] == shown
    assert len([one for one in page.tags("div") if one.get("class") == "alarming"]) == alarming


def test_a_sum_of_differences_of_which_some_are_left_out_is_not_told() -> None:
    def told(count: int) -> str:
        texts = page_of(compared_month(found(amount="0.30"), difference_count=count)).texts
        return str(texts[texts.index("Sum of differences, CNY") + 1])

    assert (told(1), told(2)) == ("0.30", "unknown")


def test_a_file_that_was_not_compared_is_listed() -> None:
    left = {"item": "quota", "number_type": None, "amount": None, "bill_line": None}
    texts = page_of(compared_month(not_compared=[left])).texts
    assert "package quota" in texts[texts.index("Not compared") :]


def test_a_long_table_says_what_is_left_out() -> None:
    many = [share("x", f"+86170{n:08d}", "0.10") for n in range(230)]
    page = page_of(worked_month(lines=many))
    assert "and 30 more rows, in the workbook and the CSV file" in page.texts
    assert "+8617000000199" in page.texts
    assert "+8617000000200" not in page.texts


def test_an_x_is_shown_in_full_because_it_is_the_companys() -> None:
    assert V1 in PAGE.texts
