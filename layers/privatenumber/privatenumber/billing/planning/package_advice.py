"""Which packages would have been cheapest for what was really used (billing-rules.md §5; C-107, C-108).

Pure. Packages are yearly, so the usage of a shorter time is repeated until it fills a year. They pay in order
of usage time, here of days: only where one runs out within a day whose minutes have different prices may the
true cost differ, by that day. Without a call price nobody can say what minutes cost, so there is no advice
then, only the price from which on a package pays.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, product
from math import prod
from typing import Any, Final, TypeAlias

from privatenumber.billing.planning.demand import Used, payable_units
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.packages import Package
from privatenumber.billing.tariff.prices import Item, PriceList
from privatenumber.store.numbers import NumberType

YEAR_DAYS: Final = 365

_MOST_OF_A_KIND: Final = (10, 3, 1, 0)
"""So many of a package that has a larger one above it: of the published ones ten cost more than the next.

Fewer where a long catalogue makes too many combinations.
"""
_MOST_COMBINATIONS: Final = 50_000
_MOST_OF_ONE: Final = 1_000
"""More of one package are no advice: nobody enters so many purchases."""
_AROUND: Final = 5
_ALL_TRIED: Final = 36
"""Up to so many of the largest each count is tried; of more, few, all, and those around what usage fills."""
_SMALLEST: Final = Decimal("0.0001")

Counted: TypeAlias = Sequence[tuple[Package, int]]
"""Packages, and how many of each."""


class TooManyChoices(Exception):
    """The price list allows more combinations for this usage than anybody would compare."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A combination of packages and what a year costs with it: CNY for them, and for what they do not pay."""

    packages: tuple[Package, ...]
    price: Decimal
    beyond: Decimal

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.price + self.beyond

    def document(self) -> dict[str, Any]:
        """The choice as JSON."""
        return {
            "packages": [package.document() for package in self.packages],
            "price": plain(self.price),
            "beyond": plain(to_fen(self.beyond)),
            "total": plain(to_fen(self.total)),
        }


@dataclass(frozen=True, slots=True)
class BreakEven:
    """When one package pays: from so many ``minutes`` a year on, or from which ``call_price`` on.

    Each is None where nothing makes it pay. The parts that would be used of it are taken off its price.
    """

    package: Package
    minutes: int | None
    call_price: Decimal | None

    def document(self) -> dict[str, Any]:
        """The point as JSON."""
        price = None if self.call_price is None else plain(self.call_price)
        return {"package": self.package.document(), "minutes": self.minutes, "call_price": price}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a year like the days looked at would cost.

    ``best`` is the cheapest choice, None while minutes have no price; ``held`` is what the account has bought
    that is valid still. ``minutes`` and ``parts`` are those of the year that packages may pay.
    """

    days: int
    minutes: int
    parts: int
    unpriced: int
    none: Choice
    best: Choice | None
    held: Choice | None
    break_even: tuple[BreakEven, ...]

    def document(self) -> dict[str, Any]:
        """The advice as JSON."""
        saves = None if self.best is None else (self.held or self.none).total - self.best.total
        return {
            "days": self.days,
            "minutes": self.minutes,
            "parts": self.parts,
            "unpriced_minutes": self.unpriced,
            "none": self.none.document(),
            "best": self.best.document() if self.best else None,
            "held": self.held.document() if self.held else None,
            "saves": None if saves is None else plain(to_fen(saves)),
            "break_even": [each.document() for each in self.break_even],
        }


def advise(
    demand: Sequence[Used], prices: PriceList, held: Sequence[Package] = (), *, first: date, last: date
) -> Advice:
    """Compare packages over the usage of the days from ``first`` to ``last``, both included."""
    days = (last - first).days + 1
    year = list(_a_year(sorted(demand, key=lambda used: used.day), first, days))
    minutes, parts = (
        _Beyond(list(payable_units(year, Item.CALL))),
        _Beyond(list(payable_units(year, Item.SMS))),
    )
    rest = sum((used.at_list for used in year if not used.payable), Decimal(0))

    def costs(counted: Counted) -> tuple[Decimal, Decimal]:
        beyond = minutes.cost_after(sum(count * each.minutes for each, count in counted))
        beyond += parts.cost_after(sum(count * each.parts for each, count in counted))
        return sum((count * each.price for each, count in counted), Decimal(0)), beyond + rest

    def choice(counted: Counted) -> Choice:
        packages = tuple(kind for kind, count in counted for _ in range(count))
        return Choice(packages, *costs(counted))

    def rank(counted: Counted) -> tuple[Decimal, int]:
        return sum(costs(counted), Decimal(0)), sum(count for _, count in counted)

    unpriced = sum(used.units for used in year if used.unit_price is None)
    best = None
    if not unpriced:
        best = choice(min(_combinations(prices, minutes.units, parts.units), key=rank))
    return Advice(
        days=days,
        minutes=minutes.units,
        parts=parts.units,
        unpriced=unpriced,
        none=choice(()),
        best=best,
        held=choice([(each, 1) for each in held]) if held else None,
        break_even=tuple(_break_even(each, prices, minutes.units, parts.units) for each in prices.packages),
    )


class _Beyond:
    """What units cost at list price behind the first so many of them, in order of usage."""

    def __init__(self, used: Sequence[Used]) -> None:
        self._used = used
        self._units = list(accumulate((each.units for each in used), initial=0))
        self._costs = list(accumulate((each.at_list for each in used), initial=Decimal(0)))

    @property
    def units(self) -> int:
        """All of them."""
        return self._units[-1]

    def cost_after(self, units: int) -> Decimal:
        """CNY of what comes behind the first ``units``; one day may be split."""
        if units >= self.units:
            return Decimal(0)
        at = bisect_left(self._units, units)
        rest = self._costs[-1] - self._costs[at]
        over = self._units[at] - units
        return rest + over * (self._used[at - 1].unit_price or Decimal(0)) if over else rest


def _a_year(demand: Sequence[Used], first: date, days: int) -> Iterator[Used]:
    """The usage of some days, one year of it: repeated, or its first days."""
    for begin in range(0, YEAR_DAYS, days):
        for used in demand:
            if (used.day - first).days + begin < YEAR_DAYS:
                yield replace(used, day=used.day + timedelta(days=begin))


def _combinations(prices: PriceList, minutes: int, parts: int) -> Iterator[Counted]:
    """Every sensible combination of packages: none, one, several of one kind or of different ones.

    Raises `TooManyChoices` before the first of them.
    """
    kinds = sorted(prices.packages, key=lambda each: (-each.minutes, -each.parts, each.price))
    enough = [_enough(kind, prices, minutes, parts) for kind in kinds]
    if sum(enough[:1]) > _MOST_OF_ONE:
        raise TooManyChoices(
            f"{enough[0]} of the largest package would be needed: the price list lacks larger ones"
        )
    for most in _MOST_OF_A_KIND:
        # The largest may be needed any number of times, a smaller one until the next larger one is better.
        counts = [_of_largest(kinds[0], enough[0], minutes, parts)] if kinds else []
        counts += [list(range(min(count, most) + 1)) for count in enough[1:]]
        if prod(map(len, counts)) <= _MOST_COMBINATIONS:
            break
    else:
        raise TooManyChoices(f"{len(kinds)} kinds of packages are too many to compare")
    for chosen in product(*counts):
        yield [(kind, count) for kind, count in zip(kinds, chosen, strict=True) if count]


def _of_largest(kind: Package, enough: int, minutes: int, parts: int) -> list[int]:
    """Counts of the largest package that may be best: few of it, or about as many as the usage fills."""
    if enough <= _ALL_TRIED:
        return list(range(enough + 1))
    fills = {units // size for units, size in ((minutes, kind.minutes), (parts, kind.parts)) if size}
    around = {full + step for full in (0, enough, *fills) for step in range(-_AROUND, _AROUND + 1)}
    return sorted(count for count in around if 0 <= count <= enough)


def _enough(kind: Package, prices: PriceList, minutes: int, parts: int) -> int:
    """How many of a package pay everything there is; more are never cheaper."""
    by_minutes = -(-minutes // kind.minutes) if kind.minutes else 0
    for_its_parts = kind.parts * prices.sms[NumberType.VIRTUAL] > kind.price
    return max(by_minutes, -(-parts // kind.parts) if for_its_parts else 0)


def _break_even(package: Package, prices: PriceList, minutes: int, parts: int) -> BreakEven:
    paid_parts = min(parts, package.parts)
    for_minutes = max(package.price - paid_parts * prices.sms[NumberType.VIRTUAL], Decimal(0))
    price, needed = prices.call[NumberType.VIRTUAL], None
    if price or not for_minutes:
        needed = int((for_minutes / (price or 1)).to_integral_value(ROUND_CEILING))
    paid_minutes = min(minutes, package.minutes)
    at = (for_minutes / paid_minutes).quantize(_SMALLEST, ROUND_CEILING) if paid_minutes else None
    return BreakEven(package, needed if needed is not None and needed <= package.minutes else None, at)
