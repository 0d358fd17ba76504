"""Facts of billing tests. The numbers and times are those of billing-rules.md §8.2."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from builders.keyrings import KEYRING
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.privacy import token
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.numbers import NumberType

APP = "demo"
APP_KEY = "demoAppKey0000000000000001"
A, B = "+8613800138001", "+8613800138002"
V1, V2, V3 = "+8617010000001", "+8617010000002", "+8617010000003"
C1 = "+8613800138901"
VIRTUAL, CARRIER = NumberType.VIRTUAL, NumberType.CARRIER
INVENTORY: Mapping[str, NumberType] = {V1: VIRTUAL, V2: VIRTUAL, V3: VIRTUAL, C1: CARRIER}

#: 0.10 per minute is an example value, not a published price (billing-rules.md §2).
EXAMPLE_PRICES = read_price_book(
    '[{"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}}]'
)
NO_CALL_PRICE = PriceBook()

_SERIAL = itertools.count(1)


def utc(text: str) -> datetime:
    """A moment written `2026-09-02 01:00:00`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def number_token(number: str) -> str:
    """The token under which a number stands in facts."""
    return token(KEYRING, number)


def tokens(value: str, purpose: str) -> str:
    """As reconciliation is given it."""
    return token(KEYRING, value, purpose=purpose)


def cdr(answered: str | None, ended: str | None, **changes: Any) -> CdrFact:
    """A CDR fact of A calling B through V2. Times are UTC texts; `icid` names it, else a serial number."""
    icid = changes.pop("icid", f"icid-{next(_SERIAL)}")
    session = changes.pop("session", f"session-{icid}")
    app = changes.get("application", APP)
    answered_at, ended_at = (utc(text) if text else None for text in (answered, ended))
    fields: dict[str, Any] = {
        "key": (f"CALL#{app}#{session}", f"CDR#{icid or '-'}"),
        "application": app,
        "icid": icid,
        "session": session,
        "subscription_id": "sub-1",
        "x": V2,
        "display_x": V2 if answered else None,
        "direction": 1,
        "caller": number_token(A),
        "callee": number_token(B) if answered else None,
        "call_in_at": answered_at or ended_at,
        "started_at": answered_at,
        "alerting_at": answered_at,
        "answered_at": answered_at,
        "ended_at": ended_at,
        "failed_at": None if answered else ended_at,
        "teardown": 0 if answered else 8014,
        "q850": 0,
        "sip": 0,
        "recorded": False,
        "released_by": None,
        "call_seconds": None,
        "digest": f"digest-{icid}",
        "received_at": ended_at or utc("2026-09-02 01:00:00"),
        "flags": (),
        "sealed": b"",
    }
    return CdrFact(**{**fields, **changes})


def end_event(at: str, **changes: Any) -> EventFact:
    """The hang-up event of A's call to V2."""
    session = changes.pop("session", f"session-{next(_SERIAL)}")
    fields: dict[str, Any] = {
        "key": (f"CALL#{APP}#{session}", "EVENT#disconnect"),
        "application": APP,
        "event": "disconnect",
        "session": session,
        "at": utc(at),
        "subscription_id": "sub-1",
        "caller": number_token(A),
        "called": number_token(V2),
        "state_code": 0,
        "digest": f"digest-{session}",
        "received_at": utc(at),
        "flags": (),
        "sealed": b"",
    }
    return EventFact(**{**fields, **changes})
