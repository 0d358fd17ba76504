"""Searching bindings: by order, by a person, by an X; newest first, page by page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import json
import re
from dataclasses import dataclass
from typing import Final

from privatenumber.bindings.checks import read_party
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import Page
from privatenumber.bindings.records import from_item
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.store.binding_keys import (
    A_INDEX,
    B_INDEX,
    ORDER_INDEX,
    X_INDEX,
    order_index_key,
    party_index_key,
)
from privatenumber.store.binding_search import Position
from privatenumber.times import from_iso

MAX_LIMIT: Final = 100
_BINDING_ID: Final = re.compile(r"[a-z0-9]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Source:
    """One index partition to read from."""

    index: str
    hash_name: str
    hash_key: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: exactly one of order, number and x, in one application."""

    application: str
    order: str | None = None
    number: str | None = None
    x: str | None = None

    def __repr__(self) -> str:
        return "Query(...)"


def find(engine: Engine, query: Query, *, limit: int, cursor: str | None) -> Page:
    """One page of bindings, newest first; raises InvalidRequest. Read from indexes: a moment behind."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest("limit", f"must be 1 to {MAX_LIMIT}")
    sources = _sources(engine, query)
    starts = _read_cursor(cursor, sources)
    rows = [
        [
            (position, n)
            for position in engine.search.newest(
                source.index, source.hash_name, source.hash_key, limit=limit + 1, before=starts[n]
            )
        ]
        for n, source in enumerate(sources)
    ]
    merged = list(heapq.merge(*rows, reverse=True))
    shown = merged[:limit]
    for position, n in shown:
        starts[n] = position
    items = engine.store.get_many([position.binding_id for position, _ in shown])
    bindings = (
        from_item(items[position.binding_id], engine.keyring)
        for position, _ in shown
        if position.binding_id in items
    )
    mine = tuple(binding for binding in bindings if binding.application == query.application)
    return Page(mine, _write_cursor(starts, sources) if len(merged) > limit else None)


def _sources(engine: Engine, query: Query) -> list[_Source]:
    given = [name for name in ("order", "number", "x") if getattr(query, name)]
    if len(given) != 1:
        raise InvalidRequest("order", "give exactly one of order, number and x")
    if query.order:
        return [_Source(ORDER_INDEX, "order_key", order_index_key(query.application, query.order))]
    if query.number:
        person = read_party(query.number, "number", engine.keyring)
        key = party_index_key(query.application, person.token)
        return [_Source(A_INDEX, "a_key", key), _Source(B_INDEX, "b_key", key)]
    try:
        return [_Source(X_INDEX, "x_key", normalise(query.x or "", field="x"))]
    except InvalidNumber as error:
        raise InvalidRequest("x", error.rule) from None


def _fingerprint(sources: list[_Source]) -> str:
    """Ties a cursor to its search; a digest of keys, so it tells nobody a number."""
    text = "\0".join(f"{source.index} {source.hash_key}" for source in sources)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write_cursor(starts: list[Position | None], sources: list[_Source]) -> str:
    content = [
        _fingerprint(sources),
        *([start.created_at, start.binding_id] if start else None for start in starts),
    ]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, sources: list[_Source]) -> list[Position | None]:
    if cursor is None:
        return [None] * len(sources)
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        fingerprint, *starts = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if fingerprint != _fingerprint(sources) or len(starts) != len(sources):
            raise ValueError("another search")
        return [None if start is None else _read_position(*start) for start in starts]
    except (ValueError, TypeError, binascii.Error):
        raise InvalidRequest("cursor", "must be the cursor of an earlier page of the same search") from None


def _read_position(created_at: str, binding_id: str) -> Position:
    """A position that a row may have: the table refuses a start without a key. Raises ValueError."""
    from_iso(created_at)
    if not _BINDING_ID.fullmatch(binding_id):
        raise ValueError("not an id of a binding")
    return Position(created_at, binding_id)
