"""Between a binding and its stored form: the parties' real numbers are sealed and opened here only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.bindings.model import (
    Binding,
    Callee,
    Features,
    Partner,
    PartnerState,
    Party,
    Reason,
    Spread,
    State,
    Terms,
)
from privatenumber.bindings.rules import capacity
from privatenumber.privacy import Keyring, open_sealed, seal, token
from privatenumber.settings import Mode
from privatenumber.store import binding_private as words
from privatenumber.store.authors import SYSTEM
from privatenumber.store.binding_keys import BindingRecord
from privatenumber.times import from_iso, iso

KEPT_DAYS: Final = {State.CLOSED: 400, State.FAILED: 30}
"""How long a final binding stays readable: the audit period (operations.md §16), or to ask why it failed."""


def party(keyring: Keyring, number: str) -> Party:
    """A person by the number in global form."""
    return Party(number, token(keyring, number))


def to_record(
    binding: Binding, keyring: Keyring, *, by: str = SYSTEM, why: str | None = None
) -> BindingRecord:
    """Render a binding for the store, as ``by`` writes it; what is written goes through `Engine.record`."""
    return BindingRecord(
        id=binding.id,
        version=binding.version,
        state=binding.state.value,
        application=binding.application,
        order=binding.order,
        mode=binding.mode.value,
        x=binding.x,
        area=binding.area,
        a_token=binding.a.token,
        b_token=_b_token(binding),
        capacity=capacity(binding.mode, len(binding.extension or "0000")),
        places=binding.places,
        pairs=binding.pairs,
        idempotency=binding.idempotency,
        content_hash=binding.content_hash,
        subscription_id=binding.subscription_id,
        created_at=iso(binding.created_at),
        updated_at=iso(binding.updated_at),
        due_at=_text(binding.due_at),
        extension=binding.extension,
        counted=not binding.uncounted,
        sealed=seal(keyring, _private(binding), context=words.binding_context(binding.id)),
        expires_at=_expiry(binding),
        rest=_rest(binding),
        by=by,
        why=why,
    )


def from_item(item: Mapping[str, Any], keyring: Keyring) -> Binding:
    """Read a stored binding. Raises SealBroken when the keyring cannot open it."""
    context = words.binding_context(item["binding_id"])
    private = json.loads(open_sealed(keyring, bytes(item["sealed"]), context=context))
    due = item.get("due_at")
    pending = item.get("pending")
    return Binding(
        id=item["binding_id"],
        application=item["application"],
        order=item["order"],
        mode=Mode(item["mode"]),
        state=State(item["state"]),
        version=int(item["version"]),
        x=item["x"],
        area=item["area"],
        terms=_terms({**item["terms"], **item}, private, ""),
        created_at=from_iso(item["created_at"]),
        updated_at=from_iso(item["updated_at"]),
        content_hash=item["content_hash"],
        due_at=from_iso(due.partition("#")[0]) if due else None,
        subscription_id=item.get("subscription_id"),
        platform_ends_at=_moment(item.get("platform_ends_at")),
        idle_s=int(item["idle_s"]) if "idle_s" in item else None,
        active_at=_moment(item.get("active_at")),
        in_flight_until=_moment(item.get("in_flight_until")),
        pending=pending and _terms(pending, private, words.PENDING),
        partners=tuple(_partner(plain, private) for plain in item.get("partners", ())),
        anyone=item.get("anyone", False),
        extension=item.get("extension"),
        callee=_callee(item, private),
        callee_asked=item.get("callee_asked"),
        features=_features(item, private),
        record_hint_tone=item.get("record_hint_tone"),
        user_reference=private.get(words.USER_REFERENCE),
        idempotency=item.get("idempotency"),
        wanted_area=item.get("wanted_area"),
        cities=tuple(item.get("cities", ())),
        spread=Spread(item.get("spread", Spread.RANDOM)),
        fixed_x=item.get("fixed_x", False),
        platform_chooses=item.get("platform_chooses", False),
        uncounted=item.get("uncounted", False),
        waits_s=int(item.get("waits_s", 0)),
        binds=int(item.get("binds", 0)),
        attempts=int(item.get("attempts", 0)),
        moves=int(item.get("moves", 0)),
        reason=Reason(item["reason"]) if "reason" in item else None,
        failure_code=item.get("failure_code"),
    )


def _b_token(binding: Binding) -> str | None:
    """Who is found beside A by his number: B, or the partner who came first."""
    opposite = binding.b or next((partner.party for partner in binding.partners), None)
    return opposite.token if opposite else None


def _rest(binding: Binding) -> dict[str, Any]:
    pending, callee, features = binding.pending, binding.callee, binding.features
    optional = {
        "platform_ends_at": _text(binding.platform_ends_at),
        "idle_s": binding.idle_s,
        "active_at": _text(binding.active_at),
        "in_flight_until": _text(binding.in_flight_until),
        "pending": pending and {**_plain(pending), **_tokens(pending)},
        "partners": [_partner_item(partner) for partner in binding.partners] or None,
        "anyone": binding.anyone or None,
        "callee_until": callee and iso(callee.until),
        "callee_token": callee and callee.party.token,
        "callee_asked": binding.callee_asked,
        "tones": _tones(features) or None,
        "sms": None if features.sms else False,
        "callback_tone": features.callback_tone,
        "record_hint_tone": binding.record_hint_tone,
        "wanted_area": binding.wanted_area,
        "cities": list(binding.cities) or None,
        "spread": None if binding.spread is Spread.RANDOM else binding.spread.value,
        "fixed_x": binding.fixed_x or None,
        "platform_chooses": binding.platform_chooses or None,
        "uncounted": binding.uncounted or None,
        "waits_s": binding.waits_s or None,
        "binds": binding.binds or None,
        "attempts": binding.attempts or None,
        "moves": binding.moves or None,
        "reason": binding.reason and binding.reason.value,
        "failure_code": binding.failure_code,
    }
    always = {
        "terms": _plain(binding.terms),
        "ends_at": iso(binding.ends_at),
    }
    return always | {name: value for name, value in optional.items() if value is not None}


def _plain(terms: Terms) -> dict[str, Any]:
    return {
        "ends_at": iso(terms.ends_at),
        "direction": terms.direction,
        "max_minutes": terms.max_minutes,
    }


def _tokens(terms: Terms) -> dict[str, str]:
    return {"a_token": terms.a.token, **({"b_token": terms.b.token} if terms.b else {})}


def _terms(plain: Mapping[str, Any], private: Mapping[str, Any], prefix: str) -> Terms:
    """Terms out of their plain part with its tokens, and the numbers that were sealed under ``prefix``."""
    b = private.get(prefix + words.B)
    return Terms(
        Party(private[prefix + words.A], plain["a_token"]),
        Party(b, plain["b_token"]) if b else None,
        from_iso(plain["ends_at"]),
        int(plain["direction"]),
        int(plain["max_minutes"]),
    )


def _partner_item(partner: Partner) -> dict[str, Any]:
    item: dict[str, Any] = {"id": partner.id, "token": partner.party.token, "state": partner.state.value}
    item |= {"founding": True} if partner.founding else {}
    return item | ({"y": partner.y} if partner.y else {})


def _partner(plain: Mapping[str, Any], private: Mapping[str, Any]) -> Partner:
    who = Party(private[words.PARTNERS][plain["id"]], plain["token"])
    state, founding = PartnerState(plain["state"]), plain.get("founding", False)
    return Partner(plain["id"], who, plain.get("y"), state, founding)


def _callee(item: Mapping[str, Any], private: Mapping[str, Any]) -> Callee | None:
    if "callee_until" not in item:
        return None
    who = Party(private[words.CALLEE], item["callee_token"])
    return Callee(who, from_iso(item["callee_until"]), private.get(words.CALLEE_REFERENCE))


def _tones(features: Features) -> dict[str, str]:
    tones = {
        "caller": features.caller_tone,
        "callee": features.callee_tone,
        "last_minute": features.last_minute_tone,
    }
    return {name: tone for name, tone in tones.items() if tone}


def _features(item: Mapping[str, Any], private: Mapping[str, Any]) -> Features:
    tones = item.get("tones", {})
    return Features(
        sms=item.get("sms", True),
        caller_tone=tones.get("caller"),
        callee_tone=tones.get("callee"),
        last_minute_tone=tones.get("last_minute"),
        callback_number=private.get(words.CALLBACK_NUMBER),
        callback_tone=item.get("callback_tone"),
    )


def _private(binding: Binding) -> bytes:
    """Every number and text of people in a binding, for sealing."""
    content: dict[str, Any] = _numbers(binding.terms, "")
    if binding.pending:
        content |= _numbers(binding.pending, words.PENDING)
    if binding.partners:
        content[words.PARTNERS] = {partner.id: partner.party.number for partner in binding.partners}
    callee = binding.callee
    optional = {
        words.CALLEE: callee and callee.party.number,
        words.CALLEE_REFERENCE: callee and callee.reference,
        words.CALLBACK_NUMBER: binding.features.callback_number,
        words.USER_REFERENCE: binding.user_reference,
    }
    content |= {name: value for name, value in optional.items() if value}
    return json.dumps(content).encode()


def _numbers(terms: Terms, prefix: str) -> dict[str, Any]:
    b = {prefix + words.B: terms.b.number} if terms.b else {}
    return {prefix + words.A: terms.a.number, **b}


def _expiry(binding: Binding) -> int | None:
    days = KEPT_DAYS.get(binding.state)
    return int((binding.updated_at + timedelta(days=days)).timestamp()) if days else None


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
