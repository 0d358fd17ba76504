"""Complaints by numbers used in the month, which must stay below 0.01 % (operations.md §9; C-077, U-P17).

Pure. At the limit the business is taken offline. With 10,000 numbers or fewer one complaint reaches it, so a
rate says little without the number of complaints that are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, Final

from privatenumber.store.complaints import Complaint

_WARNED_AT: Final = Decimal("0.5")
_SHOWN: Final = Decimal("0.000001")


class Level(StrEnum):
    """Where a rate stands."""

    NONE = "none"
    WARNING = "warning"
    """Half of the limit."""
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class ComplaintRate:
    """Complaints of a month and the numbers used in it: of an application, or of the account (None).

    ``left`` complaints more reach the limit; 0 where it is reached.
    """

    application: str | None
    complaints: int
    numbers_used: int
    limit: Decimal

    @property
    def rate(self) -> Decimal:
        """Complaints by number used; without a used number, as if there were one."""
        return Decimal(self.complaints) / max(self.numbers_used, 1)

    @property
    def level(self) -> Level:
        """Where the rate stands; without a complaint there is nothing to say."""
        if not self.complaints or self.rate < self.limit * _WARNED_AT:
            return Level.NONE
        return Level.REACHED if self.rate >= self.limit else Level.WARNING

    @property
    def left(self) -> int:
        """Complaints that reach the limit from here."""
        reached = (self.limit * max(self.numbers_used, 1)).to_integral_value(ROUND_CEILING)
        return max(max(int(reached), 1) - self.complaints, 0)

    def document(self) -> dict[str, Any]:
        """The rate as JSON."""
        return {
            "application": self.application,
            "complaints": self.complaints,
            "numbers_used": self.numbers_used,
            "rate": f"{self.rate.quantize(_SHOWN):f}",
            "limit": f"{self.limit:f}",
            "left": self.left,
            "level": self.level.value,
        }


@dataclass(frozen=True, slots=True)
class ComplaintWatch:
    """The rates of a month, the account's first, and the complaints of each X."""

    rates: tuple[ComplaintRate, ...]
    by_x: Mapping[tuple[str, str], int]

    @property
    def level(self) -> Level:
        """The worst of the levels."""
        levels = {rate.level for rate in self.rates}
        return next((level for level in reversed(Level) if level in levels), Level.NONE)

    def document(self) -> dict[str, Any]:
        """The rates as JSON, X with most complaints first."""
        counts = sorted(self.by_x.items(), key=lambda item: (-item[1], item[0]))
        return {
            "level": self.level.value,
            "rates": [rate.document() for rate in self.rates],
            "by_x": [
                {"application": application, "x": x, "complaints": count}
                for (application, x), count in counts
            ],
        }


def watch_complaints(
    complaints: Iterable[Complaint], numbers_used: Mapping[str, int], *, limit: Decimal
) -> ComplaintWatch:
    """Rate the complaints of a month; ``numbers_used`` are the X that were used in it, by application."""
    by_x = Counter((each.application, each.x) for each in complaints)
    by_application: Counter[str] = Counter()
    for (application, _), count in by_x.items():
        by_application[application] += count
    names = sorted({*numbers_used, *by_application})
    account = ComplaintRate(None, by_x.total(), sum(numbers_used.values()), limit)
    return ComplaintWatch(
        (
            account,
            *(ComplaintRate(name, by_application[name], numbers_used.get(name, 0), limit) for name in names),
        ),
        dict(by_x),
    )
