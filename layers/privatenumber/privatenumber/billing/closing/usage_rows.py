"""Calls and texts of a month by what they have in common: the rows of a statement, merged over its days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from heapq import merge
from itertools import groupby
from typing import Any, Final

from privatenumber.billing.closing.cells import KEY, SUMS, Cell, Key, sort_key
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item

NAMES: Final = tuple(name for name in KEY if name != "day")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """All calls, or all texts, of the month with one key. ``days`` are Beijing dates.

    ``key`` is that of a cell without its day; ``sums`` and ``packaged`` are those of its cells.
    """

    key: Key = field(repr=False)
    days: tuple[str, ...]
    sums: Mapping[str, int]
    packaged: Mapping[str, int]

    def value(self, name: str) -> Any:
        """What its records have in common under a name of `NAMES`."""
        return self.key[NAMES.index(name)]

    def holds(self, key: Key) -> bool:
        """Whether records of a cell with this key stand behind it."""
        return self.key == key[1:]

    def document(self) -> dict[str, Any]:
        """The row as JSON; ``amount`` is exact CNY of what is charged at list price and has a price."""
        price: Decimal | None = self.value("unit_price")
        taken = sum(self.packaged.values())
        charged = self.sums["units"] - taken
        told = dict(zip(NAMES, self.key, strict=True))
        return {
            **told,
            "line": "usage",
            "item": told["item"].value,
            "number_type": told["number_type"].value,
            "unit_price": plain(price),
            "days": list(self.days),
            **self.sums,
            "packaged": dict(self.packaged),
            "package_units": taken,
            "charged_units": charged,
            "unpriced": charged if price is None else 0,
            "amount": plain(charged * price if price is not None else Decimal(0)),
        }


def usage_rows(cells: Iterable[Cell]) -> Iterator[UsageRow]:
    """The cells of a month merged over its days; sorted, one by one."""
    days: defaultdict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        days[cell.day].append(cell)
    in_order = (sorted(found, key=_place) for found in days.values())
    for key, group in groupby(merge(*in_order, key=_place), key=lambda cell: cell.key[1:]):
        yield _row(key, list(group))


def _place(cell: Cell) -> tuple[str, ...]:
    return sort_key(cell.key)[1:]


def _row(key: Key, cells: Sequence[Cell]) -> UsageRow:
    packaged: Counter[str] = Counter()
    for cell in cells:
        packaged.update(cell.packaged)
    return UsageRow(
        key,
        tuple(sorted({cell.day.isoformat() for cell in cells})),
        {name: sum(getattr(cell, name) for cell in cells) for name in SUMS},
        dict(sorted(packaged.items())),
    )


def is_call(row: Mapping[str, Any]) -> bool:
    """Whether a row of a stored statement is of calls."""
    return bool(row["item"] == Item.CALL.value)
