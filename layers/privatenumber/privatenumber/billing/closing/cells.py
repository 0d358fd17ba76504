"""Sums of a day's records that have everything in common but who called: what months are merged from.

Equal records have one unit price, so what a package pays of a cell is known by its units alone. Records keep
no order here: where it matters, because a package ends within a day, the day's lines are opened again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from privatenumber.billing.closing.lines import CallLine, Line, read_amount
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType

Key: TypeAlias = tuple[Any, ...]
"""What the records of a cell have in common, in the order of `KEY`."""

KEY: Final = (
    *("day", "application", "item", "x", "number_type", "mode", "city", "enterprise", "order", "binding"),
    *("side", "unit_price"),
)
SUMS: Final = (
    *("records", "count", "successes", "talk_seconds", "units", "parts_received", "parts_forwarded"),
)
_LAST: Final = "\U0010ffff"
_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_SHARED: Final = ("application", "x", "mode", "city", "enterprise", "side")


@dataclass(frozen=True, slots=True)
class Cell:
    """Calls or texts of one day. ``records`` stand behind it, ``count`` of them are rated.

    ``successes`` are connected calls or texts that were sent, ``units`` minutes or parts, whoever pays them.
    ``packaged`` are those that packages pay, by order number: empty in a day, filled in the month.
    """

    day: date
    application: str
    item: Item
    x: str | None = field(repr=False)
    number_type: NumberType
    mode: str | None
    city: str | None
    enterprise: str | None
    order: str | None
    binding: str | None
    side: str | None
    unit_price: Decimal | None
    records: int = 0
    count: int = 0
    successes: int = 0
    talk_seconds: int = 0
    units: int = 0
    parts_received: int = 0
    parts_forwarded: int = 0
    packaged: Mapping[str, int] = field(default_factory=lambda: _NOTHING)

    @property
    def key(self) -> Key:
        """What its records have in common."""
        return tuple(getattr(self, name) for name in KEY)

    @property
    def package_units(self) -> int:
        """Units that packages pay."""
        return sum(self.packaged.values())

    @property
    def charged_units(self) -> int:
        """Units at list price."""
        return self.units - self.package_units

    @property
    def unpriced(self) -> int:
        """Units at list price for which no price is known."""
        return self.charged_units if self.unit_price is None else 0

    @property
    def amount(self) -> Decimal:
        """Exact CNY of the units at list price that have one."""
        return self.charged_units * self.unit_price if self.unit_price is not None else Decimal(0)

    def paid_by(self, packaged: Mapping[str, int]) -> Cell:
        """The cell with what packages pay of it."""
        return replace(self, packaged=dict(sorted(packaged.items())))

    def document(self) -> dict[str, Any]:
        """The cell as JSON; what is absent or nothing is left out."""
        values: dict[str, Any] = {name: getattr(self, name) for name in (*KEY, *SUMS)}
        values |= {
            "day": self.day.isoformat(),
            "item": self.item.value,
            "number_type": self.number_type.value,
            "unit_price": plain(self.unit_price),
            "packaged": dict(self.packaged),
        }
        return {name: value for name, value in values.items() if value not in (None, 0, {})}


def read_cell(document: Mapping[str, Any]) -> Cell:
    """The cell that `Cell.document` wrote."""
    told: dict[str, Any] = {name: document.get(name, 0) for name in SUMS}
    # A month has hundreds of thousands of them: what many have in common is there once.
    told |= {name: intern(value) if (value := document.get(name)) else value for name in _SHARED}
    return Cell(
        day=_day(document["day"]),
        item=Item(document["item"]),
        number_type=NumberType(document["number_type"]),
        order=document.get("order"),
        binding=document.get("binding"),
        unit_price=_price(document.get("unit_price")),
        packaged=document.get("packaged", _NOTHING),
        **told,
    )


_day = lru_cache(100)(date.fromisoformat)
_price = lru_cache(100)(read_amount)


def cells_of(day: date, lines: Iterable[Line]) -> tuple[Cell, ...]:
    """The cells of a day's lines, in whatever order those come; sorted."""
    sums: dict[Key, list[int]] = {}
    for line in lines:
        found = sums.get(key := cell_key(day, line))
        if found is None:
            found = sums[key] = [0] * len(SUMS)
        for at, value in enumerate(_added_by(line)):
            found[at] += value
    return _cells(sums)


def merge_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells of several parts of days together; what packages pay is not merged."""
    sums: dict[Key, list[int]] = {}
    for cell in cells:
        found = sums.setdefault(cell.key, [0] * len(SUMS))
        for at, name in enumerate(SUMS):
            found[at] += getattr(cell, name)
    return _cells(sums)


def cell_key(day: date, line: Line) -> Key:
    """The key of the cell that a line belongs to."""
    return (
        *(day, line.application, line.item, line.x, line.number_type, line.mode, line.city),
        *(line.enterprise, line.order, line.binding, line.side, line.unit_price),
    )


def sort_key(key: Key) -> tuple[str, ...]:
    """An order of cells that everybody makes alike; what has no name comes last."""
    return tuple(map(_text, key))


def _text(part: object) -> str:
    if part is None:
        return _LAST
    return plain(part) if isinstance(part, Decimal) else str(part)


def _added_by(line: Line) -> tuple[int, ...]:
    if not line.rated:
        return 1, 0, 0, 0, 0, 0, 0
    if isinstance(line, CallLine):
        return 1, 1, int(line.connected), line.talk_seconds, line.units, 0, 0
    return 1, 1, int(line.sent), 0, line.units, line.parts_received or 0, line.parts_forwarded or 0


def _cells(sums: Mapping[Key, list[int]]) -> tuple[Cell, ...]:
    return tuple(Cell(*key, *sums[key]) for key in sorted(sums, key=sort_key))
