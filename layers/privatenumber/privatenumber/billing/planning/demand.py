"""What an account used, by Beijing day: what forecasts and advice are made of.

Pure. Made from the cells of closed days; a day's units are charged at its list prices, whoever paid them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.rating.packages import payable
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType


@dataclass(frozen=True, slots=True)
class Used:
    """Minutes or parts of one day, application, number type and list price; None: nobody configured one."""

    day: date
    application: str
    item: Item
    number_type: NumberType
    unit_price: Decimal | None
    units: int

    @property
    def payable(self) -> bool:
        """Whether a package pays it: minutes of all numbers, parts of virtual ones (billing-rules.md §5)."""
        return payable(self.item, self.number_type)

    @property
    def at_list(self) -> Decimal:
        """CNY without any package; what has no price counts nothing."""
        return self.units * (self.unit_price or Decimal(0))


def demand_of(cells: Iterable[Cell]) -> tuple[Used, ...]:
    """The units of cells by day, application, item, number type and price, in that order."""
    units: defaultdict[tuple[date, str, Item, NumberType, Decimal | None], int] = defaultdict(int)
    for cell in cells:
        units[cell.day, cell.application, cell.item, cell.number_type, cell.unit_price] += cell.units
    found = (Used(*key, count) for key, count in units.items() if count)
    return tuple(sorted(found, key=_order))


def units_by_day(demand: Iterable[Used], item: Item) -> dict[date, int]:
    """Units of an item that packages may pay, by day."""
    days: defaultdict[date, int] = defaultdict(int)
    for used in demand:
        if used.item is item and used.payable:
            days[used.day] += used.units
    return dict(days)


def payable_units(demand: Iterable[Used], item: Item) -> Iterator[Used]:
    """The units of an item that packages may pay, in order of usage."""
    return (used for used in demand if used.item is item and used.payable)


def _order(used: Used) -> tuple[date, str, str, str, Decimal]:
    price = Decimal(-1) if used.unit_price is None else used.unit_price
    return used.day, used.application, used.item.value, used.number_type.value, price
