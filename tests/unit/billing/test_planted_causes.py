"""Every planted cause is found, named and valued exactly, and nothing else is reported (U-N04, C-103, C-107).

The emulator's own books are the truth, its exports the platform's files (billing-rules.md §9.5). Each time
the amounts add up, too: bill - ours = differences + accepted (`builders.planted.assert_balanced`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from builders.planted import C1, V2, V5, Planted, clean_month, utc
from privatenumber.billing.reconciliation import gathering
from privatenumber.billing.reconciliation.month_check import MonthCheck

Options = dict[str, Any]
Told = tuple[str, str]
"""Kind and amount of a difference."""


class Cause(NamedTuple):
    """How a cause is planted, and what has to be found: kinds and amounts. ``says``: in some cause text."""

    name: str
    plant: Callable[[Planted], Options]
    found: list[Told]
    says: str = ""


def other(**options: Any) -> Callable[[Planted], Options]:
    """Only the files are wrong."""
    return lambda month: options


def missing_cdr(month: Planted) -> Options:
    """130 s after the package is used up: 3 minutes at list price."""
    del month.facts[month.call("20 04:00:00", 130)]
    return {}


def missing_cdr_and_events(month: Planted) -> Options:
    icid = month.call("20 04:00:00", 130)
    del month.facts[icid], month.ends[icid]
    return {}


def missing_cdr_before_the_package(month: Planted) -> Options:
    del month.facts[month.call("01 04:00:00", 130)]
    return {}


def cdr_without_event(month: Planted) -> Options:
    del month.ends[month.call("20 04:00:00", 130)]
    return {}


def missing_unanswered(month: Planted) -> Options:
    del month.facts[month.call("20 04:00:00", None)]
    return {}


def missing_row(month: Planted) -> Options:
    return {"omit": frozenset({month.call("20 04:00:00", 130)})}


def missing_sms(month: Planted) -> Options:
    """Of a carrier number: no package pays it."""
    del month.texts[month.text("20 04:00:00", 2, C1)]
    return {}


def missing_package_sms(month: Planted) -> Options:
    del month.texts[month.text("20 04:00:00", 2, V2)]
    return {}


def missing_sms_row(month: Planted) -> Options:
    return {"omit": frozenset({month.text("20 04:00:00", 2, C1)})}


def repeated_row(month: Planted) -> Options:
    return {"repeat": frozenset({month.call("20 04:00:00", 130)})}


def redial(month: Planted) -> Options:
    return {"redials": frozenset({month.call("20 04:00:00", 130)})}


def longer_call(month: Planted) -> Options:
    """60 s longer: one minute more."""
    return {"stretched": frozenset({month.call("20 04:00:00", 130)})}


def a_few_seconds(month: Planted) -> Options:
    return {"stretched": frozenset({month.call("20 04:00:00", 130)}), "stretch_s": 2}


def contradiction(month: Planted) -> Options:
    icid = month.call("20 04:00:00", 130)
    first = month.facts[icid]
    month.contradictions.append(
        replace(first, call_seconds=7, digest="other", answered_at=utc("20 03:00:00"))
    )
    return {}


def unknown_number(month: Planted) -> Options:
    """Its rent and 3 minutes on it are charged; we rate the call as on a virtual number."""
    month.call("20 04:00:00", 130, V2)
    del month.holdings[V2]
    return {}


def number_given_back(month: Planted) -> Options:
    month.holdings[V5] = replace(
        month.holdings[V5], issued_on=date(2026, 8, 15), unsubscribed_on=date(2026, 8, 20)
    )
    return {}


def other_type(month: Planted) -> Options:
    """C1: rent 15 as 5, two minutes alike, three parts of 0.27 as 0.28."""
    return {"swapped": frozenset({C1})}


def other_call_price(month: Planted) -> Options:
    """26 minutes of virtual and 11 of carrier numbers are beyond the package."""
    month.call("20 04:00:00", 10 * 60)
    month.call("20 06:00:00", 10 * 60, C1)
    return {"call_price": Decimal("0.12")}


def at_the_edge(month: Planted) -> None:
    """Answered in September, ended on 1 October 00:01 Beijing: 3 minutes of October."""
    month.call("30 16:01:00", 180)


def by_the_answer(month: Planted) -> Options:
    at_the_edge(month)
    return {"usage_time": "answer"}


def by_utc(month: Planted) -> Options:
    """Two minutes on 1 October 05:00 Beijing, which is 30 September in UTC."""
    month.call("30 21:00:00", 90)
    return {"month_zone": "utc"}


def marked(month: Planted) -> None:
    month.text("20 04:00:00", 1, C1, marker=1)


def marker_in_the_console(month: Planted) -> Options:
    marked(month)
    return {"marker_counts": True}


def marker_on_the_bill(month: Planted) -> Options:
    marked(month)
    return {"marker_billed": True}


def other_parts(month: Planted) -> Options:
    """The platform pushed 2 parts and shows 3."""
    name = month.text("20 04:00:00", 3, C1)
    month.texts[name] = replace(month.texts[name], split_num=2, parts_received=2, parts_forwarded=2)
    return {}


CAUSES = [
    Cause("missing CDR", missing_cdr, [("missing_push", "0.30")], "its hang-up event did arrive"),
    Cause("CDR and events missing", missing_cdr_and_events, [("missing_push", "0.30")], "no event of it"),
    Cause("missing CDR before the package", missing_cdr_before_the_package, [("missing_push", "0.30")]),
    Cause("CDR without event", cdr_without_event, [("cdr_without_event", "0.00")], "no hang-up event"),
    Cause("missing unanswered call", missing_unanswered, [("missing_push", "0.00")], "missing CDR"),
    Cause("missing console row", missing_row, [("missing_console", "0.00")], "the bill follows our records"),
    Cause("missing SMS", missing_sms, [("missing_push", "0.54")], "missing SMS"),
    Cause("missing SMS of a package", missing_package_sms, [("missing_push", "0.00")], "packages pay 2"),
    Cause("missing SMS row", missing_sms_row, [("missing_console", "0.00")], "does not list"),
    Cause("duplicate row", repeated_row, [("duplicate", "0.00")], "again in line"),
    Cause("redial pair", redial, []),
    Cause("duration", longer_call, [("minutes_diff", "0.10")], "the platform has 4 min"),
    Cause("seconds", a_few_seconds, [("duration_diff", "0.00")], "132 s"),
    Cause("record conflict", contradiction, [("record_conflict", "0.00")], "other content"),
    Cause("unknown number", unknown_number, [("number_unknown", "5.00")], "our inventory has not"),
    Cause("state of a number", number_given_back, [("number_state", "5.00")], "unsubscription"),
    Cause("number type", other_type, [("number_type", "-9.97")], "is a virtual number in the console's"),
    Cause("call price", other_call_price, [("price_diff", "0.22"), ("price_diff", "0.52")], "is 0.10"),
    Cause(
        "SMS price",
        other(sms_price=Decimal("0.30")),
        [("price_diff", "0.04"), ("price_diff", "0.09")],
        "0.30",
    ),
    Cause(
        "rent price", other(rent_price=Decimal(6)), [("price_diff", "-9.00"), ("price_diff", "3.00")], "rents"
    ),
    Cause("package price", other(package_price=Decimal(40)), [("price_diff", "2.00")], "packages of 40"),
    Cause("cheaper package", other(package_price=Decimal(36)), [("price_diff", "-2.00")], "packages of 36"),
    Cause(
        "package not applied",
        other(packages_ignored=True),
        [("package_not_applied", "0.28"), ("package_not_applied", "50.00")],
        "500 minutes",
    ),
    Cause("period edge", by_the_answer, [("period_edge", "0.30")], "answer, not of their end"),
    Cause("month in UTC", by_utc, [("time_zone", "0.20")], "midnight UTC"),
    Cause("file in UTC", other(shift_hours=-8), []),
    Cause("marker in the console", marker_in_the_console, [("parts_diff", "0.00")], "follows our records"),
    Cause("marker on the bill", marker_on_the_bill, [("parts_diff", "0.27")], "ax_marker"),
    Cause("SMS parts", other_parts, [("parts_diff", "0.27")], "3"),
    Cause(
        "discount",
        other(discount_percent=10),
        [("discount", off) for off in ("-0.16", "-0.01", "-0.06", "-0.08", "-1.50", "-1.50", "-3.80")],
        "3.80 CNY off packages as a discount",
    ),
    Cause("rent missing", other(delayed_rents={V5}), [("rent_missing", "-5.00")], "expects 3"),
    Cause("rent unexpected", other(extra_rents={C1}), [("rent_unexpected", "15.00")], "has 2"),
    Cause(
        "rent of a named number",
        other(delayed_rents={V5}, name_rents=True),
        [("rent_missing", "-5.00")],
        "+86170****0005",
    ),
    Cause("other encoding", other(encoding="gb18030", headers="zh"), []),
    Cause("masked numbers", other(masked=True), []),
]


PAIRS = [
    ("missing CDR", "call price"),
    ("missing CDR", "package not applied"),
    ("missing CDR", "missing SMS"),
    ("missing CDR", "rent missing"),
    ("CDR and events missing", "duration"),
    ("missing console row", "duration"),
    ("missing SMS row", "marker on the bill"),
    ("unknown number", "SMS price"),
    ("number type", "rent unexpected"),
    ("period edge", "package price"),
    ("SMS parts", "record conflict"),
    ("rent price", "rent missing"),
    ("cheaper package", "package not applied"),
    ("missing CDR", "discount"),
]
"""Causes at once: each is found as if it were alone."""


def told(found: MonthCheck) -> list[Told]:
    """Kinds and amounts, sorted."""
    return sorted(
        (each.kind.value, "" if each.amount is None else f"{each.amount:.2f}") for each in found.differences
    )


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_a_planted_cause_is_found_and_nothing_else(cause: Cause) -> None:
    month = clean_month()
    found = month.compare(**cause.plant(month))
    assert told(found) == sorted(cause.found)
    assert not cause.found or any(cause.says in each.cause for each in found.differences)
    assert all(each.action and each.evidence for each in found.differences)
    assert found.check.residual == 0


@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_two_causes_at_once_are_two_differences(names: tuple[str, str]) -> None:
    known = {cause.name: cause for cause in CAUSES}
    month, options = clean_month(), Options()
    for name in names:
        options |= known[name].plant(month)
    found = month.compare(**options)
    assert told(found) == sorted(_together(*(known[name] for name in names)))
    assert found.check.residual == 0


def _together(first: Cause, second: Cause) -> list[Told]:
    """What both cause; the price of what only one of them adds follows the other."""
    return OF_BOTH.get((first.name, second.name), [*first.found, *second.found])


OF_BOTH: dict[tuple[str, str], list[Told]] = {
    # 10 % of 19 minutes of virtual numbers instead of 16.
    ("missing CDR", "discount"): [
        ("missing_push", "0.30"), ("discount", "-0.19"), ("discount", "-0.01"), ("discount", "-0.06"),
        ("discount", "-0.08"), ("discount", "-1.50"), ("discount", "-1.50"), ("discount", "-3.80"),
    ],
    # 29 minutes of virtual numbers are charged then, three of them of the call that is missing here.
    ("missing CDR", "call price"): [
        ("missing_push", "0.30"), ("price_diff", "0.22"), ("price_diff", "0.58"),
    ],
    # C1 counts as virtual: its second rent costs 5.
    ("number type", "rent unexpected"): [("number_type", "-9.97"), ("rent_unexpected", "5.00")],
    # The rent that is missing is valued at our price, the three others at the platform's.
    ("rent price", "rent missing"): [
        ("price_diff", "-9.00"), ("price_diff", "2.00"), ("rent_missing", "-5.00"),
    ],
}  # fmt: skip


def test_statistics_are_left_out_when_missing_records_are_told_as_a_sum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is told as a sum belongs to no single day: the console's days would be a second cause of it."""
    monkeypatch.setattr(gathering, "MOST_OF_A_KIND", 2)
    month = clean_month()
    for hour in range(5, 10):
        del month.facts[month.call(f"20 {hour:02d}:00:00", 130)]
    found = month.compare()
    assert {kind for kind, _ in told(found)} == {"missing_push"}
    assert found.check.residual == 0
