"""What is known of the account when its month is compared: prices, numbers, applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from privatenumber.billing.rating.calls import call_price, price_of
from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.money import Explained, explain
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import Item, PriceBook
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day


@dataclass(frozen=True)
class Account:
    """Its prices, its numbers, its applications by the platform's app key, the packages it has bought."""

    prices: PriceBook
    inventory: Mapping[str, NumberType] = field(repr=False)
    applications: Mapping[str, str]
    packages: Sequence[PackageOrder] = ()

    def number_type(self, x: str) -> NumberType:
        """The type of a file's number; virtual when it is not in the inventory (billing-rules.md §3.1)."""
        if "*" in x:
            return self._masked_type(x)
        return self.inventory.get(x, NumberType.VIRTUAL)

    def price_of_minutes(self, at: datetime, kind: NumberType, minutes: int) -> Decimal | None:
        """What call minutes cost at our prices."""
        return price_of(minutes, call_price(self.prices, beijing_day(at), kind))

    def price_of_parts(self, at: datetime, kind: NumberType, parts: int) -> Decimal:
        """What the parts of an SMS cost at our prices."""
        return price_of(parts, self.prices.at(beijing_day(at)).sms[kind]) or Decimal(0)

    def explained(
        self, item: Item, kind: NumberType, at: datetime, units: int, amount: Decimal | None
    ) -> Explained:
        """What one record makes the bill differ by."""
        payable = item is Item.CALL or kind is NumberType.VIRTUAL
        covered = payable and any(order.valid_at(at) for order in self.packages)
        return explain(units, amount, covered=covered)

    @cached_property
    def _masked(self) -> dict[str, NumberType]:
        return {}

    def _masked_type(self, pattern: str) -> NumberType:
        if pattern not in self._masked:
            number = ImportedNumber(pattern)
            kinds = {kind for x, kind in self.inventory.items() if number.matches(x)}
            self._masked[pattern] = kinds.pop() if len(kinds) == 1 else NumberType.VIRTUAL
        return self._masked[pattern]
