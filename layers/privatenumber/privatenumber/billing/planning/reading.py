"""What plans are made of, read from the tables: use of numbers, usage by day, usage by month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from privatenumber.billing.ledger import Ledger, together
from privatenumber.billing.planning.demand import Used, demand_of
from privatenumber.billing.planning.spend import prices_of
from privatenumber.billing.rating.rent import first_day, last_day, month_text, previous_month
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType
from privatenumber.store.statistics import StatisticsStore

_BY_X: Final = "x"
"""Under this name a day's counts have a line for each X and hour."""
_DAYS_AT_ONCE: Final = 7
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class NumberDays:
    """X of an application by the days on which anything happened on them; ``missing`` days nobody counted."""

    used: Mapping[date, frozenset[str]]
    missing: frozenset[date]

    def between(self, first: date, last: date) -> frozenset[str]:
        """X that were used on a day, both included."""
        return frozenset().union(*(used for day, used in self.used.items() if first <= day <= last))

    def was_used(self, x: str, first: date, last: date) -> bool | None:
        """Whether an X was used; None when it was not on the days that are known, and some are not."""
        if any(x in used for day, used in self.used.items() if first <= day <= last):
            return True
        return None if any(first <= day <= last for day in self.missing) else False


@dataclass(frozen=True, slots=True)
class Period:
    """Usage of some whole days, both included."""

    first: date
    last: date
    demand: tuple[Used, ...]


def number_days(store: StatisticsStore, application: str, days: Sequence[date]) -> NumberDays:
    """The X of each day, by the counts of calls, texts and bindings that are kept of it."""

    def read(day: date) -> frozenset[str] | None:
        head = store.head(application, day)
        lines = store.lines(head, _BY_X) if head else None
        return None if lines is None else frozenset(value for value, _, _ in lines if value)

    found = dict(zip(days, together(read, days), strict=True))
    return NumberDays(
        {day: used for day, used in found.items() if used},
        frozenset(day for day, used in found.items() if used is None),
    )


def usage_of_days(ledger: Ledger, first: date, last: date) -> Period:
    """The usage of closed days; it begins with the first day on which there was any."""
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    demand: list[Used] = []
    for at in range(0, len(days), _DAYS_AT_ONCE):
        closed = ledger.stored_days(days[at : at + _DAYS_AT_ONCE])
        demand += demand_of(cell for each in closed for cell in each.close.cells)
    return Period(min((used.day for used in demand), default=last), last, tuple(demand))


def usage_of_months(ledger: Ledger, today: date) -> Period | None:
    """The usage of the months before this one, at most a year of them, as their statements sum it up.

    It goes back to the first month without a statement; None where there is not even one month. Within a
    month nobody knows an order: its first day stands for all.
    """
    last = first_day(month_text(today)) - timedelta(days=1)
    first, demand = last + timedelta(days=1), list[Used]()
    for _ in range(_MONTHS):
        month = month_text(previous_month(first))
        stated = ledger.statements.latest(month)
        if stated is None:
            break
        first = first_day(month)
        demand += _of_components(ledger, month, stated.document["components"])
    if first > last:
        return None
    return Period(first, last, tuple(sorted(demand, key=lambda used: used.day)))


def _of_components(ledger: Ledger, month: str, components: Iterable[Mapping[str, Any]]) -> list[Used]:
    found = []
    for component in components:
        if component["item"] not in (Item.CALL, Item.SMS):
            continue
        item, kind = Item(component["item"]), NumberType(component["number_type"])
        units = component["quantity"] + component["package_quantity"]
        price = prices_of(ledger.prices, last_day(month), item)[kind]
        found.append(Used(first_day(month), "", item, kind, price, units))
    return found
