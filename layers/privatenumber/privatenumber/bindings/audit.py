"""What a written binding or number says of who did what: one entry of the audit per version.

Made of what the table's stream shows: the item before and after. Of people an entry tells that they changed,
never who they are: no number, and no token either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings.references import contains_number
from privatenumber.store.audit import Change, Entry, Kind
from privatenumber.times import from_iso

UNKNOWN: Final = "unknown"
"""Who wrote what carries no author: it was written before there was an audit."""

_SHOWN: Final = frozenset(
    {
        *("state", "x", "area", "extension", "ends_at", "idle_s", "direction", "max_minutes"),
        *("subscription_id", "reason", "failure_code", "anyone", "binds", "attempts", "moves"),
        *("application", "order", "mode", "area_code", "number_type", "issued_on", "unsubscribed_on"),
        *("due_at", "in_flight_until", "platform_ends_at"),
    }
)
"""Fields whose values are told; of all others only that they changed."""

_OF_X: Final = frozenset({"x"})
"""X is the company's, and looks like a person's number."""

_UNTOLD: Final = frozenset(
    {
        # Keys, copies of fields for the indexes, and what grows or is sealed anew with every write.
        *("pk", "sk", "binding_id", "version", "revision", "sealed", "by", "why", "updated_at", "created_at"),
        *("due_key", "order_key", "x_key", "a_key", "b_key", "subscription_key", "pool_key", "city_key"),
        *("pool_rank", "room_key", "room_city", "pairs", "content_hash", "idempotency", "expires_at"),
        *("live_key", "active_at", "spread", "cities", "wanted_area", "fixed_x"),
    }
)
_NAMES: Final[Mapping[str, str]] = {
    "a_token": "a",
    "b_token": "b",
    "callee_token": "callee",
    "callee_until": "callee",
    "status_at": "platform_state",
}
"""Attributes that are told under the name a business system knows."""


def entry_of(before: Mapping[str, Any] | None, after: Mapping[str, Any], *, at: datetime) -> Entry | None:
    """The entry of a written item: None for other kinds of items, and for a write that made no version.

    A counter of X, or a call that was noted, is no version. ``at`` counts where the item tells no time.
    """
    match after.get("sk"), str(after.get("pk", "")).partition("#")[0]:
        case "BINDING", "BINDING":
            kind, subject, counter = Kind.BINDING, str(after["binding_id"]), "version"
        case "NUMBER", "X":
            kind, subject, counter = Kind.NUMBER, str(after["x"]), "revision"
        case _:
            return None
    if before is not None and before.get(counter) == after[counter]:
        return None
    return Entry(
        kind=kind,
        subject=subject,
        version=int(after[counter]),
        application=str(after["application"]),
        at=from_iso(after["updated_at"]) if "updated_at" in after else at,
        by=str(after.get("by", UNKNOWN)),
        why=after.get("why"),
        state=str(after["state"]),
        changes=tuple(_changes(_told(before or {}), _told(after))),
    )


def in_words(change: Change) -> str:
    """A change as a sentence would have it, in ASCII."""
    if change.old is None and change.new is None:
        return f"{change.field} changed"
    return f"{change.field} {change.old or '(none)'} -> {change.new or '(none)'}"


def _told(item: Mapping[str, Any]) -> dict[str, str | tuple[str]]:
    """Fields of an item: a text is told, a tuple with a text is only compared."""
    told: dict[str, str | tuple[str]] = {}
    for name, value in {**item.get("terms", {}), **item}.items():
        if name in ("terms", "partners") or name in _UNTOLD or value is None:
            continue
        shown = _NAMES.get(name, name)
        text = _text(name, value)
        if name in _SHOWN and (name in _OF_X or not contains_number(text)):
            told[shown] = text
        else:
            earlier = told.get(shown, ("",))
            told[shown] = (f"{earlier[0]}\0{text}",)
    for partner in item.get("partners", ()):
        told[f"partner {partner['id']}"] = str(partner["state"])
    return told


def _text(name: str, value: Any) -> str:
    # A due time stands in its index with the id behind it.
    return str(value).partition("#")[0] if name == "due_at" else str(value)


def _changes(
    before: Mapping[str, str | tuple[str]], after: Mapping[str, str | tuple[str]]
) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, tuple) or isinstance(new, tuple):
            yield Change(name)
        else:
            yield Change(name, old, new)
