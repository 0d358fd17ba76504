"""The close of a Beijing day of an application: the sums of its parts, and which closes of theirs they are.

A day is merged from its parts whenever one of them has changed. Its lines are cells; the records behind a
cell are in the parts whose hashes the day names (`closer`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from privatenumber.billing.closing.cells import Cell, merge_cells, read_cell
from privatenumber.billing.closing.parts import PartClose
from privatenumber.billing.closing.totals import Totals, sum_of
from privatenumber.store.versions import Version, content_hash


@dataclass(frozen=True, slots=True)
class PartRef:
    """Which close of a part a day was merged from."""

    shard: int
    hash: str
    records: int
    flags: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        """The reference as JSON."""
        return {"shard": self.shard, "hash": self.hash, "records": self.records, "flags": dict(self.flags)}


@dataclass(frozen=True)
class DayClose:
    """A closed day of one application. Parts without records are left out."""

    application: str
    day: date
    parts: tuple[PartRef, ...]
    cells: tuple[Cell, ...]
    rules: str = ""
    """The hash of the prices and rules that all its parts were rated with."""

    @cached_property
    def totals(self) -> Totals:
        """The sums of the day."""
        return sum_of(self.cells)

    @property
    def records(self) -> int:
        """Rated records and those that are only kept."""
        return sum(part.records for part in self.parts)

    def document(self) -> dict[str, Any]:
        """The head of the close as JSON."""
        flags: Counter[str] = Counter()
        for part in self.parts:
            flags.update(part.flags)
        return {
            "kind": "day_close",
            "application": self.application,
            "day": self.day.isoformat(),
            "rules": self.rules,
            "records": self.records,
            "flags": dict(sorted(flags.items())),
            "parts": [part.document() for part in self.parts],
            **self.totals.document(),
        }

    def lines(self) -> list[dict[str, Any]]:
        """The cells as they are stored."""
        return [cell.document() for cell in self.cells]

    def hash(self) -> str:
        """The hash under which the close is or would be stored."""
        return content_hash(self.document(), self.lines())


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A close together with the version under which it is stored."""

    close: DayClose
    version: Version


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part and the hash under which it is or would be stored: that of its first writing."""

    close: PartClose
    hash: str


def merge_day(application: str, day: date, parts: Iterable[KeptPart]) -> DayClose:
    """A day out of its parts, in whatever order they come. Pure."""
    found = list(parts)
    used = sorted((part for part in found if part.close.lines), key=lambda part: part.close.part)
    refs = (part_ref(part.close.part.shard, part.hash, part.close.document()) for part in used)
    cells = merge_cells(cell for part in used for cell in part.close.cells)
    return DayClose(application, day, tuple(refs), cells, found[0].close.rules if found else "")


def day_in(version: Version, lines: Iterable[Mapping[str, Any]]) -> DayClose:
    """The close that a version of a day holds."""
    document = version.document
    refs = (part_ref(ref["shard"], ref["hash"], ref) for ref in document["parts"])
    cells = tuple(map(read_cell, lines))
    day = date.fromisoformat(document["day"])
    return DayClose(document["application"], day, tuple(refs), cells, document.get("rules", ""))


def part_ref(shard: int, content: str, document: Mapping[str, Any]) -> PartRef:
    """Names a close of a part by what its head says."""
    return PartRef(shard, content, document["records"], document["flags"])
