"""A month of which the emulator's own books are the truth, and our facts of it, both to be spoilt at will."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from builders.billing import APP, APP_KEY, EXAMPLE_PRICES, A, B, cdr, end_event, number_token, tokens
from builders.closing import parts, usage
from builders.emulated import ACCOUNT, Platform, ended_call
from builders.emulated import X as FIRST_X
from builders.example import sms
from emulator.exportcolumns import ExportName
from emulator.exports import ExportOptions, export
from emulator.packages import PackageOrder as Bought
from emulator.smsrecord import SendResult, Sms
from emulator.world import Mode
from privatenumber.billing.closing.lines import Line
from privatenumber.billing.rating.packages import Use
from privatenumber.billing.rating.rent import Holding, rents_deducted
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.console_files import read_numbers, read_quota, read_statistics
from privatenumber.billing.reconciliation.exports_in import open_calls, open_sms, read_bill
from privatenumber.billing.reconciliation.layouts import CALLS, SMS, mapped
from privatenumber.billing.reconciliation.month_check import Console, MonthCheck, OurMonth, check_month
from privatenumber.billing.reconciliation.records import DetailFiles, Recorded, Resolver, compare_records
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact
from privatenumber.times import BEIJING

MONTH: Final = "2026-09"
V1, V2, V5 = FIRST_X, "+8617010000001", "+8617010000005"
C1: Final = "+8613800138901"
AFTER: Final = datetime(2026, 10, 5, tzinfo=UTC)
TYPES: Mapping[str, str] = {V1: "virtual", V2: "virtual", V5: "virtual", C1: "carrier"}
ISSUED: Mapping[str, date] = {V5: date(2026, 9, 15)}
_SERIAL = itertools.count(1)


def utc(text: str) -> datetime:
    """A moment of September written ``02 01:00:00``, or with a month before it, UTC."""
    full = f"2026-{text}" if text.count("-") else f"2026-09-{text}"
    return datetime.fromisoformat(full).replace(tzinfo=UTC)


@dataclass(repr=False)
class Planted:
    """Both sides of September 2026. What is put in happened on the platform and is stored with us.

    ``facts``, ``ends``, ``texts``, ``holdings`` and ``orders`` are ours: taking something away plants a loss.
    """

    platform: Platform = field(default_factory=lambda: Platform(start=AFTER))
    facts: dict[str, CdrFact] = field(default_factory=dict)
    ends: dict[str, EventFact] = field(default_factory=dict)
    texts: dict[str, SmsFact] = field(default_factory=dict)
    contradictions: list[CdrFact] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    orders: list[PackageOrder] = field(default_factory=list)
    prices: PriceBook = EXAMPLE_PRICES

    def __post_init__(self) -> None:
        for x, kind in TYPES.items():
            self.platform.number(x, number_type=kind, issued_on=ISSUED.get(x))
            self.holdings[x] = Holding(x, APP, NumberType(kind), ISSUED.get(x))

    def call(self, end: str, seconds: int | None, x: str = V1, *, began_s: int = 8) -> str:
        """A call that ended then after so many seconds of talk, None: not answered. Returns its icid."""
        ended = utc(end)
        answered = None if seconds is None else ended - timedelta(seconds=seconds)
        call_in = (answered or ended) - timedelta(seconds=began_s)
        call = ended_call(
            answered, ended, dialled=x, number_type=TYPES.get(x, "virtual"), call_in_at=call_in,
            subscription_id="sub-1",
        )  # fmt: skip
        self.platform.books.record(call)
        session = tokens(call.session_id, "session")
        self.facts[call.icid] = cdr(
            _text(answered), _text(ended), icid=call.icid, session=session, x=x,
            display_x=x if answered else None,
        )  # fmt: skip
        end_of = end_event(_text(ended) or "", session=session, called=number_token(x))
        self.ends[call.icid] = end_of
        return call.icid

    def text(self, at: str, count: int = 1, x: str = V2, *, marker: int = 0) -> str:
        """An SMS of so many parts, of so many more with the `@B` of AX. Returns its id."""
        moment, name = utc(at), f"sms-planted-{next(_SERIAL):04d}"
        sent = Sms(
            name, APP_KEY, Mode.AX, A, x, "中" * (67 * (count + marker) if count + marker > 1 else 9), moment,
            TYPES.get(x, "virtual"), "0755", receiver=B, result=SendResult.SENT, parts_sent=count,
            finished_at=moment,
        )  # fmt: skip
        self.platform.books.record_sms(sent)
        token = tokens(name, "sms")
        self.texts[name] = sms(
            0, at=moment, received_at=moment, x=x, sms=token, key=(f"CALL#{APP}#{token}", f"SMS#{token}"),
            calling=number_token(A), split_num=count, parts_received=count + marker, parts_forwarded=count,
            size_received=None, size_forwarded=None, application=APP, digest=f"digest-{name}",
        )  # fmt: skip
        return name

    def package(self, bought: str, minutes: int = 500) -> None:
        """Buy a package on both sides."""
        catalogue = {each.minutes: each for each in self.platform.settings.price.packages}
        found, number = catalogue[minutes], f"package-{len(self.orders) + 1:04d}"
        self.platform.books.packages.orders.append(Bought(number, ACCOUNT, utc(bought), found))
        self.orders.append(PackageOrder(number, utc(bought), found.minutes, found.parts, found.price))

    def compare(self, *, table: bool = True, statistics: bool = True, **options: Any) -> MonthCheck:
        """Export everything, spoilt by ``options``, and compare."""
        spoilt = ExportOptions(**options)
        closed = parts(
            self.facts.values(), self.texts.values(), self.contradictions,
            prices=self.prices, inventory=self._inventory(),
        )  # fmt: skip
        lines = [line for part in closed for line in part.lines]
        inside = [part for part in closed if f"{part.part.day:%Y-%m}" == MONTH]
        ours = self._ours(inside, lines)
        look = ours.look()
        records = compare_records(
            Recorded(MONTH, look.watch(lines), list(self.ends.values())),
            DetailFiles([self._calls(spoilt)], [self._sms(spoilt)]),
            Account(self.prices, self._inventory(), {APP_KEY: APP}, self.orders),
            Resolver(tokens, lambda facts: dict.fromkeys(facts, A), self._events, AFTER),
        )
        bill = read_bill(self.file("bill", spoilt))
        console = Console(
            [line for line in bill.rows if line.period == MONTH],
            read_statistics(self.file("stats", spoilt)).rows if statistics else (),
            read_quota(self.file("quota", spoilt)).rows,
            read_numbers(self.file("numbers", spoilt)).rows if table else (),
        )
        found = check_month(ours, console, records.differences, records.explanations, look)
        assert_balanced(found, console, ours)
        return found

    def file(self, name: ExportName, options: ExportOptions) -> bytes:
        """One file of the console."""
        return export(name, self.platform.books, self.platform.world, MONTH, options)

    def _calls(self, options: ExportOptions) -> Any:
        zone = {"timezone": "UTC"} if options.shift_hours else {}
        data = self.file("calls", options)
        return open_calls(lambda: io.BytesIO(data), mapped(CALLS, zone))

    def _sms(self, options: ExportOptions) -> Any:
        zone = {"timezone": "UTC"} if options.shift_hours else {}
        data = self.file("sms", options)
        return open_sms(lambda: io.BytesIO(data), mapped(SMS, zone))

    def _events(self, addresses: Sequence[str]) -> Any:
        known = {"/".join(end.key): end for end in self.ends.values()}
        return [(address, [known[address]]) for address in addresses]

    def _inventory(self) -> dict[str, NumberType]:
        return {x: holding.number_type for x, holding in self.holdings.items()}

    def _ours(self, closed: Sequence[Any], lines: Sequence[Line]) -> OurMonth:
        def lines_of(day: date) -> list[Line]:
            return [line for line in lines if line.at.astimezone(BEIJING).date() == day]

        rents = rents_deducted(self.holdings.values(), MONTH, self.prices, until=AFTER)
        return OurMonth(
            MONTH, usage(closed, self.orders, dict[str, Use]()), rents, list(self.holdings.values()),
            self.prices, {APP_KEY: APP}, lines_of, AFTER,
        )  # fmt: skip


def clean_month() -> Planted:
    """A package from 2 September 11:00 Beijing on, used up inside a call; both types, SMS, a miss."""
    month = Planted()
    month.package("02 02:03:00")
    month.call("02 01:00:00", 61)
    month.call("03 04:00:00", 300 * 60)
    month.call("04 04:00:00", 59, C1)
    month.call("05 04:00:00", None)
    month.call("08 08:00:00", 210 * 60)
    month.call("10 04:00:00", 0, C1)
    month.call("12 04:00:00", 121, V2)
    month.text("02 01:00:00", 2)
    month.text("03 01:00:00", 1)
    month.text("06 01:00:00", 3, C1)
    return month


def assert_balanced(found: MonthCheck, console: Console, ours: OurMonth) -> None:
    """The platform's bill is our month, plus everything that differs, plus what was accepted; to the fen."""
    check = found.check
    amounts = [each.amount for each in found.differences]
    if None in amounts:
        return
    own = sum((cell.amount for cell in ours.usage.cells), Decimal(0))
    own += sum((rent.amount for rent in ours.rents), Decimal(0))
    own += sum((order.price for order in ours.bought), Decimal(0))
    told = sum((amount for amount in amounts if amount is not None), Decimal(0))
    accepted = sum((Decimal(each["amount"]) for each in (*check.accepted, *check.not_compared)), Decimal(0))
    billed = sum((line.amount for line in console.bill), Decimal(0))
    assert billed - own == told + accepted


def _text(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
