"""Calls and texts of a month by what they have in common: the rows of a statement, merged over its days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.closing.cells import KEY, Cell, Key, sort_key
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item

NAMES: Final = tuple(name for name in KEY if name != "day")
_SUMS: Final = ("records", "count", "successes", "talk_seconds", "units", "parts_received", "parts_forwarded")


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


def usage_rows(cells: Iterable[Cell]) -> tuple[UsageRow, ...]:
    """The cells of a month merged over its days; sorted."""
    days: dict[Key, set[str]] = {}
    sums: dict[Key, Counter[str]] = {}
    packaged: dict[Key, Counter[str]] = {}
    for cell in cells:
        key = cell.key[1:]
        if key not in sums:
            days[key], sums[key], packaged[key] = set(), Counter(), Counter()
        days[key].add(cell.day.isoformat())
        sums[key].update({name: getattr(cell, name) for name in _SUMS})
        packaged[key].update(cell.packaged)
    return tuple(
        UsageRow(
            key,
            tuple(sorted(days[key])),
            {name: sums[key][name] for name in _SUMS},
            dict(sorted(packaged[key].items())),
        )
        for key in sorted(sums, key=sort_key)
    )


def is_call(row: Mapping[str, Any]) -> bool:
    """Whether a row of a stored statement is of calls."""
    return bool(row["item"] == Item.CALL.value)
