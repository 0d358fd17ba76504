"""Between a binding and its stored form: the parties' real numbers are sealed and opened here only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.bindings.model import Binding, Party, Reason, State, Terms
from privatenumber.privacy import Keyring, open_sealed, seal, token
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import BindingRecord
from privatenumber.times import from_iso, iso

KEPT_DAYS: Final = {State.CLOSED: 400, State.FAILED: 30}
"""How long a final binding stays readable: the audit period (operations.md §16), or to ask why it failed."""


def party(keyring: Keyring, number: str) -> Party:
    """A person by the number in global form."""
    return Party(number, token(keyring, number))


def to_record(binding: Binding, keyring: Keyring) -> BindingRecord:
    """Render a binding for the store."""
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
        b_token=binding.b.token,
        places=binding.places,
        pairs=binding.pairs,
        idempotency=binding.idempotency,
        content_hash=binding.content_hash,
        subscription_id=binding.subscription_id,
        created_at=iso(binding.created_at),
        due_at=_text(binding.due_at),
        sealed=seal(keyring, _private(binding), context=_context(binding.id)),
        expires_at=_expiry(binding),
        rest=_rest(binding),
    )


def from_item(item: Mapping[str, Any], keyring: Keyring) -> Binding:
    """Read a stored binding. Raises SealBroken when the keyring cannot open it."""
    private = json.loads(open_sealed(keyring, bytes(item["sealed"]), context=_context(item["binding_id"])))
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
        terms=_terms(
            item["terms"], Party(private["a"], item["a_token"]), Party(private["b"], item["b_token"])
        ),
        created_at=from_iso(item["created_at"]),
        updated_at=from_iso(item["updated_at"]),
        content_hash=item["content_hash"],
        due_at=from_iso(due.partition("#")[0]) if due else None,
        subscription_id=item.get("subscription_id"),
        platform_ends_at=_moment(item.get("platform_ends_at")),
        in_flight_until=_moment(item.get("in_flight_until")),
        pending=pending and _pending(pending, private),
        record_hint_tone=item.get("record_hint_tone"),
        user_reference=private.get("user_reference"),
        idempotency=item.get("idempotency"),
        wanted_area=item.get("wanted_area"),
        any_area=item.get("any_area", False),
        fixed_x=item.get("fixed_x", False),
        binds=int(item.get("binds", 0)),
        attempts=int(item.get("attempts", 0)),
        moves=int(item.get("moves", 0)),
        reason=Reason(item["reason"]) if "reason" in item else None,
        failure_code=item.get("failure_code"),
    )


def _rest(binding: Binding) -> dict[str, Any]:
    pending = binding.pending
    optional = {
        "platform_ends_at": _text(binding.platform_ends_at),
        "in_flight_until": _text(binding.in_flight_until),
        "pending": pending and {**_plain(pending), "a_token": pending.a.token, "b_token": pending.b.token},
        "record_hint_tone": binding.record_hint_tone,
        "wanted_area": binding.wanted_area,
        "any_area": binding.any_area or None,
        "fixed_x": binding.fixed_x or None,
        "binds": binding.binds or None,
        "attempts": binding.attempts or None,
        "moves": binding.moves or None,
        "reason": binding.reason and binding.reason.value,
        "failure_code": binding.failure_code,
    }
    always = {
        "terms": _plain(binding.terms),
        "ends_at": iso(binding.ends_at),
        "updated_at": iso(binding.updated_at),
    }
    return always | {name: value for name, value in optional.items() if value is not None}


def _plain(terms: Terms) -> dict[str, Any]:
    return {
        "ends_at": iso(terms.ends_at),
        "direction": terms.direction,
        "max_minutes": terms.max_minutes,
    }


def _terms(plain: Mapping[str, Any], a: Party, b: Party) -> Terms:
    return Terms(a, b, from_iso(plain["ends_at"]), int(plain["direction"]), int(plain["max_minutes"]))


def _pending(plain: Mapping[str, Any], private: Mapping[str, str]) -> Terms:
    return _terms(
        plain, Party(private["pending_a"], plain["a_token"]), Party(private["pending_b"], plain["b_token"])
    )


def _private(binding: Binding) -> bytes:
    content = {"a": binding.a.number, "b": binding.b.number}
    if binding.pending:
        content |= {"pending_a": binding.pending.a.number, "pending_b": binding.pending.b.number}
    if binding.user_reference:
        content["user_reference"] = binding.user_reference
    return json.dumps(content).encode()


def _context(binding_id: str) -> str:
    return f"binding#{binding_id}"


def _expiry(binding: Binding) -> int | None:
    days = KEPT_DAYS.get(binding.state)
    return int((binding.updated_at + timedelta(days=days)).timestamp()) if days else None


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
