"""Minutes and SMS parts on the platform's bill against our own sums (billing-rules.md §9.3, money ↔ I6).

What the comparison of single records has already found explains its part of the bill: a missing CDR is one
difference, not a second one in minutes and a third one in money. What remains is named here, cause by cause:

    bill - ours = records + edges of the month - units moved to packages x price + price + rounding + residual
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.edges import Edge
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import (
    NOTHING,
    USED,
    BillCheck,
    Explained,
    PackageSums,
    count,
    settled,
    shared,
    table_row,
    total,
)
from privatenumber.billing.reconciliation.package_check import Gap, check_packages
from privatenumber.billing.reconciliation.usage_groups import Charged, Group, Own, groups_of
from privatenumber.billing.tariff.money import FEN, plain, to_fen
from privatenumber.billing.tariff.prices import Item

_UNITS = {Item.CALL: "call minutes", Item.SMS: "SMS parts"}
_SINGLE = {Item.CALL: "call", Item.SMS: "SMS"}
_GAPS = {Item.CALL: Kind.MINUTES_DIFF, Item.SMS: Kind.PARTS_DIFF}


def check_usage(charges: Sequence[ImportedCharge], own: Own) -> BillCheck:
    """Compare minutes and parts; types are added together where the bill does not tell them apart."""
    check, gaps = BillCheck(), list[Gap]()
    for item in USED:
        groups = groups_of(item, charges, own)
        read = [_records_of(groups), *(_edge_of(groups, edge) for edge in own.edges)]
        moved = own.packages.get(item, PackageSums()).moved(sum(part.covered for part in read))
        paid = shared(moved, [part.covered for part in read])
        check += _edges(item, own.edges, read[1:], paid[1:]) + _types(groups)
        for group in groups:
            check += _check(group, own.tolerance_line)
        worth = total(settled(part, units) for part, units in zip(read, paid, strict=True))
        gaps.append(_package_gap(item, groups, moved, worth, paid[0]))
        check += BillCheck(
            records=read[0].amount - settled(read[0], paid[0]),
            readings={(item, kind): group.follows for group in groups for kind in group.kinds},
        )
    return check + check_packages(charges, own.bought, gaps)


def learned_price(charges: Iterable[ImportedCharge], item: Item = Item.CALL) -> str | None:
    """The price per unit that a bill implies; ``None`` when it has no quantity."""
    return _learned(Charged(tuple(charge for charge in charges if charge.item == item)))


def _records_of(groups: Iterable[Group]) -> Explained:
    """What the records that differ explain."""
    return sum((group.reading for group in groups), NOTHING)


def _edge_of(groups: Iterable[Group], edge: Edge) -> Explained:
    """What an edge explains of the groups that need it."""
    return sum((group.edge_part for group in groups if group.edge == edge.name), NOTHING)


def _package_gap(item: Item, groups: Sequence[Group], moved: int, worth: Decimal, of_records: int) -> Gap:
    """How units that packages pay on the bill differ from those they should pay with the causes found.

    `moved`: what they pay more or fewer because of those, worth so much; `of_records`: of records alone.
    """
    worths = [group.worth(-group.moved) for group in groups]
    paid = None if None in worths else total(each for each in worths if each is not None)
    return Gap(
        item=item,
        units=total(group.moved for group in groups) - moved,
        amount=None if paid is None else paid + worth,
        moved=moved,
        of_records=of_records,
        bill_lines=tuple(line.line for group in groups for line in group.charged.lines),
    )


def _edges(item: Item, edges: Sequence[Edge], parts: Sequence[Explained], paid: Sequence[int]) -> BillCheck:
    """One difference for each edge that explains something, over all groups."""
    found = (
        edge.difference(item, part, units)
        for edge, part, units in zip(edges, parts, paid, strict=True)
        if part != NOTHING
    )
    return BillCheck(differences=tuple(found))


def _types(groups: Sequence[Group]) -> BillCheck:
    """One difference when the same units stand under the other number type."""
    if not groups or not groups[0].swapped:
        return BillCheck()
    units = max(group.left for group in groups)
    worths = [group.worth(group.left) for group in groups]
    more = next(group.number_type for group in groups if group.left == units)
    amount = None if None in worths else total(worth for worth in worths if worth is not None)
    item = groups[0].item
    difference = Difference(
        kind=Kind.NUMBER_TYPE,
        cause=f"{count(units)} {_UNITS[item]} stand under {more} numbers that we have under the other type: "
        f"{money(amount)}",
        action="import the console's number table, which tells the type of every X",
        quantity=units,
        amount=amount,
        item=item,
        evidence={"item": item.value, "bill_lines": [n for g in groups for n in g.evidence["bill_lines"]]},
    )
    return BillCheck(differences=(difference,))


def _check(group: Group, tolerance_line: Decimal) -> BillCheck:
    """Units that nothing explains, price, rounding, and the line of the table."""
    unknown = group.left and not group.swapped
    differences = [_units_diff(group)] if unknown else []
    expected = group.expected
    if expected is None:
        left = group.left if unknown else Decimal(0)
        residual = Decimal(0) if group.causes is not None and not left else None
        return BillCheck((_row(group, left, None),), tuple(differences), residual=residual)
    off = group.charged.gross - to_fen(expected)
    tolerance = _tolerance(group, tolerance_line)
    price = _price_part(group, off, tolerance)
    off -= price
    if price:
        differences.append(_price_diff(group, price))
    elif _prices(group) - group.own.unit_prices and group.own.unit_prices and not off:
        differences.append(_price_diff(group, Decimal(0)))
    # Our sum is exact and the bill is in fen: even a clean month may differ by a part of one.
    rounding = to_fen(expected) - expected
    if off and abs(off) <= tolerance:
        rounding, off = rounding + off, Decimal(0)
    if off:
        differences.append(_amount_diff(group, off))
    accepted = (
        [{"kind": Kind.ROUNDING.value, **group.evidence, "amount": plain(rounding)}] if rounding else []
    )
    left = group.left if unknown else Decimal(0)
    worth = group.worth(left) or Decimal(0)
    return BillCheck(
        (_row(group, left, off + worth),),
        tuple(differences),
        tuple(accepted),
        residual=abs(off) + abs(worth),
    )


def _row(group: Group, left: Decimal, residual: Decimal | None) -> dict[str, Any]:
    own, charged = group.own, group.charged
    explained = Decimal(group.reading.units + group.edge_part.units) + (group.left - left)
    return table_row(
        (group.item.value, group.number_type),
        ours={
            "quantity": count(own.units - own.package_units),
            "package_quantity": count(own.package_units),
            "amount": plain(own.amount),
            "unpriced": own.unpriced,
        },
        explained=(explained, None if residual is None else charged.amount - own.amount - residual),
        bill=charged.document(),
        unexplained=(left, residual),
    )


def _prices(group: Group) -> frozenset[Decimal]:
    """The prices that the bill names."""
    return frozenset(line.unit_price for line in group.charged.lines if line.unit_price is not None)


def _price_part(group: Group, off: Decimal, tolerance: Decimal) -> Decimal:
    """What of the money is a matter of price: units by their own price against ours, else all of it."""
    price, lines = group.own.unit_price, group.charged.lines
    if price is None or not lines:
        return Decimal(0)
    if all(line.unit_price is not None and line.quantity is not None for line in lines):
        return total(
            to_fen(line.quantity * (line.unit_price - price))
            for line in lines
            if line.quantity is not None and line.unit_price is not None
        )
    return off if abs(off) > tolerance and group.charged.quantity else Decimal(0)


def _tolerance(group: Group, of_line: Decimal) -> Decimal:
    """So much for every line, and a fen for every settled hour of a price that is no whole number of them."""
    hours = group.own.charged_hours if group.own.fine else 0
    return of_line * max(len(group.charged.lines), 1) + FEN * hours


def _units_diff(group: Group) -> Difference:
    quantity = group.charged.quantity or Decimal(0)
    amount = group.worth(group.left)
    return Difference(
        kind=_GAPS[group.item],
        cause=f"the bill has {count(quantity + group.charged.package)} {_UNITS[group.item]}, our records "
        f"{group.own.units}; no single {_SINGLE[group.item]} explains {count(group.left)} of them "
        f"({money(amount)})",
        action="import the detail export of the whole month and all applications, then run again",
        quantity=group.left,
        amount=amount,
        item=group.item,
        evidence=group.evidence,
    )


def _price_diff(group: Group, amount: Decimal) -> Difference:
    learned = _learned(group.charged)
    configured = ", ".join(sorted(str(plain(price)) for price in group.own.unit_prices)) or "none"
    single = _UNITS[group.item].removesuffix("s")
    return Difference(
        kind=Kind.PRICE_DIFF,
        cause=f"the bill charges {learned or 'another price'} per {single}, configured is {configured}: "
        f"{money(amount)} apart",
        action="check the price list in force; a corrected list re-rates the month",
        amount=amount,
        item=group.item,
        evidence={**group.evidence, "learned_price": learned},
    )


def _amount_diff(group: Group, off: Decimal) -> Difference:
    """Money that follows from no price: the bill contradicts its own quantity."""
    learned = _learned(group.charged)
    return Difference(
        kind=Kind.PRICE_DIFF,
        cause=f"the bill's amount for {_UNITS[group.item]} is {money(off)} apart from its units and price",
        action="ask the platform for the settlement of the single hours",
        amount=off,
        item=group.item,
        evidence={**group.evidence, "learned_price": learned},
    )


def _learned(charged: Charged) -> str | None:
    """The learned price to six decimals."""
    return None if charged.learned is None else plain(charged.learned.quantize(Decimal("0.000001")))
