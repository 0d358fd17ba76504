"""The records of a month as an export tells them: the books, and how the file deviates from them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.books import Books, CallCharge, SmsCharge, billed_minutes
from emulator.exportoptions import ExportOptions
from privatenumber.times import beijing_month

OTHER_TYPE = {"virtual": "carrier", "carrier": "virtual"}


@dataclass(frozen=True, slots=True)
class Fee:
    """What one record adds to the bill: units beyond packages and from packages, under one unit price."""

    item: str
    number_type: str
    at: datetime
    quantity: int
    package_quantity: int


def calls_told(books: Books, month: str | None, options: ExportOptions) -> list[CallCharge]:
    """Return the calls of a month as the platform's files have them, in order of their end."""
    told = [_stretched(charge, options) for charge in books.calls_of(None)]
    return [charge for charge in told if month is None or _month(_usage(charge, options), options) == month]


def sms_told(books: Books, month: str | None, options: ExportOptions) -> list[SmsCharge]:
    """Return the SMS of a month as the platform's files have them, in order of their outcome."""
    messages = books.sms_of(None)
    return [one for one in messages if month is None or _month(one.finished_at, options) == month]


def console_parts(charge: SmsCharge, options: ExportOptions) -> int:
    """Return the parts of an SMS as the console shows them."""
    return charge.sms.parts_received if options.marker_counts and charge.parts else charge.parts


def fees(books: Books, month: str, options: ExportOptions) -> Iterator[Fee]:
    """Yield what every call and SMS of a month adds to the bill."""
    for charge in calls_told(books, month, options):
        given = 0 if options.packages_ignored else charge.package_minutes
        number_type = shown_type(charge.call.dialled, charge.call.number_type, options)
        yield Fee("call", number_type, charge.ended_at, charge.minutes - given, given)
    for message in sms_told(books, month, options):
        sms = message.sms
        given = 0 if options.packages_ignored else message.package_parts
        parts = sms.parts_received if options.marker_billed and message.parts else message.parts
        number_type = shown_type(sms.x, sms.number_type, options)
        yield Fee("sms", number_type, message.finished_at, parts - given, given)


def shown_type(x: str, number_type: str, options: ExportOptions) -> str:
    """Return the type under which the files know a number."""
    return OTHER_TYPE[number_type] if x in options.swapped else number_type


def _stretched(charge: CallCharge, options: ExportOptions) -> CallCharge:
    call = charge.call
    if call.icid not in options.stretched or call.answered_at is None:
        return charge
    ended_at = charge.ended_at + timedelta(seconds=options.stretch_s)
    longer = replace(call, ended_at=ended_at)
    return replace(charge, call=longer, ended_at=ended_at, minutes=billed_minutes(longer.talk_seconds))


def _usage(charge: CallCharge, options: ExportOptions) -> datetime:
    by_answer = options.usage_time == "answer" and charge.call.answered_at is not None
    return charge.call.answered_at if by_answer and charge.call.answered_at else charge.ended_at


def _month(at: datetime, options: ExportOptions) -> str:
    return f"{at:%Y-%m}" if options.month_zone == "utc" else beijing_month(at)
