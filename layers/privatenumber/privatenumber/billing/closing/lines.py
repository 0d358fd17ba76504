"""Rated calls as they are kept in a day close, and the sums that are made of them.

A line carries everything that decided its amount and the digest of its fact: equal lines mean equal inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from privatenumber.billing.rating.calls import Charge, Flag, usage_time
from privatenumber.billing.tariff.prices import plain
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.numbers import NumberType
from privatenumber.times import from_iso, iso


@dataclass(frozen=True, slots=True)
class CallLine:
    """One CDR and what it costs. ``session`` and ``caller`` are tokens; ``amount`` is exact CNY.

    ``fact`` is the address of the CDR in the Bills table: partition key, ``/``, sort key. ``order`` is
    ``None`` for a call that belongs to no binding of ours.
    """

    fact: str
    application: str
    digest: str
    at: datetime
    """Usage time, aware UTC."""
    icid: str | None
    session: str | None
    subscription_id: str | None
    caller: str | None
    x: str | None = field(repr=False)
    number_type: NumberType
    order: str | None
    binding: str | None
    connected: bool
    talk_seconds: int
    minutes: int
    unit_price: Decimal | None
    amount: Decimal | None
    flags: tuple[str, ...]

    @property
    def rated(self) -> bool:
        """False for a record that contradicts another one: shown, never charged or counted as a call."""
        return Flag.RECORD_CONFLICT not in self.flags

    def document(self) -> dict[str, Any]:
        """The line as JSON; what is absent is left out."""
        values = {
            "fact": self.fact,
            "application": self.application,
            "digest": self.digest,
            "at": iso(self.at),
            "icid": self.icid,
            "session": self.session,
            "subscription_id": self.subscription_id,
            "caller": self.caller,
            "x": self.x,
            "number_type": self.number_type.value,
            "order": self.order,
            "binding": self.binding,
            "connected": self.connected,
            "talk_seconds": self.talk_seconds,
            "minutes": self.minutes,
            "unit_price": plain(self.unit_price),
            "amount": plain(self.amount),
            "flags": list(self.flags),
        }
        return {name: value for name, value in values.items() if value is not None}


def read_line(document: Mapping[str, Any]) -> CallLine:
    """The line that `CallLine.document` wrote."""
    return CallLine(
        fact=document["fact"],
        application=document["application"],
        digest=document["digest"],
        at=from_iso(document["at"]),
        icid=document.get("icid"),
        session=document.get("session"),
        subscription_id=document.get("subscription_id"),
        caller=document.get("caller"),
        x=document.get("x"),
        number_type=NumberType(document["number_type"]),
        order=document.get("order"),
        binding=document.get("binding"),
        connected=document["connected"],
        talk_seconds=document["talk_seconds"],
        minutes=document["minutes"],
        unit_price=_decimal(document.get("unit_price")),
        amount=_decimal(document.get("amount")),
        flags=tuple(document["flags"]),
    )


def fact_address(fact: CdrFact) -> str:
    """Address of a CDR in the Bills table, as one text."""
    return "/".join(fact.key)


def line_of(fact: CdrFact, charge: Charge, *, order: str | None, binding: str | None) -> CallLine:
    """A rated CDR as a line."""
    return CallLine(
        fact=fact_address(fact),
        application=fact.application,
        digest=fact.digest,
        at=usage_time(fact),
        icid=fact.icid,
        session=fact.session,
        subscription_id=fact.subscription_id,
        caller=fact.caller,
        x=charge.x,
        number_type=charge.number_type,
        order=order,
        binding=binding,
        connected=charge.connected,
        talk_seconds=charge.talk_seconds,
        minutes=charge.minutes,
        unit_price=charge.unit_price,
        amount=charge.amount,
        flags=tuple(charge.flags),
    )


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Sums over calls. ``amount`` is the exact sum of what has a price; ``unpriced_minutes`` is the rest."""

    attempts: int = 0
    connected: int = 0
    talk_seconds: int = 0
    minutes: int = 0
    unpriced_minutes: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: CallTotals) -> CallTotals:
        return CallTotals(
            self.attempts + other.attempts,
            self.connected + other.connected,
            self.talk_seconds + other.talk_seconds,
            self.minutes + other.minutes,
            self.unpriced_minutes + other.unpriced_minutes,
            self.amount + other.amount,
        )

    def document(self) -> dict[str, Any]:
        """The sums as JSON, the amount exact."""
        return {
            "attempts": self.attempts,
            "connected": self.connected,
            "talk_seconds": self.talk_seconds,
            "minutes": self.minutes,
            "unpriced_minutes": self.unpriced_minutes,
            "amount": plain(self.amount),
        }


def read_totals(document: Mapping[str, Any]) -> CallTotals:
    """The sums that `CallTotals.document` wrote; further members are ignored."""
    return CallTotals(
        document["attempts"],
        document["connected"],
        document["talk_seconds"],
        document["minutes"],
        document["unpriced_minutes"],
        Decimal(document["amount"]),
    )


def totals_of(line: CallLine) -> CallTotals:
    """What one line adds to every sum it belongs to."""
    if not line.rated:
        return CallTotals()
    return CallTotals(
        attempts=1,
        connected=int(line.connected),
        talk_seconds=line.talk_seconds,
        minutes=line.minutes,
        unpriced_minutes=line.minutes if line.amount is None else 0,
        amount=line.amount or Decimal(0),
    )


def sum_totals(parts: Iterable[CallTotals]) -> CallTotals:
    """The sum of sums."""
    total = CallTotals()
    for part in parts:
        total += part
    return total


def count_flags(lines: Iterable[CallLine]) -> dict[str, int]:
    """How often each flag occurs, by name."""
    return dict(sorted(Counter(flag for line in lines for flag in line.flags).items()))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
