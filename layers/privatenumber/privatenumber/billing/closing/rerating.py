"""A month at other prices beside what it comes to at those in force: same facts (billing-rules.md §2).

To be looked at before a price book is stored: nothing is written. Counting rules, usage time and the order of
packages may differ as well, so every record is rated anew. A day whose facts are forgotten keeps its minutes
and parts, at the other prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from privatenumber.billing.closing.cells import Cell, merge_cells
from privatenumber.billing.closing.closer import DayCloser
from privatenumber.billing.closing.components import Component, of_rents, of_usage, total_of
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.closing.months import merge_month
from privatenumber.billing.closing.parts import Part
from privatenumber.billing.closing.runs import BillingRequestError, carried_into
from privatenumber.billing.closing.statement import days_of
from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.rating.packages import Use, quotas_of
from privatenumber.billing.rating.rent import first_day, last_day, rents_deducted
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.fact_rows import SHARDS
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day, iso


def rerate(ledger: Ledger, month: str, prices: PriceBook, *, as_of: datetime) -> dict[str, Any]:
    """Calls, texts and rents of a month at the prices in force and at others, and the difference.

    Packages, corrections and what people booked do not depend on prices. Raises BillingRequestError for a
    month that has not begun, MonthTooLarge.
    """
    if first_day(month) > beijing_day(as_of):
        raise BillingRequestError(f"rerate: {month} has not begun in Beijing")
    used = carried_into(ledger, month, as_of, keep=False).used
    now, then = (
        _components(ledger, month, book, cells, used, as_of)
        for book, cells in _rated(ledger, month, (ledger.prices, prices), as_of)
    )
    before, after = total_of(now.values()), total_of(then.values())
    kinds = sorted({*now, *then}, key=lambda kind: (kind[0], kind[1] or ""))
    return {
        "kind": "rerating",
        "month": month,
        "as_of": iso(as_of),
        "currency": "CNY",
        "components": [
            _compared(now.get(kind, Component(*kind)), then.get(kind, Component(*kind))) for kind in kinds
        ],
        "total": {"now": plain(before), "then": plain(after), "difference": plain(after - before)},
        "price_lists": [each.document() for each in prices.between(first_day(month), last_day(month))],
        "warnings": list(prices.warnings()),
    }


def _compared(now: Component, then: Component) -> dict[str, Any]:
    names = ("quantity", "package_quantity", "unpriced", "amount", "rounded")
    told, other = now.document(), then.document()
    return {
        "item": now.item,
        "number_type": now.number_type,
        "now": {name: told[name] for name in names},
        "then": {name: other[name] for name in names},
        "difference": plain(then.rounded - now.rounded),
    }


def _rated(
    ledger: Ledger, month: str, books: Sequence[PriceBook], as_of: datetime
) -> Iterator[tuple[PriceBook, list[Cell]]]:
    """The cells of a month at the prices of each book; its facts are read once for all of them."""

    def cells(work: tuple[str, date]) -> list[Iterable[Cell]]:
        if not ledger.is_forgotten(work[1], now=as_of):
            return [day.cells for day in ledger.closer.rate_with(*work, books)]
        kept = ledger.closer.closed(*work)
        return [_repriced(kept.close.cells, book) if kept else () for book in books]

    # The platform's clock may be ahead of ours, so tomorrow may have begun there.
    days = days_of(month, beijing_day(as_of) + timedelta(days=1))
    found = ledger.held(together(cells, ledger.each(days)), lambda day: list(chain.from_iterable(day)))
    for at, book in enumerate(books):
        yield book, [cell for day in found for cell in day[at]]


def _components(
    ledger: Ledger,
    month: str,
    prices: PriceBook,
    cells: Iterable[Cell],
    used: Mapping[str, Use],
    as_of: datetime,
) -> dict[tuple[str, str | None], Component]:
    closer = ledger.closer_with(prices)

    def lines(day: date) -> Iterator[Line]:
        for application in sorted(ledger.applications):
            if not ledger.is_forgotten(day, now=as_of):
                yield from _records(ledger, closer, application, day)
            elif kept := closer.closed(application, day):
                for line in closer.lines_of(kept.close):
                    yield replace(line, unit_price=_price(line.item, line.number_type, day, prices))

    quotas = quotas_of(ledger.packages, prices.package_choice, used)
    rents = rents_deducted(ledger.holdings, month, prices, until=as_of)
    components = (*of_usage(merge_month(cells, quotas, lines).cells), *of_rents(rents))
    return {component.kind: component for component in components}


def _records(ledger: Ledger, closer: DayCloser, application: str, day: date) -> Iterator[Line]:
    """The records behind the cells of a day, as its facts stand now."""
    for shard in range(SHARDS):
        part = Part(application, day, shard)
        yield from closer.rate_part(part, ledger.closes.latest(application, day, shard)).lines


def _repriced(cells: Iterable[Cell], prices: PriceBook) -> list[Cell]:
    """What is kept of a day at other prices: its minutes and parts stay."""
    return list(
        merge_cells(
            replace(cell, unit_price=_price(cell.item, cell.number_type, cell.day, prices)) for cell in cells
        )
    )


def _price(item: Item, number_type: NumberType, day: date, prices: PriceBook) -> Decimal | None:
    return prices.at(day).unit_price(item, number_type)
