"""Statistics as they are told: periods, groups, rates, a spreadsheet (operations.md §14)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from builders.counted import APPLICATION, DAY, NINE, SECOND, X1, X2, answered, call, message, milestone
from privatenumber.calls import statistics_report
from privatenumber.calls.counting import FINAL_AFTER
from privatenumber.calls.counting_parts import lines_of
from privatenumber.calls.statistics import Group, Statistics
from privatenumber.calls.statistics_report import (
    BY_APPLICATION,
    COLUMNS,
    Asked,
    By,
    TooManyLines,
    TooMuchToRead,
    as_csv,
    as_document,
    report,
)
from privatenumber.csv_rows import cell, rendered
from privatenumber.store.calls import Call
from privatenumber.store.messages import Message
from privatenumber.store.milestones import Step
from privatenumber.store.statistics import Head, Line
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import day_bounds

DAYS = timedelta(days=1)
NEXT = DAY + DAYS
CONSOLE = (
    *("attempts", "connected", "duration_s", "sms_sends", "sms_success"),
    *("sms_parts", "binds", "manual_unbinds", "auto_unbinds"),
)
"""Columns of the console's export (billing-rules.md §9.2)."""


class Kept:
    """Counted days in memory."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, date], tuple[Head, Mapping[str, list[Line]]]] = {}

    def add(self, day: date, *things: Call | Message, application: str = APPLICATION, **about: Any) -> None:
        """Count things under a day."""
        statistics = Statistics()
        for thing in things:
            if isinstance(thing, Call):
                statistics.add_call(thing, Whereabouts())
            else:
                statistics.add_message(thing, Whereabouts())
        for found in about.get("steps", ()):
            statistics.add_milestone(found, Whereabouts())
        as_of: datetime = about.get("as_of", day_bounds(day)[1] + FINAL_AFTER)
        head = Head(application, day, as_of, statistics.rows, "hash", about.get("pages", {}))
        self._days[application, day] = (head, lines_of(statistics))

    def head(self, application: str, day: date) -> Head | None:
        found = self._days.get((application, day))
        return found[0] if found else None

    def lines(self, head: Head, group: str, only: str | None = None) -> list[Line]:
        found = self._days[head.application, head.day][1][group]
        return [line for line in found if only is None or line[0] == only]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def asked(since: date = DAY, until: date = DAY, **how: Any) -> Asked:
    return Asked((APPLICATION,), since, until, **how)


def lines(kept: Kept, question: Asked) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_document(report(kept, question))["lines"]
    return found


def test_a_day_has_every_column_of_the_console(kept: Kept) -> None:
    """operations.md §14: ours never says less."""
    steps = (milestone(Step.BOUND), milestone(Step.RELEASED), milestone(Step.RELEASED, "arn:user/x"))
    kept.add(DAY, answered(90, "c1"), call("c2"), message(parts=2), steps=steps)
    (line,) = lines(kept, asked())
    assert [line[name] for name in CONSOLE] == [2, 1, 90, 1, 1, 2, 1, 1, 1]
    assert (line["connect_rate"], line["mean_duration_s"], line["sms_success_rate"]) == (0.5, 90.0, 1.0)
    assert (line["period_start"], line["period_end"]) == ("2026-03-02", "2026-03-02")


def test_a_rate_of_nothing_is_not_told(kept: Kept) -> None:
    kept.add(DAY, message())
    (line,) = lines(kept, asked())
    assert (line["attempts"], line["connect_rate"], line["push_delay_p50_ms"]) == (0, None, None)


def test_hours_are_those_of_beijing(kept: Kept) -> None:
    kept.add(DAY, call("c1"), call("c2", NINE + 3600 * SECOND))
    found = lines(kept, asked(by=By.HOUR))
    assert [(line["period_start"], line["period_end"]) for line in found] == [
        ("2026-03-02 09:00", "2026-03-02 09:59"),
        ("2026-03-02 10:00", "2026-03-02 10:59"),
    ]


@pytest.mark.parametrize("by", [By.MONTH, By.ALL])
def test_days_add_up(kept: Kept, by: By) -> None:
    kept.add(DAY, call("c1"), call("c2"))
    kept.add(NEXT, answered(30, "c3", NINE + DAYS))
    (line,) = lines(kept, asked(until=NEXT, by=by))
    assert (line["attempts"], line["connected"], line["duration_s"]) == (3, 1, 30)
    assert (line["period_start"], line["period_end"]) == ("2026-03-02", "2026-03-03")


def test_a_month_ends_with_its_last_day_or_with_what_was_asked_for(kept: Kept) -> None:
    for day in (date(2026, 2, 27), DAY):
        kept.add(day, call("c1", NINE + (day - DAY)))
    found = lines(kept, asked(since=date(2026, 2, 27), until=NEXT, by=By.MONTH))
    assert [(line["period_start"], line["period_end"]) for line in found] == [
        ("2026-02-27", "2026-02-28"),
        ("2026-03-01", "2026-03-03"),
    ]


def test_numbers_stand_apart_and_one_may_be_asked_for(kept: Kept) -> None:
    kept.add(DAY, call("c1"), call("c2", x=X2), call("c3", x=X2))
    found = lines(kept, asked(group=Group.X))
    assert [(line["x"], line["attempts"]) for line in found] == [(X1, 1), (X2, 2)]
    (line,) = lines(kept, asked(group=Group.X, only=X2))
    assert line["attempts"] == 2


def test_applications_stand_apart_or_together(kept: Kept) -> None:
    kept.add(DAY, call("c1"))
    kept.add(DAY, call("c2"), call("c3"), application="shop")
    both = Asked((APPLICATION, "shop"), DAY, DAY, group=BY_APPLICATION)
    assert [(line["application"], line["attempts"]) for line in lines(kept, both)] == [
        (APPLICATION, 1),
        ("shop", 2),
    ]
    (line,) = lines(kept, Asked((APPLICATION, "shop"), DAY, DAY))
    assert line["attempts"] == 3


def test_a_cause_is_told_in_both_languages(kept: Kept) -> None:
    """C-138."""
    kept.add(DAY, call(teardown=8102))
    (line,) = lines(kept, asked(group=Group.CAUSE))
    assert (line["cause"], line["meaning_en"]) == ("8102", "The callee is busy")
    assert line["meaning_zh"]


def test_what_nobody_knows_the_group_of_is_there_without_a_value(kept: Kept) -> None:
    kept.add(DAY, call(area=None))
    (line,) = lines(kept, asked(group=Group.CITY))
    assert (line["city"], line["attempts"]) == (None, 1)


def test_delays_of_pushes_are_told_as_percentiles(kept: Kept) -> None:
    delays = [1_000] * 18 + [60_000, 600_000]
    kept.add(DAY, *(call(f"c{n}", settled_after_ms=delay) for n, delay in enumerate(delays)))
    (line,) = lines(kept, asked())
    assert 1_000 <= line["push_delay_p50_ms"] <= 1_063
    assert 60_000 <= line["push_delay_p95_ms"] <= 63_750


def test_it_says_how_old_its_oldest_count_is_and_which_days_may_still_change(kept: Kept) -> None:
    kept.add(DAY, call("c1"))
    kept.add(NEXT, call("c2", NINE + DAYS), as_of=NINE + DAYS + 3600 * SECOND)
    document = as_document(report(kept, asked(until=NEXT + DAYS)))
    assert document["as_of"] == "2026-03-03T02:00:00.000Z"
    assert [(day["day"], day["final"]) for day in document["days"]] == [
        ("2026-03-02", True),
        ("2026-03-03", False),
    ]


def test_an_answer_that_would_be_too_long_is_refused(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_report, "MAX_LINES", 1)
    kept.add(DAY, call("c1"), call("c2", x=X2))
    with pytest.raises(TooManyLines):
        report(kept, asked(group=Group.X))


@pytest.mark.parametrize(("only", "most"), [(None, 200), (X1, 1600)])
def test_days_of_too_many_lines_are_refused_before_one_is_read(
    kept: Kept, only: str | None, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However short the answer would be."""
    kept.add(DAY, call("c1"), pages={"x": most})
    assert lines(kept, asked(until=NEXT, group=Group.X, by=By.ALL, only=only))
    kept.add(NEXT, call("c2"), pages={"x": 1})
    assert lines(kept, asked(until=NEXT, group=Group.TOTAL))
    monkeypatch.setattr(Kept, "lines", None)
    with pytest.raises(TooMuchToRead):
        report(kept, asked(until=NEXT, group=Group.X, by=By.ALL, only=only))


def test_the_longest_answer_is_one_that_a_function_may_give(kept: Kept) -> None:
    """Six megabytes."""
    kept.add(DAY, call(teardown=8102), *(answered(3600, f"c{n}", teardown=8102) for n in range(2000)))
    (line,) = lines(kept, asked(group=Group.CAUSE, by=By.HOUR))
    length = len(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode())
    assert (length + 100) * statistics_report.MAX_LINES < 6_000_000


def test_a_spreadsheet_shows_chinese_and_reads_a_number_as_text(kept: Kept) -> None:
    """billing-rules.md §9.2: byte order mark, no formula."""
    kept.add(DAY, call("c1"))
    text = as_csv(report(kept, asked(group=Group.X)))
    assert text.startswith("\ufeffperiod_start,period_end,x,attempts,")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["x"] == f"'{X1}"
    assert set(COLUMNS) | {"period_start", "period_end", "x"} == set(row)


@pytest.mark.parametrize("text", ["=1+1", "+86170", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (-1, "-1"), (0.5, "0.5"), (True, "true"), ("a-b", "a-b")]
)
def test_what_cannot_be_a_formula_stays_as_it_is(value: Any, shown: str) -> None:
    assert cell(value) == shown


def test_a_cell_may_hold_anything() -> None:
    rows = [["a,b", 'say "hi"', "two\nlines", "中文"]]
    assert list(csv.reader(io.StringIO(rendered(rows), newline=""))) == rows
