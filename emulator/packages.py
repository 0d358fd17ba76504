"""Packages that accounts bought, and the minutes and SMS parts they give (billing-rules.md §5).

A ledger of its own: the product's quotas are measured against it, so it shares no code with them.
"""

import calendar
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from emulator.settings import PackagePrice
from privatenumber.times import BEIJING

Unit = Literal["minutes", "parts"]


@dataclass(frozen=True, slots=True)
class PackageOrder:
    """One package of one account. It counts from the next full hour after the purchase, for 12 months."""

    number: str
    account: str
    bought_at: datetime
    package: PackagePrice

    @property
    def effective_at(self) -> datetime:
        """Bought at 10:03, or at 10:00 sharp: effective at 11:00."""
        return self.bought_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    @property
    def expires_at(self) -> datetime:
        """The same Beijing time a year later, exclusive; 29 February becomes 28 February."""
        begin = self.effective_at.astimezone(BEIJING)
        last = calendar.monthrange(begin.year + 1, begin.month)[1]
        return begin.replace(year=begin.year + 1, day=min(begin.day, last)).astimezone(UTC)

    def covers(self, at: datetime) -> bool:
        """Whether use at that moment may be taken from it."""
        return self.effective_at <= at < self.expires_at


@dataclass(frozen=True, slots=True)
class Use:
    """What one record uses of an account: so many minutes or parts at a moment. ``record``: its id."""

    record: str
    account: str
    at: datetime
    unit: Unit
    quantity: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What was used of one order."""

    order: PackageOrder
    minutes_used: int = 0
    parts_used: int = 0

    @property
    def minutes_left(self) -> int:
        """Minutes that may still be used."""
        return self.order.package.minutes - self.minutes_used

    @property
    def parts_left(self) -> int:
        """SMS parts that may still be used."""
        return self.order.package.parts - self.parts_used


@dataclass(frozen=True, slots=True)
class Consumption:
    """Units taken from packages by record id, and what that leaves of every order."""

    taken: dict[str, int]
    quotas: tuple[Quota, ...]


class Packages:
    """The orders of all accounts. ``catalogue``: what is sold."""

    def __init__(self, catalogue: Iterable[PackagePrice], now: Callable[[], datetime]) -> None:
        self.orders: list[PackageOrder] = []
        self._catalogue = {package.minutes: package for package in catalogue}
        self._now = now

    def buy(self, account: str, minutes: int) -> PackageOrder:
        """Buy the package of so many minutes now. ValueError: no such package."""
        package = self._catalogue.get(minutes)
        if package is None:
            known = ", ".join(map(str, sorted(self._catalogue)))
            raise ValueError(f"packages are sold with {known} minutes")
        number = f"package-{len(self.orders) + 1:04d}"
        order = PackageOrder(number, account, self._now(), package)
        self.orders.append(order)
        return order

    def bought_in(self, begin: datetime, end: datetime) -> list[PackageOrder]:
        """Return the orders bought from ``begin`` on and before ``end``."""
        return [order for order in self.orders if begin <= order.bought_at < end]

    def consume(self, uses: Iterable[Use]) -> Consumption:
        """Take every use from the packages that cover it, in order of time, then record id.

        Of several the one that expires first gives first, then the one that counts longer, then the lower
        order number. A record may use up one quota and go on with the next, or pay for the rest.
        """
        left: dict[str, dict[Unit, int]] = {
            order.number: {"minutes": order.package.minutes, "parts": order.package.parts}
            for order in self.orders
        }
        ordered = sorted(self.orders, key=lambda order: (order.expires_at, order.effective_at, order.number))
        taken: dict[str, int] = {}
        for use in sorted(uses, key=lambda use: (use.at, use.record)):
            open_units = use.quantity
            for order in ordered:
                if not open_units:
                    break
                if order.account == use.account and order.covers(use.at):
                    part = min(open_units, left[order.number][use.unit])
                    left[order.number][use.unit] -= part
                    open_units -= part
            taken[use.record] = use.quantity - open_units
        quotas = (
            Quota(
                order,
                order.package.minutes - left[order.number]["minutes"],
                order.package.parts - left[order.number]["parts"],
            )
            for order in self.orders
        )
        return Consumption(taken, tuple(quotas))
