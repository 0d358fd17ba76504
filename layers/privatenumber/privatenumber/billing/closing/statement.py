"""The statement of a Beijing month: what its calls and the rents deducted in it cost, and whose that is.

Pure. Amounts are exact decimals; only the sum of a component (item and number type) is rounded, to 0.01,
half up, and the total is the sum of those (billing-rules.md §2). A row names its days, the closes of those
days name the facts: every amount leads back to its records (`trace`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.lines import CallLine, CallTotals, read_totals, sum_totals, totals_of
from privatenumber.billing.rating.rent import Rent, first_day, last_day, next_month
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds

_CLOSE_DAY: Final = 3
_CLOSE_HOUR: Final = timedelta(hours=12)

#: Rows of a kind in one answer, which Lambda limits to 6 MB; a larger statement keeps them in the table.
MAX_ROWS_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """All calls of one application, X, number type and order in the month. ``days`` are Beijing dates."""

    application: str
    x: str | None = field(repr=False)
    number_type: NumberType
    order: str | None
    calls: CallTotals
    days: tuple[str, ...]

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        """Order of rows in a statement: application, X, type, order; calls without an order last."""
        return self.application, self.x or "", self.number_type.value, _last(self.order)

    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "line": "calls",
            "application": self.application,
            "x": self.x,
            "number_type": self.number_type.value,
            "order": self.order,
            "days": list(self.days),
            **self.calls.document(),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's bill before it has a version. ``closes``: the day closes it was made of, if not empty."""

    month: str
    closed: bool
    rows: tuple[Row, ...]
    rents: tuple[Rent, ...]
    cost_month_rent: Decimal
    closes: tuple[ClosedDay, ...]
    price_lists: tuple[Mapping[str, Any], ...]

    @property
    def calls(self) -> CallTotals:
        """The sums of all calls."""
        return sum_totals(row.calls for row in self.rows)

    def document(self) -> dict[str, Any]:
        """The head of the statement as JSON: its sums and the price lists in force."""
        components = _components(self.rows, self.rents)
        calls = self.calls
        return {
            "kind": "statement",
            "month": self.month,
            "state": "closed" if self.closed else "open",
            "currency": "CNY",
            "components": components,
            "calls": calls.document(),
            "rent": plain(_rent_sum(self.rents)),
            "rent_of_cost_month": plain(self.cost_month_rent),
            "unpriced_minutes": calls.unpriced_minutes,
            "exact_total": plain(calls.amount + _rent_sum(self.rents)),
            "total": plain(sum((Decimal(part["rounded"]) for part in components), Decimal(0))),
            "price_lists": list(self.price_lists),
        }

    def lines(self) -> list[dict[str, Any]]:
        """Everything behind the sums: day closes, rows of calls, rents."""
        return [
            *(_close_line(closed) for closed in self.closes),
            *(row.document() for row in self.rows),
            *(_rent_line(rent) for rent in self.rents),
        ]


def closes_at(month: str) -> datetime:
    """The earliest moment at which a month may be closed: the 3rd of the next month, 12:00 Beijing (§9.4)."""
    start, _ = day_bounds(next_month(first_day(month)).replace(day=_CLOSE_DAY))
    return start + _CLOSE_HOUR


def days_of(month: str, until: date) -> list[date]:
    """The days of a month up to and including `until`."""
    first, last = first_day(month), min(last_day(month), until)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def build_statement(
    month: str,
    closes: Iterable[ClosedDay],
    rents: Iterable[Rent],
    *,
    cost_month_rents: Iterable[Rent],
    prices: PriceBook,
    closed: bool = False,
) -> Statement:
    """Merge the day closes of a month and its rents; their order does not matter."""
    used = sorted(
        (closed for closed in closes if closed.close.lines), key=lambda c: (c.close.application, c.close.day)
    )
    lists = prices.between(first_day(month), last_day(month))
    return Statement(
        month=month,
        closed=closed,
        rows=_rows(used),
        rents=tuple(sorted(rents, key=lambda r: (r.application, r.deducted_at, r.x, r.cost_month))),
        cost_month_rent=_rent_sum(cost_month_rents),
        closes=tuple(used),
        price_lists=tuple(prices.document() for prices in lists),
    )


def trace(row: Row, closes: Iterable[ClosedDay]) -> list[CallLine]:
    """The rated records behind a row, each with the address of its fact, in order of usage time."""
    found = (
        line
        for closed in closes
        if closed.close.application == row.application
        for line in closed.close.lines
        if (line.x, line.number_type, line.order) == (row.x, row.number_type, row.order)
    )
    return sorted(found, key=lambda line: (line.at, line.fact))


def present(head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stored statement as people and programs get it: sums, views, and the lines behind them."""
    calls = [line for line in lines if line["line"] == "calls"]
    rents = [line for line in lines if line["line"] == "rent"]
    shown: dict[str, Any] = {
        **head,
        "by_application": _view(calls, rents, ("application",)),
        "rents": rents[:MAX_ROWS_SHOWN],
        "closes": [line for line in lines if line["line"] == "close"],
    }
    if max(len(calls), len(rents)) > MAX_ROWS_SHOWN:
        return {**shown, "rows_left_out": len(calls) + max(len(rents) - MAX_ROWS_SHOWN, 0)}
    return {
        **shown,
        "by_x": _view(calls, rents, ("application", "x")),
        "by_order": _view(calls, rents, ("application", "order")),
        "rows": calls,
    }


def _rows(closes: Iterable[ClosedDay]) -> tuple[Row, ...]:
    sums: dict[tuple[str, str | None, NumberType, str | None], CallTotals] = defaultdict(CallTotals)
    days: dict[Hashable, set[str]] = defaultdict(set)
    for closed in closes:
        for line in closed.close.lines:
            key = (closed.close.application, line.x, line.number_type, line.order)
            sums[key] += totals_of(line)
            days[key].add(closed.close.day.isoformat())
    rows = (Row(*key, calls=calls, days=tuple(sorted(days[key]))) for key, calls in sums.items())
    return tuple(sorted(rows, key=lambda row: row.sort_key))


def _components(rows: Iterable[Row], rents: Iterable[Rent]) -> list[dict[str, Any]]:
    """One entry per item and number type that occurs, as the platform's bill has them."""
    calls: dict[NumberType, CallTotals] = defaultdict(CallTotals)
    for row in rows:
        calls[row.number_type] += row.calls
    by_type: dict[NumberType, list[Rent]] = defaultdict(list)
    for rent in rents:
        by_type[rent.number_type].append(rent)
    return [
        *(
            _component(Item.CALL, kind, total.minutes, total.amount, total.unpriced_minutes)
            for kind, total in sorted(calls.items())
            if total.minutes
        ),
        *(_component(Item.RENT, kind, len(paid), _rent_sum(paid)) for kind, paid in sorted(by_type.items())),
    ]


def _component(
    item: Item, kind: NumberType, quantity: int, amount: Decimal, unpriced: int = 0
) -> dict[str, Any]:
    return {
        "item": item.value,
        "number_type": kind.value,
        "quantity": quantity,
        "unpriced": unpriced,
        "amount": plain(amount),
        "rounded": plain(to_fen(amount)),
    }


def _view(
    calls: Iterable[Mapping[str, Any]], rents: Iterable[Mapping[str, Any]], by: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The month summed up by some members of its lines. The sums of all views are equal."""
    sums: dict[tuple[str | None, ...], CallTotals] = defaultdict(CallTotals)
    rent: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    for line in calls:
        sums[tuple(line[name] for name in by)] += read_totals(line)
    for line in rents:
        rent[tuple(line.get(name) for name in by)] += Decimal(line["amount"])
    keys = sorted({*sums, *rent}, key=lambda key: tuple(_last(part) for part in key))
    return [
        {
            **dict(zip(by, key, strict=True)),
            **sums[key].document(),
            "rent": plain(rent[key]),
            "total": plain(sums[key].amount + rent[key]),
        }
        for key in keys
    ]


def _close_line(closed: ClosedDay) -> dict[str, Any]:
    return {
        "line": "close",
        "application": closed.close.application,
        "day": closed.close.day.isoformat(),
        "hash": closed.version.hash,
        "records": len(closed.close.lines),
    }


def _rent_line(rent: Rent) -> dict[str, Any]:
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


def _last(text: str | None) -> str:
    """A sort key that puts what has no name behind everything that has one."""
    return "\U0010ffff" if text is None else text
