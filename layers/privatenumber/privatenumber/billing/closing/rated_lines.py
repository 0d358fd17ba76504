"""Lines made of what was rated: a CDR or an SMS, its charge, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from privatenumber.billing.closing.lines import UNKNOWN, Belonging, CallLine, SmsLine, fact_address
from privatenumber.billing.rating.calls import Charge
from privatenumber.billing.rating.sms import SmsCharge, sms_usage_time
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.sms_rows import SmsFact

_SIDES: Final[Mapping[int | None, str]] = {0: "b", 1: "a"}
_WITHOUT_SIDES: Final = "X"


def line_of(fact: CdrFact, charge: Charge, at: datetime, belongs: Belonging = UNKNOWN) -> CallLine:
    """A rated CDR as a line; ``at`` is its usage time."""
    return CallLine(
        fact=fact_address(fact),
        application=fact.application,
        digest=fact.digest,
        at=at,
        icid=fact.icid,
        session=fact.session,
        subscription_id=fact.subscription_id,
        caller=fact.caller,
        x=charge.x,
        dialled=None if fact.x == charge.x else fact.x,
        number_type=charge.number_type,
        mode=belongs.mode,
        city=belongs.city,
        enterprise=belongs.enterprise,
        order=belongs.order,
        binding=belongs.binding,
        side=side_of(belongs.mode, fact.direction),
        connected=charge.connected,
        talk_seconds=charge.talk_seconds,
        minutes=charge.minutes,
        unit_price=charge.unit_price,
        amount=charge.amount,
        flags=tuple(charge.flags),
    )


def sms_line_of(fact: SmsFact, charge: SmsCharge, belongs: Belonging = UNKNOWN) -> SmsLine:
    """A rated SMS as a line."""
    return SmsLine(
        fact=fact_address(fact),
        application=fact.application,
        digest=fact.digest,
        at=sms_usage_time(fact),
        sms=fact.sms,
        subscription_id=fact.subscription_id,
        sender=fact.calling,
        x=charge.x,
        number_type=charge.number_type,
        mode=belongs.mode,
        city=belongs.city,
        enterprise=belongs.enterprise,
        order=belongs.order,
        binding=belongs.binding,
        side=side_of(belongs.mode, fact.direction),
        sent=charge.sent,
        parts=charge.parts,
        parts_received=charge.parts_received,
        parts_forwarded=charge.parts_forwarded,
        unit_price=charge.unit_price,
        amount=charge.amount,
        flags=tuple(charge.flags),
    )


def side_of(mode: str | None, direction: int | None) -> str | None:
    """Which party began a call or SMS (notifications.md §5.3, §6.2); X has no parties."""
    return None if mode in (None, _WITHOUT_SIDES) else _SIDES.get(direction)
