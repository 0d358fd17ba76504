"""The emulator's own books: what every call, SMS and number really costs, whatever became of the pushes.

A small rating of its own (billing-rules.md §2 to §6, §9.5): the product's bills are measured against
it, so it shares no code with them. Amounts are exact CNY Decimals, only sums are rounded. Months are Beijing
months.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from emulator.book import Kept
from emulator.callrecord import Call
from emulator.packages import Consumption, PackageOrder, Packages, Quota, Use
from emulator.rent import RentCharge, deducted_in
from emulator.settings import ByNumberType, PriceSettings
from emulator.smsrecord import Sms
from emulator.world import AxbBinding, World
from privatenumber.times import beijing_day, beijing_month, day_bounds

FEN = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CallCharge:
    """One ended call as it is charged. An unanswered call costs nothing and is counted all the same."""

    call: Call
    ended_at: datetime
    minutes: int
    unit_price: Decimal
    package_minutes: int = 0

    @property
    def amount(self) -> Decimal:
        """What is paid beyond packages, exact."""
        return (self.minutes - self.package_minutes) * self.unit_price

    @property
    def month(self) -> str:
        """The month it belongs to, `yyyy-MM`: that of its end (billing-rules.md §3.3)."""
        return beijing_month(self.ended_at)

    @property
    def day(self) -> date:
        """The day it belongs to."""
        return beijing_day(self.ended_at)


@dataclass(frozen=True, slots=True)
class SmsCharge:
    """One SMS whose outcome is known: the parts that were sent are charged (billing-rules.md §4)."""

    sms: Sms
    finished_at: datetime
    parts: int
    unit_price: Decimal
    package_parts: int = 0

    @property
    def amount(self) -> Decimal:
        """What is paid beyond packages, exact."""
        return (self.parts - self.package_parts) * self.unit_price

    @property
    def month(self) -> str:
        """The month it belongs to, `yyyy-MM`: that of its `timeStamp`."""
        return beijing_month(self.finished_at)

    @property
    def day(self) -> date:
        """The day it belongs to."""
        return beijing_day(self.finished_at)


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """What one month really comes to. `rent` was deducted in it; sums are rounded half up to the fen.

    `minutes` and `sms_parts` count all use, those of packages included; `packages` were bought in the month.
    """

    month: str
    attempts: int
    answered: int
    talk_seconds: int
    minutes: int
    package_minutes: int
    calls: Decimal
    sms_sends: int
    sms_parts: int
    package_parts: int
    sms: Decimal
    rent: Decimal
    packages: Decimal

    @property
    def total(self) -> Decimal:
        """Calls, SMS, rent and packages together."""
        return self.calls + self.sms + self.rent + self.packages


def billed_minutes(talk_seconds: int) -> int:
    """Return the minutes of one answered call: each started minute counts, at least one."""
    return max(1, -(-talk_seconds // 60))


def rounded(amount: Decimal) -> Decimal:
    """Round a sum to the fen, half up."""
    return amount.quantize(FEN, ROUND_HALF_UP)


class Books:
    """Keeps a charge for every ended call and every SMS, and computes rents from the world's numbers."""

    def __init__(self, world: World, prices: PriceSettings, now: Callable[[], datetime]) -> None:
        self.calls: list[CallCharge] = []
        self.sms: list[SmsCharge] = []
        self.opened_at = now()
        self.packages = Packages(prices.packages, now)
        self._settled: tuple[tuple[int, int, int], Consumption] | None = None
        self._world = world
        self._prices = prices
        self.now = now

    def price(self, item: str, number_type: str) -> Decimal:
        """Return the price of a `call` minute, an `sms` part or a month's `rent`."""
        by_type: ByNumberType = getattr(self._prices, item)
        return by_type.carrier if number_type == "carrier" else by_type.virtual

    def record(self, call: Call) -> CallCharge:
        """Enter an ended call. ValueError when it still runs."""
        if call.ended_at is None:
            raise ValueError("a call that still runs has no charge")
        price = self.price("call", call.number_type)
        minutes = billed_minutes(call.talk_seconds) if call.answered_at is not None else 0
        charge = CallCharge(call, call.ended_at, minutes, price)
        self.calls.append(charge)
        return charge

    def record_sms(self, sms: Sms) -> SmsCharge:
        """Enter an SMS whose outcome is known. ValueError while it is under way."""
        if sms.finished_at is None:
            raise ValueError("an SMS under way has no charge")
        price = self.price("sms", sms.number_type)
        charge = SmsCharge(sms, sms.finished_at, sms.parts_sent, price)
        self.sms.append(charge)
        return charge

    def sms_of(self, month: str | None) -> list[SmsCharge]:
        """Return the SMS of a month `yyyy-MM`, or all, in order of their outcome, packages taken off."""
        taken = self._consumption().taken
        chosen = [
            replace(charge, package_parts=taken[charge.sms.id]) if charge.sms.id in taken else charge
            for charge in self.sms
            if month is None or charge.month == month
        ]
        return sorted(chosen, key=lambda charge: (charge.finished_at, charge.sms.id))

    def calls_of(self, month: str | None) -> list[CallCharge]:
        """Return the calls of a month `yyyy-MM`, or all, in order of their end, packages taken off."""
        taken = self._consumption().taken
        chosen = [
            replace(charge, package_minutes=taken[session]) if session in taken else charge
            for charge in self.calls
            if month is None or charge.month == month
            for session in (charge.call.session_id,)
        ]
        return sorted(chosen, key=lambda charge: (charge.ended_at, charge.call.session_id))

    def rent_of(self, month: str) -> list[RentCharge]:
        """Return the rents deducted in a month `yyyy-MM` up to now."""
        year, number = (int(part) for part in month.split("-"))
        numbers = self._world.numbers.values()
        return list(deducted_in(numbers, year, number, self._prices.rent, until=self.now()))

    def packages_of(self, month: str) -> list[PackageOrder]:
        """Return the packages bought in a month `yyyy-MM`."""
        begin, end = month_bounds(month)
        return self.packages.bought_in(begin, end)

    def quotas(self, month: str | None = None) -> tuple[Quota, ...]:
        """Return what is used of every package, at the end of a month `yyyy-MM` or now."""
        if month is None:
            return self._consumption().quotas
        _, end = month_bounds(month)
        left = self.packages.consume(use for use in self._uses() if use.at < end)
        return tuple(quota for quota in left.quotas if quota.order.bought_at < end)

    def totals(self, month: str) -> MonthTotals:
        """Add up a month."""
        charges, messages = self.calls_of(month), self.sms_of(month)
        return MonthTotals(
            month=month,
            attempts=len(charges),
            answered=sum(charge.call.answered_at is not None for charge in charges),
            talk_seconds=sum(charge.call.talk_seconds for charge in charges),
            minutes=sum(charge.minutes for charge in charges),
            package_minutes=sum(charge.package_minutes for charge in charges),
            calls=rounded(_sum(charge.amount for charge in charges)),
            sms_sends=len(messages),
            sms_parts=sum(charge.parts for charge in messages),
            package_parts=sum(charge.package_parts for charge in messages),
            sms=rounded(_sum(charge.amount for charge in messages)),
            rent=rounded(_sum(charge.amount for charge in self.rent_of(month))),
            packages=rounded(_sum(order.package.price for order in self.packages_of(month))),
        )

    def months(self) -> list[str]:
        """Return every month from the first entry, or from the opening of the books, up to now."""
        entered = [charge.ended_at for charge in self.calls] + [charge.finished_at for charge in self.sms]
        start = min([self.opened_at, *entered])
        first, last = beijing_day(start), beijing_day(max(self.now(), start))
        count = (last.year - first.year) * 12 + last.month - first.month
        ordinals = range(first.month - 1, first.month + count)
        return [f"{first.year + at // 12:04d}-{at % 12 + 1:02d}" for at in ordinals]

    def bindings(self) -> list[AxbBinding]:
        """Return every AXB binding there ever was, ended ones first, as it is or as it ended."""
        now = self.now()
        self._world.settle_expiries(now)
        return [*self._world.axb_ended, *self._world.all_axb(now)]

    def kept_bindings(self) -> list[Kept]:
        """Return every binding of the other modes there ever was, mode by mode, the YB of AXYB last."""
        now, world = self.now(), self._world
        books = (world.ax, world.axe, world.axyb)
        found: list[Kept] = [binding for book in books for binding in (*book.ended, *book.all(now))]
        return [*found, *world.axyb.ever_paired(now)]

    def _consumption(self) -> Consumption:
        """What the packages give to all records so far: a later purchase or record may change any of it."""
        state = (len(self.calls), len(self.sms), len(self.packages.orders))
        if self._settled is None or self._settled[0] != state:
            self._settled = (state, self.packages.consume(self._uses() if state[2] else ()))
        return self._settled[1]

    def _uses(self) -> Iterator[Use]:
        """What packages can give: minutes of both number types, SMS parts of virtual numbers only."""
        for charge in self.calls:
            if charge.minutes:
                call = charge.call
                account = self._world.account_of(call.app_key).id
                yield Use(call.session_id, account, charge.ended_at, "minutes", charge.minutes)
        for message in self.sms:
            sms = message.sms
            if message.parts and sms.number_type == "virtual":
                account = self._world.account_of(sms.app_key).id
                yield Use(sms.id, account, message.finished_at, "parts", message.parts)


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """Return the begin of a Beijing month `yyyy-MM` and of the next one, in UTC."""
    first = date.fromisoformat(f"{month}-01")
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day_bounds(first)[0], day_bounds(following)[0]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
