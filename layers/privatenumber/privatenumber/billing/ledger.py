"""The books of one account: the tables that billing reads and writes, and its numbers and prices.

Made anew for every run: the inventory and the orders that were looked up belong to the run that read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Final, TypeVar

from privatenumber.billing.closing.days import ClosedDay, DayCloser
from privatenumber.billing.rating.rent import RELEASED_AFTER_ARREARS, Holding, leaves_late
from privatenumber.billing.reconciliation.call_checks import Account
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.privacy import Keyring
from privatenumber.store.closes import CloseStore
from privatenumber.store.facts import FactStore
from privatenumber.store.files import FileStore
from privatenumber.store.numbers import NumberState, NumberType, XNumber
from privatenumber.store.orders import OrderStore
from privatenumber.store.statements import MonthStore

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

#: A month has some 30 days of 16 index partitions: read one after the other they would take seconds.
_THREADS: Final = 8


@dataclass(frozen=True)
class Ledger:
    """Everything a run works with. ``applications`` maps our ids to the platform's app keys.

    ``unseal`` opens what was sealed for a context, under new keys too; it raises SealBroken.
    """

    applications: Mapping[str, str]
    numbers: Sequence[XNumber] = field(repr=False)
    prices: PriceBook
    facts: FactStore
    closes: CloseStore
    orders: OrderStore
    statements: MonthStore
    reconciliations: MonthStore
    files: FileStore
    keyring: Callable[[], Keyring]
    unseal: Callable[[bytes, str], bytes]
    packages: Sequence[PackageOrder] = ()

    @cached_property
    def inventory(self) -> Mapping[str, NumberType]:
        """Every X of the account and its type."""
        return {number.x: number.number_type for number in self.numbers}

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """The numbers as the rent calendar sees them."""
        return tuple(
            Holding(
                x=number.x,
                application=number.application,
                number_type=number.number_type,
                issued_on=number.issued_on,
                unsubscribed_on=number.unsubscribed_on,
                returned=number.state is NumberState.RETIRED,
                released=number.x in self._released,
            )
            for number in self.numbers
        )

    @cached_property
    def _released(self) -> frozenset[str]:
        """Numbers that the platform took back after arrears, of those to whom it makes a difference."""
        late = [
            number
            for number in self.numbers
            if number.state is NumberState.RETIRED and leaves_late(number.unsubscribed_on)
        ]
        states = together(lambda number: self.facts.last_number_state(number.application, number.x), late)
        return frozenset(
            number.x for number, state in zip(late, states, strict=True) if state == RELEASED_AFTER_ARREARS
        )

    @cached_property
    def closer(self) -> DayCloser:
        """Closes days with the prices and numbers of this run."""
        return DayCloser(self.facts, self.closes, self.orders, self.prices, self.inventory)

    @cached_property
    def account(self) -> Account:
        """Prices, numbers and applications, as reconciliation needs them."""
        by_key = {app_key: application for application, app_key in self.applications.items()}
        return Account(self.prices, self.inventory, by_key)

    def close_days(self, days: Iterable[date], *, now: datetime) -> list[ClosedDay]:
        """Close days for every application, in order of application and day."""
        work = [(application, day) for application in sorted(self.applications) for day in days]
        return list(together(lambda each: self.closer.close(each[0], each[1], now=now), work))


def together(do: Callable[[_Item], _Answer], items: Iterable[_Item]) -> Iterator[_Answer]:
    """Do something for all items, several at a time; answers in order, the first error raised."""
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        yield from pool.map(do, items)
