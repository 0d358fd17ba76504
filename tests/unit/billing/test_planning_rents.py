"""The rents to come, and which numbers to return (billing-rules.md §6; C-071, C-072, C-105, U-N20, U-P33)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from privatenumber.billing.planning.rents import rent_calendar
from privatenumber.billing.planning.returns import (
    Kept,
    NumberUse,
    Pool,
    ReturnPlan,
    Stage,
    Why,
    return_plan,
    stage_of,
)
from privatenumber.billing.rating.rent import Holding
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.numbers import NumberState, NumberType
from privatenumber.times import BEIJING

VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
PRICES = PriceBook()
SHENZHEN: Pool = ("ax", "0755")


def beijing(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of September 2026, given in Beijing time."""
    return datetime(2026, 9, day, hour, minute, tzinfo=BEIJING)


def x(n: int) -> str:
    return f"+86170100000{n:02d}"


def number(n: int, **changes: object) -> NumberUse:
    """An active virtual number of Shenzhen that nobody uses."""
    made = NumberUse(x(n), "ax", "0755", VIRTUAL, NumberState.ACTIVE, None, None, 0, used=False)
    return replace(made, **changes)  # type: ignore[arg-type]


def plan(
    *numbers: NumberUse, needs: Mapping[Pool, int] | None = None, now: datetime | None = None
) -> ReturnPlan:
    found = {SHENZHEN: 0} if needs is None else needs
    return return_plan(numbers, found, PRICES, now=now or beijing(21, 9), idle_days=30)


def test_the_calendar_shows_the_days_of_the_month_and_the_next_first() -> None:
    """§6: owned before, issued on the 15th, issued on the last day, returned after the 25th."""
    held = [
        Holding(x(1), "ax", VIRTUAL),
        Holding(x(2), "ax", CARRIER, issued_on=date(2026, 9, 15)),
        Holding(x(3), "ax", VIRTUAL, issued_on=date(2026, 9, 30)),
        Holding(x(4), "ax", VIRTUAL, unsubscribed_on=date(2026, 9, 26), returned=True),
        Holding(x(5), "ax", VIRTUAL, unsubscribed_on=date(2026, 9, 25), returned=True),
    ]
    calendar = rent_calendar(held, PRICES, today=date(2026, 9, 26))
    days = {day.day.day: day.amount for day in calendar.days}
    assert days == {1: Decimal(15), 15: Decimal(15)}
    ahead = calendar.next_first
    assert (ahead.day, ahead.amount) == (date(2026, 10, 1), Decimal(35))
    assert (ahead.rents, ahead.twice, ahead.after_25th) == ({VIRTUAL: 4, CARRIER: 1}, 1, 1)


def test_the_first_after_december_is_that_of_the_next_year() -> None:
    calendar = rent_calendar([Holding(x(1), "ax", VIRTUAL)], PRICES, today=date(2026, 12, 31))
    assert (calendar.next_first.day, calendar.next_first.amount) == (date(2027, 1, 1), Decimal(5))


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (beijing(19, 23, 59), Stage.EARLY),
        (beijing(20, 0), Stage.OPEN),
        (beijing(25, 17, 59), Stage.OPEN),
        (beijing(25, 18), Stage.LAST_CALL),
        (beijing(25, 23, 59), Stage.LAST_CALL),
        (beijing(26, 0), Stage.OVER),
    ],
)
def test_returns_are_told_from_the_20th_to_the_25th(now: datetime, stage: Stage) -> None:
    """§6.1: the planner lists from the 20th on, last call on the 25th at 18:00, Beijing."""
    assert stage_of(now) is stage


def test_an_idle_number_is_returned_and_saves_its_rent() -> None:
    found = plan(number(1), number(2, number_type=CARRIER))
    assert [(each.x, each.why, each.saves) for each in found.returns] == [
        (x(2), Why.IDLE, Decimal(15)),
        (x(1), Why.IDLE, Decimal(5)),
    ]
    assert (found.saves, found.free_from, found.submit_until) == (Decimal(20), "2026-10", date(2026, 9, 25))


def test_after_the_25th_the_rent_is_saved_a_month_later() -> None:
    found = plan(number(1), now=beijing(26, 0))
    assert (found.free_from, found.submit_until) == ("2026-11", date(2026, 10, 25))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bindings": 1}, Kept.BOUND),
        ({"used": True}, Kept.USED),
        ({"used": None}, Kept.USE_UNKNOWN),
        ({"state": NumberState.RESERVED}, Kept.RESERVED),
        ({"issued_on": date(2026, 8, 23)}, Kept.NEW),
    ],
)
def test_a_number_that_is_used_young_or_reserved_stays(changes: dict[str, object], reason: Kept) -> None:
    found = plan(replace(number(1), **changes))  # type: ignore[arg-type]
    assert (found.returns, found.kept) == ((), {reason: 1})


def test_a_number_held_for_as_long_as_it_has_to_be_idle_may_go() -> None:
    assert plan(number(1, issued_on=date(2026, 8, 22))).returns


def test_what_the_pool_needs_stays_however_idle() -> None:
    """Five active, three needed, one of them used: two of the idle ones may go, the dearest first."""
    numbers = [number(n) for n in range(3)]
    found = plan(*numbers, number(3, number_type=CARRIER), number(4, used=True), needs={SHENZHEN: 3})
    assert [each.x for each in found.returns] == [x(3), x(0)]
    assert found.kept == {Kept.USED: 1, Kept.NEEDED: 2}


def test_numbers_that_are_bound_for_long_do_not_do_for_others() -> None:
    """Two live bindings of last year, three free numbers, two needed for what comes and goes."""
    bound = [number(n, bindings=1) for n in (8, 9)]
    found = plan(number(1), number(2), number(3), *bound, needs={SHENZHEN: 2})
    assert [each.x for each in found.returns] == [x(1)]


def test_each_city_of_each_application_is_a_pool_of_its_own() -> None:
    needs = {SHENZHEN: 1, ("ax", "010"): 0, ("axb", "0755"): 1}
    found = plan(number(1), number(2, area="010"), number(3, application="axb"), needs=needs)
    assert [each.x for each in found.returns] == [x(2)]


def test_nothing_is_returned_from_a_pool_whose_need_nobody_knows() -> None:
    assert plan(number(1), needs={}).kept == {Kept.NEED_UNKNOWN: 1}


def test_an_unusable_number_is_no_loss_to_its_pool() -> None:
    """C-105: suspended and unavailable numbers pay as well."""
    found = plan(number(1, state=NumberState.UNAVAILABLE), number(2, used=True), needs={SHENZHEN: 1})
    assert [(each.x, each.why) for each in found.returns] == [(x(1), Why.UNUSABLE)]


def test_numbers_that_are_suspended_all_together_are_not_idle() -> None:
    """§7: in arrears every X is suspended; returning them all would be the end."""
    suspended = [number(n, state=NumberState.SUSPENDED) for n in range(2)]
    assert plan(*suspended).kept == {Kept.ACCOUNT_SUSPENDED: 2}


def test_a_number_that_is_returned_already_is_no_matter() -> None:
    found = plan(number(1, unsubscribed_on=date(2026, 9, 3)), number(2, state=NumberState.RETIRED))
    assert (found.returns, found.kept) == ((), {})


def test_the_plan_is_a_document() -> None:
    assert plan(number(1), number(2, used=True)).document() == {
        "stage": "open",
        "submit_until": "2026-09-25",
        "free_from": "2026-10",
        "saves": "5.00",
        "returns": [
            {
                "x": x(1),
                "application": "ax",
                "area": "0755",
                "number_type": "virtual",
                "state": "active",
                "why": "idle",
                "saves": "5.00",
            }
        ],
        "kept": {"used": 1},
    }
