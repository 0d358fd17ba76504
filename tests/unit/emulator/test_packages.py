"""The emulator's packages: effective hour, 12 months, order of use, end inside a record (C-108)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.emulated import ACCOUNT, START, Platform, ended_call
from emulator.books import Books
from emulator.packages import PackageOrder, Packages, Use
from emulator.settings import PackagePrice, PriceSettings
from emulator.views import truth

CATALOGUE = PriceSettings().packages
SMALL = CATALOGUE[0]


def order(bought: str, number: str = "package-0001", package: PackagePrice = SMALL) -> PackageOrder:
    return PackageOrder(number, ACCOUNT, utc(bought), package)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def packages(*orders: PackageOrder) -> Packages:
    found = Packages(CATALOGUE, lambda: START)
    found.orders.extend(orders)
    return found


def minutes(record: str, at: str, quantity: int, account: str = ACCOUNT) -> Use:
    return Use(record, account, utc(at), "minutes", quantity)


def used(found: Packages, *uses: Use) -> list[int]:
    """Minutes used of each order."""
    return [quota.minutes_used for quota in found.consume(uses).quotas]


@pytest.mark.parametrize(
    ("bought", "effective", "expires"),
    [
        ("2026-09-01T02:03:00", "2026-09-01T03:00:00", "2027-09-01T03:00:00"),
        ("2026-09-01T02:00:00", "2026-09-01T03:00:00", "2027-09-01T03:00:00"),
        ("2026-12-31T15:59:59", "2026-12-31T16:00:00", "2027-12-31T16:00:00"),
        ("2028-02-28T16:30:00", "2028-02-28T17:00:00", "2029-02-27T17:00:00"),
    ],
    ids=["10:03", "10:00 sharp", "over the year", "29 February"],
)
def test_a_package_counts_from_the_next_full_hour_for_twelve_months(
    bought: str, effective: str, expires: str
) -> None:
    """C-108; decision: 29 February 01:00 Beijing expires on 28 February 01:00."""
    found = order(bought)
    assert (found.effective_at, found.expires_at) == (utc(effective), utc(expires))


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        ("2026-09-01T02:59:59", 0),
        ("2026-09-01T03:00:00", 7),
        ("2027-09-01T02:59:59", 7),
        ("2027-09-01T03:00:00", 0),
    ],
)
def test_use_is_judged_by_its_own_time(at: str, taken: int) -> None:
    assert used(packages(order("2026-09-01T02:03:00")), minutes("a", at, 7)) == [taken]


def test_the_package_that_expires_first_gives_first_and_the_next_goes_on() -> None:
    late, early = order("2026-09-05T00:30:00", "package-0002"), order("2026-09-01T00:30:00")
    found = packages(late, early).consume(
        [minutes("a", "2026-09-10T00:00:00", 490), minutes("b", "2026-09-11T00:00:00", 30)]
    )
    assert [quota.minutes_used for quota in found.quotas] == [20, 500]
    assert found.taken == {"a": 490, "b": 30}


def test_of_equal_packages_the_lower_number_gives_first() -> None:
    bought = "2026-09-01T00:30:00"
    found = packages(order(bought, "package-0002"), order(bought, "package-0001"))
    assert used(found, minutes("a", "2026-09-10T00:00:00", 3)) == [0, 3]


def test_records_are_served_in_order_of_time_then_id_whatever_order_they_came_in() -> None:
    same = "2026-09-02T00:00:00"
    uses = [
        minutes("c", same, 300),
        minutes("b", same, 300),
        minutes("a", "2026-09-03T00:00:00", 10),
    ]
    found = packages(order("2026-09-01T00:30:00")).consume(uses)
    assert found.taken == {"b": 300, "c": 200, "a": 0}


def test_another_account_gets_nothing() -> None:
    assert used(packages(order("2026-09-01T00:30:00")), minutes("a", "2026-09-02T00:00:00", 3, "b")) == [0]


def test_only_what_is_in_the_catalogue_is_sold() -> None:
    with pytest.raises(ValueError, match="500, 5000, 50000, 500000"):
        packages().buy(ACCOUNT, 501)


# books


def september(**prices: Any) -> Platform:
    """Calls of 599, 2 and 30 minutes with a package in between, effective 2 September 03:00 UTC."""
    platform = Platform(start=START + timedelta(hours=1, minutes=3), price=prices)
    talk(platform, "2026-09-02T02:59:59", 10)
    talk(platform, "2026-09-02T03:00:00", 497)
    talk(platform, "2026-09-03T00:00:00", 5, number_type="carrier")
    platform.books.packages.buy(ACCOUNT, 500)
    return platform


def talk(platform: Platform, end: str, length: int, **changes: Any) -> None:
    ended = utc(end)
    platform.books.record(ended_call(ended - timedelta(minutes=length), ended, **changes))


def test_a_package_ends_inside_a_call_and_the_rest_is_paid() -> None:
    """C-107: 10 minutes before it counts, 497 of it, then 3 of 5."""
    charges = september().books.calls_of("2026-09")
    assert [(charge.minutes, charge.package_minutes, charge.amount) for charge in charges] == [
        (10, 0, Decimal("1.00")),
        (497, 497, Decimal(0)),
        (5, 3, Decimal("0.20")),
    ]


def test_the_month_has_the_package_and_what_it_left_to_pay() -> None:
    totals = september().books.totals("2026-09")
    assert (totals.minutes, totals.package_minutes) == (512, 500)
    assert (totals.calls, totals.packages, totals.total) == (
        Decimal("1.20"),
        Decimal("38.00"),
        Decimal("44.20"),
    )


def test_a_later_record_with_an_earlier_time_moves_what_the_package_gave() -> None:
    platform = september()
    assert [charge.package_minutes for charge in platform.books.calls_of(None)] == [0, 497, 3]
    talk(platform, "2026-09-02T04:00:00", 3)
    assert [charge.package_minutes for charge in platform.books.calls_of(None)] == [0, 497, 3, 0]


def test_quotas_are_told_for_the_end_of_a_month_and_for_now() -> None:
    platform = september()
    platform.clock.set_time(datetime(2026, 10, 5, tzinfo=UTC))
    platform.books.packages.buy(ACCOUNT, 5000)
    talk(platform, "2026-10-06T00:00:00", 100)
    books: Books = platform.books
    assert [quota.minutes_left for quota in books.quotas("2026-09")] == [0]
    assert [quota.minutes_left for quota in books.quotas()] == [0, 4900]
    assert books.quotas("2026-08") == ()


def test_the_truth_tells_packages() -> None:
    told = truth(september().books, september().world)
    (package,) = told["packages"]
    assert (package["minutes_used"], package["parts_used"], package["price"]) == (500, 0, "38")
    assert told["months"]["2026-09"]["package_minutes"] == 500


@pytest.mark.anyio
async def test_sms_of_virtual_numbers_use_the_package_and_those_of_carrier_numbers_never() -> None:
    """C-074."""
    platform = Platform()
    carrier = "+8613800138901"
    platform.number(carrier, number_type="carrier")
    platform.bind()
    platform.bind(x=carrier)
    platform.books.packages.buy(ACCOUNT, 500)
    await platform.clock.advance(3600)
    await platform.sms()
    await platform.sms(x=carrier)
    assert [(one.parts, one.package_parts, one.amount) for one in platform.books.sms_of("2026-09")] == [
        (1, 1, Decimal(0)),
        (1, 0, Decimal("0.27")),
    ]
