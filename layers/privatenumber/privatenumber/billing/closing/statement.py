"""The statement of a Beijing month: what was deducted in it, and what it cost whom.

Pure. Amounts are exact decimals; only the sum of a component (item and number type) is rounded, to 0.01,
half up, and totals are sums of those (billing-rules.md §2). Two sides are shown: *by deduction*, what the
platform's bill of the month shows, and *by cost month*, what is spread over applications, X and orders.
Rows name their days, the closes of those days their parts, and those the facts (`tracing`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.allocation import Options, Share, each_share
from privatenumber.billing.closing.components import (
    CORRECTION,
    Component,
    exact_total_of,
    of_amounts,
    of_rents,
    of_usage,
    total_of,
)
from privatenumber.billing.closing.costs import NumberRent
from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.months import MonthUse
from privatenumber.billing.closing.package_rows import PackageRow, UnitPrices, package_rows
from privatenumber.billing.closing.totals import Totals, sum_of
from privatenumber.billing.closing.usage_rows import usage_rows
from privatenumber.billing.rating.rent import Rent, first_day, last_day, next_month
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.settings import CLOSE_DAY, Mode
from privatenumber.store.versions import canonical
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import day_bounds

_CLOSE_HOUR: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Booked:
    """A correction of a closed month that is booked in this one. ``amount`` is whole fen.

    ``shares`` are its share lines: by how much more its month costs whom.
    """

    month: str
    number: int
    amount: Decimal
    reasons: tuple[str, ...]
    hash: str
    shares: tuple[Mapping[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        """The correction as a statement names it."""
        return {
            "month": self.month,
            "number": self.number,
            "amount": plain(self.amount),
            "reasons": list(self.reasons),
            "hash": self.hash,
        }

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it moves, as lines of the statement that books it."""
        of_it = {"line": "correction", "month": self.month, "number": self.number}
        return ({**share, **of_it} for share in self.shares)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a statement is made with besides usage: prices, places of numbers, and how costs are spread."""

    prices: PriceBook
    modes: Mapping[str, Mode]
    places: Mapping[str, Whereabouts]
    options: Options


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's bill before it has a version. ``closes``: the day closes it was made of, if not empty."""

    month: str
    closed: bool
    usage: MonthUse
    rents: tuple[Rent, ...]
    cost_month_rents: tuple[Rent, ...]
    packages: tuple[PackageRow, ...]
    corrections: tuple[Booked, ...]
    closes: tuple[ClosedDay, ...]
    rules: Rules

    @property
    def totals(self) -> Totals:
        """The sums of calls and SMS."""
        return sum_of(self.usage.cells)

    @property
    def components(self) -> tuple[Component, ...]:
        """By deduction, corrections of other months apart: what the platform's bill shows."""
        bought = [row.order.price for row in self.packages if row.month.bought]
        return (
            *of_usage(self.usage.cells),
            *of_rents(self.rents),
            *of_amounts(Item.PACKAGE.value, bought),
        )

    @property
    def cost_components(self) -> tuple[Component, ...]:
        """By cost month: what its calls, texts, numbers and package units cost."""
        used = [row.cost for row in self.packages if row.cost]
        return (
            *of_usage(self.usage.cells),
            *of_rents(self.cost_month_rents),
            *of_amounts(Item.PACKAGE.value, used),
        )

    def shares(self) -> Iterator[Share]:
        """The cost of the month by application, X, order and so on."""
        rents = (_number_rent(rent, self.rules) for rent in self.cost_month_rents)
        months = (row.month for row in self.packages)
        return each_share(self.usage.cells, rents, months, self.rules.options)

    def document(self) -> dict[str, Any]:
        """The head of the statement as JSON."""
        booked = of_amounts(CORRECTION, (each.amount for each in self.corrections))
        deducted, cost = (*self.components, *booked), self.cost_components
        totals = self.totals
        return {
            "kind": "statement",
            "month": self.month,
            "state": "closed" if self.closed else "open",
            "currency": "CNY",
            "components": [component.document() for component in deducted],
            "cost_components": [component.document() for component in cost],
            "total": plain(total_of(deducted)),
            "exact_total": plain(exact_total_of(deducted)),
            "cost_total": plain(total_of(cost)),
            **totals.document(),
            "rent": plain(_rent_sum(self.rents)),
            "rent_of_cost_month": plain(_rent_sum(self.cost_month_rents)),
            "packages": [row.document() for row in self.packages],
            "corrections": [each.document() for each in self.corrections],
            "unpriced_minutes": totals.calls.unpriced_minutes,
            "price_lists": self._price_lists(),
            "inputs": self.inputs(),
        }

    def lines(self) -> Iterator[dict[str, Any]]:
        """Everything behind the sums: day closes, usage, rents, shares, what corrections move."""
        yield from self.close_lines()
        yield from (row.document() for row in usage_rows(self.usage.cells))
        yield from map(rent_line, self.rents)
        yield from (share.document() for share in self.shares())
        yield from (line for booked in self.corrections for line in booked.lines())

    def close_lines(self) -> Iterator[dict[str, Any]]:
        """The day closes it was made of, with their hashes."""
        return map(_close_line, self.closes)

    def inputs(self) -> dict[str, str]:
        """Hashes of all that decided the amounts."""
        rents = {*self.rents, *self.cost_month_rents}
        parts = {
            "days": list(self.close_lines()),
            "prices": self._price_lists(),
            "rules": [self.rules.prices.usage_time.value, self.rules.prices.package_choice.value],
            "settings": self.rules.options.document(),
            "packages": [{**row.order.document(), **_before(row)} for row in self.packages],
            "rents": sorted(map(rent_line, rents), key=canonical),
        }
        hashes = {name: hashlib.sha256(canonical(part)).hexdigest() for name, part in parts.items()}
        return {**hashes, "all": hashlib.sha256(canonical(hashes)).hexdigest()}

    def _price_lists(self) -> list[dict[str, Any]]:
        lists = self.rules.prices.between(first_day(self.month), last_day(self.month))
        return [dict(prices.document()) for prices in lists]


def closes_at(month: str, close_day: int = CLOSE_DAY) -> datetime:
    """The earliest moment at which a month may be closed: noon, Beijing, of a day of the next one (§9.4)."""
    start, _ = day_bounds(next_month(first_day(month)).replace(day=close_day))
    return start + _CLOSE_HOUR


def days_of(month: str, until: date) -> list[date]:
    """The days of a month up to and including `until`."""
    first, last = first_day(month), min(last_day(month), until)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def build_statement(
    month: str,
    closes: Iterable[ClosedDay],
    usage: MonthUse,
    rules: Rules,
    *,
    rents: Iterable[Rent],
    cost_month_rents: Iterable[Rent],
    unit_prices: Mapping[str, UnitPrices] | None = None,
    corrections: Sequence[Booked] = (),
    closed: bool = False,
) -> Statement:
    """A statement out of a merged month, the closes it was merged from, and rents; in whatever order.

    `unit_prices` are those of packages that a month was stated with before.
    """
    used = (each for each in closes if each.close.records)
    return Statement(
        month=month,
        closed=closed,
        usage=usage,
        rents=_sorted(rents),
        cost_month_rents=_sorted(cost_month_rents),
        packages=package_rows(
            month, usage.before, usage.after, rules.prices, rules.options.packages, unit_prices
        ),
        corrections=tuple(sorted(corrections, key=lambda each: (each.month, each.number))),
        closes=tuple(sorted(used, key=lambda each: (each.close.application, each.close.day))),
        rules=rules,
    )


def _sorted(rents: Iterable[Rent]) -> tuple[Rent, ...]:
    return tuple(
        sorted(rents, key=lambda rent: (rent.application, rent.deducted_at, rent.x, rent.cost_month))
    )


def _number_rent(rent: Rent, rules: Rules) -> NumberRent:
    mode = rules.modes.get(rent.application)
    where = rules.places.get(rent.application, Whereabouts())
    return NumberRent(
        application=rent.application,
        mode=mode.value if mode else None,
        x=rent.x,
        number_type=rent.number_type,
        city=where.city(rent.x, None) or None,
        enterprise=where.enterprise_of(rent.x) or None,
        day=rent.deducted_on,
        amount=rent.amount,
    )


def _before(row: PackageRow) -> dict[str, int]:
    return {"minutes_before": row.before.minutes, "parts_before": row.before.parts}


def _close_line(closed: ClosedDay) -> dict[str, Any]:
    return {
        "line": "close",
        "application": closed.close.application,
        "day": closed.close.day.isoformat(),
        "hash": closed.version.hash,
        "records": closed.close.records,
    }


def rent_line(rent: Rent) -> dict[str, Any]:
    """A rent as a line of a statement."""
    return {
        "line": "rent",
        "application": rent.application,
        "x": rent.x,
        "number_type": rent.number_type.value,
        "cost_month": rent.cost_month,
        "deducted_on": rent.deducted_on.isoformat(),
        "amount": plain(rent.amount),
        "reason": rent.reason.value,
    }


def _rent_sum(rents: Iterable[Rent]) -> Decimal:
    return sum((rent.amount for rent in rents), Decimal(0))
