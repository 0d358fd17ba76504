"""The rent calendar of X numbers (billing-rules.md §6): which months a number pays, and when.

Pure. Days are Beijing dates. A number pays each calendar month at most once, from the month of its issue on:

- the month of issue on the day of issue, or on the following 1st when issued on a month's last day;
- every other month on its 1st at 00:10;
- the last month is that of the unsubscription, or the month after when it came after the 25th; a number that
  the platform took back after arrears (§7) pays nothing from the next month on, whatever the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds

RETURNED: Final = "10"
RELEASED_AFTER_ARREARS: Final = "2"
"""The last status and cause of a number that the platform took back because nobody paid (§7, decision)."""

LAST_FREE_DAY: Final = 25
_DEDUCTION_TIME: Final = timedelta(minutes=10)


class RentReason(StrEnum):
    """Which rule makes a number pay."""

    MONTHLY = "monthly"
    ISSUED = "issued"
    ISSUED_ON_LAST_DAY = "issued_on_last_day"
    """Deducted on the following 1st, beside that month's own rent."""
    UNSUBSCRIBED_AFTER_25TH = "unsubscribed_after_25th"


@dataclass(frozen=True, slots=True)
class Holding:
    """An X number as the account holds it. ``issued_on`` ``None``: owned since ever, as far as we know.

    All states but "returned" pay, suspended and unusable ones too. ``returned`` without ``unsubscribed_on``
    pays on until the day is entered: rents that were paid are never returned (§6), and nobody knows the last.
    """

    x: str = field(repr=False)
    application: str
    number_type: NumberType
    issued_on: date | None = None
    unsubscribed_on: date | None = None
    returned: bool = False
    released: bool = False
    """Whether the platform took it back, on `unsubscribed_on`, because the account was in arrears."""


@dataclass(frozen=True, slots=True)
class Rent:
    """One month's rent of one number. ``cost_month`` is ``yyyy-MM``; ``deducted_at`` is aware UTC; CNY."""

    x: str = field(repr=False)
    application: str
    number_type: NumberType
    cost_month: str
    deducted_on: date
    deducted_at: datetime
    amount: Decimal
    reason: RentReason


def rents_deducted(
    holdings: Iterable[Holding], month: str, prices: PriceBook, *, until: datetime
) -> tuple[Rent, ...]:
    """Rents that the account pays in a calendar month (``yyyy-MM``), up to and including the moment `until`.

    Sorted by deduction, X and cost month.
    """
    rents = (rent for holding in holdings for rent in _of_holding(holding, month, prices))
    paid = (rent for rent in rents if rent.deducted_at <= until)
    return tuple(sorted(paid, key=lambda rent: (rent.deducted_at, rent.x, rent.cost_month)))


def rents_of_cost_month(holdings: Iterable[Holding], month: str, prices: PriceBook) -> tuple[Rent, ...]:
    """Rents that belong to a calendar month, whether deducted in it or on the following 1st."""
    following = month_text(next_month(first_day(month)))
    owned = tuple(holdings)
    end = datetime.max.replace(tzinfo=UTC)
    rents = (rent for when in (month, following) for rent in rents_deducted(owned, when, prices, until=end))
    return tuple(rent for rent in rents if rent.cost_month == month)


def rent_warnings(holdings: Iterable[Holding]) -> tuple[str, ...]:
    """Numbers whose rent goes on only because nobody entered the day of their return."""
    ended = sorted(each.x for each in holdings if each.returned and each.unsubscribed_on is None)
    return tuple(
        f"rent: {x} is retired without unsubscribed_on: it pays until that day is entered" for x in ended
    )


def last_paying_month(holding: Holding) -> date | None:
    """First day of the last month that a number pays (rule of the 25th); ``None`` while it is held."""
    left = holding.unsubscribed_on
    if left is None:
        return None
    if leaves_late(left) and not holding.released:
        return next_month(left)
    return left.replace(day=1)


def leaves_late(left: date | None) -> bool:
    """Whether a number that is unsubscribed on this day still pays the next month (rule of the 25th)."""
    return left is not None and left.day > LAST_FREE_DAY


def first_day(month: str) -> date:
    """The first day of a month written ``yyyy-MM``. Raises ValueError."""
    return date.fromisoformat(f"{month}-01")


def month_text(day: date) -> str:
    """The month of a day, ``yyyy-MM``."""
    return f"{day:%Y-%m}"


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def previous_month(day: date) -> date:
    """The first day of the month before a day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def months_back(month: str) -> Iterator[str]:
    """The months before a month (``yyyy-MM``), newest first, without end."""
    while True:
        month = month_before(month)
        yield month


def month_before(month: str) -> str:
    """The month before one, both ``yyyy-MM``."""
    return month_text(previous_month(first_day(month)))


def last_day(month: str) -> date:
    """The last day of a month written ``yyyy-MM``."""
    return next_month(first_day(month)) - timedelta(days=1)


def _of_holding(holding: Holding, month: str, prices: PriceBook) -> Iterator[Rent]:
    begin = first_day(month)
    for cost_month in (previous_month(begin), begin):
        day, reason = _deduction(holding, cost_month)
        if day is None or day.replace(day=1) != begin:
            continue
        yield Rent(
            x=holding.x,
            application=holding.application,
            number_type=holding.number_type,
            cost_month=month_text(cost_month),
            deducted_on=day,
            deducted_at=day_bounds(day)[0] + _DEDUCTION_TIME,
            amount=prices.at(day).rent[holding.number_type],
            reason=reason,
        )


def _deduction(holding: Holding, cost_month: date) -> tuple[date | None, RentReason]:
    """When the rent of a month is deducted and why; no day when the number does not pay that month."""
    last = last_paying_month(holding)
    if last is not None and cost_month > last:
        return None, RentReason.MONTHLY
    issued = holding.issued_on
    if issued is not None and cost_month == issued.replace(day=1):
        if (issued + timedelta(days=1)).day == 1:
            return next_month(issued), RentReason.ISSUED_ON_LAST_DAY
        return issued, RentReason.ISSUED
    if issued is not None and cost_month < issued:
        return None, RentReason.MONTHLY
    left = holding.unsubscribed_on
    after = left is not None and cost_month > left
    return cost_month, RentReason.UNSUBSCRIBED_AFTER_25TH if after else RentReason.MONTHLY
