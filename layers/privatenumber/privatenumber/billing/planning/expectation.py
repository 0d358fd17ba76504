"""How much is used on a day to come: the mean of the same weekday in the last four weeks.

Pure. Weekdays differ more than weeks do: an order business has its weekends. Until two whole weeks are known,
the mean of all known days stands for every weekday.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias

from privatenumber.billing.planning.demand import Used
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

HISTORY_DAYS: Final = 28
_PATTERN_DAYS: Final = 14

Kind: TypeAlias = tuple[str, Item, NumberType]
"""Application, item and number type."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Units of each kind to expect on each weekday, Monday first."""

    weekdays: Mapping[Kind, tuple[Fraction, ...]]

    def days(self, first: date, last: date) -> Iterator[tuple[date, dict[Kind, int]]]:
        """Whole units for each day, both included; what is rounded off one day comes with a later one."""
        carried: defaultdict[Kind, Fraction] = defaultdict(lambda: Fraction(1, 2))
        for at in range((last - first).days + 1):
            day = first + timedelta(days=at)
            units = {}
            for kind, weekdays in self.weekdays.items():
                carried[kind] += weekdays[day.weekday()]
                units[kind] = floor(carried[kind])
                carried[kind] -= units[kind]
            yield day, units


def expectation(demand: Iterable[Used], *, since: date, today: date) -> Expectation:
    """What is usual, by the days before ``today``; nothing is known of days before ``since``."""
    first = max(since, today - timedelta(days=HISTORY_DAYS))
    known = [first + timedelta(days=at) for at in range((today - first).days)]
    units: defaultdict[Kind, defaultdict[date, int]] = defaultdict(lambda: defaultdict(int))
    for used in demand:
        if first <= used.day < today:
            units[used.application, used.item, used.number_type][used.day] += used.units
    by_pattern = len(known) >= _PATTERN_DAYS
    return Expectation({kind: _weekdays(days, known, by_pattern) for kind, days in sorted(units.items())})


def _weekdays(units: Mapping[date, int], known: list[date], by_pattern: bool) -> tuple[Fraction, ...]:
    def usual(weekday: int) -> Fraction:
        days = [day for day in known if not by_pattern or day.weekday() == weekday]
        return Fraction(sum(units.get(day, 0) for day in days), len(days))

    return tuple(usual(weekday) for weekday in range(7))
