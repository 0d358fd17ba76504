"""Differences, gathered so that a month in which everything differs still fits into memory and on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.money import NOTHING, Component, Explained
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType
from privatenumber.times import iso

#: Differences of one kind that are listed one by one; a whole missing file is one cause, not a million.
MOST_OF_A_KIND: Final = 1000


class _Key(NamedTuple):
    """What the differences of a sum have in common."""

    kind: Kind
    application: str | None
    item: Item | None
    number_type: NumberType | None


@dataclass(slots=True)
class _Group:
    """What is not listed one by one."""

    count: int = 0
    quantity: Decimal = Decimal(0)
    amount: Decimal | None = Decimal(0)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, found: Difference) -> None:
        """Count one more."""
        self.count += 1
        self.quantity += found.quantity or 0
        known = self.amount is not None and found.amount is not None
        self.amount = (self.amount or Decimal(0)) + (found.amount or Decimal(0)) if known else None
        if found.at is not None:
            self.first = min(self.first or found.at, found.at)
            self.last = max(self.last or found.at, found.at)


@dataclass(slots=True)
class Gathering:
    """Takes differences in a stable order; the first of each kind are listed, the others told as a sum.

    ``explained`` is what they make the bill differ by, by component: of all of them.
    """

    most: int = field(default_factory=lambda: MOST_OF_A_KIND)
    explained: dict[Component, Explained] = field(default_factory=dict)
    _listed: list[Difference] = field(default_factory=list)
    _counts: Counter[Kind] = field(default_factory=Counter)
    _groups: dict[_Key, _Group] = field(default_factory=dict)
    _actions: dict[Kind, str] = field(default_factory=dict)

    def add(self, found: Difference) -> None:
        """Take one."""
        self._counts[found.kind] += 1
        if self._counts[found.kind] <= self.most:
            self._listed.append(found)
            return
        self._actions.setdefault(found.kind, found.action)
        key = _Key(found.kind, found.application, found.item, found.number_type)
        self._groups.setdefault(key, _Group()).add(found)

    def take(self, found: Iterable[Difference]) -> None:
        """Take many."""
        for each in found:
            self.add(each)

    def explain(self, component: Component, part: Explained) -> None:
        """Add to what is explained."""
        self.explained[component] = self.explained.get(component, NOTHING) + part

    @property
    def count(self) -> int:
        """How many there are, those of the sums included."""
        return self._counts.total()

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many there are of each kind."""
        return self._counts

    def __iter__(self) -> Iterator[Difference]:
        yield from self._listed
        for key, group in sorted(self._groups.items(), key=lambda item: tuple(map(str, item[0]))):
            yield self._told(key, group)

    def _told(self, key: _Key, group: _Group) -> Difference:
        return Difference(
            kind=key.kind,
            cause=f"{group.count} more of this kind, {money(group.amount)} together: not listed one by one",
            action=self._actions[key.kind],
            amount=group.amount,
            quantity=group.quantity,
            application=key.application,
            at=group.first,
            item=key.item,
            number_type=key.number_type,
            evidence={
                "count": group.count,
                "first": iso(group.first) if group.first else None,
                "last": iso(group.last) if group.last else None,
            },
        )
