"""What packages pay for: deduction of minutes and SMS parts in order of usage (billing-rules.md §5).

Pure. A package belongs to the account, whatever application or number used it. What is taken and what is left
depends on the order of the usages only: by usage time, then by the id of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from privatenumber.billing.tariff.packages import PackageChoice, PackageOrder
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.numbers import NumberType


class Unpaid(StrEnum):
    """Why no package pays although the account has one: the only reasons there are."""

    RENT = "rent"
    CARRIER_SMS = "carrier_sms"
    EXHAUSTED = "quota_exhausted"
    EXPIRED = "expired"
    NOT_YET_EFFECTIVE = "not_yet_effective"


@dataclass(frozen=True, slots=True)
class Use:
    """Minutes and SMS parts."""

    minutes: int = 0
    parts: int = 0

    def of(self, item: Item) -> int:
        """The units of an item; there are none of rents."""
        return {Item.CALL: self.minutes, Item.SMS: self.parts}.get(item, 0)

    def plus(self, item: Item, units: int) -> Use:
        """More units of an item."""
        if item is Item.CALL:
            return replace(self, minutes=self.minutes + units)
        return replace(self, parts=self.parts + units)


@dataclass(frozen=True, slots=True)
class Deduction:
    """Units that a package pays, by the number of its order."""

    package: str
    units: int


@dataclass(frozen=True, slots=True)
class Quota:
    """One order and what has been used of it."""

    order: PackageOrder
    used: Use = Use()

    @property
    def total(self) -> Use:
        """What was bought."""
        return Use(self.order.minutes, self.order.parts)

    @property
    def left(self) -> Use:
        """What has not been used, expired or not."""
        return Use(self.order.minutes - self.used.minutes, self.order.parts - self.used.parts)


@dataclass(frozen=True, slots=True)
class Quotas:
    """The packages of an account, in the order in which they are used."""

    quotas: tuple[Quota, ...] = ()

    def take(
        self, item: Item, number_type: NumberType, at: datetime, units: int
    ) -> tuple[tuple[Deduction, ...], Quotas]:
        """Pay units used at a moment, as far as the valid packages go, and what is left then.

        What the deductions do not cover is paid at list price; `reason` says why.
        """
        if not payable(item, number_type) or units <= 0:
            return (), self
        deductions: list[Deduction] = []
        after = list(self.quotas)
        for place, quota in enumerate(self.quotas):
            taken = min(units, quota.left.of(item)) if quota.order.valid_at(at) else 0
            if taken > 0:
                deductions.append(Deduction(quota.order.number, taken))
                after[place] = replace(quota, used=quota.used.plus(item, taken))
                units -= taken
            if not units:
                break
        return tuple(deductions), Quotas(tuple(after)) if deductions else self

    def available(self, item: Item, number_type: NumberType, at: datetime) -> int:
        """Units that packages would pay for a usage of this moment."""
        if not payable(item, number_type):
            return 0
        return sum(max(quota.left.of(item), 0) for quota in self.quotas if quota.order.valid_at(at))

    def reason(self, item: Item, number_type: NumberType, at: datetime) -> Unpaid | None:
        """Why these packages do not pay a usage of this moment; ``None`` when they do or there are none."""
        if not self.quotas or self.available(item, number_type, at):
            return None
        if item not in _ITEMS:
            return Unpaid.RENT
        if not payable(item, number_type):
            return Unpaid.CARRIER_SMS
        if any(quota.order.valid_at(at) for quota in self.quotas):
            return Unpaid.EXHAUSTED
        expired = any(quota.order.expires_at <= at for quota in self.quotas)
        return Unpaid.EXPIRED if expired else Unpaid.NOT_YET_EFFECTIVE


_ITEMS: Final = frozenset({Item.CALL, Item.SMS})


def quotas_of(
    orders: Iterable[PackageOrder],
    choice: PackageChoice = PackageChoice.EXPIRY,
    used: Mapping[str, Use] | None = None,
) -> Quotas:
    """The packages of an account; `used` is what went before, by order number."""
    before = used or {}
    found = sorted(orders, key=lambda order: order.number)
    found.sort(
        key=lambda order: (order.expires_at, order.effective_at),
        reverse=choice is PackageChoice.LATEST_EXPIRY,
    )
    return Quotas(tuple(Quota(order, before.get(order.number, Use())) for order in found))


@dataclass(frozen=True, slots=True)
class Usage:
    """Units that one rated record used at a moment; ``record`` orders those of one moment."""

    at: datetime
    record: str
    item: Item
    number_type: NumberType
    units: int


@dataclass(frozen=True, slots=True)
class Paid:
    """What packages paid of a usage, and why they did not pay the rest."""

    usage: Usage
    deductions: tuple[Deduction, ...]
    reason: Unpaid | None

    @property
    def package_units(self) -> int:
        """Units paid from packages."""
        return sum(deduction.units for deduction in self.deductions)

    @property
    def list_units(self) -> int:
        """Units paid at list price."""
        return self.usage.units - self.package_units


def deduct(usages: Iterable[Usage], quotas: Quotas) -> tuple[tuple[Paid, ...], Quotas]:
    """Pay usages in order of their time and record, in whatever order they come, and what is left then."""
    paid: list[Paid] = []
    for usage in sorted(usages, key=lambda usage: (usage.at, usage.record, usage.item)):
        deductions, quotas = quotas.take(usage.item, usage.number_type, usage.at, usage.units)
        one = Paid(usage, deductions, None)
        if one.list_units:
            one = replace(one, reason=quotas.reason(usage.item, usage.number_type, usage.at))
        paid.append(one)
    return tuple(paid), quotas


def payable(item: Item, number_type: NumberType) -> bool:
    """Minutes of all numbers, SMS parts of virtual ones; nothing else."""
    return item is Item.CALL or (item is Item.SMS and number_type is NumberType.VIRTUAL)
