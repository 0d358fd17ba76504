"""Rated records as they are kept in the close of a part: one line per CDR and per SMS.

A line carries everything that decided its amount and the digest of its fact: equal lines mean equal inputs.
Amounts are exact and at list price; packages are of the whole account and are applied in the month
(billing-rules.md §5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from privatenumber.billing.rating.calls import Flag
from privatenumber.billing.tariff.money import plain
from privatenumber.billing.tariff.prices import Item
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact
from privatenumber.times import from_iso, iso


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose a record is. ``order`` and ``binding`` are None for one that belongs to no binding of ours."""

    mode: str | None = None
    city: str | None = None
    enterprise: str | None = None
    order: str | None = None
    binding: str | None = None


UNKNOWN: Final = Belonging()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    """What calls and texts have in common. ``amount`` is exact CNY.

    ``fact`` is the address of the CDR or SMS in the Bills table: partition key, ``/``, sort key. ``side`` is
    the party who began it, "a" or "b"; None when nobody knows or the mode has no parties.
    """

    fact: str
    application: str
    digest: str
    at: datetime
    """Usage time, aware UTC."""
    subscription_id: str | None
    x: str | None = field(repr=False)
    number_type: NumberType
    mode: str | None
    city: str | None
    enterprise: str | None
    order: str | None
    binding: str | None
    side: str | None
    unit_price: Decimal | None
    amount: Decimal | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine(_Rated):
    """One CDR and what it costs. ``session`` and ``caller`` are tokens."""

    icid: str | None
    session: str | None
    caller: str | None
    connected: bool
    talk_seconds: int
    minutes: int
    dialled: str | None = field(default=None, repr=False)
    """The private number that was dialled, where ``x``, which is charged, is another one (AXYB)."""

    @property
    def dialled_x(self) -> str | None:
        """The private number by which the platform's detail export names the call (notifications.md §5.2)."""
        return self.dialled or self.x

    @property
    def item(self) -> Item:
        """What is charged."""
        return Item.CALL

    @property
    def units(self) -> int:
        """Minutes."""
        return self.minutes

    @property
    def record_id(self) -> str:
        """What tells records of one moment apart, in the order of packages (billing-rules.md §5)."""
        return f"{self.session or ''}/{self.icid or ''}/{self.fact}"

    @property
    def rated(self) -> bool:
        """False for a record that contradicts another one: shown, never charged or counted as a call."""
        return Flag.RECORD_CONFLICT not in self.flags

    def document(self) -> dict[str, Any]:
        """The line as JSON; what is absent is left out."""
        return _told(
            self,
            {
                "icid": self.icid,
                "session": self.session,
                "caller": self.caller,
                "dialled": self.dialled,
                "connected": self.connected,
                "talk_seconds": self.talk_seconds,
                "minutes": self.minutes,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsLine(_Rated):
    """One SMS and what it costs. ``sms`` and ``sender`` are tokens.

    ``parts`` are charged; ``parts_received`` and ``parts_forwarded`` are what the text comes to as it was
    sent and as the platform forwards it, None where nobody knows it (billing-rules.md §4).
    """

    sms: str | None
    sender: str | None
    sent: bool
    parts: int
    parts_received: int | None
    parts_forwarded: int | None

    @property
    def item(self) -> Item:
        """What is charged."""
        return Item.SMS

    @property
    def units(self) -> int:
        """Parts."""
        return self.parts

    @property
    def record_id(self) -> str:
        """What tells records of one moment apart, in the order of packages (billing-rules.md §5)."""
        return f"{self.sms or ''}/{self.fact}"

    @property
    def rated(self) -> bool:
        """Always: a second record under the id of an SMS stands beside it and in no day."""
        return True

    def document(self) -> dict[str, Any]:
        """The line as JSON; what is absent is left out."""
        return _told(
            self,
            {
                "sms": self.sms,
                "sender": self.sender,
                "sent": self.sent,
                "parts": self.parts,
                "parts_received": self.parts_received,
                "parts_forwarded": self.parts_forwarded,
            },
        )


Line: TypeAlias = CallLine | SmsLine


def read_line(document: Mapping[str, Any]) -> Line:
    """The line that `document` of either wrote."""
    return read_sms_line(document) if document["item"] == Item.SMS else read_call_line(document)


def read_call_line(document: Mapping[str, Any]) -> CallLine:
    """The line of a CDR."""
    return CallLine(
        **_common(document),
        icid=document.get("icid"),
        session=document.get("session"),
        caller=document.get("caller"),
        dialled=document.get("dialled"),
        connected=document["connected"],
        talk_seconds=document["talk_seconds"],
        minutes=document["minutes"],
    )


def read_sms_line(document: Mapping[str, Any]) -> SmsLine:
    """The line of an SMS."""
    return SmsLine(
        **_common(document),
        sms=document.get("sms"),
        sender=document.get("sender"),
        sent=document["sent"],
        parts=document["parts"],
        parts_received=document.get("parts_received"),
        parts_forwarded=document.get("parts_forwarded"),
    )


def fact_address(fact: CdrFact | SmsFact) -> str:
    """Address of a fact in the Bills table, as one text."""
    return "/".join(fact.key)


def count_flags(lines: Iterable[Line]) -> dict[str, int]:
    """How often each flag occurs, by name."""
    return dict(sorted(Counter(flag for line in lines for flag in line.flags).items()))


def _told(line: Line, own: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "item": line.item.value,
        "fact": line.fact,
        "application": line.application,
        "digest": line.digest,
        "at": iso(line.at),
        "subscription_id": line.subscription_id,
        "x": line.x,
        "number_type": line.number_type.value,
        "mode": line.mode,
        "city": line.city,
        "enterprise": line.enterprise,
        "order": line.order,
        "binding": line.binding,
        "side": line.side,
        "unit_price": plain(line.unit_price),
        "amount": plain(line.amount),
        "flags": list(line.flags),
        **own,
    }
    return {name: value for name, value in values.items() if value is not None}


def _common(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": document["fact"],
        "application": document["application"],
        "digest": document["digest"],
        "at": from_iso(document["at"]),
        "subscription_id": document.get("subscription_id"),
        "x": document.get("x"),
        "number_type": NumberType(document["number_type"]),
        "mode": document.get("mode"),
        "city": document.get("city"),
        "enterprise": document.get("enterprise"),
        "order": document.get("order"),
        "binding": document.get("binding"),
        "side": document.get("side"),
        "unit_price": read_amount(document.get("unit_price")),
        "amount": read_amount(document.get("amount")),
        "flags": tuple(document["flags"]),
    }


def read_amount(text: str | None) -> Decimal | None:
    """An exact amount as a document tells it."""
    return None if text is None else Decimal(text)
