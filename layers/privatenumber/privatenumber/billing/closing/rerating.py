"""A month at other prices beside what it comes to at those in force: same facts (billing-rules.md §2).

To be looked at before a price book is stored: of what is rated here nothing is kept. Counting rules, usage
time and the order of packages may differ as well, so every record is rated anew. A day whose facts are
forgotten keeps its minutes and parts, at the other prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from privatenumber.billing.closing.cells import Cell, merge_cells
from privatenumber.billing.closing.components import Component, of_rents, of_usage, total_of
from privatenumber.billing.closing.days import DayCloser
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
    used = carried_into(ledger, month, as_of).used
    now = _components(ledger, month, ledger.prices, used, as_of)
    then = _components(ledger, month, prices, used, as_of)
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


def _components(
    ledger: Ledger, month: str, prices: PriceBook, used: Mapping[str, Use], as_of: datetime
) -> dict[tuple[str, str | None], Component]:
    closer = ledger.closer_with(prices)
    # The platform's clock may be ahead of ours, so tomorrow may have begun there.
    days = days_of(month, beijing_day(as_of) + timedelta(days=1))

    def cells(item: tuple[str, date]) -> list[Cell]:
        application, day = item
        if not ledger.is_forgotten(day, now=as_of):
            return list(closer.rate(application, day)[0].cells)
        kept = closer.closed(application, day)
        return _repriced(kept.close.cells, prices) if kept else []

    def lines(day: date) -> Iterator[Line]:
        for application in sorted(ledger.applications):
            if ledger.is_forgotten(day, now=as_of):
                kept = closer.closed(application, day)
                found = closer.lines_of(kept.close) if kept else iter(())
                for line in found:
                    yield replace(line, unit_price=_price(line.item, line.number_type, day, prices))
            else:
                yield from _rated(ledger, closer, application, day)

    rated = chain.from_iterable(ledger.held(together(cells, ledger.each(days)), list[Cell]))
    quotas = quotas_of(ledger.packages, prices.package_choice, used)
    rents = rents_deducted(ledger.holdings, month, prices, until=as_of)
    components = (*of_usage(merge_month(rated, quotas, lines).cells), *of_rents(rents))
    return {component.kind: component for component in components}


def _rated(ledger: Ledger, closer: DayCloser, application: str, day: date) -> Iterator[Line]:
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
    listed = prices.at(day)
    return listed.call[number_type] if item is Item.CALL else listed.sms[number_type]
