"""Routes of the audit: who did what to a binding or to an X number, when and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from privatenumber import http_request
from privatenumber.bindings.audit import in_words
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.numbers import private_number
from privatenumber.http_api import Response, answer
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.audit import Entry, History, Kind
from privatenumber.times import iso

from .paths import Route, binding_id

_VERSION: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


def binding_history(rooms: Rooms, request: Request) -> Response:
    """GET /bindings/{id}/history: also of a binding that is forgotten by now."""
    identity = binding_id(request)
    history = _history(rooms, request, Kind.BINDING, identity)
    if not history.entries:
        rooms.service.get(identity)
    return answer(200, history_view(history))


def number_history(rooms: Rooms, request: Request) -> Response:
    """GET /numbers/{x}/history: empty for a number that was never registered."""
    x = private_number(request.path.get("x", ""), field="x")
    return answer(200, history_view(_history(rooms, request, Kind.NUMBER, x)))


def _history(rooms: Rooms, request: Request, kind: Kind, subject: str) -> History:
    cursor = http_request.read_cursor(request.query)
    if cursor is not None and not _VERSION.fullmatch(cursor):
        raise InvalidFields(("cursor", "is not one that a list has answered"))
    limit = http_request.read_limit(request.query, 20)
    return rooms.audit.page(kind, subject, limit=limit, before=int(cursor) if cursor else None)


def history_view(history: History) -> dict[str, Any]:
    """Show one page, newest first."""
    return {
        "entries": [entry_view(entry) for entry in history.entries],
        "next_cursor": str(history.next_before) if history.next_before else None,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """Show who made a version, and in words what it changed; people are told of, never shown."""
    return {
        "version": entry.version,
        "at": iso(entry.at),
        "by": entry.by,
        "why": entry.why,
        "state": entry.state,
        "what": [in_words(change) for change in entry.changes],
    }


ROUTES: Final[Mapping[str, Route]] = {
    "GET /bindings/{id}/history": binding_history,
    "GET /numbers/{x}/history": number_history,
}
