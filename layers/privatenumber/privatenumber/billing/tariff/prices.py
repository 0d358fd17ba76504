"""Dated price lists (billing-rules.md §2): what number, minute, SMS part and package cost, and from when.

Prices are data (`reading`). The price of a minute was never published: without a configured one a call's
amount is *unpriced*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.billing.tariff.fields import TariffError
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.packages import PUBLISHED_PACKAGES, Package, PackageChoice
from privatenumber.settings import Mode
from privatenumber.sms_parts import DOCUMENTED, SmsLimits
from privatenumber.store.numbers import NumberType


class Item(StrEnum):
    """What can be charged."""

    RENT = "rent"
    CALL = "call"
    SMS = "sms"
    PACKAGE = "package"


class UsageTime(StrEnum):
    """Which moment of a call decides its hour, day, month and price (`backend.billing.usage_time`)."""

    END = "end"
    ANSWER = "answer"


class PriceListError(TariffError):
    """The configured price lists cannot be used; the message names the field and what is expected there."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in CNY and counting rules from a Beijing date on, inclusive.

    ``rent`` is per number and month, ``call`` per started unit of ``minute_seconds``, ``sms`` per part.
    """

    valid_from: date
    rent: Mapping[NumberType, Decimal]
    call: Mapping[NumberType, Decimal | None]
    sms: Mapping[NumberType, Decimal]
    packages: tuple[Package, ...] = PUBLISHED_PACKAGES
    """What can be bought."""
    minute_seconds: int = 60
    """Length of a charged minute."""
    zero_second_minutes: int = 1
    """Minutes of an answered call of 0 seconds."""
    legs: Mapping[Mode, int] = field(default_factory=lambda: dict.fromkeys(Mode, 1))
    """How many legs of a call are charged, each with the minutes of the second one."""
    sms_limits: SmsLimits = DOCUMENTED

    def unit_price(self, item: Item, number_type: NumberType) -> Decimal | None:
        """What a minute or a part costs; None when nobody has said it."""
        return self.call[number_type] if item is Item.CALL else self.sms[number_type]

    def document(self) -> dict[str, object]:
        """The list as JSON; the published one is valid from ever."""
        return {
            "valid_from": None if self.valid_from == date.min else self.valid_from.isoformat(),
            "rent": _by_type(self.rent),
            "call": _by_type(self.call),
            "sms": _by_type(self.sms),
            "packages": [package.document() for package in self.packages],
            "minute_seconds": self.minute_seconds,
            "zero_second_minutes": self.zero_second_minutes,
            "legs": {mode.value: self.legs[mode] for mode in Mode},
            "sms_limits": {
                name: {"single": limits.single, "part": limits.part}
                for name, limits in (("english", self.sms_limits.english), ("other", self.sms_limits.other))
            },
        }


_OF_LINES: Final = ("call", "sms", "minute_seconds", "zero_second_minutes", "legs", "sms_limits")

PUBLISHED: Final = PriceList(
    valid_from=date.min,
    rent={NumberType.VIRTUAL: Decimal(5), NumberType.CARRIER: Decimal(15)},
    call={NumberType.VIRTUAL: None, NumberType.CARRIER: None},
    sms={NumberType.VIRTUAL: Decimal("0.28"), NumberType.CARRIER: Decimal("0.27")},
)
"""The values the provider published; valid until a configured list takes over."""


@dataclass(frozen=True)
class PriceBook:
    """All price lists, oldest first, and the rules that hold whichever is in force.

    ``lists`` are the configured ones. Raises PriceListError when two lists begin on one day.
    """

    lists: Sequence[PriceList] = ()
    usage_time: UsageTime = UsageTime.END
    package_choice: PackageChoice = PackageChoice.EXPIRY

    def __post_init__(self) -> None:
        lists = tuple(sorted(self.lists, key=lambda prices: prices.valid_from))
        days = [prices.valid_from for prices in (PUBLISHED, *lists)]
        if len(set(days)) != len(days):
            raise PriceListError("price lists", "two lists have the same valid_from")
        object.__setattr__(self, "lists", lists)

    def at(self, day: date) -> PriceList:
        """The list in force on a Beijing date."""
        return next((prices for prices in reversed(self.lists) if prices.valid_from <= day), PUBLISHED)

    def between(self, first: date, last: date) -> tuple[PriceList, ...]:
        """Every list that is in force on some day from `first` to `last`, both included, oldest first."""
        begins = self.at(first).valid_from
        return tuple(prices for prices in (PUBLISHED, *self.lists) if begins <= prices.valid_from <= last)

    def rules_of(self, day: date) -> dict[str, object]:
        """What decides the lines of a Beijing day as JSON; rents and packages are matters of months."""
        prices = self.at(day).document()
        return {"usage_time": self.usage_time.value, **{name: prices[name] for name in _OF_LINES}}

    def warnings(self) -> tuple[str, ...]:
        """What looks wrong in the lists although it can be used."""
        return tuple(warning for prices in self.lists for warning in _warnings(prices))

    def document(self) -> dict[str, object]:
        """The book as JSON, in its long form."""
        return {
            "usage_time": self.usage_time.value,
            "package_order": self.package_choice.value,
            "lists": [prices.document() for prices in self.lists],
        }


def _by_type(
    prices: Mapping[NumberType, Decimal] | Mapping[NumberType, Decimal | None],
) -> dict[str, str | None]:
    return {kind.value: plain(prices[kind]) for kind in NumberType}


def _warnings(prices: PriceList) -> Iterator[str]:
    """The smallest package is advertised as cheaper than list price (billing-rules.md §2, plausibility)."""
    smallest = min(prices.packages, key=lambda package: package.minutes, default=None)
    if smallest is None or not smallest.minutes:
        return
    least = (smallest.price - smallest.parts * prices.sms[NumberType.VIRTUAL]) / smallest.minutes
    for kind, price in prices.call.items():
        if price is not None and price < least:
            yield (
                f"price list of {prices.valid_from}: call.{kind} {plain(price)} is below {plain(least)}, "
                "what the smallest package costs per minute"
            )
