"""Rent of X numbers by the platform's calendar; days and months in Beijing time (billing-rules.md §6)."""

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from emulator.settings import ByNumberType
from emulator.world import Number, NumberType
from privatenumber.times import BEIJING

LAST_DAY_FREE_NEXT_MONTH = 25
_DEDUCTION_TIME = time(0, 10, tzinfo=BEIJING)


@dataclass(frozen=True, slots=True)
class RentCharge:
    """One rent of one number: the month it is for (`yyyy-MM`), when it is deducted (UTC), CNY."""

    x: str
    app_key: str
    number_type: NumberType
    cost_month: str
    deducted_at: datetime
    amount: Decimal


def rent_of_month(number: Number, year: int, month: int, prices: ByNumberType) -> RentCharge | None:
    """Return the rent of one number for one cost month; None when that month is free.

    At most one rent per number and month. A number without a day of issue was owned before everything.
    """
    first = date(year, month, 1)
    last = date(year, month, calendar.monthrange(year, month)[1])
    issued = number.issued_on
    if issued is not None and issued > last:
        return None
    if not _pays(number, first):
        return None
    return RentCharge(
        x=number.x,
        app_key=number.app_key,
        number_type=number.number_type,
        cost_month=f"{year:04d}-{month:02d}",
        deducted_at=_deduction(issued, first, last),
        amount=prices.virtual if number.number_type == "virtual" else prices.carrier,
    )


def deducted_in(
    numbers: Iterable[Number], year: int, month: int, prices: ByNumberType, *, until: datetime
) -> Iterator[RentCharge]:
    """Yield the rents deducted in one Beijing month up to a moment; a bill shows these.

    They are for that month, or for the month before when a number was issued on its last day.
    """
    before = date(year, month, 1) - timedelta(days=1)
    for number in numbers:
        for cost_year, cost_month in ((before.year, before.month), (year, month)):
            charge = rent_of_month(number, cost_year, cost_month, prices)
            if charge is None or charge.deducted_at > until:
                continue
            local = charge.deducted_at.astimezone(BEIJING)
            if (local.year, local.month) == (year, month):
                yield charge


def _pays(number: Number, first: date) -> bool:
    """Unsubscribed up to the 25th: free from the next month on; later: from the month after that.

    A number that the platform took for arrears pays nothing further.
    """
    left = number.unsubscribed_on
    if left is None:
        return True
    months_later = (first.year - left.year) * 12 + first.month - left.month
    return months_later <= (1 if left.day > LAST_DAY_FREE_NEXT_MONTH and not number.released else 0)


def _deduction(issued: date | None, first: date, last: date) -> datetime:
    if issued is None or issued < first:
        day = first
    elif issued == last:
        day = last + timedelta(days=1)
    else:
        day = issued
    return datetime.combine(day, _DEDUCTION_TIME).astimezone(UTC)
