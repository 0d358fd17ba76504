"""Routes of the black list: enter, list and remove people who may not call or be called (users.md U-S09)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber import http_request
from privatenumber.calls.black_list import BarRequest, Listed
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import cursor_of, one_of, only, place_of, read_actor
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.barred import Direction, ScopeKind
from privatenumber.times import iso

from .routes import Route

_LIMIT: Final = 50
_BODY_LIMIT: Final = 4 * 1024
_FIELDS: Final = ("application", "number", "direction", "scope", "value", "reason", "until")
_ENTRY: Final = re.compile(
    r"[a-z2-7]{26}#(?:caller|callee)#(?:\*|(?:X|BINDING|ORDER)#[\x21-\x7e]{1,64})", re.ASCII
)
_CURSOR: Final = re.compile(rf"([0-9]):({_ENTRY.pattern})", re.ASCII)


def enter(rooms: CallRooms, request: Request) -> Response:
    """PUT /barred: enter somebody, or change what was said of him there."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    listed = rooms.black_list.enter(_wanted(body), read_actor(request))
    return answer(200, entry_view(listed))


def list_entries(rooms: CallRooms, request: Request) -> Response:
    """GET /barred: all entries of an application, page by page, or those of one number."""
    application = http_request.read_application(request.query)
    number = request.query.get("number")
    if number:
        found, further = rooms.black_list.of_person(application, number), None
    else:
        place = place_of(http_request.read_cursor(request.query), _CURSOR)
        after = (int(place[1]), place[2]) if place else None
        limit = http_request.read_limit(request.query, _LIMIT)
        found, further = rooms.black_list.page(application, after, limit)
    cursor = cursor_of("{}:{}".format(*further)) if further else None
    return answer(200, {"entries": [entry_view(each) for each in found], "next_cursor": cursor})


def remove(rooms: CallRooms, request: Request) -> Response:
    """DELETE /barred/{entry}: take an entry off; one that is not there is as good as gone."""
    application = http_request.read_application(request.query)
    place = place_of(request.path.get("entry", ""), _ENTRY, name="id")
    if place:
        rooms.black_list.remove(application, place[0])
    return answer(200, {"removed": True})


def entry_view(listed: Listed) -> dict[str, Any]:
    """Show an entry; its number is masked, its id removes it."""
    bar = listed.bar
    return {
        "id": cursor_of(listed.key),
        "application": bar.application,
        "number": listed.number,
        "direction": bar.direction.value,
        "scope": bar.scope.kind.value,
        "value": bar.scope.value or None,
        "reason": bar.reason,
        "until": bar.until and iso(bar.until),
        "switched_on": listed.switched_on,
        "in_force": listed.in_force,
        "at": iso(bar.at),
        "by": bar.by,
    }


def _wanted(body: Mapping[str, Any]) -> BarRequest:
    only(body, *_FIELDS)
    return BarRequest(
        application=_text(body, "application"),
        number=_text(body, "number"),
        direction=Direction(one_of(body, "direction", Direction, Direction.CALLER)),
        scope=ScopeKind(one_of(body, "scope", ScopeKind, ScopeKind.APPLICATION)),
        value=_text(body, "value", ""),
        reason=_text(body, "reason"),
        until=_moment(body.get("until")),
    )


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise InvalidFields((name, "is required and must be a text" if value is None else "must be a text"))
    return value


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    found = http_request.read_moment({"until": value}, "until", end=True) if isinstance(value, str) else None
    if found is None:
        raise InvalidFields(("until", "must be a time such as 2026-09-02T09:00:00+08:00, or a Beijing day"))
    return found


ROUTES: Final[Mapping[str, Route]] = {
    "PUT /barred": enter,
    "GET /barred": list_entries,
    "DELETE /barred/{entry}": remove,
}
