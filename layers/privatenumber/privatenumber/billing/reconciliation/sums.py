"""Our own sums of a month for the money checks: from its cells, and from a look at each of its lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.closing.lines import Line, SmsLine
from privatenumber.billing.rating.rent import first_day, last_day
from privatenumber.billing.reconciliation.console_checks import DaySums
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.edges import NEAR, Covers, Edge, Edges
from privatenumber.billing.reconciliation.money import Component, UsageSums
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day, day_bounds

_HOUR_S: Final = 3600

#: What each kind of difference adds to the console's count of calls or SMS.
_COUNTED: Final = frozenset({Kind.MISSING_PUSH, Kind.EVENT_WITHOUT_CDR})


@dataclass(slots=True)
class Look:
    """What only single lines tell: hours with a charged record, parts of the `@B`, the edges of the month.

    `watch` lets lines pass, those of the days around the month included; nothing else is kept of them.
    """

    month: str
    covers: Covers
    by_end: bool = True
    hours: dict[Component, set[int]] = field(default_factory=lambda: defaultdict(set))
    marker: dict[Component, int] = field(default_factory=lambda: defaultdict(int))
    _bounds: tuple[datetime, datetime] = field(init=False)
    _edges: Edges = field(init=False)

    def __post_init__(self) -> None:
        begin, end = day_bounds(first_day(self.month))[0], day_bounds(last_day(self.month))[1]
        self._bounds, self._edges = (begin, end), Edges((begin, end), self.covers, by_end=self.by_end)

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines as they come."""
        begin, end = self._bounds
        inner = begin + NEAR
        for line in lines:
            if line.rated and line.units:
                at = line.at
                if begin <= at < end:
                    self._add(line)
                if not inner <= at < end:
                    self._edges.add(line)
            yield line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """What other ways to cut the month would change."""
        return self._edges.found()

    def _add(self, line: Line) -> None:
        component = line.item, line.number_type
        # Beijing is a whole number of hours ahead of UTC.
        self.hours[component].add(int(line.at.timestamp()) // _HOUR_S)
        if isinstance(line, SmsLine) and line.parts_received is not None:
            more = line.parts_received - (line.parts_forwarded or line.parts)
            self.marker[component] += max(more, 0)


def sums_of(
    cells: Iterable[Cell], prices: PriceBook, days: tuple[date, date], look: Look
) -> dict[Component, UsageSums]:
    """The sums of every component of a month; `days`: its first and last one."""
    lists = prices.between(*days)
    sums: dict[Component, UsageSums] = {}
    for kind in NumberType:
        calls = frozenset(price for each in lists if (price := each.call[kind]) is not None)
        sums[Item.CALL, kind] = UsageSums(unit_prices=calls)
        sums[Item.SMS, kind] = UsageSums(unit_prices=frozenset(each.sms[kind] for each in lists))
    for component in sums:
        hours, marker = len(look.hours.get(component, ())), look.marker.get(component, 0)
        sums[component] += UsageSums(charged_hours=hours, marker_units=marker)
    for cell in cells:
        sums[cell.item, cell.number_type] += _of(cell)
    return sums


def usage_by_x(cells: Iterable[Cell]) -> dict[str, dict[Item, UsageSums]]:
    """What every X used, by item."""
    found: dict[str, dict[Item, UsageSums]] = defaultdict(lambda: defaultdict(UsageSums))
    for cell in cells:
        if cell.x is not None:
            found[cell.x][cell.item] += _of(cell)
    return found


def day_sums(cells: Iterable[Cell]) -> dict[tuple[str, date], DaySums]:
    """What every application has on every day, as the console's statistics count it."""
    found: dict[tuple[str, date], DaySums] = defaultdict(DaySums)
    for cell in cells:
        found[cell.application, cell.day] += (
            DaySums(attempts=cell.count, connected=cell.successes, duration_s=cell.talk_seconds)
            if cell.item is Item.CALL
            else DaySums(sms_sends=cell.count, sms_success=cell.successes, sms_parts=cell.units)
        )
    return found


def days_told(differences: Iterable[Difference]) -> dict[tuple[str, date], DaySums]:
    """What single records that only the platform has, or has otherwise, add to the days of the console."""
    found: dict[tuple[str, date], DaySums] = defaultdict(DaySums)
    for each in differences:
        if each.at is None or each.application is None:
            continue
        sums = _told(each)
        if sums is not None:
            found[each.application, beijing_day(each.at)] += sums
    return found


def _of(cell: Cell) -> UsageSums:
    return UsageSums(cell.units, cell.package_units, cell.amount, cell.unpriced)


def _told(found: Difference) -> DaySums | None:
    units = int(found.quantity or 0)
    if found.kind in _COUNTED and found.item is Item.SMS:
        return DaySums(sms_sends=1, sms_success=int(units > 0), sms_parts=units)
    if found.kind in _COUNTED:
        return DaySums(1, int(units > 0), int(found.evidence.get("talk_seconds", 0)))
    if found.kind in (Kind.MINUTES_DIFF, Kind.DURATION_DIFF):
        return DaySums(duration_s=int(found.evidence.get("seconds", 0)))
    return DaySums(sms_parts=units) if found.kind is Kind.PARTS_DIFF else None
