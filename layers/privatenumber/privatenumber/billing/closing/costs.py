"""What costs something in a month, and where each of it belongs (billing-rules.md §8.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

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


Owner: TypeAlias = tuple[str | None, ...]
"""A key for every view, in their order."""


def owner_of(cell: Cell) -> Owner:
    """Where calls or texts belong in every view."""
    return (
        cell.application,
        cell.mode,
        cell.x,
        cell.number_type.value,
        cell.city,
        cell.enterprise,
        cell.order,
        cell.binding,
        cell.side,
        cell.day.isoformat(),
    )


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

    @property
    def owner(self) -> Owner:
        """Where it belongs in every view while it stays on the X."""
        place = (self.application, self.mode, self.x, self.number_type.value, self.city, self.enterprise)
        return (*place, None, None, None, self.day.isoformat())
