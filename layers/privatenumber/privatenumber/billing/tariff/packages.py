"""Packages (套餐包) of minutes and SMS parts: what can be bought, what was bought (billing-rules.md §5)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.billing.tariff.fields import TariffError, entries, members, moment, money, whole, within
from privatenumber.billing.tariff.money import plain
from privatenumber.times import BEIJING, iso

_MOST_UNITS: Final = 10**9
_CONTENT: Final = ("minutes", "parts", "price")
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


class PackageError(TariffError):
    """What was given as a purchase cannot be one; names the field and the rule."""


class PackageChoice(StrEnum):
    """Which of several valid packages is used first (`backend.billing.package_order`)."""

    EXPIRY = "expiry"
    """Earliest expiry, then earliest effective instant, then order number."""
    LATEST_EXPIRY = "latest_expiry"
    """Latest expiry, then latest effective instant, then order number."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the catalogue: minutes of all numbers, SMS parts of virtual ones, price in CNY."""

    minutes: int
    parts: int
    price: Decimal

    def document(self) -> dict[str, object]:
        """The package as JSON."""
        return {"minutes": self.minutes, "parts": self.parts, "price": plain(self.price)}


PUBLISHED_PACKAGES: Final = (
    Package(500, 50, Decimal(38)),
    Package(5_000, 150, Decimal(280)),
    Package(50_000, 1_000, Decimal(2_500)),
    Package(500_000, 10_000, Decimal(22_500)),
)


@dataclass(frozen=True, slots=True)
class PackageOrder:
    """A purchase by the account: all its packages start and end together. Moments are aware UTC."""

    number: str
    bought_at: datetime
    minutes: int
    parts: int
    price: Decimal
    effective_at: datetime = field(init=False, compare=False)
    """The next full hour after the purchase; a purchase on the hour waits for the next one."""
    expires_at: datetime = field(init=False, compare=False)
    """Twelve Beijing calendar months after `effective_at`, itself excluded; 29 February gives the 28th."""

    def __post_init__(self) -> None:
        # Beijing is a whole number of hours ahead, so its hours begin with those of UTC.
        hour = self.bought_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        object.__setattr__(self, "effective_at", hour + timedelta(hours=1))
        object.__setattr__(self, "expires_at", _a_year_after(self.effective_at))

    def valid_at(self, at: datetime) -> bool:
        """Whether usage of this moment is paid from the package."""
        return self.effective_at <= at < self.expires_at

    def document(self) -> dict[str, object]:
        """The purchase as JSON."""
        return {
            "number": self.number,
            "bought_at": iso(self.bought_at),
            "minutes": self.minutes,
            "parts": self.parts,
            "price": plain(self.price),
        }


def order_of(number: str, bought_at: datetime, packages: Iterable[Package]) -> PackageOrder:
    """One purchase of several packages."""
    bought = tuple(packages)
    return PackageOrder(
        number,
        bought_at,
        minutes=sum(package.minutes for package in bought),
        parts=sum(package.parts for package in bought),
        price=sum((package.price for package in bought), Decimal(0)),
    )


def read_packages(value: object, where: str) -> tuple[Package, ...]:
    """A catalogue from its JSON. Raises TariffError."""
    return tuple(
        Package(*_content(members(entry, f"{where} {at}", _CONTENT), f"{where} {at}"))
        for at, entry in enumerate(entries(value, where), start=1)
    )


def read_order(value: object, where: str = "package order") -> PackageOrder:
    """A purchase from its JSON. Raises PackageError."""
    try:
        given = members(value, where, ("number", "bought_at", *_CONTENT))
        number = given.get("number")
        if not isinstance(number, str) or _NUMBER.fullmatch(number) is None:
            raise TariffError(within(where, "number"), "1 to 64 letters, digits and - _ . : are expected")
        bought_at = moment(given.get("bought_at"), within(where, "bought_at"))
        return PackageOrder(number, bought_at, *_content(given, where))
    except TariffError as broken:
        raise PackageError(broken.field, broken.rule) from None


def _content(given: Mapping[str, object], where: str) -> tuple[int, int, Decimal]:
    minutes = whole(given.get("minutes", 0), within(where, "minutes"), least=0, most=_MOST_UNITS)
    parts = whole(given.get("parts", 0), within(where, "parts"), least=0, most=_MOST_UNITS)
    if not minutes and not parts:
        raise TariffError(within(where, "minutes, parts"), "at least one of them is above 0")
    return minutes, parts, money(given.get("price"), within(where, "price"))


def _a_year_after(moment: datetime) -> datetime:
    begin = moment.astimezone(BEIJING)
    last = monthrange(begin.year + 1, begin.month)[1]
    return begin.replace(year=begin.year + 1, day=min(begin.day, last)).astimezone(UTC)
