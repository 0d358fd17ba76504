"""What costs something in a month, and where each of it belongs (billing-rules.md §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.billing.closing.cells import Cell
from privatenumber.store.numbers import NumberType


class View(StrEnum):
    """By what costs are told apart."""

    APPLICATION = "application"
    MODE = "mode"
    X = "x"
    NUMBER_TYPE = "number_type"
    CITY = "city"
    ENTERPRISE = "enterprise"
    ORDER = "order"
    BINDING = "binding"
    SIDE = "side"
    DAY = "day"


OWNERS: Final[Mapping[View, Callable[[Cell], str | None]]] = {
    View.APPLICATION: lambda cell: cell.application,
    View.MODE: lambda cell: cell.mode,
    View.X: lambda cell: cell.x,
    View.NUMBER_TYPE: lambda cell: cell.number_type.value,
    View.CITY: lambda cell: cell.city,
    View.ENTERPRISE: lambda cell: cell.enterprise,
    View.ORDER: lambda cell: cell.order,
    View.BINDING: lambda cell: cell.binding,
    View.SIDE: lambda cell: cell.side,
    View.DAY: lambda cell: cell.day.isoformat(),
}
"""Where calls or texts belong in every view."""


@dataclass(frozen=True, slots=True)
class NumberRent:
    """A rent of the cost month and where its X belongs; exact CNY. ``day`` is that of the deduction."""

    application: str
    mode: str | None
    x: str = field(repr=False)
    number_type: NumberType
    city: str | None
    enterprise: str | None
    day: date
    amount: Decimal

    def owner(self, view: View) -> str | None:
        """Where it belongs in a view while it stays on the X."""
        return {
            View.APPLICATION: self.application,
            View.MODE: self.mode,
            View.X: self.x,
            View.NUMBER_TYPE: self.number_type.value,
            View.CITY: self.city,
            View.ENTERPRISE: self.enterprise,
            View.DAY: self.day.isoformat(),
        }.get(view)
