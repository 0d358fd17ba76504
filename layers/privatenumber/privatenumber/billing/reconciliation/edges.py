"""Records over the end of a month, which the platform may count in the other one (billing-rules.md §3.3).

The bill of a month shows only sums. When they differ by exactly what stands at an edge, that is the cause:
calls counted by their answer instead of their end, or months that begin at midnight UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.closing.lines import CallLine, Line
from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.money import (
    NOTHING,
    Component,
    Explained,
    UsageSums,
    count,
    explain,
    settled,
)
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

Covers: TypeAlias = Callable[[Item, NumberType, datetime], bool]
"""Whether a package was valid for a use of a moment."""

_BEIJING_AHEAD: Final = timedelta(hours=8)
NEAR: Final = timedelta(days=2)
"""No call that begins before an edge ends later."""
_FACTS_SHOWN: Final = 10

_CAUSES: Final[Mapping[str, tuple[Kind, str, str]]] = {
    "answer": (
        Kind.PERIOD_EDGE,
        "calls over the end of the month are on the bill of the month of their answer, not of their end",
        "none if the next bill balances it; else set backend.billing.usage_time to the platform's rule",
    ),
    "utc": (
        Kind.TIME_ZONE,
        "the bill's month begins at midnight UTC, eight hours after midnight in Beijing",
        "ask the platform which time its months follow; the neighbouring bills balance it",
    ),
    "marker": (
        Kind.PARTS_DIFF,
        "the bill counts the @number of AX in the parts of an SMS (ax_marker); charged is the forwarded text",
        "dispute the parts with the price page; splitNum of the pushes is authoritative",
    ),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One way to count otherwise, and what it would add to the bill, by component."""

    name: str
    parts: Mapping[Component, Explained] = field(default_factory=dict)
    facts: tuple[str, ...] = ()

    def of(self, item: Item, kinds: Iterable[NumberType]) -> Explained:
        """What it adds to some components together."""
        return sum((self.parts.get((item, kind), NOTHING) for kind in kinds), NOTHING)

    def difference(self, item: Item, part: Explained, paid: int) -> Difference:
        """The difference that it is, less the units of it that packages pay."""
        kind, cause, action = _CAUSES[self.name]
        amount = None if part.unpriced else part.amount - settled(part, paid)
        units = "minutes" if item is Item.CALL else "parts"
        packages = f"; packages pay {count(abs(paid))} of them" if paid else ""
        return Difference(
            kind=kind,
            cause=f"{cause}: {count(part.units)} {units}{packages}, {money(amount)}",
            action=action,
            quantity=Decimal(part.units),
            amount=amount,
            item=item,
            evidence={
                "item": item.value,
                "reading": self.name,
                "facts": list(self.facts),
                **({"package_units": paid} if paid else {}),
            },
        )


class Edges:
    """Gathers what other ways to cut a month would change, from the lines around its begin and its end.

    Records after the begin may belong to the month before, those after the end to this one. `by_end`: our
    calls stand at their end, as they should; otherwise nothing is left to be told of their answer.
    """

    def __init__(self, month: tuple[datetime, datetime], covers: Covers, *, by_end: bool = True) -> None:
        self._by_end = by_end
        self._bounds = ((month[0], -1), (month[1], 1))
        self._covers = covers
        self._sums: dict[str, dict[Component, Explained]] = {"answer": {}, "utc": {}}
        self._facts: dict[str, list[str]] = defaultdict(list)

    def add(self, line: Line) -> None:
        """Look at a charged record."""
        for begin, sign in self._bounds:
            if begin <= line.at < begin + NEAR:
                for name in _ways(line, begin):
                    if name != "answer" or self._by_end:
                        self._put(name, line, sign)

    def found(self) -> tuple[Edge, ...]:
        """The ways that would change something."""
        return tuple(
            Edge(name, parts, tuple(self._facts[name])) for name, parts in self._sums.items() if parts
        )

    def _put(self, name: str, line: Line, sign: int) -> None:
        parts, component = self._sums[name], (line.item, line.number_type)
        amount = None if line.amount is None else sign * line.amount
        covered = self._covers(line.item, line.number_type, line.at)
        part = explain(sign * line.units, amount, covered=covered)
        parts[component] = parts.get(component, NOTHING) + part
        self._facts[name] = sorted([*self._facts[name], line.fact])[:_FACTS_SHOWN]


def marker_edge(sums: Mapping[Component, UsageSums]) -> tuple[Edge, ...]:
    """What counting the `@B` of AX would add to the parts of SMS."""
    parts = {
        component: explain(
            own.marker_units, None if own.unit_price is None else own.marker_units * own.unit_price
        )
        for component, own in sums.items()
        if own.marker_units
    }
    return (Edge("marker", parts),) if parts else ()


def _ways(line: Line, begin: datetime) -> Iterable[str]:
    """The ways of counting by which a line belongs before `begin`."""
    if isinstance(line, CallLine) and line.at - timedelta(seconds=line.talk_seconds) < begin:
        yield "answer"
    if line.at < begin + _BEIJING_AHEAD:
        yield "utc"
