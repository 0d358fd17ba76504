"""The books of one account: the tables that billing reads and writes, and its numbers and prices.

Made anew for every run: the inventory and the orders that were looked up belong to the run that read them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.closer import DayCloser
from privatenumber.billing.closing.days import ClosedDay
from privatenumber.billing.closing.statement import Rules
from privatenumber.billing.rating.rent import RELEASED_AFTER_ARREARS, RETURNED, Holding, leaves_late
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.privacy import Keyring
from privatenumber.settings import CLOSE_DAY, KEPT_DAYS, TOLERANCE_LINE, Application, Mode
from privatenumber.store.closes import CloseStore
from privatenumber.store.disputes import DisputeStore
from privatenumber.store.fact_readings import NumberNotice
from privatenumber.store.facts import FactStore
from privatenumber.store.files import FileStore
from privatenumber.store.month_looks import LookStore
from privatenumber.store.numbers import NumberState, NumberType, XNumber
from privatenumber.store.orders import OrderStore
from privatenumber.store.statements import MonthStore
from privatenumber.store.versions import content_hash
from privatenumber.store.whereabouts import Whereabouts, whereabouts_of
from privatenumber.times import beijing_day

if TYPE_CHECKING:
    from privatenumber.billing.reconciliation.account import Account

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

#: A month has some 30 days of 24 index partitions: read one after the other they would take seconds.
_THREADS: Final = 8

_FORGOTTEN_WITHIN_DAYS: Final = 10
"""So much before facts are forgotten a day is not rated again: it may have lost some."""


_IDLE_MB: Final = 150
_CELL_MB: Final = 0.0021
"""Of a function that does nothing, and of a month for each of its cells: benchmarks/closing_cost.py, and half
as much again."""


class MonthTooLarge(Exception):
    """A month has more cells than the memory of this function holds; says what to do."""

    def __init__(self, memory_mb: int) -> None:
        super().__init__(
            f"the month has more than {cells_in(memory_mb):,} cells (orders, on each day they were used): "
            f"{memory_mb:,} MB do not hold them; state it in a function with more memory (MemorySize)"
        )


def cells_in(memory_mb: int) -> int:
    """How many cells a month may have that is stated in so much memory."""
    return max(int((memory_mb - _IDLE_MB) / _CELL_MB), 0)


@dataclass(frozen=True)
class Ledger:
    """Everything a run works with. ``applications`` maps our ids to the platform's app keys.

    ``known`` are the applications themselves. ``unseal`` opens what was sealed for a context, under new keys
    too; it raises SealBroken. ``kept_days`` is how long facts are kept, the shortest of them.
    """

    applications: Mapping[str, str]
    numbers: Sequence[XNumber] = field(repr=False)
    prices: PriceBook
    facts: FactStore
    closes: CloseStore
    orders: OrderStore
    statements: MonthStore
    corrections: MonthStore
    reconciliations: MonthStore
    disputes: DisputeStore
    looks: LookStore
    files: FileStore
    keyring: Callable[[], Keyring]
    unseal: Callable[[bytes, str], bytes]
    packages: Sequence[PackageOrder] = ()
    known: Mapping[str, Application] = field(default_factory=dict, repr=False)
    kept_days: int = KEPT_DAYS
    options: Options = field(default_factory=Options)
    close_day: int = CLOSE_DAY
    tolerance_line: Decimal = TOLERANCE_LINE
    memory_mb: int | None = None
    """Memory of the function that opened the books; None where nobody limits it."""
    import_layouts: str = ""
    """How the console's files are laid out where that is not as built in, as JSON text by kind of file."""

    @cached_property
    def inventory(self) -> Mapping[str, NumberType]:
        """Every X of the account and its type."""
        return {number.x: number.number_type for number in self.numbers}

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """The numbers as the rent calendar sees them."""
        return tuple(map(self._holding, self.numbers))

    def _holding(self, number: XNumber) -> Holding:
        told = self._returns.get(number.x)
        return Holding(
            x=number.x,
            application=number.application,
            number_type=number.number_type,
            issued_on=number.issued_on,
            unsubscribed_on=number.unsubscribed_on or (beijing_day(told.received_at) if told else None),
            returned=number.state is NumberState.RETIRED,
            released=told is not None and told.cause == RELEASED_AFTER_ARREARS,
        )

    @cached_property
    def _returns(self) -> Mapping[str, NumberNotice]:
        """What the platform said last of returned numbers, of those to whom it makes a difference."""
        asked = [
            number
            for number in self.numbers
            if number.state is NumberState.RETIRED
            and (number.unsubscribed_on is None or leaves_late(number.unsubscribed_on))
        ]
        told = together(lambda number: self.facts.last_number_state(number.application, number.x), asked)
        return {
            number.x: notice
            for number, notice in zip(asked, told, strict=True)
            if notice is not None and notice.status == RETURNED
        }

    @cached_property
    def modes(self) -> Mapping[str, Mode]:
        """The mode of each application."""
        return {application: self.known[application].mode for application in self.known}

    @cached_property
    def places(self) -> Mapping[str, Whereabouts]:
        """Where the numbers of each application belong."""
        return {
            application: whereabouts_of(
                self.known.get(application),
                (number for number in self.numbers if number.application == application),
            )
            for application in self.applications
        }

    @cached_property
    def closer(self) -> DayCloser:
        """Closes days with the prices and numbers of this run."""
        return self.closer_with(self.prices)

    def closer_with(self, prices: PriceBook) -> DayCloser:
        """Closes, or only rates, days with other prices."""
        return DayCloser(
            self.facts,
            self.closes,
            self.looks,
            self.orders,
            prices,
            self.inventory,
            self.modes,
            self.places,
        )

    def rules_with(self, prices: PriceBook) -> Rules:
        """What statements are made with."""
        return Rules(prices, self.modes, self.places, self.options)

    @cached_property
    def account(self) -> Account:
        """Prices, numbers and applications, as reconciliation needs them."""
        from privatenumber.billing.reconciliation.account import Account

        by_key = {app_key: application for application, app_key in self.applications.items()}
        return Account(self.prices, self.inventory, by_key, self.packages)

    def close_days(self, days: Iterable[date], *, now: datetime) -> list[ClosedDay]:
        """Close days for every application, in order of application and day.

        A day whose facts may be forgotten in part stays as it is. Raises MonthTooLarge.
        """

        def close(application: str, day: date) -> ClosedDay | None:
            if self.is_forgotten(day, now=now):
                return self.closer.closed(application, day)
            return self.closer.close(application, day, now=now)

        return self._days(days, close)

    def stored_days(self, days: Iterable[date], *, now: datetime | None = None) -> list[ClosedDay]:
        """The days that are closed, as they are stored, in order of application and day.

        With `now` one that was rated with other prices or rules is closed anew, unless its facts may be
        forgotten. Raises MonthTooLarge.
        """

        def stored(application: str, day: date) -> ClosedDay | None:
            found = self.closer.closed(application, day)
            if now is None or found is None or self.closer.is_current(found.close):
                return found
            if self.is_forgotten(day, now=now):
                return found
            return self.closer.close(application, day, now=now)

        return self._days(days, stored)

    def each(self, days: Iterable[date]) -> list[tuple[str, date]]:
        """Every application with every day."""
        known = list(days)
        return [(application, day) for application in sorted(self.applications) for day in known]

    def held(self, found: Generator[_Answer], cells: Callable[[_Answer], Sized]) -> list[_Answer]:
        """What is found, with its cells in memory together. Raises MonthTooLarge when they are too many."""
        held, count = list[_Answer](), 0
        with closing(found):
            for each in found:
                held.append(each)
                count += len(cells(each))
                self._check(count)
        return held

    @cached_property
    def book(self) -> str:
        """The hash of the price book of this run."""
        return content_hash(self.prices.document(), ())

    def is_forgotten(self, day: date, *, now: datetime) -> bool:
        """Whether a day is so long ago that its facts are not all kept any more."""
        return (beijing_day(now) - day).days > max(self.kept_days - _FORGOTTEN_WITHIN_DAYS, 0)

    def _days(self, days: Iterable[date], read: Callable[[str, date], ClosedDay | None]) -> list[ClosedDay]:
        work = self.each(days)
        if self.memory_mb is not None:
            heads = together(lambda each: self.closes.latest(*each), work)
            self._check(sum(head.lines for head in heads if head is not None))
        found = self.held(
            together(lambda each: read(*each), work), lambda closed: closed.close.cells if closed else ()
        )
        return [closed for closed in found if closed is not None]

    def _check(self, cells: int) -> None:
        if self.memory_mb is not None and cells > cells_in(self.memory_mb):
            raise MonthTooLarge(self.memory_mb)


def together(do: Callable[[_Item], _Answer], items: Iterable[_Item]) -> Generator[_Answer]:
    """Do something for all items, several at a time; answers in order, the first error raised.

    No more are under way than may be: answers that nobody has asked for yet would pile up in memory.
    """
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        ahead = deque[Future[_Answer]]()
        for item in items:
            if len(ahead) == _THREADS:
                yield ahead.popleft().result()
            ahead.append(pool.submit(do, item))
        while ahead:
            yield ahead.popleft().result()
