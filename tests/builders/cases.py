"""Cases as a diagnosis reads them, of built facts: an unanswered AXB call of A, if nothing else is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from builders.pushes import SIGNED_AT, X
from privatenumber.calls.diagnosis.binding_then import BindingThen, Part
from privatenumber.calls.diagnosis.case import Around, CallCase, SmsCase
from privatenumber.settings import Mode
from privatenumber.store.calls import Call, CallState
from privatenumber.store.decisions import Decision
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.sms_rows import SmsFact

AT: Final = SIGNED_AT
CALLER, CALLEE = "token-of-caller", "token-of-callee"
SUBSCRIPTION: Final = "3f2b8c10-6a4d-4e57-9b21-000000000002"


def seconds(count: float) -> datetime:
    """A moment after the call came."""
    return AT + timedelta(seconds=count)


def cdr(**changes: Any) -> CdrFact:
    """A CDR of a call that rang and was not answered."""
    fields: dict[str, Any] = {
        "key": ("CALL#demo#session", "CDR#icid-1"),
        "application": "demo",
        "icid": "icid-1",
        "session": "session",
        "subscription_id": SUBSCRIPTION,
        "x": X,
        "display_x": X,
        "direction": 1,
        "caller": CALLER,
        "callee": CALLEE,
        "call_in_at": AT,
        "started_at": seconds(1),
        "alerting_at": seconds(3),
        "answered_at": None,
        "ended_at": seconds(63),
        "failed_at": seconds(63),
        "teardown": 8101,
        "q850": 0,
        "sip": 480,
        "recorded": False,
        "released_by": None,
        "call_seconds": None,
        "digest": "digest",
        "received_at": seconds(65),
        "flags": (),
        "sealed": b"",
    }
    return CdrFact(**{**fields, **changes})


def talked(**changes: Any) -> CdrFact:
    """A CDR of a call that was answered."""
    return cdr(**{"answered_at": seconds(8), "teardown": 0, "sip": 0, "failed_at": None, **changes})


def refused(code: int, **changes: Any) -> CdrFact:
    """A CDR of a call that never got a second leg."""
    fields: dict[str, Any] = {
        "teardown": code,
        "subscription_id": None,
        "direction": 2,
        "callee": None,
        "display_x": None,
        "started_at": None,
        "alerting_at": None,
        "ended_at": seconds(4),
    }
    return cdr(**{**fields, **changes})


def event(name: str = "disconnect", at: datetime | None = None, **changes: Any) -> EventFact:
    """An event of the same call."""
    fields: dict[str, Any] = {
        "key": ("CALL#demo#session", f"EVENT#{name}"),
        "application": "demo",
        "event": name,
        "session": "session",
        "at": at or AT,
        "subscription_id": SUBSCRIPTION,
        "caller": CALLER,
        "called": CALLEE,
        "state_code": 8101 if name == "disconnect" else None,
        "digest": "digest",
        "received_at": at or AT,
        "flags": (),
        "sealed": b"",
    }
    return EventFact(**{**fields, **changes})


def binding(binding_id: str = "binding-1", **changes: Any) -> BindingThen:
    """A binding of the caller as A on X, in force."""
    fields: dict[str, Any] = {
        "id": binding_id,
        "order": f"order-of-{binding_id}",
        "mode": "AXB",
        "x": X,
        "numbers": frozenset({changes.get("x", X)}),
        "state": "ACTIVE",
        "state_now": "ACTIVE",
        "part": Part.A,
        "created_at": seconds(-600),
        "bound_at": seconds(-599),
        "over_at": None,
        "ends_at": seconds(3600),
        "direction": 0,
        "max_minutes": 0,
        "subscription_id": SUBSCRIPTION,
    }
    return BindingThen(**{**fields, **changes})


def over(binding_id: str = "binding-1", *, ago: float = 40, **changes: Any) -> BindingThen:
    """A binding that ended so many seconds before the call."""
    fields = {"state": "CLOSED", "state_now": "CLOSED", "over_at": seconds(-ago), "reason": "expired"}
    return binding(binding_id, **{**fields, **changes})


def decision(reason: str, operation: str = "close", **changes: Any) -> Decision:
    """Our answer to a question."""
    fields: dict[str, Any] = {
        "key": ("CALL#demo#session", "DECISION"),
        "application": "demo",
        "about": "call",
        "x": X,
        "at": seconds(1),
        "operation": operation,
        "reason": reason,
        "caller_role": None,
        "binding_id": None,
        "order": None,
        "caller": CALLER,
        "callee": None,
        "sealed": b"",
    }
    return Decision(**{**fields, **changes})


def around(**changes: Any) -> Around:
    """What surrounds the call, an hour later."""
    fields: dict[str, Any] = {
        "application": "demo",
        "mode": Mode.AXB,
        "at": AT,
        "now": seconds(3600),
        "x": X,
        "bindings": (binding(),),
    }
    return Around(**{**fields, **changes})


def case(*records: CdrFact | EventFact, surroundings: Around | None = None, **changes: Any) -> CallCase:
    """A call of these records."""
    return CallCase(
        surroundings or around(),
        cdrs=tuple(one for one in records if isinstance(one, CdrFact)),
        events=tuple(one for one in records if isinstance(one, EventFact)),
        **changes,
    )


def complete(record: CdrFact, surroundings: Around | None = None, **changes: Any) -> CallCase:
    """A call of a CDR and every event that it tells of."""
    moments = {
        "callin": record.call_in_at,
        "callout": record.started_at,
        "alerting": record.alerting_at,
        "answer": record.answered_at,
        "disconnect": record.ended_at,
    }
    events = [event(name, at, subscription_id=record.subscription_id) for name, at in moments.items() if at]
    events = [
        replace(one, state_code=record.teardown) if one.event == "disconnect" else one for one in events
    ]
    return case(record, *events, surroundings=surroundings, **changes)


def call(**changes: Any) -> Call:
    """Another call of the same caller."""
    fields: dict[str, Any] = {
        "application": "demo",
        "call": "other",
        "state": CallState.SETTLED,
        "started_at": seconds(70),
        "x": X,
        "subscription_id": SUBSCRIPTION,
    }
    return Call(**{**fields, **changes})


def sms(result: int | None = None, **changes: Any) -> SmsFact:
    """A notice of a text; without a result it is the question."""
    fields: dict[str, Any] = {
        "key": ("SMS#demo#sms", "Notify"),
        "application": "demo",
        "mode": "AXB",
        "sms": "sms",
        "notify_mode": "Block" if result is None else "Notify",
        "at": AT,
        "subscription_id": SUBSCRIPTION,
        "x": X,
        "calling": CALLER,
        "called": None,
        "send_result": result,
        "split_num": 1,
        "direction": 1,
        "at_number": None,
        "at_fault": None,
        "receiver": None,
        "sender_appended": False,
        "parts_received": 1,
        "parts_forwarded": 1,
        "digest": "digest",
        "received_at": AT,
        "flags": (),
        "sealed": b"",
    }
    return SmsFact(**{**fields, **changes})


def text(result: int | None = 0, surroundings: Around | None = None, **changes: Any) -> SmsCase:
    """A text with its result."""
    return SmsCase(surroundings or around(), result=sms(result, **changes))
