"""What an SMS costs: a pure function of notice, price lists and number inventory (billing-rules.md §4).

Only the way from X to the receiver is charged, by the parts that went out. The platform's own number of parts
decides; both countings from the text are kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from privatenumber.billing.rating.calls import Flag, price_of
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.codes import sms_results
from privatenumber.sms_parts import SmsLimits
from privatenumber.store.fact_rows import is_possible_end
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact
from privatenumber.times import beijing_day

_MOST_PARTS: Final = 255
"""The parts of a text are numbered in one octet (3GPP TS 23.040); the platform documents no limit."""


@dataclass(frozen=True, slots=True)
class SmsCharge:
    """A rated SMS. ``amount`` is exact CNY, not rounded."""

    x: str | None = field(repr=False)
    """The private number whose price applies."""
    number_type: NumberType
    sent: bool
    """Whether some of it went out."""
    parts: int
    """The parts that are charged."""
    parts_received: int | None
    """Counted from the text as its sender wrote it, AX's ``@number`` included."""
    parts_forwarded: int | None
    """Counted from the text as the platform forwards it."""
    unit_price: Decimal
    amount: Decimal
    flags: tuple[Flag, ...]


def sms_usage_time(fact: SmsFact) -> datetime:
    """The moment that decides day, month and price of an SMS, else when we learned of it (§3.3).

    A moment that lies ahead of us is none.
    """
    possible = fact.at is not None and is_possible_end(fact.at, fact.received_at)
    return fact.at if fact.at and possible else fact.received_at


def rate_sms(fact: SmsFact, prices: PriceBook, inventory: Mapping[str, NumberType]) -> SmsCharge:
    """Rate one notice; `inventory` maps every X of the account to its type. Nothing is rounded."""
    known = fact.x is not None and fact.x in inventory
    number_type = inventory[fact.x] if known and fact.x is not None else NumberType.VIRTUAL
    in_force = prices.at(beijing_day(sms_usage_time(fact)))
    received, forwarded = counted_parts(fact, in_force.sms_limits)
    parts, flags = _charged_parts(fact, forwarded)
    if parts > _MOST_PARTS:
        flags = (*flags, Flag.MANY_PARTS)
    if fact.at and not is_possible_end(fact.at, fact.received_at):
        flags = (*flags, Flag.BAD_TIMES)
    unit_price = in_force.sms[number_type]
    return SmsCharge(
        x=fact.x,
        number_type=number_type,
        sent=fact.send_result in sms_results.SENT,
        parts=parts,
        parts_received=received,
        parts_forwarded=forwarded,
        unit_price=unit_price,
        amount=price_of(parts, unit_price) or Decimal(0),
        flags=(*flags, *(() if known else (Flag.NUMBER_NOT_IN_INVENTORY,))),
    )


def counted_parts(fact: SmsFact, limits: SmsLimits) -> tuple[int | None, int | None]:
    """The parts of the text as it came and as it is forwarded, where the text was delivered."""
    received, forwarded = fact.size_received, fact.size_forwarded
    return (
        received.parts(limits) if received else fact.parts_received,
        forwarded.parts(limits) if forwarded else fact.parts_forwarded,
    )


def _charged_parts(fact: SmsFact, forwarded: int | None) -> tuple[int, tuple[Flag, ...]]:
    """How many parts are charged, and what is unusual about that number."""
    if fact.send_result == sms_results.IN_PART:
        # Of a text that went out in part only the platform knows how many; it cannot be none of them.
        if fact.split_num is None or fact.split_num <= 0:
            return 0, (Flag.PARTS_UNKNOWN,)
        differs = forwarded is not None and forwarded < fact.split_num
        return fact.split_num, (Flag.PARTS_DIFF,) if differs else ()
    if fact.send_result != sms_results.WHOLE:
        return 0, () if fact.send_result in sms_results.NOTHING else (Flag.RESULT_UNKNOWN,)
    if fact.split_num is not None and fact.split_num > 0:
        differs = forwarded is not None and forwarded != fact.split_num
        return fact.split_num, (Flag.PARTS_DIFF,) if differs else ()
    if forwarded is not None:
        return forwarded, (Flag.PARTS_COMPUTED,)
    return 1, (Flag.PARTS_UNKNOWN,)
