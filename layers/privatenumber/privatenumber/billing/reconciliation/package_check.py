"""Packages on the platform's bill: purchases, units they should have paid, why they paid no more (§5, §9.3).

That records are charged although the account has a package has five reasons and no other: rent, SMS of
carrier numbers, quota used up, expired, not yet effective. Units without any of them are a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.cells import Cell, Key, cell_key
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.closing.months import LinesOf, MonthUse
from privatenumber.billing.rating.packages import Quotas, Unpaid
from privatenumber.billing.rating.rent import Rent
from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.reconciliation.money import (
    BillCheck,
    Component,
    PackageSums,
    count,
    table_row,
    total,
)
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType
from privatenumber.times import day_bounds

_UNITS: Final = {Item.CALL: "minutes", Item.SMS: "SMS parts"}


@dataclass(frozen=True, slots=True)
class Gap:
    """Units of an item that packages paid on the bill beyond what they should have; negative: fewer.

    ``amount``: what that adds to the bill in CNY; ``None`` without a price. ``moved``: units that they pay
    more or fewer than by our records because of other causes; ``of_records``: because records differ.
    """

    item: Item
    units: Decimal
    amount: Decimal | None
    moved: int = 0
    of_records: int = 0
    bill_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasons:
    """Units charged despite packages, by component and reason, and the rents, which packages never pay."""

    units: Mapping[tuple[Component, Unpaid], int] = field(default_factory=dict)
    amounts: Mapping[tuple[Component, Unpaid], Decimal] = field(default_factory=dict)

    def sums(self, quotas: Quotas, item: Item) -> PackageSums:
        """What packages valid in the month have of an item."""
        exhausted = sum(
            units
            for ((of, _), reason), units in self.units.items()
            if of is item and reason is Unpaid.EXHAUSTED
        )
        return PackageSums(sum(max(quota.left.of(item), 0) for quota in quotas.quotas), exhausted)

    def document(self) -> list[dict[str, Any]]:
        """The reasons as JSON, in a stable order."""
        return [
            {
                "item": item.value,
                "number_type": kind.value,
                "reason": reason.value,
                "quantity": self.units[(item, kind), reason],
                "amount": plain(self.amounts[(item, kind), reason]),
            }
            for (item, kind), reason in sorted(self.units)
        ]


def covers(quotas: Quotas, item: Item, number_type: NumberType, at: datetime) -> bool:
    """Whether a package was valid for a use of this moment, used up or not."""
    if item is Item.SMS and number_type is not NumberType.VIRTUAL:
        return False
    return any(quota.order.valid_at(at) for quota in quotas.quotas)


def reasons_of(use: MonthUse, lines_of: LinesOf, rents: Iterable[Rent]) -> Reasons:
    """Why packages did not pay what is charged; nothing when the account has none.

    A day within which a package begins or ends is opened to its lines, as it was to pay.
    """
    quotas = use.before
    if not quotas.quotas:
        return Reasons()
    used_up = Quotas(tuple(replace(quota, used=quota.total) for quota in quotas.quotas))
    units: Counter[tuple[Component, Unpaid]] = Counter()
    amounts: dict[tuple[Component, Unpaid], Decimal] = {}
    opened: dict[date, dict[Key, Counter[Unpaid]]] = {}
    for cell in use.cells:
        if cell.charged_units and cell.day not in opened and _edged(quotas, cell.day):
            opened[cell.day] = _by_time(cell.day, lines_of(cell.day), used_up)
        for reason, charged in _charged(cell, used_up, opened.get(cell.day)):
            key = (cell.item, cell.number_type), reason
            units[key] += charged
            amounts[key] = amounts.get(key, Decimal(0)) + charged * (cell.unit_price or 0)
    for rent in rents:
        key = (Item.RENT, rent.number_type), Unpaid.RENT
        units[key] += 1
        amounts[key] = amounts.get(key, Decimal(0)) + rent.amount
    return Reasons(units, amounts)


def check_packages(
    charges: Iterable[ImportedCharge], bought: Sequence[PackageOrder], gaps: Sequence[Gap]
) -> BillCheck:
    """Compare purchases, and name units that packages paid too few or too many of.

    A purchase that only one side has explains the units, too: it is one cause. Another price explains none.
    """
    lines = [charge for charge in charges if charge.item == Item.PACKAGE]
    off = total(line.gross for line in lines) - total(order.price for order in bought)
    more = total(line.pieces for line in lines) - len(bought)
    same_cause = [gap for gap in gaps if more * off > 0 and gap.units * off > 0]
    differences = [] if not off else [_purchase(off, lines, bought, same_cause)]
    differences += [_not_paid(gap) for gap in gaps if gap.units and gap not in same_cause]
    accepted = tuple(
        {"kind": "package_order", "item": gap.item.value, "amount": plain(gap.amount)}
        for gap in gaps
        if not gap.units and gap.amount
    )
    check = BillCheck(_table(lines, bought, off), tuple(differences), accepted)
    moved = {gap.item: gap.of_records for gap in gaps}
    return replace(check, moved=moved, packages={gap.item: gap.units + gap.moved for gap in gaps})


def _by_time(day: date, lines: Iterable[Line], used_up: Quotas) -> dict[Key, Counter[Unpaid]]:
    """Units of a day that were used when no package was valid, or that none ever pays, by cell."""
    found: dict[Key, Counter[Unpaid]] = {}
    for line in lines:
        reason = used_up.reason(line.item, line.number_type, line.at) if line.units else None
        if reason is not None and reason is not Unpaid.EXHAUSTED:
            found.setdefault(cell_key(day, line), Counter())[reason] += line.units
    return found


def _charged(
    cell: Cell, used_up: Quotas, opened: Mapping[Key, Counter[Unpaid]] | None
) -> Iterator[tuple[Unpaid, int]]:
    """The units of a cell at list price, by the reason why no package pays them."""
    if not cell.charged_units:
        return
    if opened is None:
        reason = used_up.reason(cell.item, cell.number_type, day_bounds(cell.day)[0])
        if reason is not None:
            yield reason, cell.charged_units
        return
    by_time = opened.get(cell.key, Counter())
    yield from sorted(by_time.items())
    if rest := cell.charged_units - by_time.total():
        yield Unpaid.EXHAUSTED, rest


def _edged(quotas: Quotas, day: date) -> bool:
    start, end = day_bounds(day)
    orders = (quota.order for quota in quotas.quotas)
    return any(start < at < end for order in orders for at in (order.effective_at, order.expires_at))


def _purchase(
    off: Decimal, lines: Sequence[ImportedCharge], bought: Sequence[PackageOrder], gaps: Sequence[Gap]
) -> Difference:
    known = bool(lines) and bool(bought)
    more = off > 0
    whose, action = (
        ("that we do not know of", "register the purchase with its time; the month is rated anew")
        if more
        else (
            "fewer than we know of",
            "check the orders in the console; the purchase may be of another month",
        )
    )
    if known:
        whose = f"we know of {money(total(order.price for order in bought))}"
        action = "compare order and price in the console"
    units = "".join(_paid(gap, more=more) for gap in gaps)
    amounts = [off, *(gap.amount for gap in gaps)]
    amount = None if None in amounts else total(each for each in amounts if each is not None)
    return Difference(
        kind=Kind.PRICE_DIFF if known and not gaps else Kind.PACKAGE_DIFF,
        cause=f"packages of {money(total(line.gross for line in lines))} are on the bill, {whose}{units}",
        action=action,
        amount=amount,
        item=Item.PACKAGE,
        evidence={
            "item": Item.PACKAGE.value,
            "orders": [order.number for order in bought],
            "bill_lines": [
                *(line.line for line in lines),
                *(line for gap in gaps for line in gap.bill_lines),
            ],
        },
    )


def _paid(gap: Gap, *, more: bool) -> str:
    """What a purchase that one side has pays of the month, or without which the bill charges it."""
    units = f"{count(abs(gap.units))} {_UNITS[gap.item]}"
    return (
        f"; they pay {units} of the month" if more else f"; {units} are charged that our ledger pays from it"
    )


def _not_paid(gap: Gap) -> Difference:
    few = gap.units < 0
    units = f"{count(abs(gap.units))} {_UNITS[gap.item]}"
    return Difference(
        kind=Kind.PACKAGE_NOT_APPLIED if few else Kind.PACKAGE_DIFF,
        cause=f"package not applied: {units} are charged although a package was valid and had quota left: "
        f"{money(gap.amount)}"
        if few
        else f"packages paid {units} more than our ledger has quota for: {money(gap.amount)}",
        action="dispute the charge: none of the five reasons of the price page holds"
        if few
        else "compare the orders in the console with our purchases",
        quantity=-gap.units,
        amount=gap.amount,
        item=gap.item,
        evidence={"item": gap.item.value, "bill_lines": list(gap.bill_lines)},
    )


def _table(
    lines: Sequence[ImportedCharge], bought: Sequence[PackageOrder], off: Decimal
) -> tuple[Mapping[str, Any], ...]:
    if not lines and not bought:
        return ()
    quantity = total(line.pieces for line in lines)
    expected, billed = total(order.price for order in bought), total(line.amount for line in lines)
    row = table_row(
        (Item.PACKAGE.value, None),
        ours={"quantity": count(len(bought)), "amount": plain(expected), "unpriced": 0},
        explained=(quantity - len(bought) if off else 0, billed - expected),
        bill={"quantity": count(quantity), "package_quantity": "0", "amount": plain(billed)},
        unexplained=(0, Decimal(0)),
    )
    return (row,)
