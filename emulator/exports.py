"""The files that the platform's console would give a person, as CSV: I4, I5, I6, I8 of billing-rules.md §9.1.

Times are Beijing time, `yyyy-MM-dd HH:mm:ss`; numbers are global. `ExportOptions` spoils a file.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from emulator.axyb import AxybPair
from emulator.book import Kept
from emulator.books import Books, CallCharge, rounded
from emulator.exportcolumns import CHINESE, CHINESE_VALUES, COLUMNS, ExportName
from emulator.rent import RentCharge
from emulator.smsrecord import SendResult
from emulator.world import AxbBinding, World
from privatenumber.phone import is_global, national
from privatenumber.times import BEIJING, beijing_day

Row = Mapping[str, object]
Fee = tuple[str, Decimal, int]
"""Number type, unit price, quantity."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a file deviates from the truth.

    `omit` leaves out calls with these `icid` and SMS with these ids; `masked` prints parties as
    `138****8001`; `shift_hours` moves every time (-8: a file in UTC); `call_price` is a wrong unit price of
    calls on the bill, amounts alike;
    `marker_counts` counts the `@B` of AX in the parts of an SMS, as a FAQ says (billing-rules.md §4).
    """

    omit: frozenset[str] = frozenset()
    masked: bool = False
    shift_hours: int = 0
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    headers: Literal["en", "zh"] = "en"
    call_price: Decimal | None = None
    marker_counts: bool = False


AS_IT_WAS = ExportOptions()


def export(
    name: ExportName, books: Books, world: World, month: str | None, options: ExportOptions = AS_IT_WAS
) -> bytes:
    """Write one file for a Beijing month `yyyy-MM`, or for all time; `bill` without a month: all months."""
    rows: Mapping[ExportName, Callable[[], Iterable[Row]]] = {
        "calls": lambda: _call_rows(books, month, options),
        "sms": lambda: _sms_rows(books, month, options),
        "stats": lambda: _stat_rows(books, month),
        "bill": lambda: _bill_rows(books, month, options),
        "numbers": lambda: _number_rows(world),
    }
    columns = COLUMNS[name]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    chinese = options.headers == "zh"
    writer.writerow([CHINESE[column] for column in columns] if chinese else columns)
    texts = CHINESE_VALUES if chinese else {}
    writer.writerows(
        [_cell(row.get(column), texts.get(column, {})) for column in columns] for row in rows[name]()
    )
    return text.getvalue().encode(options.encoding)


def _call_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    for charge in books.calls_of(month):
        call = charge.call
        if call.icid in options.omit:
            continue
        callee = call.route.destination if call.route is not None and call.started_at is not None else ""
        yield {
            "record_id": call.icid,
            "binding_id": call.subscription_id,
            "app_key": call.app_key,
            "x_number": call.dialled,
            "caller": _party(call.caller, options),
            "callee": _party(callee, options),
            "call_in_time": _time(call.call_in_at, options),
            "answer_time": _time(call.answered_at, options),
            "end_time": _time(call.ended_at, options),
            "duration_s": call.talk_seconds,
            "billed_minutes": charge.minutes,
            "result": call.ending.teardown if call.ending is not None else None,
        }


def _sms_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    for charge in books.sms_of(month):
        sms = charge.sms
        if sms.id in options.omit:
            continue
        parts = sms.parts_received if options.marker_counts and charge.parts else charge.parts
        yield {
            "sms_id": sms.id,
            "app_key": sms.app_key,
            "x_number": sms.x,
            "sender": _party(sms.sender, options),
            "receiver": _party(sms.receiver or "", options) if sms.arrived else "",
            "time": _time(charge.finished_at, options),
            "parts": parts,
            "result": int(sms.result) if sms.result is not None else None,
        }


def _stat_rows(books: Books, month: str | None) -> Iterator[Row]:
    """One row per day and application that saw anything."""
    counts: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for charge in books.calls_of(None):
        row = counts[charge.day, charge.call.app_key]
        row["attempts"] += 1
        row["connected"] += charge.call.answered_at is not None
        row["duration_s"] += charge.call.talk_seconds
    for message in books.sms_of(None):
        row = counts[message.day, message.sms.app_key]
        row["sms_sends"] += 1
        row["sms_success"] += message.sms.result == SendResult.SENT
        row["sms_parts"] += message.parts
    bindings: list[AxbBinding | Kept] = [*books.bindings(), *books.kept_bindings()]
    for binding in bindings:
        if not (isinstance(binding, AxybPair) and binding.automatic):
            _count_binding(counts, binding)
    for day, app_key in sorted(counts):
        if month is not None and f"{day:%Y-%m}" != month:
            continue
        yield {
            **dict.fromkeys(COLUMNS["stats"][5:], 0),
            **counts[day, app_key],
            "period_start": day,
            "period_end": day,
            "app_key": app_key,
        }


def _count_binding(counts: Mapping[tuple[date, str], dict[str, int]], binding: AxbBinding | Kept) -> None:
    bound_at = binding.bound_at or binding.started_at if isinstance(binding, AxbBinding) else binding.bound_at
    bound_on = beijing_day(bound_at)
    counts[bound_on, binding.app_key]["binds"] += 1
    if binding.ended_at is not None:
        ordered = binding.end_reason in ("unbound", "unbound_with_x")
        how = "manual_unbinds" if ordered else "auto_unbinds"
        counts[beijing_day(binding.ended_at), binding.app_key][how] += 1


def _bill_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    for period in [month] if month is not None else books.months():
        yield from _rent_rows(period, books.rent_of(period))
        yield from _fee_rows(period, "call", _call_fees(books.calls_of(period), options))
        messages = [(one.sms.number_type, one.unit_price, one.parts) for one in books.sms_of(period)]
        yield from _fee_rows(period, "sms", messages)


def _rent_rows(period: str, charges: Iterable[RentCharge]) -> Iterator[Row]:
    by_type: dict[tuple[str, Decimal], int] = defaultdict(int)
    for charge in charges:
        by_type[charge.number_type, charge.amount] += 1
    for (number_type, price), quantity in sorted(by_type.items(), reverse=True):
        yield _bill_row(period, "rent", number_type, quantity, price)


def _call_fees(charges: Iterable[CallCharge], options: ExportOptions) -> Iterator[Fee]:
    for charge in charges:
        price = charge.unit_price if options.call_price is None else options.call_price
        yield charge.call.number_type, price, charge.minutes


def _fee_rows(period: str, item: str, fees: Iterable[Fee]) -> Iterator[Row]:
    by_type: dict[tuple[str, Decimal], int] = defaultdict(int)
    for number_type, price, quantity in fees:
        by_type[number_type, price] += quantity
    for (number_type, price), quantity in sorted(by_type.items(), reverse=True):
        if quantity:
            yield _bill_row(period, item, number_type, quantity, price)


def _bill_row(period: str, item: str, number_type: str, quantity: int, price: Decimal) -> Row:
    amount = rounded(quantity * price)
    return {
        "period": period,
        "item": item,
        "number_type": number_type,
        "quantity": quantity,
        "unit_price": price,
        "list_amount": amount,
        "package_quantity": 0,
        "discount": Decimal("0.00"),
        "amount": amount,
        "currency": "CNY",
    }


def _number_rows(world: World) -> Iterator[Row]:
    for number in world.numbers.values():
        application = world.applications.get(number.app_key)
        yield {
            "x_number": number.x,
            "number_type": number.number_type,
            "app_key": number.app_key,
            "city_code": number.area_code,
            "state": number.status.value,
            "sms": "true" if application is not None and application.sms and number.sms else "false",
            "real_name": "true",
            "issued_on": number.issued_on,
            "unsubscribed_on": number.unsubscribed_on,
        }


def _party(number: str, options: ExportOptions) -> str:
    if not options.masked or not is_global(number):
        return number
    dialled = national(number)
    return f"{dialled[:3]}****{dialled[-4:]}"


def _time(at: datetime | None, options: ExportOptions) -> str:
    if at is None:
        return ""
    return (at.astimezone(BEIJING) + timedelta(hours=options.shift_hours)).strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: object, texts: Mapping[str, str]) -> str:
    text = "" if value is None else str(value)
    return texts.get(text, text)
