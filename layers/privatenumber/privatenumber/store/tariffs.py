"""Price lists (``TARIFF#PRICES``) and purchases of packages (``TARIFF#PACKAGES``) in the Bills table.

Both are versions (see `versions`): a change is the next version with its author and reason, and what held
before stays readable. Here they are JSON; what they mean is for `billing.tariff`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.versions import Line, Version, VersionStore, canonical, settle

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PRICES: Final = "TARIFF#PRICES"
PACKAGES: Final = "TARIFF#PACKAGES"
_LISTS: Final = "lists"
_OF_THE_CHANGE: Final = frozenset({"kind", "by", "why"})


class PurchaseConflict(Exception):
    """A purchase of this number stands with other content; `stored` is what it says."""

    def __init__(self, number: str, stored: Mapping[str, Any]) -> None:
        super().__init__(f"package order {number} is stored with other content")
        self.number = number
        self.stored = stored


class NoSuchPurchase(Exception):
    """No purchase of this number is known."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes a tariff, why and when."""

    by: str
    why: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """The version that says so now; `changed` is False when it already did."""

    version: Version
    changed: bool


class TariffStore:
    """The tariff of the account. Reads are strongly consistent; writes raise VersionTaken (contention)."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._versions = VersionStore(client, table)

    def prices(self) -> dict[str, Any] | None:
        """The latest price book; ``None`` before the first. Raises VersionBroken."""
        version = self._versions.latest(PRICES)
        return self.book(version) if version else None

    def book(self, version: Version) -> dict[str, Any]:
        """The price book of a version. Raises VersionBroken."""
        rules = {name: value for name, value in version.document.items() if name not in _OF_THE_CHANGE}
        return {**rules, _LISTS: self._versions.lines(version)}

    def set_prices(self, book: Mapping[str, Any], change: Change) -> Written:
        """Make a price book the next version, unless it is the latest one."""

        def attempt() -> Written:
            seen = self._versions.latest(PRICES)
            if seen is not None and canonical(self.book(seen)) == canonical(book):
                return Written(seen, changed=False)
            rules = {name: value for name, value in book.items() if name != _LISTS}
            return self._add(PRICES, rules, book[_LISTS], seen, change)

        return settle(attempt)

    def packages(self) -> list[dict[str, Any]]:
        """All purchases, by order number. Raises VersionBroken."""
        version = self._versions.latest(PACKAGES)
        return self._versions.lines(version) if version else []

    def add_package(self, order: Mapping[str, Any], change: Change) -> Written:
        """Add a purchase once, by its ``number``. Raises PurchaseConflict for other content under it."""

        def attempt() -> Written:
            seen, orders = self._purchases()
            stored = orders.get(order["number"])
            if stored is not None and seen is not None:
                if canonical(stored) != canonical(order):
                    raise PurchaseConflict(order["number"], stored)
                return Written(seen, changed=False)
            return self._set_packages({**orders, order["number"]: order}, seen, change)

        return settle(attempt)

    def withdraw_package(self, number: str, change: Change) -> Written:
        """Take out a purchase that was entered wrongly; its number is free again. Raises NoSuchPurchase."""

        def attempt() -> Written:
            seen, orders = self._purchases()
            if number not in orders:
                raise NoSuchPurchase(number)
            kept = {other: order for other, order in orders.items() if other != number}
            return self._set_packages(kept, seen, change)

        return settle(attempt)

    def history(self, name: str) -> Iterator[Version]:
        """All versions of `PRICES` or `PACKAGES`, newest first; their documents say by whom and why."""
        return self._versions.versions(name)

    def _purchases(self) -> tuple[Version | None, dict[str, Line]]:
        seen = self._versions.latest(PACKAGES)
        lines = self._versions.lines(seen) if seen else []
        return seen, {line["number"]: line for line in lines}

    def _set_packages(self, orders: Mapping[str, Line], seen: Version | None, change: Change) -> Written:
        return self._add(PACKAGES, {}, [orders[number] for number in sorted(orders)], seen, change)

    def _add(
        self,
        name: str,
        rules: Mapping[str, Any],
        lines: Sequence[Line],
        seen: Version | None,
        change: Change,
    ) -> Written:
        said = {"by": change.by, **({"why": change.why} if change.why else {})}
        head = {"kind": name.partition("#")[2].lower(), **rules, **said}
        version = self._versions.add(name, head, lines, seen=seen, made_at=change.at)
        return Written(version, changed=True)
