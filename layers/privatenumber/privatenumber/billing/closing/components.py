"""The sums of a month by what is charged and number type, as the platform's bill has them (§2, §9.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.rating.rent import Rent
from privatenumber.billing.tariff.money import plain, to_fen
from privatenumber.billing.tariff.prices import Item

CORRECTION: Final = "correction"
"""The item of what corrections of closed months come to; the platform's bill has none."""

Kind: TypeAlias = tuple[str, str | None]
"""An item and its number type; packages and corrections have none."""


@dataclass(frozen=True, slots=True)
class Component:
    """One sum. ``quantity`` is charged at list price, ``package_quantity`` was paid by packages.

    ``unpriced`` is that part of the quantity for which no price is known; ``amount`` is exact CNY.
    """

    item: str
    number_type: str | None
    quantity: int = 0
    package_quantity: int = 0
    unpriced: int = 0
    amount: Decimal = Decimal(0)

    @property
    def kind(self) -> Kind:
        """What it is the sum of."""
        return self.item, self.number_type

    @property
    def rounded(self) -> Decimal:
        """The amount as money."""
        return to_fen(self.amount)

    def __add__(self, other: Component) -> Component:
        return replace(
            self,
            quantity=self.quantity + other.quantity,
            package_quantity=self.package_quantity + other.package_quantity,
            unpriced=self.unpriced + other.unpriced,
            amount=self.amount + other.amount,
        )

    def document(self) -> dict[str, Any]:
        """The sum as JSON."""
        return {
            "item": self.item,
            "number_type": self.number_type,
            "quantity": self.quantity,
            "package_quantity": self.package_quantity,
            "unpriced": self.unpriced,
            "amount": plain(self.amount),
            "rounded": plain(self.rounded),
        }


def read_component(document: Mapping[str, Any]) -> Component:
    """The sum that `Component.document` wrote."""
    return Component(
        document["item"],
        document["number_type"],
        document["quantity"],
        document["package_quantity"],
        document["unpriced"],
        Decimal(document["amount"]),
    )


def of_usage(cells: Iterable[Cell]) -> tuple[Component, ...]:
    """Calls and texts, those that used something."""
    sums: dict[tuple[Item, str], Component] = {}
    for cell in cells:
        if not cell.units:
            continue
        key = cell.item, cell.number_type.value
        added = Component(
            cell.item.value,
            cell.number_type.value,
            cell.charged_units,
            cell.package_units,
            cell.unpriced,
            cell.amount,
        )
        sums[key] = sums[key] + added if key in sums else added
    order = {Item.CALL: 0, Item.SMS: 1}
    return tuple(sums[key] for key in sorted(sums, key=lambda key: (order[key[0]], key[1])))


def of_rents(rents: Iterable[Rent]) -> tuple[Component, ...]:
    """Rents by number type."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    counts: defaultdict[str, int] = defaultdict(int)
    for rent in rents:
        sums[rent.number_type.value] += rent.amount
        counts[rent.number_type.value] += 1
    return tuple(Component(Item.RENT.value, kind, counts[kind], amount=sums[kind]) for kind in sorted(sums))


def of_amounts(item: str, amounts: Iterable[Decimal]) -> tuple[Component, ...]:
    """What has no number type: packages, corrections. Nothing when there are none."""
    found = tuple(amounts)
    if not found:
        return ()
    return (Component(item, None, len(found), amount=sum(found, Decimal(0))),)


def total_of(components: Iterable[Component]) -> Decimal:
    """Money: the sum of the rounded components (§2)."""
    return sum((component.rounded for component in components), Decimal(0))


def exact_total_of(components: Iterable[Component]) -> Decimal:
    """The exact sum."""
    return sum((component.amount for component in components), Decimal(0))


def differences(now: Iterable[Component], then: Iterable[Component]) -> tuple[Component, ...]:
    """By how much sums differ from others; those that do not are left out."""
    new, old = ({each.kind: each for each in side} for side in (now, then))
    found = []
    for kind in sorted({*new, *old}, key=lambda kind: (kind[0], kind[1] or "")):
        one, other = new.get(kind, Component(*kind)), old.get(kind, Component(*kind))
        difference = Component(
            *kind,
            one.quantity - other.quantity,
            one.package_quantity - other.package_quantity,
            one.unpriced - other.unpriced,
            # Both sides were rounded when they were booked; so is what lies between them.
            one.rounded - other.rounded,
        )
        if difference != Component(*kind):
            found.append(difference)
    return tuple(found)
