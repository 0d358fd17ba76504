"""Why a package does not pay: the five reasons (C-107; billing-rules.md §5, §8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.billing import C1, EXAMPLE_PRICES, V1, cdr, utc
from builders.closing import parts, usage
from builders.example import sms
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.reconciliation.package_check import Reasons, covers, reasons_of
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
ORDER = PackageOrder("CS1", utc("2026-09-01 02:03:00"), 500, 50, Decimal(38))
NEXT = PackageOrder("CS2", utc("2026-09-20 02:03:00"), 5, 5, Decimal(1))
OLD = PackageOrder("CS0", utc("2025-09-10 02:03:00"), 500, 50, Decimal(38))


def reasons(
    calls: Sequence[Any] = (), texts: Sequence[Any] = (), orders: Sequence[PackageOrder] = (ORDER,)
) -> Reasons:
    """The reasons of a month of these records, without rents."""
    closed = parts(calls, texts)

    def lines_of(day: date) -> list[Line]:
        return [line for part in closed if part.part.day == day for line in part.lines]

    return reasons_of(usage(closed, orders), lines_of, ())


def call(answered: str, ended: str, **changes: Any) -> Any:
    return cdr(f"2026-09-{answered}", f"2026-09-{ended}", x=V1, display_x=V1, **changes)


LONG = [call("02 01:00:00", "02 09:00:00"), call("03 01:00:00", "03 01:30:00")]
"""480 and 30 minutes."""


def told(found: Reasons) -> list[tuple[str, str, str, int, str | None]]:
    return [
        (each["item"], each["number_type"], each["reason"], each["quantity"], each["amount"])
        for each in found.document()
    ]


def test_an_account_without_packages_needs_no_reason() -> None:
    assert told(reasons([call("02 01:00:00", "02 01:01:00")], orders=())) == []


def test_what_a_package_pays_needs_no_reason() -> None:
    assert told(reasons([call("02 01:00:00", "02 01:01:00")])) == []


@pytest.mark.parametrize(
    ("calls", "orders", "reason", "minutes"),
    [
        ([call("01 02:50:00", "01 02:59:59")], [ORDER], "not_yet_effective", 10),
        (LONG, [ORDER], "quota_exhausted", 10),
        ([call("10 03:00:00", "10 03:00:30")], [OLD], "expired", 1),
        ([call("12 03:00:00", "12 03:00:30")], [OLD], "expired", 1),
        ([call("12 03:00:00", "12 03:00:30")], [OLD, NEXT], "expired", 1),
    ],
    ids=["not yet effective", "exhausted inside a call", "expired that day", "expired", "the next not yet"],
)  # fmt: skip
def test_minutes_at_list_price_have_one_reason(
    calls: Sequence[Any], orders: Sequence[PackageOrder], reason: str, minutes: int
) -> None:
    assert told(reasons(calls, orders=orders)) == [
        ("call", "virtual", reason, minutes, f"{minutes * Decimal('0.10'):.2f}")
    ]


def test_sms_of_carrier_numbers_are_never_paid_by_packages() -> None:
    texts = [sms(0, id="sms-1", x=C1, split_num=3), sms(0, id="sms-2", x=V1, split_num=2)]
    assert told(reasons(texts=texts)) == [("sms", "carrier", "carrier_sms", 3, "0.81")]


def test_rents_are_never_paid_by_packages() -> None:
    holdings = [Holding(V1, "demo", VIRTUAL), Holding(C1, "demo", CARRIER)]
    rents = rents_deducted(holdings, "2026-09", EXAMPLE_PRICES, until=utc("2026-10-01 00:00:00"))
    found = reasons_of(usage(parts(), [ORDER]), lambda day: [], rents)
    assert told(found) == [("rent", "carrier", "rent", 1, "15.00"), ("rent", "virtual", "rent", 1, "5.00")]


def test_one_day_may_have_two_reasons() -> None:
    """1 September: before 11:00 Beijing the package is not effective, then it is used up."""
    calls = [call("01 02:50:00", "01 02:59:59"), call("01 03:00:00", "01 12:00:00")]
    assert told(reasons(calls)) == [
        ("call", "virtual", "not_yet_effective", 10, "1.00"),
        ("call", "virtual", "quota_exhausted", 40, "4.00"),
    ]


def test_the_sums_of_an_item_tell_what_more_records_would_find() -> None:
    closed = parts(LONG)
    use = usage(closed, [ORDER])
    found = reasons_of(use, lambda day: [], ())
    assert (found.sums(use.after, Item.CALL).left, found.sums(use.after, Item.CALL).exhausted) == (0, 10)
    assert (found.sums(use.after, Item.SMS).left, found.sums(use.after, Item.SMS).exhausted) == (50, 0)


@pytest.mark.parametrize(
    ("item", "number_type", "at", "covered"),
    [
        (Item.CALL, CARRIER, "2026-09-01 03:00:00", True),
        (Item.CALL, VIRTUAL, "2026-09-01 02:59:59", False),
        (Item.SMS, VIRTUAL, "2027-09-01 02:59:59", True),
        (Item.SMS, VIRTUAL, "2027-09-01 03:00:00", False),
        (Item.SMS, CARRIER, "2026-09-02 03:00:00", False),
    ],
)
def test_a_package_covers_what_it_may_pay(
    item: Item, number_type: NumberType, at: str, covered: bool
) -> None:
    assert covers(usage(parts(), [ORDER]).before, item, number_type, utc(at)) is covered
