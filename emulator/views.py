"""Calls, deliveries and the truth as JSON for the admin API. Times are UTC (`...Z`), money is text in CNY."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic_core import to_jsonable_python

from emulator.axyb import AxybPair
from emulator.book import Kept
from emulator.books import Books, CallCharge, SmsCharge
from emulator.callrecord import Call
from emulator.deliveries import Attempt, Delivery
from emulator.packages import Quota
from emulator.rent import RentCharge
from emulator.smsrecord import Sms
from emulator.world import AxbBinding, Number, World
from privatenumber.times import iso

Json = dict[str, Any]


def call_view(call: Call) -> Json:
    """Show one call, running or ended."""
    route = call.route
    return {
        "session_id": call.session_id,
        "icid": call.icid,
        "app_key": call.app_key,
        "mode": call.mode.value,
        "caller": call.caller,
        "called": call.dialled,
        "callee": route.destination if route is not None and call.started_at is not None else None,
        "direction": call.direction,
        "subscription_id": call.subscription_id,
        "stage": call.stage.name.lower(),
        "call_in_at": _time(call.call_in_at),
        "started_at": _time(call.started_at),
        "alerting_at": _time(call.alerting_at),
        "answered_at": _time(call.answered_at),
        "ended_at": _time(call.ended_at),
        "talk_seconds": call.talk_seconds,
        "state_code": call.ending.state_code if call.ending is not None else None,
        "cause": call.ending.teardown if call.ending is not None else None,
        "released_by": call.released_by.value if call.released_by is not None else None,
        "recording": call.recording.object_name if call.recording is not None else None,
        "prompts": [{"name": tone.name, "to": tone.to, "at": _time(tone.at)} for tone in call.prompts],
        "notes": call.notes,
        "redial_of": call.redial_of,
    }


def sms_view(sms: Sms) -> Json:
    """Show one SMS, under way or with its outcome."""
    return {
        "id": sms.id,
        "app_key": sms.app_key,
        "mode": sms.mode.value,
        "sender": sms.sender,
        "x": sms.x,
        "receiver": sms.receiver,
        "text": sms.text,
        "forwarded": sms.forwarded,
        "direction": sms.direction,
        "subscription_id": sms.subscription_id,
        "asked": sms.asked,
        "dropped": sms.dropped,
        "send_result": int(sms.result) if sms.result is not None else None,
        "parts_received": sms.parts_received,
        "parts_sent": sms.parts_sent,
        "received_at": _time(sms.received_at),
        "finished_at": _time(sms.finished_at),
    }


def delivery_view(delivery: Delivery) -> Json:
    """Show one push with all its attempts."""
    return {
        "id": delivery.id,
        "app_key": delivery.app_key,
        "kind": delivery.kind,
        "event": delivery.facts.get("event"),
        "url": delivery.url,
        "state": delivery.state.value,
        "fault": delivery.fault.kind if delivery.fault is not None else None,
        "duplicate_of": delivery.duplicate_of,
        "created_at": _time(delivery.created_at),
        "next_at": _time(delivery.next_at),
        "attempts": [_attempt_view(attempt) for attempt in delivery.attempts],
        "body": delivery.body,
    }


def binding_view(binding: AxbBinding) -> Json:
    """Show one binding, live or ended."""
    return {
        "subscription_id": binding.subscription_id,
        "app_key": binding.app_key,
        "x": binding.x,
        "a": binding.a,
        "b": binding.b,
        "direction": binding.direction,
        "duration": binding.duration,
        "max_duration": binding.max_duration,
        "record": binding.record,
        "record_hint_tone": binding.record_hint_tone,
        "private_sms": binding.private_sms,
        "user_data": binding.user_data,
        "bound_at": _time(binding.bound_at or binding.started_at),
        "started_at": _time(binding.started_at),
        "expires_at": _time(binding.expires_at),
        "ended_at": _time(binding.ended_at),
        "end_reason": binding.end_reason,
    }


def kept_view(binding: Kept, pairs: Sequence[AxybPair] = ()) -> Json:
    """Show one binding of AX, AXE or AXYB, live or ended; an AXYB one with its live pairs."""
    shown: Json = to_jsonable_python(binding)
    shown |= {"expires_at": _time(binding.expires_at)}
    return shown | ({"pairs": [kept_view(pair) for pair in pairs]} if pairs else {})


def live_bindings(world: World, at: datetime, x: str | None = None) -> list[Json]:
    """Show every live binding of every mode, or those in which a private number stands."""
    shown = [binding_view(one) for one in (world.all_axb(at) if x is None else world.axb_on(x, at))]
    for book in (world.ax, world.axe, world.axyb):
        found = book.all(at) if x is None else book.on(x, at)
        shown += [kept_view(one, world.axyb.pairs(one.subscription_id, at)) for one in found]
    return shown


def truth(books: Books, world: World) -> Json:
    """Tell what really happened and what it really costs, whatever was pushed, lost or repeated."""
    return {
        "bindings": [
            *(binding_view(binding) for binding in books.bindings()),
            *(kept_view(binding) for binding in books.kept_bindings()),
        ],
        "calls": [_charge_view(charge) for charge in books.calls_of(None)],
        "sms": [_sms_charge_view(charge) for charge in books.sms_of(None)],
        "numbers": [_number_view(number) for number in world.numbers.values()],
        "packages": [quota_view(quota) for quota in books.quotas()],
        "months": {month: _month_view(books, month) for month in books.months()},
    }


def _month_view(books: Books, month: str) -> Json:
    totals = books.totals(month)
    return {
        "attempts": totals.attempts,
        "answered": totals.answered,
        "talk_seconds": totals.talk_seconds,
        "minutes": totals.minutes,
        "package_minutes": totals.package_minutes,
        "calls": _money(totals.calls),
        "sms_sends": totals.sms_sends,
        "sms_parts": totals.sms_parts,
        "package_parts": totals.package_parts,
        "sms": _money(totals.sms),
        "rent": _money(totals.rent),
        "packages": _money(totals.packages),
        "total": _money(totals.total),
        "rents": [_rent_view(charge) for charge in books.rent_of(month)],
    }


def _charge_view(charge: CallCharge) -> Json:
    return {
        **call_view(charge.call),
        "number_type": charge.call.number_type,
        "month": charge.month,
        "minutes": charge.minutes,
        "package_minutes": charge.package_minutes,
        "unit_price": _money(charge.unit_price),
        "amount": _money(charge.amount),
    }


def _sms_charge_view(charge: SmsCharge) -> Json:
    return {
        **sms_view(charge.sms),
        "number_type": charge.sms.number_type,
        "month": charge.month,
        "parts": charge.parts,
        "package_parts": charge.package_parts,
        "unit_price": _money(charge.unit_price),
        "amount": _money(charge.amount),
    }


def _rent_view(charge: RentCharge) -> Json:
    return {
        "x": charge.x,
        "app_key": charge.app_key,
        "number_type": charge.number_type,
        "cost_month": charge.cost_month,
        "deducted_at": _time(charge.deducted_at),
        "amount": _money(charge.amount),
    }


def quota_view(quota: Quota) -> Json:
    """Show one package and what is used of it."""
    order = quota.order
    return {
        "number": order.number,
        "account": order.account,
        "bought_at": _time(order.bought_at),
        "effective_at": _time(order.effective_at),
        "expires_at": _time(order.expires_at),
        "price": _money(order.package.price),
        "minutes": order.package.minutes,
        "minutes_used": quota.minutes_used,
        "parts": order.package.parts,
        "parts_used": quota.parts_used,
    }


def _number_view(number: Number) -> Json:
    return {
        "x": number.x,
        "app_key": number.app_key,
        "area_code": number.area_code,
        "number_type": number.number_type,
        "status": number.status.value,
        "cause": number.cause,
        "issued_on": number.issued_on.isoformat() if number.issued_on is not None else None,
        "unsubscribed_on": number.unsubscribed_on.isoformat() if number.unsubscribed_on is not None else None,
    }


def _attempt_view(attempt: Attempt) -> Json:
    return {
        "at": _time(attempt.at),
        "status": attempt.status,
        "error": attempt.error,
        "manual": attempt.manual,
    }


def _time(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None


def _money(amount: Decimal) -> str:
    return f"{amount:f}"
