"""The console's number table (I8) against our inventory: what makes the bill another one (§9.1, §9.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from privatenumber.billing.rating.rent import Holding, Rent, last_day, rents_deducted
from privatenumber.billing.reconciliation.console_files import ImportedX
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, money
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import Component, UsageSums, total
from privatenumber.billing.reconciliation.rent_check import by_type, more_rents
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.numbers import NumberType

UsageOf: TypeAlias = Callable[[str], Mapping[Item, UsageSums]]
"""What one X used in the month, by item, under the type that we know."""

_OTHER: Final = {NumberType.VIRTUAL: NumberType.CARRIER, NumberType.CARRIER: NumberType.VIRTUAL}


@dataclass(frozen=True, slots=True)
class Inventory:
    """Our numbers, and how their month is priced. ``until``: rents deducted later are not on the bill yet."""

    holdings: Sequence[Holding]
    prices: PriceBook
    month: str
    until: datetime
    applications: Mapping[str, str]
    """Ours by the platform's app key."""

    def rents(self, holdings: Iterable[Holding]) -> tuple[Rent, ...]:
        """The rents that numbers pay in the month."""
        return rents_deducted(holdings, self.month, self.prices, until=self.until)


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """What the table tells otherwise, the rents that the bill should then have, and the sums that move.

    ``amount``: CNY that the bill has more because of all of it.
    """

    differences: tuple[Difference, ...] = ()
    rents: tuple[Rent, ...] = ()
    sums: Mapping[Component, UsageSums] = field(default_factory=dict)
    amount: Decimal = Decimal(0)


def check_numbers(
    rows: Iterable[ImportedX],
    inventory: Inventory,
    sums: Mapping[Component, UsageSums],
    usage_of: UsageOf,
    charges: Sequence[ImportedCharge],
) -> NumberCheck:
    """Compare the table. What it tells moves money only when the rents on the bill follow it, not us."""
    table = {row.x: row for row in rows}
    ours = {holding.x: holding for holding in inventory.holdings}
    expected = inventory.rents(ours.values())
    if not table:
        return NumberCheck(rents=expected, sums=sums)
    told = {x: _told(row, ours.get(x), inventory) for x, row in table.items()}
    rents = inventory.rents(told.values())
    follows = _follows(charges, rents, expected)
    differences, moved = list[Difference](), dict(sums)
    for x in sorted({*ours, *told}):
        found = _number(x, ours.get(x), told.get(x), inventory, usage_of)
        if found is not None:
            change, parts = found
            differences.append(change if follows else replace(change, amount=Decimal(0)))
            if follows:
                for component, part in parts.items():
                    moved[component] = moved.get(component, UsageSums()) + part
    return NumberCheck(
        differences=tuple(differences),
        rents=rents if follows else expected,
        sums=moved if follows else sums,
        amount=total(found.amount or Decimal(0) for found in differences),
    )


def _told(row: ImportedX, known: Holding | None, inventory: Inventory) -> Holding:
    """A number as the table has it; what it leaves out stays as we know it."""
    if known is None:
        application = inventory.applications.get(row.app_key or "", "")
        return Holding(row.x, application, row.number_type, row.issued_on, row.unsubscribed_on)
    if row.issued_on is None and row.unsubscribed_on is None:
        return replace(known, number_type=row.number_type)
    left = row.unsubscribed_on
    # A table that tells days tells also that there was no unsubscription; that a number is gone it may not.
    return replace(
        known,
        number_type=row.number_type,
        issued_on=row.issued_on or known.issued_on,
        unsubscribed_on=left,
        returned=left is not None,
        released=known.released and left is not None,
    )


def _follows(charges: Iterable[ImportedCharge], table: Sequence[Rent], ours: Sequence[Rent]) -> bool:
    """Whether the rents on the bill are those of the table, not ours; the table when nothing tells."""
    lines = [charge for charge in charges if charge.item == Item.RENT]

    def apart(rents: Sequence[Rent]) -> Decimal:
        return total(abs(more_rents(*part)) for part in by_type(lines, rents).values())

    return not lines or apart(table) <= apart(ours)


def _number(
    x: str, ours: Holding | None, told: Holding | None, inventory: Inventory, usage_of: UsageOf
) -> tuple[Difference, Mapping[Component, UsageSums]] | None:
    rent = _rent(inventory, told) - _rent(inventory, ours)
    if ours is None and told is not None:
        return _difference(
            Kind.NUMBER_UNKNOWN,
            f"the console's table has X {hidden(x)}, which our inventory has not: {money(rent)} of rent",
            "take the number into the inventory by importing the table",
            rent,
            told,
        ), {}
    if told is None and ours is not None:
        return (
            None
            if not rent
            else (
                _difference(
                    Kind.NUMBER_STATE,
                    f"X {hidden(x)} pays rent by our inventory and the console has it not: {money(rent)}",
                    "check its state; if it was returned, enter the day in the inventory",
                    rent,
                    ours,
                ),
                {},
            )
        )
    if ours is None or told is None:
        return None
    if ours.number_type is not told.number_type:
        parts = _retyped(usage_of(x), ours.number_type, inventory)
        amount = rent + total(part.amount for part in parts.values())
        return _difference(
            Kind.NUMBER_TYPE,
            f"X {hidden(x)} is a {told.number_type} number in the console's table and a {ours.number_type} "
            f"one in our inventory: {money(amount)} of rent, calls and SMS",
            "correct the type in the inventory, or dispute the console's; either re-rates the month",
            amount,
            ours,
        ), parts
    if rent:
        return _difference(
            Kind.NUMBER_STATE,
            f"issue or unsubscription of X {hidden(x)} differ, so that its rent does: {money(rent)}",
            "compare both days with the order; the console's decide what is charged",
            rent,
            ours,
        ), {}
    return None


def _rent(inventory: Inventory, holding: Holding | None) -> Decimal:
    return Decimal(0) if holding is None else total(rent.amount for rent in inventory.rents([holding]))


def _retyped(
    usage: Mapping[Item, UsageSums], kind: NumberType, inventory: Inventory
) -> dict[Component, UsageSums]:
    """What moves to the components of the other type: the units, at its price."""
    in_force = inventory.prices.at(last_day(inventory.month))
    parts: dict[Component, UsageSums] = {}
    for item, own in usage.items():
        charged = own.units - own.package_units
        price = in_force.unit_price(item, _OTHER[kind])
        parts[item, kind] = UsageSums(-own.units, -own.package_units, -own.amount, -own.unpriced)
        parts[item, _OTHER[kind]] = UsageSums(
            own.units,
            own.package_units,
            Decimal(0) if price is None else charged * price,
            charged if price is None else 0,
        )
    return parts


def _difference(kind: Kind, cause: str, action: str, amount: Decimal, holding: Holding) -> Difference:
    return Difference(
        kind=kind,
        cause=cause,
        action=action,
        amount=amount,
        application=holding.application or None,
        x=hidden(holding.x),
        evidence={"number_type": holding.number_type.value},
    )
