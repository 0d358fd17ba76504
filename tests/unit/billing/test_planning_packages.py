"""Which package to buy, and when those bought run out (billing-rules.md §5; C-107, C-108, U-P32)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from privatenumber.billing.planning.demand import Used
from privatenumber.billing.planning.package_advice import Advice, TooManyChoices, advise
from privatenumber.billing.planning.quotas import ADVICE, Outlook, outlook
from privatenumber.billing.rating.packages import Quota, Use
from privatenumber.billing.tariff.packages import PUBLISHED_PACKAGES, Package, PackageOrder
from privatenumber.billing.tariff.prices import PUBLISHED, Item, PriceList
from privatenumber.store.numbers import NumberType

VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
SMALL, MEDIUM, LARGE, HUGE = PUBLISHED_PACKAGES
FIRST, LAST = date(2025, 9, 1), date(2026, 8, 31)
NOW = datetime(2026, 9, 15, 4, tzinfo=UTC)
TODAY = date(2026, 9, 15)


def prices(call: str | None = "0.10") -> PriceList:
    """0.10 per minute is an example value, not a published price (§2)."""
    price = None if call is None else Decimal(call)
    return replace(PUBLISHED, call={VIRTUAL: price, CARRIER: price})


def minutes(units: int, day: date = FIRST, price: str | None = "0.10", kind: NumberType = VIRTUAL) -> Used:
    return Used(day, "ax", Item.CALL, kind, None if price is None else Decimal(price), units)


def parts(units: int, kind: NumberType = VIRTUAL) -> Used:
    return Used(FIRST, "ax", Item.SMS, kind, Decimal("0.28" if kind is VIRTUAL else "0.27"), units)


def advice(*demand: Used, held: Iterable[Package] = (), call: str | None = "0.10") -> Advice:
    return advise(demand, prices(call), tuple(held), first=FIRST, last=LAST)


def best(*demand: Used) -> tuple[tuple[Package, ...], Decimal]:
    found = advice(*demand).best
    assert found is not None
    return found.packages, found.total


def test_no_package_is_the_best_of_little_use() -> None:
    assert best(minutes(200), parts(10)) == ((), Decimal("22.80"))


def test_the_provider_s_example_needs_one_small_package() -> None:
    """§8.1: 600 minutes and 100 parts; 14 for parts and 100 p for minutes beyond, and the package."""
    assert best(minutes(600), parts(100)) == ((SMALL,), Decimal("62.00"))


def test_several_packages_may_be_best() -> None:
    """12,000 minutes: two of 5,000 and four of 500 for 712, and nothing beyond."""
    assert best(minutes(12_000)) == ((MEDIUM, MEDIUM, SMALL, SMALL, SMALL, SMALL), Decimal(712))


def test_a_larger_package_replaces_many_smaller_ones() -> None:
    assert best(minutes(49_000)) == ((LARGE,), Decimal(2500))


def test_more_minutes_than_the_largest_package_need_several_of_it() -> None:
    assert best(minutes(1_000_000)) == ((HUGE, HUGE), Decimal(45_000))


def test_texts_of_carrier_numbers_are_paid_by_no_package() -> None:
    """§5: SMS of carrier numbers always cost list price."""
    found = advice(minutes(500), parts(50), parts(100, CARRIER))
    assert found.parts == 50
    assert found.best is not None
    assert (found.best.packages, found.best.beyond) == ((SMALL,), Decimal("27.00"))


def test_packages_pay_in_order_of_usage() -> None:
    """The dear minutes come last, when the package is used up."""
    early, late = date(2025, 10, 1), date(2026, 5, 1)
    found = advice(minutes(500, late, "1.00", CARRIER), minutes(400, early), held=[SMALL])
    assert found.held is not None
    assert found.held.beyond == Decimal(400)
    other_way = advice(minutes(500, early, "1.00", CARRIER), minutes(400, late), held=[SMALL])
    assert other_way.held is not None
    assert other_way.held.beyond == Decimal(40)


def test_a_shorter_time_is_repeated_until_it_is_a_year() -> None:
    """Ten days with 100 minutes each time: 36 whole times and the first five days of one more."""
    used = [minutes(100, date(2026, 8, 22)), minutes(7, date(2026, 8, 31))]
    found = advise(used, prices(), first=date(2026, 8, 22), last=date(2026, 8, 31))
    assert (found.days, found.minutes) == (10, 37 * 100 + 36 * 7)


def test_what_the_account_has_is_compared_with_the_best() -> None:
    found = advice(minutes(49_000), held=[MEDIUM])
    assert found.held is not None
    assert found.held.total == Decimal(280 + 4400)
    assert found.document()["saves"] == "2180.00"


def test_without_a_call_price_there_is_only_the_price_from_which_a_package_pays() -> None:
    """§2: no amount is ever guessed. Plausibility there: 500 p + 50 × 0.28 > 38."""
    found = advice(minutes(600, price=None), parts(100), call=None)
    assert (found.best, found.unpriced) == (None, 600)
    assert found.break_even[0].call_price == Decimal("0.0480")
    assert found.break_even[0].minutes is None


def test_a_package_pays_from_so_many_minutes_on() -> None:
    """38 − 50 × 0.28 = 24 CNY are 240 minutes; without texts 380; never where it holds fewer minutes."""
    assert advice(minutes(1), parts(50)).break_even[0].minutes == 240
    assert advice(minutes(1)).break_even[0].minutes == 380
    assert advice(minutes(1), call="0.05").break_even[0].minutes is None


def test_a_long_catalogue_is_still_compared() -> None:
    catalogue = tuple(Package(100 * n, 0, Decimal(9 * n)) for n in range(1, 13))
    found = advise([minutes(1200)], replace(prices(), packages=catalogue), first=FIRST, last=LAST)
    assert found.best is not None
    assert found.best.total == Decimal(108)


@pytest.mark.parametrize("used", [400_000, 399_700])
def test_hundreds_of_the_largest_package_are_counted_and_not_tried(used: int) -> None:
    """Each of 800 counts beside those of a smaller one would be hundreds of thousands of purchases."""
    catalogue = (Package(500, 0, Decimal(38)), Package(100, 0, Decimal(9)))
    found = advise([minutes(used)], replace(prices(), packages=catalogue), first=FIRST, last=LAST)
    assert found.best is not None
    beyond = Decimal(0) if used == 400_000 else Decimal(18)
    large = used // 500
    assert found.best.packages[:large] == (catalogue[0],) * large
    assert found.best.total == large * 38 + beyond


def test_a_middle_count_of_the_largest_is_found_where_prices_differ() -> None:
    """Dear minutes come first: what is behind them is cheaper at list price than in a package."""
    early, late = date(2025, 10, 1), date(2026, 5, 1)
    catalogue = (Package(500, 0, Decimal(38)),)
    demand = [minutes(5_000, early, "1.00"), minutes(10_000, late, "0.01")]
    found = advise(demand, replace(prices(), packages=catalogue), first=FIRST, last=LAST)
    assert found.best is not None
    assert (len(found.best.packages), found.best.total) == (10, Decimal(480))


def test_more_choices_than_anybody_compares_are_refused_at_once() -> None:
    """Six million minutes in packages of 500."""
    small = replace(prices(), packages=(SMALL,))
    with pytest.raises(TooManyChoices, match="12000 of the largest"):
        advise([minutes(6_000_000)], small, first=FIRST, last=LAST)
    many = replace(prices(), packages=tuple(Package(100 * n, 0, Decimal(9 * n)) for n in range(1, 1003)))
    assert advise([minutes(100)], many, first=FIRST, last=LAST).best is not None


def quota(
    number: str = "P", used: int = 0, used_parts: int = 0, bought: str = "2026-03-01T01:00:00"
) -> Quota:
    order = PackageOrder(number, datetime.fromisoformat(bought).replace(tzinfo=UTC), 500, 50, Decimal(38))
    return Quota(order, Use(used, used_parts))


def state(*quotas: Quota, daily: int = 0, now: datetime = NOW) -> Outlook:
    days = {TODAY - timedelta(days=back): daily for back in range(1, 15)}
    return outlook(quotas, {Item.CALL: days}, now=now)


def test_a_package_runs_out_when_the_use_of_two_weeks_goes_on() -> None:
    """§5: forecast of the exhaustion day from the last 14 days."""
    (package,) = state(quota(used=300), daily=20).packages
    assert package.units[Item.CALL].exhausted_on == date(2026, 9, 25)
    assert package.units[Item.CALL].lost == 0


def test_days_before_the_last_fourteen_do_not_count() -> None:
    days = {TODAY - timedelta(days=15): 10_000, TODAY: 10_000, TODAY - timedelta(days=14): 140}
    (package,) = outlook([quota(used=300)], {Item.CALL: days}, now=NOW).packages
    assert package.units[Item.CALL].exhausted_on == date(2026, 10, 5)


def test_what_is_not_used_until_it_expires_is_lost() -> None:
    """167 days of one minute each; all 50 parts."""
    (package,) = state(quota(), daily=1).packages
    assert (package.units[Item.CALL].exhausted_on, package.units[Item.CALL].lost) == (None, 500 - 167)
    assert package.units[Item.SMS].lost == 50


def test_the_second_package_runs_out_after_the_first() -> None:
    first, second = state(quota(used=400), quota("Q", bought="2026-06-01T01:00:00"), daily=10).packages
    assert first.units[Item.CALL].exhausted_on == date(2026, 9, 25)
    assert second.units[Item.CALL].exhausted_on == date(2026, 11, 14)


@pytest.mark.parametrize(
    ("used", "warning"), [(399, None), (400, 80), (474, 80), (475, 95), (499, 95), (500, 100)]
)
def test_the_use_of_a_package_is_warned_of_at_80_95_and_100_percent(used: int, warning: int | None) -> None:
    (package,) = state(quota(used=used)).packages
    assert package.units[Item.CALL].warning == warning


@pytest.mark.parametrize(
    ("before", "warning"),
    [
        (timedelta(days=30, seconds=1), None),
        (timedelta(days=30), 30),
        (timedelta(days=7, seconds=1), 30),
        (timedelta(days=7), 7),
        (timedelta(seconds=1), 7),
    ],
)
def test_the_end_of_a_package_is_warned_of_30_and_7_days_before(
    before: timedelta, warning: int | None
) -> None:
    bought = quota()
    (package,) = outlook([bought], {}, now=bought.order.expires_at - before).packages
    assert package.expiry_warning == warning


def test_packages_that_are_not_valid_say_nothing() -> None:
    future, past = quota(bought="2026-09-15T04:30:00"), quota(used=500, bought="2025-09-14T01:00:00")
    found = state(future, past)
    assert (found.packages, found.used_percent, found.expiry_days) == ((), Decimal(0), None)


def test_the_account_is_as_used_up_as_all_its_packages_together() -> None:
    """A new package beside one that is used up ends the warning; parts count as minutes do."""
    assert state(quota(used=500)).used_percent == 100
    assert state(quota(used=500), quota("Q")).used_percent == 50
    assert state(quota(used=100, used_parts=40)).used_percent == 80


def test_a_package_that_is_used_up_expires_unnoticed() -> None:
    found = state(quota(used=500, used_parts=50), quota("Q", bought="2026-06-01T01:00:00"))
    assert found.expiry_days == 258


def test_the_advice_is_to_buy_and_not_to_renew() -> None:
    """U-P32."""
    assert state(quota(used=400)).document()["advice"] == ADVICE
    assert state(quota(used=399)).document()["advice"] is None


@pytest.mark.parametrize("before", [timedelta(days=30), timedelta(hours=23), timedelta(seconds=1)])
def test_the_advice_is_given_until_the_last_hour_of_a_package(before: timedelta) -> None:
    bought = quota()
    found = outlook([bought], {}, now=bought.order.expires_at - before)
    assert found.document()["advice"] == ADVICE
