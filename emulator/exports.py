"""The files that the platform's console would give a person, as CSV: I4 to I8 of billing-rules.md §9.1.

Times are Beijing time, `yyyy-MM-dd HH:mm:ss`; numbers are global. `ExportOptions` spoils a file.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from emulator.axyb import AxybPair
from emulator.bill import Row, bill_rows
from emulator.book import Kept
from emulator.books import Books, month_bounds
from emulator.charges import calls_told, console_parts, shown_type, sms_told
from emulator.exportcolumns import CHINESE, CHINESE_VALUES, COLUMNS, ExportName
from emulator.exportoptions import AS_IT_WAS, ExportOptions
from emulator.smsrecord import SendResult
from emulator.world import AxbBinding, World
from privatenumber.phone import is_global, national
from privatenumber.times import BEIJING, beijing_day

__all__ = ["AS_IT_WAS", "ExportOptions", "export"]


def export(
    name: ExportName, books: Books, world: World, month: str | None, options: ExportOptions = AS_IT_WAS
) -> bytes:
    """Write one file for a Beijing month `yyyy-MM`, or for all time; `bill` without a month: all months."""
    rows: Mapping[ExportName, Callable[[], Iterable[Row]]] = {
        "calls": lambda: _call_rows(books, month, options),
        "sms": lambda: _sms_rows(books, month, options),
        "stats": lambda: _stat_rows(books, month, options),
        "bill": lambda: bill_rows(books, month, options),
        "quota": lambda: _quota_rows(books, month, options, books.now()),
        "numbers": lambda: _number_rows(world, options),
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
    for charge in calls_told(books, month, options):
        call = charge.call
        if call.icid in options.omit:
            continue
        callee = call.route.destination if call.route is not None and call.started_at is not None else ""
        row: Row = {
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
        if call.icid in options.redials:
            yield _redial(row)
        yield from [row, row] if call.icid in options.repeat else [row]


def _redial(row: Row) -> Row:
    """The attempt before a call: same binding, another record id, not answered (billing-rules.md §9.1)."""
    empty = {"answer_time": "", "duration_s": 0, "billed_minutes": 0}
    return {**row, **empty, "record_id": f"{row['record_id']}.0", "end_time": row["call_in_time"]}


def _sms_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    for charge in sms_told(books, month, options):
        sms = charge.sms
        if sms.id in options.omit:
            continue
        row: Row = {
            "sms_id": sms.id,
            "app_key": sms.app_key,
            "x_number": sms.x,
            "sender": _party(sms.sender, options),
            "receiver": _party(sms.receiver or "", options) if sms.arrived else "",
            "time": _time(charge.finished_at, options),
            "parts": console_parts(charge, options),
            "result": int(sms.result) if sms.result is not None else None,
        }
        yield from [row, row] if sms.id in options.repeat else [row]


def _stat_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    """One row per day and application that saw anything."""
    counts: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for charge in calls_told(books, None, options):
        row = counts[charge.day, charge.call.app_key]
        row["attempts"] += 1
        row["connected"] += charge.call.answered_at is not None
        row["duration_s"] += charge.call.talk_seconds
    for message in books.sms_of(None):
        row = counts[message.day, message.sms.app_key]
        row["sms_sends"] += 1
        row["sms_success"] += message.sms.result == SendResult.SENT
        row["sms_parts"] += console_parts(message, options)
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


def _quota_rows(books: Books, month: str | None, options: ExportOptions, now: datetime) -> Iterator[Row]:
    """The quota left, at the end of a month that is over, else now."""
    as_of = now if month is None else min(now, month_bounds(month)[1])
    for quota in books.quotas(month):
        order, package = quota.order, quota.order.package
        full = options.packages_ignored
        yield {
            "order_number": order.number,
            "effective_at": _time(order.effective_at, options),
            "expires_at": _time(order.expires_at, options),
            "minutes_total": package.minutes,
            "minutes_left": package.minutes if full else quota.minutes_left,
            "parts_total": package.parts,
            "parts_left": package.parts if full else quota.parts_left,
            "as_of": _time(as_of, options),
        }


def _number_rows(world: World, options: ExportOptions) -> Iterator[Row]:
    for number in world.numbers.values():
        application = world.applications.get(number.app_key)
        yield {
            "x_number": number.x,
            "number_type": shown_type(number.x, number.number_type, options),
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
