"""Rows to be imported as facts, on whose account, and what became of them (billing-rules.md §9.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms
from privatenumber.store.numbers import XNumber

ImportedRow: TypeAlias = ImportedCall | ImportedSms


@dataclass(frozen=True, slots=True)
class Importing:
    """Who imports, when, and from which file (its SHA-256); ``kept`` is how long the facts stay."""

    by: str
    at: datetime
    file: str
    kept: timedelta


@dataclass(slots=True)
class ImportResult:
    """What became of rows: counts by outcome, and why those were left out that were, by line."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def leave_out(self, line: int, reason: str) -> None:
        """Tell of a row that is not imported."""
        self.counts["left_out"] += 1
        self.left_out.append({"import_line": line, "reason": reason})

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        names = ("imported", "repeated", "conflicts", "left_out")
        return {**{name: self.counts[name] for name in names}, "rows": self.left_out}


class LeftOut(Exception):
    """Why a row is not imported."""


class RowToImport(NamedTuple):
    """A row, the address of its hang-up event where there is one, and which of equal rows it is."""

    row: ImportedRow
    event: str | None = None
    nth: int = 1


class OwnNumbers:
    """The numbers of the account as rows name them: looked through once, not for each row."""

    def __init__(self, inventory: Mapping[str, object], numbers: Iterable[XNumber]) -> None:
        self._inventory = inventory
        self._masked: dict[str, list[str]] = {}
        self._applications: dict[str, set[str]] = {}
        for number in numbers:
            self._applications.setdefault(number.x, set()).add(number.application)

    def x(self, x: ImportedNumber) -> str:
        """The private number; digits that are hidden are known when only one of ours fits."""
        if not x.masked:
            return x.text
        if x.text not in self._masked:
            self._masked[x.text] = [known for known in self._inventory if x.matches(known)]
        found = self._masked[x.text]
        if len(found) != 1:
            raise LeftOut("x_number: digits are hidden and more than one number, or none, fits")
        return found[0]

    def application(self, x: str) -> str:
        """The only application that has or had a number."""
        found = self._applications.get(x, set())
        if len(found) != 1:
            raise LeftOut("app_key: no application is told, and the number is not in the inventory")
        return next(iter(found))
