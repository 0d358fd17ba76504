"""The emulator's own books: what every call, SMS and number really costs, whatever became of the pushes.

A small rating of its own (billing-rules.md §2 to §4, §6, §9.5): the product's bills are measured against
it, so it shares no code with them. Amounts are exact CNY Decimals, only sums are rounded. Months are Beijing
months.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from emulator.book import Kept
from emulator.callrecord import Call
from emulator.rent import RentCharge, deducted_in
from emulator.settings import ByNumberType, PriceSettings
from emulator.smsrecord import Sms
from emulator.world import AxbBinding, World
from privatenumber.times import beijing_day, beijing_month

FEN = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CallCharge:
    """One ended call as it is charged. An unanswered call costs nothing and is counted all the same."""

    call: Call
    ended_at: datetime
    minutes: int
    unit_price: Decimal
    amount: Decimal

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
    amount: Decimal

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
    """What one month really comes to. `rent` was deducted in it; sums are rounded half up to the fen."""

    month: str
    attempts: int
    answered: int
    talk_seconds: int
    minutes: int
    calls: Decimal
    sms_sends: int
    sms_parts: int
    sms: Decimal
    rent: Decimal

    @property
    def total(self) -> Decimal:
        """Calls, SMS and rent together."""
        return self.calls + self.sms + self.rent


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
        self._world = world
        self._prices = prices
        self._now = now

    def record(self, call: Call) -> CallCharge:
        """Enter an ended call. ValueError when it still runs."""
        if call.ended_at is None:
            raise ValueError("a call that still runs has no charge")
        price = _price(self._prices.call, call.number_type)
        minutes = billed_minutes(call.talk_seconds) if call.answered_at is not None else 0
        charge = CallCharge(call, call.ended_at, minutes, price, minutes * price)
        self.calls.append(charge)
        return charge

    def record_sms(self, sms: Sms) -> SmsCharge:
        """Enter an SMS whose outcome is known. ValueError while it is under way."""
        if sms.finished_at is None:
            raise ValueError("an SMS under way has no charge")
        price = _price(self._prices.sms, sms.number_type)
        charge = SmsCharge(sms, sms.finished_at, sms.parts_sent, price, sms.parts_sent * price)
        self.sms.append(charge)
        return charge

    def sms_of(self, month: str | None) -> list[SmsCharge]:
        """Return the SMS of a month `yyyy-MM`, or all, in order of their outcome."""
        chosen = [charge for charge in self.sms if month is None or charge.month == month]
        return sorted(chosen, key=lambda charge: (charge.finished_at, charge.sms.id))

    def calls_of(self, month: str | None) -> list[CallCharge]:
        """Return the calls of a month `yyyy-MM`, or all, in order of their end."""
        chosen = [charge for charge in self.calls if month is None or charge.month == month]
        return sorted(chosen, key=lambda charge: (charge.ended_at, charge.call.session_id))

    def rent_of(self, month: str) -> list[RentCharge]:
        """Return the rents deducted in a month `yyyy-MM` up to now."""
        year, number = (int(part) for part in month.split("-"))
        numbers = self._world.numbers.values()
        return list(deducted_in(numbers, year, number, self._prices.rent, until=self._now()))

    def totals(self, month: str) -> MonthTotals:
        """Add up a month."""
        charges, messages = self.calls_of(month), self.sms_of(month)
        return MonthTotals(
            month=month,
            attempts=len(charges),
            answered=sum(charge.call.answered_at is not None for charge in charges),
            talk_seconds=sum(charge.call.talk_seconds for charge in charges),
            minutes=sum(charge.minutes for charge in charges),
            calls=rounded(_sum(charge.amount for charge in charges)),
            sms_sends=len(messages),
            sms_parts=sum(charge.parts for charge in messages),
            sms=rounded(_sum(charge.amount for charge in messages)),
            rent=rounded(_sum(charge.amount for charge in self.rent_of(month))),
        )

    def months(self) -> list[str]:
        """Return every month from the first entry, or from the opening of the books, up to now."""
        entered = [charge.ended_at for charge in self.calls] + [charge.finished_at for charge in self.sms]
        start = min([self.opened_at, *entered])
        first, last = beijing_day(start), beijing_day(max(self._now(), start))
        count = (last.year - first.year) * 12 + last.month - first.month
        ordinals = range(first.month - 1, first.month + count)
        return [f"{first.year + at // 12:04d}-{at % 12 + 1:02d}" for at in ordinals]

    def bindings(self) -> list[AxbBinding]:
        """Return every AXB binding there ever was, ended ones first, as it is or as it ended."""
        now = self._now()
        self._world.settle_expiries(now)
        return [*self._world.axb_ended, *self._world.all_axb(now)]

    def kept_bindings(self) -> list[Kept]:
        """Return every binding of the other modes there ever was, mode by mode, the YB of AXYB last."""
        now, world = self._now(), self._world
        books = (world.ax, world.axe, world.axyb)
        found: list[Kept] = [binding for book in books for binding in (*book.ended, *book.all(now))]
        return [*found, *world.axyb.ever_paired(now)]


def _price(prices: ByNumberType, number_type: str) -> Decimal:
    return prices.carrier if number_type == "carrier" else prices.virtual


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
