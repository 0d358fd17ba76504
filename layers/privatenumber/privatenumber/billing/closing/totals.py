"""Sums over calls and over SMS, of a part, a day or a month; packages count in the month only."""

from __future__ import annotations

from collections.abc import Iterable
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

    def document(self) -> dict[str, Any]:
        """Both as JSON."""
        return {"calls": self.calls.document(), "sms": self.sms.document()}


def sum_of(cells: Iterable[Cell]) -> Totals:
    """The sum of cells."""
    calls, sms = _Sums(), _Sums()
    for cell in cells:
        (calls if cell.item is Item.CALL else sms).add(cell)
    return Totals(
        CallTotals(
            attempts=calls.count,
            connected=calls.successes,
            talk_seconds=calls.talk_seconds,
            minutes=calls.units,
            package_minutes=calls.package_units,
            unpriced_minutes=calls.unpriced,
            amount=calls.amount,
        ),
        SmsTotals(
            messages=sms.count,
            sent=sms.successes,
            parts=sms.units,
            package_parts=sms.package_units,
            parts_received=sms.parts_received,
            parts_forwarded=sms.parts_forwarded,
            amount=sms.amount,
        ),
    )


class _Sums:
    """Adds up in place: there are as many cells as orders."""

    def __init__(self) -> None:
        self.count = self.successes = self.talk_seconds = self.units = 0
        self.package_units = self.unpriced = self.parts_received = self.parts_forwarded = 0
        self.amount = Decimal(0)

    def add(self, cell: Cell) -> None:
        """Add a cell."""
        self.count += cell.count
        self.successes += cell.successes
        self.talk_seconds += cell.talk_seconds
        self.units += cell.units
        self.package_units += cell.package_units
        self.unpriced += cell.unpriced
        self.parts_received += cell.parts_received
        self.parts_forwarded += cell.parts_forwarded
        self.amount += cell.amount
