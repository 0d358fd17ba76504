"""The packages of an account in a month: what was used of them before and in it, and what is left (§5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from privatenumber.billing.closing.lines import read_amount
from privatenumber.billing.closing.package_cost import PackageMonth, cost_of
from privatenumber.billing.rating.packages import Quotas, Use
from privatenumber.billing.rating.rent import first_day, last_day
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.settings import PackageAllocation
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day, day_bounds, iso

Counted: TypeAlias = tuple[int, ...]
"""Minutes, then parts: what was used before a month, and in it."""


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """By what the minutes and parts of a purchase are weighed against each other, for its whole life."""

    minute: Decimal | None
    part: Decimal


@dataclass(frozen=True, slots=True)
class PackageRow:
    """One purchase in a month. ``cost`` is what the month bears of it, by use or when it is bought."""

    order: PackageOrder
    before: Use
    used: Use
    month: PackageMonth
    cost: Decimal

    @property
    def after(self) -> Use:
        """Used until the end of the month."""
        return Use(self.before.minutes + self.used.minutes, self.before.parts + self.used.parts)

    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        order = self.order
        return {
            "number": order.number,
            "bought_at": iso(order.bought_at),
            "effective_at": iso(order.effective_at),
            "expires_at": iso(order.expires_at),
            "price": plain(order.price),
            "unit_prices": {
                "minute": plain(self.month.minute_price),
                "part": plain(self.month.part_price),
            },
            "minutes": _counts(order.minutes, self.before.minutes, self.used.minutes),
            "parts": _counts(order.parts, self.before.parts, self.used.parts),
            "cost": plain(self.cost),
        }


def package_rows(
    month: str,
    before: Quotas,
    after: Quotas,
    prices: PriceBook,
    how: PackageAllocation,
    known: Mapping[str, UnitPrices] | None = None,
) -> tuple[PackageRow, ...]:
    """The purchases that have anything to do with a month, by order number.

    `known` are the unit prices of those that a month was stated with before: they stay, whatever prices say.
    """
    start, end = month_bounds(month)
    values = known or {}
    then = {quota.order.number: quota.used for quota in before.quotas}
    rows = [
        _row(
            quota.order,
            then[quota.order.number],
            quota.used,
            (start, end),
            values.get(quota.order.number) or unit_prices(quota.order, prices),
            how,
        )
        for quota in after.quotas
        if quota.order.bought_at < end and quota.order.expires_at > start
    ]
    return tuple(sorted(rows, key=lambda row: row.order.number))


def used_in(documents: Iterable[Mapping[str, Any]]) -> dict[str, Use]:
    """What was used of each purchase until the end of a month, by the rows of its statement."""
    return {
        row["number"]: Use(*(row[name]["used_before"] + row[name]["used"] for name in ("minutes", "parts")))
        for row in documents
    }


def used_before(documents: Iterable[Mapping[str, Any]]) -> dict[str, Use]:
    """What was used of each purchase before a month began, by the rows of its statement."""
    return {
        row["number"]: Use(*(row[name]["used_before"] for name in ("minutes", "parts"))) for row in documents
    }


def counted_in(documents: Iterable[Mapping[str, Any]]) -> dict[str, Counted]:
    """What was used of each purchase before a month and in it, by its rows; of unused ones nothing."""
    counted = {
        row["number"]: tuple(
            row[name][when] for name in ("minutes", "parts") for when in ("used_before", "used")
        )
        for row in documents
    }
    return {number: counts for number, counts in counted.items() if any(counts)}


def unit_prices_in(documents: Iterable[Mapping[str, Any]]) -> dict[str, UnitPrices]:
    """By what the units of each purchase are weighed, by the rows of a statement."""
    return {
        row["number"]: UnitPrices(
            read_amount(row["unit_prices"]["minute"]), Decimal(row["unit_prices"]["part"])
        )
        for row in documents
        if "unit_prices" in row
    }


def unit_prices(order: PackageOrder, prices: PriceBook) -> UnitPrices:
    """The list prices of virtual numbers on the day on which a purchase takes effect."""
    listed = prices.at(beijing_day(order.effective_at))
    return UnitPrices(listed.call[NumberType.VIRTUAL], listed.sms[NumberType.VIRTUAL])


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """First moment of a Beijing month and first moment of the next one, both in UTC."""
    return day_bounds(first_day(month))[0], day_bounds(last_day(month))[1]


def _row(
    order: PackageOrder,
    before: Use,
    after: Use,
    bounds: tuple[datetime, datetime],
    prices: UnitPrices,
    how: PackageAllocation,
) -> PackageRow:
    start, end = bounds
    used = Use(after.minutes - before.minutes, after.parts - before.parts)
    month = PackageMonth(
        number=order.number,
        price=order.price,
        minutes=order.minutes,
        parts=order.parts,
        minute_price=prices.minute,
        part_price=prices.part,
        minutes_before=before.minutes,
        parts_before=before.parts,
        minutes_used=used.minutes,
        parts_used=used.parts,
        bought=start <= order.bought_at < end,
        expires=start < order.expires_at <= end,
    )
    return PackageRow(order, before, used, month, cost_of(month, how))


def _counts(total: int, before: int, used: int) -> dict[str, int]:
    return {"total": total, "used_before": before, "used": used, "left": total - before - used}
