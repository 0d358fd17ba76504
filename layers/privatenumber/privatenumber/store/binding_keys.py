"""Keys of everything that concerns bindings in the Bindings table, spelled here and nowhere else.

A person appears in a key only as a keyed token (design.md §6).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from privatenumber.store.authors import SYSTEM

DUE_INDEX: Final = "due"
ORDER_INDEX: Final = "by_order"
X_INDEX: Final = "by_x"
LIVE_INDEX: Final = "live_on_x"
A_INDEX: Final = "by_a"
B_INDEX: Final = "by_b"
DUE_SHARDS: Final = 4
PLACE_PREFIX: Final = "PLACE#"
EXTENSION_PREFIX: Final = "EXTENSION#"
ANYONE: Final = "anyone"
"""Stands where a person's token would: the place on X of everybody who has none of his own."""


@dataclass(frozen=True, slots=True)
class BindingRecord:
    """A binding as the table needs to know it: what keys are made of, and the rest as attributes.

    Times are in the fixed-width form of `times.iso`. ``places`` are the tokens for which a place on X is
    held, ``pairs`` the pair hashes held for the order, ``extension`` the digits held on X. ``x`` may be empty
    while it is not known. ``capacity`` is how many bindings of this mode X carries. ``rest`` must not repeat
    a field of this class.
    """

    id: str
    version: int
    state: str
    application: str
    order: str
    mode: str
    x: str
    area: str
    a_token: str
    b_token: str | None
    capacity: int
    places: frozenset[str]
    pairs: frozenset[str]
    idempotency: str | None
    content_hash: str
    subscription_id: str | None
    created_at: str
    updated_at: str
    due_at: str | None
    sealed: bytes = field(repr=False)
    extension: str | None = None
    counted: bool = True
    """Its X counts it: not one that the platform chose and nobody had registered."""
    expires_at: int | None = None
    """Epoch second at which the table may forget it; final states only."""
    rest: Mapping[str, Any] = field(default_factory=dict, repr=False)
    by: str = SYSTEM
    """Who writes this version, and ``why`` by his own words (`store.authors`)."""
    why: str | None = None


def binding_key(binding_id: str) -> dict[str, str]:
    """Key of the binding itself."""
    return {"pk": f"BINDING#{binding_id}", "sk": "BINDING"}


def party_partition(application: str, token: str) -> str:
    """Partition that holds every place of one person in one application."""
    return f"PARTY#{application}#{token}"


def place_key(application: str, token: str, x: str) -> dict[str, str]:
    """Key of "this person stands on this X": the constraint that a party stands on an X at most once."""
    return {"pk": party_partition(application, token), "sk": f"{PLACE_PREFIX}{x}"}


def pair_name(tokens: Iterable[str]) -> str:
    """Name of some people together, in whatever order; made of keyed tokens, so it tells nobody a number."""
    return hashlib.sha256("\0".join(sorted(tokens)).encode()).hexdigest()[:32]


def pair_memory_key(application: str, pair: str) -> dict[str, str]:
    """Key of "these people were last brought together on this X"."""
    return {"pk": f"PAIR#{application}#{pair}", "sk": "LAST"}


def extension_key(x: str, extension: str) -> dict[str, str]:
    """Key of "these digits lead to somebody on this X": one binding per extension (axe.md §1.1)."""
    return {"pk": f"X#{x}", "sk": f"{EXTENSION_PREFIX}{extension}"}


def order_pair_key(application: str, order: str, mode: str, pair: str) -> dict[str, str]:
    """Key of "this order has a live binding of this pair": one per order, mode and pair."""
    return {"pk": f"ORDER#{application}#{order}", "sk": f"PAIR#{mode}#{pair}"}


def idempotency_key(application: str, token: str) -> dict[str, str]:
    """Key of a remembered Idempotency-Key, itself a token."""
    return {"pk": f"IDEMPOTENCY#{application}#{token}", "sk": "KEY"}


def order_index_key(application: str, order: str) -> str:
    """Hash key of the index `by_order`."""
    return f"{application}#{order}"


def party_index_key(application: str, token: str) -> str:
    """Hash key of the indexes `by_a` and `by_b`."""
    return f"{application}#{token}"


def due_shard(number: int) -> str:
    """Hash key of one shard of the index `due`."""
    return f"DUE#{number}"


def due_position(moment: str, binding_id: str) -> str:
    """Range key of the index `due`: sorts by time, then by id."""
    return f"{moment}#{binding_id}"


def binding_item(record: BindingRecord) -> dict[str, Any]:
    """The whole item of a binding, with the attributes of the indexes it belongs to now."""
    item: dict[str, Any] = {
        **record.rest,
        **binding_key(record.id),
        "binding_id": record.id,
        "version": record.version,
        "state": record.state,
        "application": record.application,
        "order": record.order,
        "mode": record.mode,
        "x": record.x,
        "area": record.area,
        "a_token": record.a_token,
        "content_hash": record.content_hash,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "by": record.by,
        "sealed": record.sealed,
        "order_key": order_index_key(record.application, record.order),
        "a_key": party_index_key(record.application, record.a_token),
    }
    if record.x:
        item["x_key"] = record.x
    if record.b_token:
        item["b_token"] = record.b_token
        item["b_key"] = party_index_key(record.application, record.b_token)
    if record.extension:
        item["extension"] = record.extension
    if record.idempotency:
        item["idempotency"] = record.idempotency
    if record.subscription_id:
        item["subscription_id"] = record.subscription_id
        item["subscription_key"] = f"{record.application}#{record.subscription_id}"
    if record.due_at:
        shard = zlib.crc32(record.id.encode()) % DUE_SHARDS
        item["due_key"] = due_shard(shard)
        if record.x:
            item["live_key"] = record.x
        item["due_at"] = due_position(record.due_at, record.id)
    if record.why:
        item["why"] = record.why
    if record.expires_at:
        item["expires_at"] = record.expires_at
    return item
