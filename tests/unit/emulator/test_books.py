"""The emulator's books: minutes, amounts, months, rents (billing-rules.md §3, §6, §8.2)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.emulated import START, STRANGER, A, B, D, Platform, X, ended_call, issued
from emulator.books import billed_minutes, rounded
from emulator.rent import RentCharge, deducted_in, rent_of_month
from emulator.settings import ByNumberType
from emulator.views import truth
from emulator.world import Number

RENT = ByNumberType(virtual=Decimal(5), carrier=Decimal(15))
LATER = datetime(2027, 6, 1, tzinfo=UTC)


def v(number: int) -> str:
    return f"+861701000000{number}"


def c(number: int) -> str:
    return f"+861380013890{number}"


SEPTEMBER: list[Number] = [
    issued(v(1)),
    issued(v(2)),
    issued(v(3), left=date(2026, 9, 25)),
    issued(v(4)),
    issued(v(5), on=date(2026, 9, 15)),
    issued(v(6), on=date(2026, 9, 30)),
    issued(v(7), left=date(2026, 8, 24)),
    issued(v(8), left=date(2026, 8, 26)),
    issued(c(1), "carrier"),
    issued(c(2), "carrier", left=date(2026, 9, 26)),
]


def deducted(numbers: Iterable[Number], year: int, month: int, until: datetime = LATER) -> list[RentCharge]:
    return list(deducted_in(numbers, year, month, RENT, until=until))


def amounts(charges: Iterable[RentCharge]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for charge in charges:
        total[charge.x] = total.get(charge.x, Decimal(0)) + charge.amount
    return total


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


# minutes


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        (0, 1),
        (1, 1),
        (59, 1),
        (60, 1),
        (61, 2),
        (119, 2),
        (120, 2),
        (121, 3),
        (3599, 60),
        (3600, 60),
        (3601, 61),
    ],
)
def test_every_started_minute_counts(seconds: int, minutes: int) -> None:
    """C-103; billing-rules.md §3.2."""
    assert billed_minutes(seconds) == minutes


@pytest.mark.parametrize(
    ("answered", "ended", "minutes", "month"),
    [
        ("2026-09-05T06:00:00", "2026-09-05T07:59:59", 120, "2026-09"),  # K07
        ("2026-09-08T06:00:00", "2026-09-08T08:00:00", 120, "2026-09"),  # K08
        ("2026-09-10T02:00:00", "2026-09-10T03:40:00", 100, "2026-09"),  # K09
        (None, "2026-09-24T01:50:04", 0, "2026-09"),  # K14
        ("2026-09-25T05:00:00", "2026-09-25T05:00:00", 1, "2026-09"),  # K15
        ("2026-09-30T15:58:00", "2026-09-30T16:01:00", 3, "2026-10"),  # K16
    ],
)
def test_the_calls_of_september_are_rated_as_documented(
    answered: str | None, ended: str, minutes: int, month: str
) -> None:
    """billing-rules.md §8.2, the AXB rows; a call belongs to the Beijing month of its end (§3.3)."""
    platform = Platform()
    moment = datetime.fromisoformat(f"{answered}+00:00") if answered else None
    charge = platform.books.record(ended_call(moment, datetime.fromisoformat(f"{ended}+00:00")))
    assert (charge.minutes, charge.amount, charge.month) == (minutes, minutes * Decimal("0.10"), month)


@pytest.mark.parametrize(("number_type", "amount"), [("virtual", "0.20"), ("carrier", "0.26")])
def test_the_price_follows_the_number_type(number_type: str, amount: str) -> None:
    """billing-rules.md §2: account.price.call.*."""
    platform = Platform(price={"call": {"virtual": "0.10", "carrier": "0.13"}})
    call = ended_call(START, START + timedelta(seconds=61), number_type=number_type)
    assert platform.books.record(call).amount == Decimal(amount)


def test_only_sums_are_rounded_half_up() -> None:
    """billing-rules.md §2."""
    platform = Platform(price={"call": {"virtual": "0.0651", "carrier": "1"}})
    for _ in range(2):
        platform.books.record(ended_call(START, START + timedelta(seconds=60)))
    assert [charge.amount for charge in platform.books.calls] == [Decimal("0.0651")] * 2
    assert platform.books.totals("2026-09").calls == Decimal("0.13")
    assert rounded(Decimal("0.005")) == Decimal("0.01")


# rent


def test_the_rents_of_september_are_deducted_as_documented() -> None:
    """C-071, C-072, C-105, C-106; billing-rules.md §8.2: 55 on 1 September, 5 later, 60 on 1 October."""
    september = deducted(SEPTEMBER, 2026, 9)
    first = [charge for charge in september if charge.deducted_at == beijing("2026-09-01T00:10:00")]
    later = [charge for charge in september if charge not in first]
    october = deducted(SEPTEMBER, 2026, 10)
    assert amounts(first) == {v(1): 5, v(2): 5, v(3): 5, v(4): 5, v(8): 5, c(1): 15, c(2): 15}
    assert amounts(later) == {v(5): 5}
    assert later[0].deducted_at == beijing("2026-09-15T00:10:00")
    assert amounts(october) == {v(1): 5, v(2): 5, v(4): 5, v(5): 5, v(6): 10, c(1): 15, c(2): 15}
    assert {charge.deducted_at for charge in october} == {beijing("2026-10-01T00:10:00")}


def test_the_rents_for_september_come_to_65() -> None:
    """billing-rules.md §8.2: by cost month."""
    charges = [rent_of_month(number, 2026, 9, RENT) for number in SEPTEMBER]
    assert sum(charge.amount for charge in charges if charge is not None) == 65


@pytest.mark.parametrize(
    ("left", "paid_months"),
    [
        (date(2026, 9, 1), ["2026-09"]),
        (date(2026, 9, 25), ["2026-09"]),
        (date(2026, 9, 26), ["2026-09", "2026-10"]),
        (date(2026, 9, 30), ["2026-09", "2026-10"]),
        (date(2026, 12, 26), ["2026-09", "2026-10", "2026-11", "2026-12", "2027-01"]),
        (date(2027, 2, 25), ["2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02"]),
        (date(2027, 2, 26), ["2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03"]),
    ],
)
def test_the_rule_of_the_25th_decides_about_the_next_month(left: date, paid_months: list[str]) -> None:
    """C-072, C-106; billing-rules.md §6.1."""
    number = issued(X, left=left)
    months = [(2026, 9), (2026, 10), (2026, 11), (2026, 12), (2027, 1), (2027, 2), (2027, 3), (2027, 4)]
    charges = [rent_of_month(number, year, month, RENT) for year, month in months]
    assert [charge.cost_month for charge in charges if charge is not None] == paid_months


@pytest.mark.parametrize(
    ("day", "rents"), [(date(2026, 9, 26), 2), (date(2026, 9, 30), 2), (date(2026, 9, 10), 1)]
)
def test_a_number_issued_and_unsubscribed_on_one_day_pays_by_the_25th(day: date, rents: int) -> None:
    """billing-rules.md §6.1."""
    number = issued(X, on=day, left=day)
    months = [(2026, 8), (2026, 9), (2026, 10), (2026, 11)]
    assert sum(len(deducted([number], year, month)) for year, month in months) == rents


def test_a_number_issued_on_the_first_pays_once() -> None:
    """billing-rules.md §6: at most one rent per number and month."""
    charges = deducted([issued(X, on=date(2026, 9, 1))], 2026, 9)
    assert [charge.cost_month for charge in charges] == ["2026-09"]


def test_a_rent_is_not_deducted_before_its_time() -> None:
    """C-071: 00:10 Beijing time is 16:10 UTC of the day before."""
    number = issued(X)
    assert deducted([number], 2026, 10, until=datetime(2026, 9, 30, 16, 9, 59, tzinfo=UTC)) == []
    assert len(deducted([number], 2026, 10, until=datetime(2026, 9, 30, 16, 10, tzinfo=UTC))) == 1


# books


@pytest.mark.anyio
async def test_the_month_adds_up_calls_and_rent() -> None:
    platform = Platform()
    platform.number("+8613800138901", number_type="carrier")
    platform.bind()
    await platform.call(talk_s=95)
    await platform.call(B, outcome="no_answer")
    await platform.call(STRANGER)
    totals = platform.books.totals("2026-09")
    assert (totals.attempts, totals.answered, totals.talk_seconds, totals.minutes) == (3, 1, 95, 2)
    assert (totals.calls, totals.rent, totals.total) == (Decimal("0.20"), Decimal(20), Decimal("20.20"))


@pytest.mark.anyio
async def test_the_truth_tells_bindings_calls_numbers_and_months() -> None:
    platform = Platform()
    platform.bind(duration=600)
    platform.bind(STRANGER, D)
    call = await platform.call(talk_s=61)
    await platform.clock.advance(30 * 86_400)
    told: dict[str, Any] = truth(platform.books, platform.world)
    assert [binding["end_reason"] for binding in told["bindings"]] == ["expired", None]
    assert [binding["ended_at"] for binding in told["bindings"]] == ["2026-09-02T01:10:00.000Z", None]
    [charged] = told["calls"]
    assert (charged["icid"], charged["minutes"], charged["amount"]) == (call.icid, 2, "0.20")
    assert [number["x"] for number in told["numbers"]] == [X]
    assert {month: figures["total"] for month, figures in told["months"].items()} == {
        "2026-09": "5.20",
        "2026-10": "5.00",
    }


@pytest.mark.anyio
async def test_a_running_call_is_not_in_the_books() -> None:
    platform = Platform()
    platform.bind()
    call = platform.start_call(A)
    await platform.clock.advance(20)
    assert platform.books.calls == []
    with pytest.raises(ValueError, match="still runs"):
        platform.books.record(call)


def test_months_run_from_the_first_entry_to_now_over_the_year() -> None:
    platform = Platform(start=datetime(2026, 11, 30, 16, 30, tzinfo=UTC))
    platform.clock.set_time(datetime(2027, 2, 1, tzinfo=UTC))
    assert platform.books.months() == ["2026-12", "2027-01", "2027-02"]
