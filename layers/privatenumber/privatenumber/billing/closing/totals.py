"""Sums over calls and over SMS, of a part, a day or a month; packages count in the month only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from privatenumber.billing.closing.cells import Cell
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Sums over calls. ``amount`` is the exact sum of what has a price; ``unpriced_minutes`` is the rest.

    ``package_minutes`` are paid by packages and are in neither.
    """

    attempts: int = 0
    connected: int = 0
    talk_seconds: int = 0
    minutes: int = 0
    package_minutes: int = 0
    unpriced_minutes: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: CallTotals) -> CallTotals:
        return CallTotals(
            self.attempts + other.attempts,
            self.connected + other.connected,
            self.talk_seconds + other.talk_seconds,
            self.minutes + other.minutes,
            self.package_minutes + other.package_minutes,
            self.unpriced_minutes + other.unpriced_minutes,
            self.amount + other.amount,
        )

    def document(self) -> dict[str, Any]:
        """The sums as JSON, the amount exact."""
        return {
            "attempts": self.attempts,
            "connected": self.connected,
            "talk_seconds": self.talk_seconds,
            "minutes": self.minutes,
            "package_minutes": self.package_minutes,
            "unpriced_minutes": self.unpriced_minutes,
            "amount": plain(self.amount),
        }


@dataclass(frozen=True, slots=True)
class SmsTotals:
    """Sums over SMS. ``parts`` are charged; the other two countings are those of the texts (§4)."""

    messages: int = 0
    sent: int = 0
    parts: int = 0
    package_parts: int = 0
    parts_received: int = 0
    parts_forwarded: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: SmsTotals) -> SmsTotals:
        return SmsTotals(
            self.messages + other.messages,
            self.sent + other.sent,
            self.parts + other.parts,
            self.package_parts + other.package_parts,
            self.parts_received + other.parts_received,
            self.parts_forwarded + other.parts_forwarded,
            self.amount + other.amount,
        )

    def document(self) -> dict[str, Any]:
        """The sums as JSON, the amount exact."""
        return {
            "messages": self.messages,
            "sent": self.sent,
            "parts": self.parts,
            "package_parts": self.package_parts,
            "parts_received": self.parts_received,
            "parts_forwarded": self.parts_forwarded,
            "amount": plain(self.amount),
        }


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of both."""

    calls: CallTotals = CallTotals()
    sms: SmsTotals = SmsTotals()

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.calls + other.calls, self.sms + other.sms)

    def document(self) -> dict[str, Any]:
        """Both as JSON."""
        return {"calls": self.calls.document(), "sms": self.sms.document()}


def totals_of(cell: Cell) -> Totals:
    """What one cell adds to every sum it belongs to."""
    if cell.item is Item.CALL:
        return Totals(
            calls=CallTotals(
                attempts=cell.count,
                connected=cell.successes,
                talk_seconds=cell.talk_seconds,
                minutes=cell.units,
                package_minutes=cell.package_units,
                unpriced_minutes=cell.unpriced,
                amount=cell.amount,
            )
        )
    return Totals(
        sms=SmsTotals(
            messages=cell.count,
            sent=cell.successes,
            parts=cell.units,
            package_parts=cell.package_units,
            parts_received=cell.parts_received,
            parts_forwarded=cell.parts_forwarded,
            amount=cell.amount,
        )
    )


def sum_of(cells: Iterable[Cell]) -> Totals:
    """The sum of cells."""
    total = Totals()
    for cell in cells:
        total += totals_of(cell)
    return total


def read_call_totals(document: Mapping[str, Any]) -> CallTotals:
    """The sums that `CallTotals.document` wrote; further members are ignored."""
    return CallTotals(
        document["attempts"],
        document["connected"],
        document["talk_seconds"],
        document["minutes"],
        document["package_minutes"],
        document["unpriced_minutes"],
        Decimal(document["amount"]),
    )
