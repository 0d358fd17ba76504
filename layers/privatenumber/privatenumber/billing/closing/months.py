"""A month out of its days: what packages pay of it (billing-rules.md §5).

Packages belong to the account and pay in order of usage, so they are applied here, over all applications. A
day is summed up in cells. They suffice while one package pays all of an item or none pays any; a day within
which a package begins, ends or runs out is opened to its lines. Both come to the same, to the unit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from privatenumber.billing.closing.cells import Cell, Key, cell_key, sort_key
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.rating.packages import Quotas, Usage, deduct, payable
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds

LinesOf: TypeAlias = Callable[[date], Iterable[Line]]
"""The rated records of a day, of all applications, in whatever order."""

_ITEMS: Final = (Item.CALL, Item.SMS)


@dataclass(frozen=True, slots=True)
class MonthUse:
    """The cells of a month with what packages pay of them; the packages before and after.

    ``opened`` are the days whose lines were looked at.
    """

    cells: tuple[Cell, ...]
    before: Quotas
    after: Quotas
    opened: tuple[date, ...]


def merge_month(
    cells: Iterable[Cell], quotas: Quotas, lines_of: LinesOf, *, open_all: bool = False
) -> MonthUse:
    """Apply packages to the days of a month, whatever order they come in; `open_all` looks at every line."""
    days: defaultdict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        days[cell.day].append(cell)
    left, merged, opened = quotas, list[Cell](), list[date]()
    for day in sorted(days):
        found = None if open_all else _whole_day(day, days[day], left)
        if found is None:
            opened.append(day)
            found = _line_by_line(day, days[day], left, lines_of(day))
        used, left = found
        merged += used
    return MonthUse(tuple(merged), quotas, left, tuple(opened))


def _whole_day(day: date, cells: Iterable[Cell], quotas: Quotas) -> tuple[list[Cell], Quotas] | None:
    """A day of which one package pays all of an item, or none any; None when that cannot be known so."""
    start, end = day_bounds(day)
    moments = (at for quota in quotas.quotas for at in (quota.order.effective_at, quota.order.expires_at))
    if any(start < at < end for at in moments):
        return None
    known = sorted(cells, key=lambda cell: sort_key(cell.key))
    payer: dict[Item, str] = {}
    for item in _ITEMS:
        units = sum(cell.units for cell in known if cell.item is item and _is_payable(cell))
        deductions, left = quotas.take(item, NumberType.VIRTUAL, start, units)
        if not deductions:
            continue
        if len(deductions) > 1 or deductions[0].units < units:
            return None
        payer[item], quotas = deductions[0].package, left
    paid = [
        cell.paid_by({payer[cell.item]: cell.units})
        if cell.item in payer and cell.units and _is_payable(cell)
        else cell
        for cell in known
    ]
    return paid, quotas


def _line_by_line(
    day: date, cells: Iterable[Cell], quotas: Quotas, lines: Iterable[Line]
) -> tuple[list[Cell], Quotas]:
    """A day in order of usage time, then of record."""
    paid: dict[Key, Counter[str]] = defaultdict(Counter)
    in_order = sorted(
        (line for line in lines if line.units), key=lambda line: (line.at, line.record_id, line.item)
    )
    usages = (Usage(line.at, line.record_id, line.item, line.number_type, line.units) for line in in_order)
    deducted, quotas = deduct(usages, quotas)
    for line, one in zip(in_order, deducted, strict=True):
        for deduction in one.deductions:
            paid[cell_key(day, line)][deduction.package] += deduction.units
    known = sorted(cells, key=lambda cell: sort_key(cell.key))
    return [cell.paid_by(paid[cell.key]) if cell.key in paid else cell for cell in known], quotas


def _is_payable(cell: Cell) -> bool:
    return payable(cell.item, cell.number_type)
