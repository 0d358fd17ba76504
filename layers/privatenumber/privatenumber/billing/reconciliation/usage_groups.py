"""The platform's bill beside our sums, under the reading of the records that fits (§9.3, money ↔ I6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from privatenumber.billing.reconciliation.edges import Edge
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import (
    NOTHING,
    READINGS,
    Component,
    Explained,
    Explanations,
    PackageSums,
    UsageSums,
    count,
    total,
)
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.settings import TOLERANCE_LINE
from privatenumber.store.numbers import NumberType


@dataclass(frozen=True, slots=True)
class Own:
    """What we know: sums, what records explain, the edges of the month, packages and purchases."""

    sums: Mapping[Component, UsageSums]
    explanations: Mapping[Component, Explanations] = field(default_factory=dict)
    edges: Sequence[Edge] = ()
    packages: Mapping[Item, PackageSums] = field(default_factory=dict)
    bought: Sequence[PackageOrder] = ()
    """Packages bought in the month."""
    tolerance_line: Decimal = TOLERANCE_LINE
    """What the amount of a line of the bill may differ by."""


@dataclass(frozen=True, slots=True)
class Charged:
    """Lines of the bill for one item and number type, added up."""

    lines: tuple[ImportedCharge, ...] = ()

    @property
    def quantity(self) -> Decimal | None:
        """Units beyond packages; ``None`` as soon as one line does not tell."""
        told = [line.quantity for line in self.lines]
        return None if None in told else total(quantity for quantity in told if quantity is not None)

    @property
    def package(self) -> Decimal:
        """Units that packages paid."""
        return total(line.package_quantity for line in self.lines)

    @property
    def amount(self) -> Decimal:
        """What is charged."""
        return total(line.amount for line in self.lines)

    @property
    def gross(self) -> Decimal:
        """What would be charged without discounts."""
        return total(line.gross for line in self.lines)

    @property
    def learned(self) -> Decimal | None:
        """Amount before discounts ÷ quantity (billing-rules.md §2, learned price)."""
        return self.gross / self.quantity if self.quantity else None

    def document(self) -> dict[str, Any]:
        """The sums as JSON."""
        return {
            "quantity": None if self.quantity is None else count(self.quantity),
            "package_quantity": count(self.package),
            "amount": plain(self.amount),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """One item and the number types that the bill does not tell apart, with the reading that fits best.

    ``moved``: units that packages pay more than by our records. ``left``: units that nothing explains.
    """

    item: Item
    kinds: tuple[NumberType, ...]
    own: UsageSums
    charged: Charged
    follows: frozenset[str] = frozenset()
    """The parts of `Explanations` that the reading has."""
    reading: Explained = NOTHING
    edge: str | None = None
    edge_part: Explained = NOTHING
    left: Decimal = Decimal(0)
    swapped: bool = False

    @property
    def number_type(self) -> str | None:
        """The type, when there is one."""
        return self.kinds[0].value if len(self.kinds) == 1 else None

    @property
    def moved(self) -> Decimal:
        """Units that packages pay by the bill and not by our records."""
        return self.charged.package - self.own.package_units

    @property
    def evidence(self) -> dict[str, Any]:
        """What a difference refers to."""
        lines = [line.line for line in self.charged.lines]
        return {"item": self.item.value, "number_type": self.number_type, "bill_lines": lines}

    def worth(self, units: Decimal) -> Decimal | None:
        """Units at the price of the month; ``None`` when there is none or more than one."""
        if not units:
            return Decimal(0)
        return None if self.own.unit_price is None else units * self.own.unit_price

    @property
    def causes(self) -> Decimal | None:
        """CNY that records, edges and packages add to our amount; ``None`` when a price is missing."""
        packages = self.worth(-self.moved)
        if self.own.unpriced or self.reading.unpriced or self.edge_part.unpriced or packages is None:
            return None
        return self.reading.amount + self.edge_part.amount + packages

    @property
    def expected(self) -> Decimal | None:
        """What the bill should charge when all causes hold, at our price."""
        rest = self.worth(self.left)
        return None if self.causes is None or rest is None else self.own.amount + self.causes + rest


def groups_of(item: Item, charges: Iterable[ImportedCharge], own: Own) -> list[Group]:
    """The groups of an item that anybody has, each under its best reading."""
    lines = [charge for charge in charges if charge.item == item]
    return _swapped(list(_groups(item, lines, own)))


def _groups(item: Item, lines: Sequence[ImportedCharge], own: Own) -> Iterable[Group]:
    untold = any(line.number_type is None for line in lines)
    for kinds in [tuple(NumberType)] if untold else [(kind,) for kind in NumberType]:
        sums, known = UsageSums(), Explanations()
        for kind in kinds:
            sums += own.sums.get((item, kind), UsageSums())
            known += own.explanations.get((item, kind), Explanations())
        charged = Charged(tuple(line for line in lines if line.number_type in (*kinds, None)))
        if sums.units or charged.lines or known != Explanations():
            yield _read(Group(item, kinds, sums, charged), known, own.edges)


def _read(group: Group, known: Explanations, edges: Sequence[Edge]) -> Group:
    """The group under the first reading that explains its units: records alone, then with one edge."""
    quantity = group.charged.quantity
    likeliest = READINGS[0]
    if quantity is None:
        return replace(group, follows=likeliest, reading=known.of(likeliest))
    gap = quantity + group.charged.package - group.own.units
    for edge in (None, *edges):
        part = edge.of(group.item, group.kinds) if edge else NOTHING
        if edge and not part.units:
            continue
        for follows in READINGS:
            reading = known.of(follows)
            if reading.units + part.units == gap:
                name = edge.name if edge else None
                return replace(group, follows=follows, reading=reading, edge=name, edge_part=part)
    reading = known.of(likeliest)
    return replace(group, follows=likeliest, reading=reading, left=gap - reading.units)


def _swapped(groups: Sequence[Group]) -> list[Group]:
    """Mark groups of which one has exactly what the other lacks."""
    swapped = len(groups) > 1 and all(group.left for group in groups)
    swapped = swapped and not sum(group.left for group in groups)
    return [replace(group, swapped=swapped) for group in groups]
