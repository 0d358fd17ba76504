"""When packages run out, and what is to be said about them before (billing-rules.md §5; C-108, U-P32).

Pure. The forecast goes by the mean of the last 14 days. Packages are used one after the other: one runs out
when everything before it in their order is used up, or expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from privatenumber.billing.rating.packages import Quota
from privatenumber.billing.tariff.prices import Item
from privatenumber.times import beijing_day, iso

FORECAST_DAYS: Final = 14
USED_PERCENT: Final = (80, 95, 100)
EXPIRY_DAYS: Final = (30, 7)
ADVICE: Final = "buy a new package; a renewal brings no quota"

_UNITS: Final[Mapping[Item, str]] = {Item.CALL: "minutes", Item.SMS: "parts"}


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One kind of unit of a package. ``exhausted_on`` None: not before it expires, ``lost`` are left then."""

    total: int
    used: int
    exhausted_on: date | None
    lost: int
    warning: int | None

    @property
    def left(self) -> int:
        """Units that can still be used."""
        return self.total - self.used

    def document(self) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "total": self.total,
            "used": self.used,
            "left": self.left,
            "exhausted_on": self.exhausted_on.isoformat() if self.exhausted_on else None,
            "lost": self.lost,
            "warning": self.warning,
        }


@dataclass(frozen=True, slots=True)
class PackageState:
    """A valid package: its units, and the days until it expires with the mark they have reached."""

    number: str
    expires_at: datetime
    days_left: int
    expiry_warning: int | None
    units: Mapping[Item, QuotaState]

    def document(self) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "number": self.number,
            "expires_at": iso(self.expires_at),
            "days_left": self.days_left,
            "expiry_warning": self.expiry_warning,
            **{_UNITS[item]: state.document() for item, state in self.units.items()},
        }


@dataclass(frozen=True, slots=True)
class Outlook:
    """The packages that are valid at a moment, in the order in which they are used."""

    packages: tuple[PackageState, ...]

    @property
    def used_percent(self) -> Decimal:
        """How much of the valid packages is used, of minutes or of parts, whichever is more; 0 without."""
        return max((self._used(item) for item in _UNITS), default=Decimal(0))

    @property
    def expiry_days(self) -> int | None:
        """Days until the first of those expires that has something left."""
        left = (
            each.days_left for each in self.packages if any(state.left > 0 for state in each.units.values())
        )
        return min(left, default=None)

    def document(self) -> dict[str, Any]:
        """The outlook as JSON."""
        days = self.expiry_days
        return {
            "used_percent": f"{self.used_percent:.1f}",
            "expiry_days": days,
            "advice": ADVICE if self._warns else None,
            "packages": [each.document() for each in self.packages],
        }

    @property
    def _warns(self) -> bool:
        days = self.expiry_days
        return self.used_percent >= USED_PERCENT[0] or (days is not None and days <= EXPIRY_DAYS[0])

    def _used(self, item: Item) -> Decimal:
        states = [each.units[item] for each in self.packages]
        total = sum(state.total for state in states)
        return Decimal(100 * sum(state.used for state in states)) / total if total else Decimal(0)


def outlook(quotas: Iterable[Quota], recent: Mapping[Item, Mapping[date, int]], *, now: datetime) -> Outlook:
    """What becomes of the packages that are valid now, used in this order.

    ``recent`` are the units that packages may pay of past days; of them the last 14 before today count.
    """
    valid = [quota for quota in quotas if quota.order.valid_at(now)]
    today = beijing_day(now)
    states = {item: list(_states(valid, item, recent.get(item, {}), today)) for item in _UNITS}
    return Outlook(
        tuple(
            PackageState(
                number=quota.order.number,
                expires_at=quota.order.expires_at,
                days_left=(quota.order.expires_at - now).days,
                expiry_warning=_expiry_warning(quota.order.expires_at - now),
                units={item: states[item][at] for item in _UNITS},
            )
            for at, quota in enumerate(valid)
        )
    )


def _states(
    valid: Iterable[Quota], item: Item, days: Mapping[date, int], today: date
) -> Iterator[QuotaState]:
    recent = sum(days.get(today - timedelta(days=back), 0) for back in range(1, FORECAST_DAYS + 1))
    daily = Decimal(recent) / FORECAST_DAYS
    begins = Decimal(0)
    """In so many days everything before is used up or expired."""
    for quota in valid:
        total, left = quota.total.of(item), quota.left.of(item)
        expires = Decimal((beijing_day(quota.order.expires_at) - today).days)
        ends = begins + left / daily if daily else Decimal("Infinity")
        runs_out = total > 0 and (not left or ends < expires)
        lost = 0 if runs_out else left - int(max(expires - begins, Decimal(0)) * daily)
        yield QuotaState(
            total=total,
            used=total - left,
            exhausted_on=today + timedelta(days=int(ends) if left else 0) if runs_out else None,
            lost=max(lost, 0),
            warning=_used_warning(total - left, total),
        )
        if left:
            begins = max(begins, min(ends, expires))


def _used_warning(used: int, total: int) -> int | None:
    reached = [mark for mark in USED_PERCENT if total and 100 * used >= mark * total]
    return max(reached, default=None)


def _expiry_warning(left: timedelta) -> int | None:
    reached = [mark for mark in EXPIRY_DAYS if left <= timedelta(days=mark)]
    return min(reached, default=None)
