"""The edges of the rules in tables one can read: months, seconds, characters, quotas, issue and return.

billing-rules.md §3 to §6; C-060, C-071, C-072, C-103, C-104, C-105, C-106, C-108.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from builders.billing import CARRIER, EXAMPLE_PRICES, INVENTORY, V2, VIRTUAL, cdr
from builders.example import sms
from privatenumber.billing.rating.calls import Charge, rate_call, usage_time
from privatenumber.billing.rating.packages import Usage, deduct, quotas_of
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.rating.sms import rate_sms, sms_usage_time
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.sms_parts import size_of
from privatenumber.times import BEIJING, beijing_month, platform_time

END = datetime.max.replace(tzinfo=UTC)


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def call(answered: str | None, ended: str) -> tuple[str, Charge]:
    """Month and charge of a call; both times are Beijing times."""
    utc = (platform_time(beijing(text)) if text else None for text in (answered, ended))
    fact = cdr(*utc)
    return beijing_month(usage_time(fact)), rate_call(fact, EXAMPLE_PRICES, INVENTORY)


# answered and ended in Beijing -> month, seconds, minutes, CNY
CALLS = [
    # whole and started minutes
    ("2026-09-02 09:00:00", "2026-09-02 09:00:00", "2026-09", 0, 1, "0.10"),
    ("2026-09-02 09:00:00", "2026-09-02 09:00:01", "2026-09", 1, 1, "0.10"),
    ("2026-09-02 09:00:00", "2026-09-02 09:00:59", "2026-09", 59, 1, "0.10"),
    ("2026-09-02 09:00:00", "2026-09-02 09:01:00", "2026-09", 60, 1, "0.10"),
    ("2026-09-02 09:00:00", "2026-09-02 09:01:01", "2026-09", 61, 2, "0.20"),
    (None, "2026-09-02 09:01:01", "2026-09", 0, 0, "0.00"),
    # the end of a month in Beijing is 16:00 in UTC
    ("2026-09-30 23:58:59", "2026-09-30 23:59:59", "2026-09", 60, 1, "0.10"),
    ("2026-09-30 23:59:00", "2026-10-01 00:00:00", "2026-10", 60, 1, "0.10"),
    ("2026-09-30 23:58:00", "2026-10-01 00:01:00", "2026-10", 180, 3, "0.30"),
    ("2026-10-01 07:59:00", "2026-10-01 08:00:00", "2026-10", 60, 1, "0.10"),
    (None, "2026-10-01 00:00:00", "2026-10", 0, 0, "0.00"),
    # the end of a year, and of February with and without a leap day
    ("2026-12-31 23:59:30", "2027-01-01 00:00:31", "2027-01", 61, 2, "0.20"),
    ("2027-02-28 23:59:00", "2027-02-28 23:59:59", "2027-02", 59, 1, "0.10"),
    ("2027-02-28 23:59:00", "2027-03-01 00:00:00", "2027-03", 60, 1, "0.10"),
    ("2028-02-28 23:59:00", "2028-02-29 00:00:00", "2028-02", 60, 1, "0.10"),
    ("2028-02-29 23:59:00", "2028-03-01 00:00:01", "2028-03", 61, 2, "0.20"),
    # the longest call that the platform lets happen
    ("2026-09-02 09:00:00", "2026-09-03 09:00:00", "2026-09", 86_400, 1440, "144.00"),
]


@pytest.mark.parametrize(("answered", "ended", "month", "seconds", "minutes", "cny"), CALLS)
def test_a_call_on_the_edge(
    answered: str | None, ended: str, month: str, seconds: int, minutes: int, cny: str
) -> None:
    belongs, charge = call(answered, ended)
    assert (belongs, charge.talk_seconds, charge.minutes, charge.amount) == (
        month, seconds, minutes, Decimal(cny),
    )  # fmt: skip


# Beijing time of an SMS -> month
MESSAGE_MONTHS = [
    ("2026-09-30 23:59:59.999", "2026-09"),
    ("2026-10-01 00:00:00", "2026-10"),
    ("2027-01-01 00:00:00", "2027-01"),
    ("2028-02-29 23:59:59", "2028-02"),
    ("2028-03-01 00:00:00", "2028-03"),
]


@pytest.mark.parametrize(("at", "month"), MESSAGE_MONTHS)
def test_an_sms_on_the_edge_of_a_month(at: str, month: str) -> None:
    fact = sms(0, at=beijing(at).astimezone(UTC))
    assert beijing_month(sms_usage_time(fact)) == month


# text as it is forwarded -> parts, CNY
TEXTS = [
    ("中" * 70, 1, "0.28"),
    ("中" * 71, 2, "0.56"),
    ("中" * 134, 2, "0.56"),
    ("中" * 135, 3, "0.84"),
    ("a" * 160, 1, "0.28"),
    ("a" * 161, 2, "0.56"),
    ("a" * 308, 2, "0.56"),
    ("a" * 309, 3, "0.84"),
    ("a" * 69 + "中", 1, "0.28"),
    ("a" * 70 + "中", 2, "0.56"),
    ("中" * 69 + "😀", 2, "0.56"),
    ("", 1, "0.28"),
]


@pytest.mark.parametrize(
    ("text", "parts", "cny"), TEXTS, ids=[f"{len(text)}-{text.isascii()}" for text, *_ in TEXTS]
)
def test_a_text_on_the_edge(text: str, parts: int, cny: str) -> None:
    """70 and 71, 160 and 161 characters; the emoji is two."""
    fact = sms(0, split_num=None, size_forwarded=size_of(text))
    charge = rate_sms(fact, EXAMPLE_PRICES, INVENTORY)
    assert (charge.parts, charge.amount) == (parts, Decimal(cny))


PACKAGE = PackageOrder("order-1", beijing("2026-09-01 10:03:00"), 500, 50, Decimal(38))
LEAP = PackageOrder("order-1", beijing("2028-02-29 10:03:00"), 500, 50, Decimal(38))

# package, minutes left, Beijing end of a call, its minutes -> from the package, left afterwards, reason
QUOTAS = [
    (PACKAGE, 500, "2026-09-01 10:59:59", 10, 0, 500, "not_yet_effective"),
    (PACKAGE, 500, "2026-09-01 11:00:00", 10, 10, 490, None),
    (PACKAGE, 5, "2026-09-20 13:04:20", 5, 5, 0, None),
    (PACKAGE, 2, "2026-09-20 13:04:20", 5, 2, 0, "quota_exhausted"),
    (PACKAGE, 0, "2026-09-20 13:04:20", 5, 0, 0, "quota_exhausted"),
    (PACKAGE, 500, "2027-09-01 10:59:59", 10, 10, 490, None),
    (PACKAGE, 500, "2027-09-01 11:00:00", 10, 0, 500, "expired"),
    (LEAP, 500, "2028-02-29 11:00:00", 10, 10, 490, None),
    (LEAP, 500, "2029-02-28 10:59:59", 10, 10, 490, None),
    (LEAP, 500, "2029-02-28 11:00:00", 10, 0, 500, "expired"),
]


@pytest.mark.parametrize(("package", "before", "ended", "minutes", "paid", "left", "reason"), QUOTAS)
def test_a_quota_on_the_edge(
    package: PackageOrder, before: int, ended: str, minutes: int, paid: int, left: int, reason: str | None
) -> None:
    """Effective hour, end of the quota inside a call, expiry; the leap day ends on 28 February."""
    first = Usage(package.effective_at, "before", Item.CALL, CARRIER, package.minutes - before)
    _, quotas = deduct([first], quotas_of([package]))
    (one,), after = deduct([Usage(beijing(ended), "call", Item.CALL, VIRTUAL, minutes)], quotas)
    assert (one.package_units, one.list_units) == (paid, minutes - paid)
    assert (after.quotas[0].left.minutes, one.reason) == (left, reason)


# issued, unsubscribed -> what is deducted when and for which month
RENTS = [
    # issue
    ("2026-08-31", None, "2026-08", []),
    ("2026-08-31", None, "2026-09", ["09-01 for 2026-08", "09-01 for 2026-09"]),
    ("2026-08-30", None, "2026-08", ["08-30 for 2026-08"]),
    ("2026-09-01", None, "2026-09", ["09-01 for 2026-09"]),
    ("2026-09-30", None, "2026-09", []),
    ("2026-09-30", None, "2026-10", ["10-01 for 2026-09", "10-01 for 2026-10"]),
    ("2026-12-31", None, "2027-01", ["01-01 for 2026-12", "01-01 for 2027-01"]),
    # return
    (None, "2026-09-25", "2026-09", ["09-01 for 2026-09"]),
    (None, "2026-09-25", "2026-10", []),
    (None, "2026-09-26", "2026-10", ["10-01 for 2026-10"]),
    (None, "2026-09-26", "2026-11", []),
    (None, "2026-12-26", "2027-01", ["01-01 for 2027-01"]),
    # both on one day
    ("2026-08-31", "2026-08-31", "2026-09", ["09-01 for 2026-08", "09-01 for 2026-09"]),
    ("2026-08-31", "2026-08-31", "2026-10", []),
    ("2026-09-25", "2026-09-25", "2026-09", ["09-25 for 2026-09"]),
    ("2026-09-25", "2026-09-25", "2026-10", []),
    ("2026-09-26", "2026-09-26", "2026-10", ["10-01 for 2026-10"]),
    # February, with and without a leap day
    ("2027-02-28", None, "2027-02", []),
    ("2027-02-28", None, "2027-03", ["03-01 for 2027-02", "03-01 for 2027-03"]),
    ("2028-02-28", None, "2028-02", ["02-28 for 2028-02"]),
    ("2028-02-29", None, "2028-02", []),
    ("2028-02-29", None, "2028-03", ["03-01 for 2028-02", "03-01 for 2028-03"]),
    (None, "2028-02-25", "2028-03", []),
    (None, "2028-02-29", "2028-03", ["03-01 for 2028-03"]),
    (None, "2028-02-29", "2028-04", []),
]


@pytest.mark.parametrize(("issued", "left", "month", "rents"), RENTS)
def test_a_rent_on_the_edge(issued: str | None, left: str | None, month: str, rents: list[str]) -> None:
    """Issued on the 31st, the 30th and the 1st, returned on the 25th and 26th, both at once, leap years."""
    issued_on, left_on = (date.fromisoformat(day) if day else None for day in (issued, left))
    number = Holding(V2, "axb", VIRTUAL, issued_on, left_on, returned=left is not None)
    found = rents_deducted([number], month, EXAMPLE_PRICES, until=END)
    assert [f"{rent.deducted_on:%m-%d} for {rent.cost_month}" for rent in found] == rents
    assert {rent.amount for rent in found} <= {Decimal(5)}
