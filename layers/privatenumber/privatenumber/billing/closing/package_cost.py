"""What a month owes a package: the value of the units it used (billing-rules.md §8.3).

Pure. A package is paid once and used for a year. By ``per_unit`` its price is spread over its units in
proportion to their list value, and a month bears those it used; what is left at the end is borne by the
month in which the package expires. Roundings do not add up: a month bears the rounded value of everything
used until its end less that until its beginning, so all months together bear the price to the fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from privatenumber.billing.closing.rounding import half_up, in_fen, in_yuan
from privatenumber.settings import PackageAllocation


@dataclass(frozen=True, slots=True)
class PackageMonth:
    """A package order in a month. ``price`` is CNY.

    Attributes
    ----------
    number : the order's
    minutes, parts : what was bought
    minute_price, part_price : list prices of virtual numbers at the instant it took effect; a call price
        that nobody configured is None, then the price of the package stands for its minutes alone
    minutes_before, parts_before : used in earlier months
    minutes_used, parts_used : used in this one
    bought, expires : whether it was bought in this month, and whether it ends in it
    """

    number: str
    price: Decimal
    minutes: int
    parts: int
    minute_price: Decimal | None
    part_price: Decimal
    minutes_before: int = 0
    parts_before: int = 0
    minutes_used: int = 0
    parts_used: int = 0
    bought: bool = False
    expires: bool = False


@dataclass(frozen=True, slots=True)
class UnitValues:
    """Fen that a minute and a part of a package are worth, exact."""

    minute: Fraction
    part: Fraction

    def of(self, minutes: int, parts: int) -> Fraction:
        """What so many units are worth."""
        return self.minute * minutes + self.part * parts


def unit_values(package: PackageMonth) -> UnitValues:
    """The price of a package spread over its units in proportion to their list value.

    Without a call price, or where the units have no list value, over minutes only; over parts if it has none.
    """
    price = in_fen(package.price)
    minute, part = Fraction(package.minute_price or 0), Fraction(package.part_price)
    listed = minute * package.minutes + part * package.parts
    if package.minute_price is not None and listed:
        return UnitValues(price * minute / listed, price * part / listed)
    if package.minutes:
        return UnitValues(price / package.minutes, Fraction(0))
    return UnitValues(Fraction(0), price / package.parts if package.parts else Fraction(0))


def unused_value(package: PackageMonth) -> Fraction:
    """Fen that are lost in this month because the package ends in it."""
    if not package.expires:
        return Fraction(0)
    minutes = package.minutes_before + package.minutes_used
    parts = package.parts_before + package.parts_used
    return in_fen(package.price) - unit_values(package).of(minutes, parts)


def cost_in_fen(package: PackageMonth, how: PackageAllocation) -> int:
    """What the month bears of a package, in whole fen: by use, or by ``none`` its price when it is bought."""
    if how is PackageAllocation.NONE:
        return half_up(in_fen(package.price)) if package.bought else 0
    values = unit_values(package)
    before = values.of(package.minutes_before, package.parts_before)
    used = values.of(package.minutes_used, package.parts_used)
    return half_up(before + used + unused_value(package)) - half_up(before)


def cost_of(package: PackageMonth, how: PackageAllocation) -> Decimal:
    """What the month bears of a package, in CNY."""
    return in_yuan(cost_in_fen(package, how))
