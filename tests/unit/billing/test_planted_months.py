"""Random months with random faults: what is found adds up to bill - ours, exactly (U-N04, C-107)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.planted import C1, V1, V2, V5, Planted
from privatenumber.billing.reconciliation.month_check import MonthCheck

X = st.sampled_from([V1, V2, V5, C1])
TALK = st.one_of(st.none(), st.integers(0, 400), st.integers(3000, 12_000))
HOURS = st.integers(0, 30 * 24 - 1)

Fault = Callable[[Planted, list[str], dict[str, Any]], None]


def lose_cdr(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    month.facts.pop(icids.pop(), None)


def lose_call(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    icid = icids.pop()
    month.facts.pop(icid, None)
    month.ends.pop(icid, None)


def lose_event(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    month.ends.pop(icids.pop(), None)


def omit(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    options["omit"] = options.get("omit", frozenset()) | {icids.pop()}


def repeat(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    options["repeat"] = frozenset({icids.pop()})


def stretch(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    options["stretched"] = frozenset({icids.pop()})


def lose_sms(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    if month.texts:
        month.texts.pop(sorted(month.texts)[0])


def lose_number(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
    month.holdings.pop(V5, None)


def wrong(**changes: Any) -> Fault:
    """A file that is wrong in one way."""

    def fault(month: Planted, icids: list[str], options: dict[str, Any]) -> None:
        options.update(changes)

    fault.__name__ = ", ".join(changes)
    return fault


FAULTS: list[Fault] = [
    lose_cdr,
    lose_cdr,
    lose_call,
    lose_event,
    omit,
    repeat,
    stretch,
    lose_sms,
    lose_number,
    wrong(call_price=Decimal("0.123")),
    wrong(sms_price=Decimal("0.30")),
    wrong(rent_price=Decimal("7.50")),
    wrong(package_price=Decimal("40")),
    wrong(package_price=Decimal("30")),
    wrong(discount_percent=7),
    wrong(packages_ignored=True),
    wrong(swapped=frozenset({C1})),
    wrong(delayed_rents=frozenset({V5})),
    wrong(extra_rents=frozenset({V1})),
    wrong(usage_time="answer"),
    wrong(month_zone="utc"),
    wrong(marker_billed=True),
    wrong(rounding="hour"),
]


@st.composite
def months(draw: st.DrawFn) -> tuple[Planted, list[str]]:
    """Calls and SMS in any hours of the month, packages at any time, and the ids of the calls."""
    month = Planted()
    for hour in draw(st.lists(st.integers(0, 20 * 24), max_size=2, unique=True)):
        month.package(moment(hour, 30))
    icids = [
        month.call(moment(hour, 59), seconds, x)
        for hour, seconds, x in draw(st.lists(st.tuples(HOURS, TALK, X), min_size=5, max_size=12))
    ]
    for hour, count, x, marker in draw(
        st.lists(st.tuples(HOURS, st.integers(1, 30), X, st.integers(0, 1)), max_size=6)
    ):
        month.text(moment(hour, 17), count, x, marker=marker)
    return month, icids


def moment(hour: int, minute: int) -> str:
    return f"{hour // 24 + 1:02d} {hour % 24:02d}:{minute:02d}:07"


def kinds(found: MonthCheck) -> list[str]:
    return [each.kind.value for each in found.differences]


@settings(max_examples=15, deadline=None)
@given(months())
def test_a_random_month_without_faults_has_no_difference(month: tuple[Planted, list[str]]) -> None:
    found = month[0].compare()
    assert kinds(found) == []
    assert found.check.residual == 0


@settings(max_examples=40, deadline=None)
@given(months(), st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
def test_whatever_is_wrong_the_differences_add_up_to_the_bill(
    month: tuple[Planted, list[str]], faults: list[Fault]
) -> None:
    """`Planted.compare` holds: bill - ours = differences + accepted, the residual being among the former."""
    planted, icids = month
    options: dict[str, Any] = {}
    for fault in faults:
        fault(planted, icids, options)
    planted.compare(**options)


def test_what_packages_pay_of_an_edge_is_no_money() -> None:
    """A call of October in Beijing that the platform's September has: a package pays its minute there."""
    month = Planted()
    month.package("01 00:30:07")
    month.call("30 16:59:07", 60)
    found = month.compare(month_zone="utc")
    assert [(each.kind.value, each.amount) for each in found.differences] == [("time_zone", Decimal("0.00"))]
    assert "packages pay 1 of them" in found.differences[0].cause
