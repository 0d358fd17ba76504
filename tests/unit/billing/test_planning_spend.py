"""What a month will have cost, and its budgets (billing-rules.md §8.3; C-101, C-112)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from privatenumber.billing.closing.package_cost import UnitValues
from privatenumber.billing.planning.demand import Used
from privatenumber.billing.planning.expectation import expectation
from privatenumber.billing.planning.spend import (
    Books,
    BudgetError,
    Budgets,
    Spend,
    forecast_spend,
    read_budgets,
)
from privatenumber.billing.rating.packages import Quotas, quotas_of
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PUBLISHED, Item, PriceBook
from privatenumber.store.numbers import NumberType

VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
SEPTEMBER, SINCE, TODAY = date(2026, 9, 1), date(2026, 8, 1), date(2026, 9, 16)
TEN_FEN = PriceBook(
    [
        replace(
            PUBLISHED, valid_from=date(2026, 1, 1), call={VIRTUAL: Decimal("0.10"), CARRIER: Decimal("0.10")}
        )
    ]
)
NO_CALL_PRICE = PriceBook()


def minutes(day: date, units: int, app: str = "ax") -> Used:
    return Used(day, app, Item.CALL, VIRTUAL, Decimal("0.10"), units)


def days(first: date, end: date, units: Callable[[date], int], app: str = "ax") -> list[Used]:
    """Minutes of every day before `end`."""
    every = (first + timedelta(days=at) for at in range((end - first).days))
    return [minutes(day, units(day), app) for day in every if units(day)]


def busy_on_workdays(day: date) -> int:
    return 2 if day.weekday() >= 5 else 10


def spend(
    demand: Iterable[Used],
    budgets: Budgets | None = None,
    *,
    today: date = TODAY,
    prices: PriceBook = TEN_FEN,
    **books: object,
) -> dict[str | None, Spend]:
    made = Books(tuple(demand), SINCE, {}, Quotas(), {})
    found = forecast_spend(replace(made, **books), prices, budgets or Budgets(), today=today)  # type: ignore[arg-type]
    return {each.application: each for each in found}


def package(units: int) -> tuple[Quotas, dict[str, UnitValues]]:
    """A package of so many minutes, each worth 5 fen."""
    order = PackageOrder("P", datetime(2026, 8, 1, tzinfo=UTC), units, 0, Decimal(units) / 20)
    return quotas_of([order]), {"P": UnitValues(Fraction(5), Fraction(0))}


def test_a_month_like_the_weeks_before_costs_what_it_has_to() -> None:
    """September 2026 has 22 workdays of 10 minutes and 8 days of 2: 236 minutes."""
    found = spend(days(SINCE, TODAY, busy_on_workdays))
    assert found["ax"].expected == Decimal("23.60")
    assert found["ax"].so_far == Decimal("0.10") * (11 * 10 + 4 * 2)


def test_until_two_weeks_are_known_every_day_is_as_the_mean_of_all() -> None:
    """A first week of 54 minutes on seven days, then 24 days of 54/7."""
    begin = date(2026, 8, 31)
    found = spend(days(begin, date(2026, 9, 7), busy_on_workdays), today=date(2026, 9, 7), since=begin)
    assert found["ax"].expected == Decimal("0.10") * (44 + round(24 * 54 / 7))


def test_days_without_use_are_days_too() -> None:
    usual = expectation(
        days(SINCE, TODAY, lambda day: 40 * (day == date(2026, 9, 14))), since=SINCE, today=TODAY
    )
    (weekdays,) = usual.weekdays.values()
    assert weekdays == (Fraction(10), *[Fraction(0)] * 6)


def test_what_is_rounded_off_one_day_comes_with_another() -> None:
    """One minute a week: ten days expect one or two, and never none for ever."""
    usual = expectation([minutes(date(2026, 9, 10), 4)], since=date(2026, 9, 7), today=date(2026, 9, 14))
    units = [sum(kinds.values()) for _, kinds in usual.days(date(2026, 9, 14), date(2026, 9, 27))]
    assert (sum(units), max(units)) == (8, 1)


def test_today_counts_as_it_is_when_it_is_more_than_usual() -> None:
    usual = days(SINCE, TODAY, lambda _: 10)
    assert spend([*usual, minutes(TODAY, 4)])["ax"].expected == Decimal(30)
    assert spend([*usual, minutes(TODAY, 25)])["ax"].expected == Decimal("31.50")


def test_an_application_that_was_quiet_so_far_is_expected_all_the_same() -> None:
    """Its month before was not quiet; 3 September, 28 known days of 10 minutes less two of none."""
    found = spend(days(SINCE, SEPTEMBER, lambda _: 10), today=date(2026, 9, 3))["ax"]
    assert (found.so_far, found.expected > 20) == (Decimal(0), True)


def test_rents_are_known_from_the_first_day_on() -> None:
    found = spend([], rents={"ax": Decimal(35), "axb": Decimal(30)}, purchases=Decimal(38))
    assert {name: each.so_far for name, each in found.items()} == {
        None: Decimal(103),
        "ax": Decimal(35),
        "axb": Decimal(30),
    }


def test_a_package_that_runs_out_makes_the_rest_of_the_month_dearer() -> None:
    """10 minutes a day: 200 of the month's 300 are worth 5 fen each, 100 cost 10."""
    quotas, values = package(200)
    found = spend(days(SINCE, TODAY, lambda _: 10), quotas=quotas, values=values)
    assert (found["ax"].so_far, found["ax"].expected) == (Decimal("7.50"), Decimal("20.00"))


def test_packages_serve_all_applications() -> None:
    quotas, values = package(30)
    demand = [
        *days(SEPTEMBER, date(2026, 9, 3), lambda _: 10),
        *days(SEPTEMBER, date(2026, 9, 3), lambda _: 10, "b"),
    ]
    found = spend(demand, today=date(2026, 9, 2), quotas=quotas, values=values)
    assert found["ax"].so_far == Decimal("1.00")
    assert found["b"].so_far == Decimal("1.50")


def test_minutes_without_a_price_are_counted_apart() -> None:
    """§2: no amount is ever guessed."""
    found = spend(days(SINCE, TODAY, lambda _: 10), prices=NO_CALL_PRICE)
    assert (found["ax"].expected, found["ax"].unpriced, found[None].unpriced) == (Decimal(0), 300, 300)


BUSY: Sequence[Used] = days(SINCE, TODAY, lambda _: 10)
"""15 CNY until the 15th, 30 CNY in the month."""


@pytest.mark.parametrize(
    ("budget", "reached", "will_exceed", "on"),
    [
        ("15.00", True, True, date(2026, 9, 15)),
        ("15.01", False, True, date(2026, 9, 16)),
        ("29.99", False, True, date(2026, 9, 30)),
        ("30.00", False, False, date(2026, 9, 30)),
        ("30.01", False, False, None),
    ],
)
def test_a_budget_is_told_of_when_it_is_reached_and_before(
    budget: str, reached: bool, will_exceed: bool, on: date | None
) -> None:
    found = spend(BUSY, Budgets(applications={"ax": Decimal(budget)}))["ax"]
    assert (found.reached, found.will_exceed, found.reached_on) == (reached, will_exceed, on)


def test_the_account_has_a_budget_of_its_own() -> None:
    found = spend(BUSY, Budgets(account=Decimal(10)))
    assert (found[None].reached, found["ax"].reached, found["ax"].budget) == (True, False, None)


def test_without_budgets_nothing_is_reached() -> None:
    assert not any(each.reached or each.will_exceed for each in spend(BUSY).values())


def test_budgets_are_read_from_the_setting() -> None:
    found = read_budgets('{"account": "10000", "applications": {"ax": 500.5}}')
    assert found == Budgets(Decimal(10_000), {"ax": Decimal("500.5")})
    assert read_budgets(" ") == Budgets()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        '{"acount": 1}',
        '{"account": 0}',
        '{"account": "NaN"}',
        '{"applications": 3}',
        '{"account": true}',
        '{"account": "1_000"}',
        '{"account": "１００"}',
        '{"applications": {"ax": "-1"}}',
    ],
)
def test_budgets_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="budgets"):
        read_budgets(text)


def test_the_costs_are_a_document() -> None:
    assert spend(BUSY, Budgets(account=Decimal(20)))[None].document() == {
        "application": None,
        "so_far": "15.00",
        "expected": "30.00",
        "unpriced": 0,
        "budget": "20.00",
        "reached": False,
        "will_exceed": True,
        "reached_on": "2026-09-20",
    }
