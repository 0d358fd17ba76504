"""The rents of a month and those of the next 1st, by day (billing-rules.md §6; users.md U-N20, U-P33).

Pure. Goes by the numbers as they are held now: who is returned or ordered later changes what is ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.rating.rent import (
    Holding,
    Rent,
    RentReason,
    month_text,
    next_month,
    rents_deducted,
)
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.numbers import NumberType

_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RentDay:
    """What is deducted on a Beijing day: rents by number type, and CNY.

    ``twice`` numbers pay two rents on it, that of the month of their issue and that of the month that begins;
    ``after_25th`` pay although they were returned, because it was after the 25th.
    """

    day: date
    rents: dict[NumberType, int]
    amount: Decimal
    twice: int
    after_25th: int

    def document(self) -> dict[str, Any]:
        """The day as JSON."""
        return {
            "day": self.day.isoformat(),
            "rents": {kind.value: count for kind, count in self.rents.items()},
            "amount": plain(self.amount),
            "twice": self.twice,
            "after_25th": self.after_25th,
        }


@dataclass(frozen=True, slots=True)
class RentCalendar:
    """The days of a month on which rents are deducted, past and ahead, and the following 1st."""

    days: tuple[RentDay, ...]
    next_first: RentDay

    def document(self) -> dict[str, Any]:
        """The calendar as JSON."""
        return {"days": [day.document() for day in self.days], "next_first": self.next_first.document()}


def rent_calendar(holdings: Iterable[Holding], prices: PriceBook, *, today: date) -> RentCalendar:
    """The rents of the month of a Beijing day, and the forecast of the next 1st."""
    held = tuple(holdings)
    first = next_month(today)
    of_month = rents_deducted(held, month_text(today), prices, until=_EVER)
    ahead = [
        rent
        for rent in rents_deducted(held, month_text(first), prices, until=_EVER)
        if rent.deducted_on == first
    ]
    days = sorted({rent.deducted_on for rent in of_month})
    return RentCalendar(tuple(_day(day, of_month) for day in days), _day(first, ahead))


def _day(day: date, rents: Iterable[Rent]) -> RentDay:
    due = [rent for rent in rents if rent.deducted_on == day]
    types = Counter(rent.number_type for rent in due)
    return RentDay(
        day=day,
        rents={kind: types[kind] for kind in NumberType},
        amount=sum((rent.amount for rent in due), Decimal(0)),
        twice=sum(count > 1 for count in Counter(rent.x for rent in due).values()),
        after_25th=sum(rent.reason is RentReason.UNSUBSCRIBED_AFTER_25TH for rent in due),
    )
