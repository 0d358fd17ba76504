"""The platform's bill against our own sums, per item and number type (billing-rules.md §9.3, money ↔ I6).

What the comparison of single calls has already found explains its part of the bill: a missing CDR is one
difference, not a second one in minutes and a third one in money. What remains is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.reconciliation.differences import Difference, Kind, money
from privatenumber.billing.reconciliation.exports_in import ImportedCharge
from privatenumber.billing.tariff.money import FEN, plain, to_fen
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

TOLERANCE_LINE: Final = FEN
_FINE_PRICE_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class CallSums:
    """What we have for one number type. ``unit_prices``: those in force in the month."""

    minutes: int = 0
    amount: Decimal = Decimal(0)
    unpriced: int = 0
    unit_prices: frozenset[Decimal] = frozenset()
    charged_hours: int = 0
    """Beijing hours with a charged call: the platform settles calls by the hour."""

    def __add__(self, other: CallSums) -> CallSums:
        return CallSums(
            self.minutes + other.minutes,
            self.amount + other.amount,
            self.unpriced + other.unpriced,
            self.unit_prices | other.unit_prices,
            self.charged_hours + other.charged_hours,
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """Minutes and money by which single calls make the bill differ from our sums: platform minus ours."""

    minutes: int = 0
    amount: Decimal = Decimal(0)
    unpriced: int = 0
    """Those of the minutes that nobody can price."""

    def __add__(self, other: Explained) -> Explained:
        return Explained(
            self.minutes + other.minutes, self.amount + other.amount, self.unpriced + other.unpriced
        )


@dataclass(frozen=True, slots=True)
class BillCheck:
    """Outcome: the table people read, what differs, what was accepted, what could not be compared."""

    table: tuple[Mapping[str, Any], ...] = ()
    differences: tuple[Difference, ...] = ()
    accepted: tuple[Mapping[str, Any], ...] = ()
    not_compared: tuple[Mapping[str, Any], ...] = ()

    def __add__(self, other: BillCheck) -> BillCheck:
        return BillCheck(
            self.table + other.table,
            self.differences + other.differences,
            self.accepted + other.accepted,
            self.not_compared + other.not_compared,
        )


@dataclass(frozen=True, slots=True)
class CallExplanations:
    """Readings of the bill that the comparison of single calls allows, the likeliest first.

    ``rows``: what the platform's export has and we have not. ``ended``: calls of which only the hang-up
    arrived. ``unlisted``: what we have and the export has not, taken away. Last comes the bill as we have it,
    beside an export that says more than was charged.
    """

    rows: Explained = Explained()
    ended: Explained = Explained()
    unlisted: Explained = Explained()

    def readings(self) -> tuple[Explained, ...]:
        """Every reading, in order."""
        rows, ended, unlisted = self.rows, self.ended, self.unlisted
        return rows, rows + ended, rows + unlisted, rows + ended + unlisted, Explained()

    def __add__(self, other: CallExplanations) -> CallExplanations:
        return CallExplanations(
            self.rows + other.rows, self.ended + other.ended, self.unlisted + other.unlisted
        )


@dataclass(slots=True)
class _Charged:
    """Lines of the bill for one item and number type, added up."""

    lines: int = 0
    quantity: Decimal | None = Decimal(0)
    package: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    unit_prices: set[Decimal] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)


def check_calls(
    charges: Sequence[ImportedCharge],
    ours: Mapping[NumberType, CallSums],
    explanations: Mapping[NumberType, CallExplanations],
) -> BillCheck:
    """Compare minutes and money of calls; types are added together when the bill does not tell them apart."""
    lines = [charge for charge in charges if charge.item == Item.CALL]
    check = BillCheck()
    for kinds in _groups(lines):
        own = sum((ours.get(kind, CallSums()) for kind in kinds), CallSums())
        known = (explanations.get(kind, CallExplanations()) for kind in kinds)
        explanation = sum(known, CallExplanations())
        charged = _charged([line for line in lines if line.number_type in (*kinds, None)])
        if own.minutes or charged.lines:
            check += _check_calls_of(_name(kinds), own, explanation, charged)
    return check


def check_other(charges: Iterable[ImportedCharge]) -> BillCheck:
    """List what the bill charges and nothing here rates: SMS, packages, anything else."""
    found = [charge for charge in charges if charge.item not in (Item.CALL, Item.RENT) and charge.amount]
    return BillCheck(
        not_compared=tuple(
            {
                "item": charge.item,
                "number_type": charge.number_type.value if charge.number_type else None,
                "amount": plain(charge.amount),
                "bill_line": charge.line,
            }
            for charge in found
        )
    )


def _groups(lines: Iterable[ImportedCharge]) -> list[tuple[NumberType, ...]]:
    if any(line.number_type is None for line in lines):
        return [tuple(NumberType)]
    return [(kind,) for kind in NumberType]


def _name(kinds: Sequence[NumberType]) -> str | None:
    return kinds[0].value if len(kinds) == 1 else None


def _charged(lines: Iterable[ImportedCharge]) -> _Charged:
    total = _Charged()
    for line in lines:
        total.lines += 1
        total.amount += line.amount
        total.package += line.package_quantity
        total.quantity = _added(total.quantity, line.quantity)
        if line.unit_price is not None:
            total.unit_prices.add(line.unit_price)
        total.numbers.append(line.line)
    return total


def _added(total: Decimal | None, part: Decimal | None) -> Decimal | None:
    """A sum that is unknown as soon as one part of it is."""
    return None if total is None or part is None else total + part


def _check_calls_of(
    name: str | None, own: CallSums, explanation: CallExplanations, charged: _Charged
) -> BillCheck:
    used = None if charged.quantity is None else charged.quantity + charged.package
    gap = Decimal(0) if used is None else used - own.minutes
    reading = next((each for each in explanation.readings() if each.minutes == gap), explanation.rows)
    left = gap - reading.minutes if used is not None else Decimal(0)
    price = next(iter(own.unit_prices)) if len(own.unit_prices) == 1 else None
    expected = None if left and price is None else _expected(own, reading, charged, price)
    evidence = {"item": "call", "number_type": name, "bill_lines": charged.numbers}
    differences: list[Difference] = []
    accepted: list[dict[str, Any]] = []
    if left:
        differences.append(_minutes_diff(left, price, own, used, evidence))
        if expected is not None and price is not None:
            expected += left * price
    off = Decimal(0) if expected is None else charged.amount - to_fen(expected)
    if off and abs(off) <= _tolerance(own, charged):
        accepted.append({"kind": "rounding", **evidence, "amount": plain(off)})
    elif off or (charged.unit_prices and own.unit_prices and not charged.unit_prices <= own.unit_prices):
        differences.append(_price_diff(off, own, charged, evidence))
    row = {
        "item": "call",
        "number_type": name,
        "ours": {"quantity": str(own.minutes), "amount": plain(own.amount), "unpriced": own.unpriced},
        "explained": {"quantity": str(reading.minutes), "amount": plain(reading.amount)},
        "bill": _bill_cell(charged),
        "unexplained": {
            "quantity": _text(left),
            "amount": None if expected is None else plain(off + (left * price if left and price else 0)),
        },
    }
    return BillCheck((row,), tuple(differences), tuple(accepted))


def _expected(own: CallSums, reading: Explained, charged: _Charged, price: Decimal | None) -> Decimal | None:
    """What the bill should charge for calls; ``None`` when a price for that is missing."""
    if own.unpriced or reading.unpriced:
        return None
    if charged.package and price is None:
        return None
    return own.amount + reading.amount - charged.package * (price or 0)


def _tolerance(own: CallSums, charged: _Charged) -> Decimal:
    fine = any(
        -int(price.normalize().as_tuple().exponent) > _FINE_PRICE_DECIMALS for price in own.unit_prices
    )
    return TOLERANCE_LINE * (max(charged.lines, 1) + (own.charged_hours if fine else 0))


def _minutes_diff(
    left: Decimal, price: Decimal | None, own: CallSums, used: Decimal | None, evidence: Mapping[str, Any]
) -> Difference:
    amount = None if price is None else left * price
    return Difference(
        kind=Kind.MINUTES_DIFF,
        cause=f"the bill has {_text(used or Decimal(0))} call minutes, our records {own.minutes}; "
        f"no single call explains {_text(left)} of them ({money(amount)})",
        action="import the detail export of the whole month and all applications, then run again",
        quantity=left,
        amount=amount,
        evidence=evidence,
    )


def _price_diff(off: Decimal, own: CallSums, charged: _Charged, evidence: Mapping[str, Any]) -> Difference:
    learned = _learned(charged)
    configured = ", ".join(sorted(str(plain(price)) for price in own.unit_prices)) or "none"
    return Difference(
        kind=Kind.PRICE_DIFF,
        cause=f"the bill charges {learned or 'another price'} per call minute, configured is {configured}: "
        f"{money(off)} apart",
        action="check the price list in force; a corrected list re-rates the month",
        amount=off,
        evidence={**evidence, "learned_price": learned},
    )


def _learned(charged: _Charged) -> str | None:
    """Amount ÷ quantity of the bill's own line, to six decimals (billing-rules.md §2, learned price)."""
    if not charged.quantity:
        return None
    return plain((charged.amount / charged.quantity).quantize(Decimal("0.000001")))


def learned_price(charges: Iterable[ImportedCharge]) -> str | None:
    """The price per call minute that a bill implies; ``None`` when it has no quantity."""
    return _learned(_charged([charge for charge in charges if charge.item == Item.CALL]))


def _bill_cell(charged: _Charged) -> dict[str, Any]:
    return {
        "quantity": None if charged.quantity is None else _text(charged.quantity),
        "package_quantity": _text(charged.package),
        "amount": plain(charged.amount),
    }


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
