"""What a call costs: a pure function of CDR, price lists and number inventory (billing-rules.md §3).

Only the second leg, X to the real callee, is charged, from its answer to the end of the call, in whole
minutes per CDR. How minutes are counted stands in the price list in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from privatenumber.billing.tariff.prices import PUBLISHED, PriceBook, PriceList, UsageTime
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact, is_possible_end
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day

_VERY_LONG: Final = timedelta(hours=24)


class Flag(StrEnum):
    """What is unusual about a rated record."""

    DERIVED_DURATION = "derived_duration"
    """A time is missing; the platform's own call length was used."""
    BAD_TIMES = "bad_times"
    """Ends before its answer, or its length cannot be known: not rated."""
    VERY_LONG = "very_long"
    NUMBER_NOT_IN_INVENTORY = "number_not_in_inventory"
    RECORD_CONFLICT = "record_conflict"
    """The record's id exists with other content: only the first one is rated."""
    SAME_SESSION = "same_session"
    """Another record with its own id belongs to the same call: both are rated."""
    PARTS_COMPUTED = "parts_computed"
    """The platform named no number of SMS parts; it was counted from the text."""
    PARTS_UNKNOWN = "parts_unknown"
    """Neither the platform nor the text tells the number of SMS parts."""
    PARTS_DIFF = "parts_diff"
    """The platform's number of SMS parts is not that of the forwarded text."""
    MANY_PARTS = "many_parts"
    """More SMS parts than a text can be split into: charged as the platform says."""
    RESULT_UNKNOWN = "result_unknown"
    """An SMS without a documented result: not charged."""


class Leg(StrEnum):
    """Which leg of a call is charged."""

    X_TO_CALLEE = "x_to_callee"


@dataclass(frozen=True, slots=True)
class Talk:
    """Length of the charged leg in whole seconds. ``known`` is False when the times make no sense."""

    connected: bool
    seconds: int = 0
    known: bool = True
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """A rated call. ``amount`` is exact CNY, not rounded; ``None`` = minutes without a price."""

    x: str | None
    """The private number whose price applies."""
    number_type: NumberType
    leg: Leg | None
    """The charged leg; ``None`` when nothing was charged."""
    connected: bool
    talk_seconds: int
    minutes: int
    unit_price: Decimal | None
    amount: Decimal | None
    flags: tuple[Flag, ...]


def usage_time(fact: CdrFact, rule: UsageTime = UsageTime.END) -> datetime:
    """The moment that decides day, month and price of a call: its end, else when we learned of it (§3.3).

    An end that lies ahead of us is none. With the rule ``answer`` it is the answer, unless that is no more
    than a wrong time: behind the end, or more than a day before it.
    """
    possible = fact.ended_at is not None and is_possible_end(fact.ended_at, fact.received_at)
    end = fact.ended_at if fact.ended_at and possible else fact.received_at
    answer = fact.answered_at if rule is UsageTime.ANSWER else None
    return answer if answer and timedelta(0) <= end - answer <= _VERY_LONG else end


def record_days(day: date, rule: UsageTime) -> tuple[date, ...]:
    """The days under which the CDRs of a day of usage are stored, by their end (`FactStore.cdrs_of_day`)."""
    return (day, day + timedelta(days=1)) if rule is UsageTime.ANSWER else (day,)


def billed_minutes(talk_seconds: int, prices: PriceList = PUBLISHED) -> int:
    """Whole minutes of an answered call of `talk_seconds` ≥ 0 (§3.2)."""
    return -(-talk_seconds // prices.minute_seconds) if talk_seconds else prices.zero_second_minutes


def talk_time(fact: CdrFact) -> Talk:
    """Length of the second leg (§3.2, notifications.md §10.2)."""
    flags: tuple[Flag, ...] = ()
    if fact.ended_at and not is_possible_end(fact.ended_at, fact.received_at):
        return Talk(connected=fact.answered_at is not None, known=False, flags=(Flag.BAD_TIMES,))
    if fact.answered_at and fact.ended_at:
        # The platform's times have whole seconds: what a sender adds behind them must not cost a minute.
        seconds = int(fact.ended_at.timestamp()) - int(fact.answered_at.timestamp())
    elif fact.answered_at:
        if fact.call_seconds is None:
            return Talk(connected=True, known=False, flags=(Flag.BAD_TIMES,))
        seconds, flags = fact.call_seconds, (Flag.DERIVED_DURATION,)
    elif fact.ended_at and fact.call_seconds and fact.failed_at is None:
        # Every unconnected call carries failTime: only a record without it has lost its answer time.
        seconds, flags = fact.call_seconds, (Flag.DERIVED_DURATION,)
    else:
        return Talk(connected=False)
    if seconds < 0:
        return Talk(connected=True, known=False, flags=(Flag.BAD_TIMES,))
    if seconds > _VERY_LONG.total_seconds():
        flags = (*flags, Flag.VERY_LONG)
    return Talk(connected=True, seconds=seconds, flags=flags)


def charged_number(
    display_x: str | None, dialled_x: str | None, inventory: Mapping[str, NumberType]
) -> tuple[str | None, NumberType, tuple[Flag, ...]]:
    """The private number whose price applies, its type, and a flag when it is not one of ours (§3.1)."""
    for x in (display_x, dialled_x):
        if x is not None and x in inventory:
            return x, inventory[x], ()
    return dialled_x or display_x, NumberType.VIRTUAL, (Flag.NUMBER_NOT_IN_INVENTORY,)


def call_price(prices: PriceBook, day: date, number_type: NumberType) -> Decimal | None:
    """CNY per minute on a Beijing date; ``None`` when nobody configured one."""
    return prices.at(day).call[number_type]


def rate_call(
    fact: CdrFact, prices: PriceBook, inventory: Mapping[str, NumberType], mode: Mode | None = None
) -> Charge:
    """Rate one CDR; `inventory` maps every X of the account to its type. Nothing is guessed or rounded.

    ``mode`` is that of the application: it says how many legs are charged.
    """
    x, number_type, number_flags = charged_number(fact.display_x, fact.x, inventory)
    talk = talk_time(fact)
    in_force = prices.at(beijing_day(usage_time(fact, prices.usage_time)))
    legs = in_force.legs[mode] if mode else 1
    minutes = legs * billed_minutes(talk.seconds, in_force) if talk.connected and talk.known else 0
    unit_price = in_force.call[number_type]
    return Charge(
        x=x,
        number_type=number_type,
        leg=Leg.X_TO_CALLEE if minutes else None,
        connected=talk.connected,
        talk_seconds=talk.seconds,
        minutes=minutes,
        unit_price=unit_price,
        amount=price_of(minutes, unit_price),
        flags=(*talk.flags, *number_flags),
    )


def price_of(units: int, unit_price: Decimal | None) -> Decimal | None:
    """Exact price of minutes or parts; none of them cost nothing even where no price is known."""
    if not units:
        return Decimal(0)
    return None if unit_price is None else units * unit_price
