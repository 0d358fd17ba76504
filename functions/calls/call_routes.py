"""Routes that read calls and SMS: lists, and all that is known of one call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from privatenumber import http_request
from privatenumber.calls.diagnosis.view import language
from privatenumber.calls.lookup import Filter, Search
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_api import SESSION_RULE, Response, answer, is_session_id
from privatenumber.http_fields import NOT_A_CURSOR, cursor_of, place_of
from privatenumber.http_request import InvalidFields, Request
from privatenumber.times import from_iso

from .call_views import call_view, message_told_view, message_view, page_view, told_view
from .routes import Route

LONGEST: Final = timedelta(days=31)
"""A list without a filter reads every day of its time."""

_LIMIT: Final = 20
_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_PLACE: Final = re.compile(r"(?P<at>[0-9]{4}[0-9TZ:.-]{20})#[a-z0-9]{1,64}", re.ASCII)


def list_calls(rooms: CallRooms, request: Request) -> Response:
    """GET /calls: by binding, order, x or number, or all of a time; newest first."""
    page = rooms.lookup.calls(_wanted(request))
    return answer(200, page_view("calls", page, call_view, cursor_of(page.next)))


def list_messages(rooms: CallRooms, request: Request) -> Response:
    """GET /messages: as calls."""
    page = rooms.lookup.messages(_wanted(request))
    return answer(200, page_view("messages", page, message_view, cursor_of(page.next)))


def read_call(rooms: CallRooms, request: Request) -> Response:
    """GET /calls/{session}: by the id of a list or by the platform's sessionId, which is not logged."""
    session = request.path.get("session", "")
    if not is_session_id(session):
        raise InvalidFields(("session", SESSION_RULE))
    told = rooms.lookup.call(http_request.read_application(request.query), session)
    spoken = language(request.query.get("lang"), request.headers.get("accept-language"))
    return answer(200, told_view(told, spoken), {"content-language": spoken})


def read_message(rooms: CallRooms, request: Request) -> Response:
    """GET /messages/{message}: by the id of a list or the platform's smsIdentifier, which is not logged."""
    identity = request.path.get("message", "")
    if not is_session_id(identity):
        raise InvalidFields(("message", SESSION_RULE))
    told = rooms.lookup.message(http_request.read_application(request.query), identity)
    spoken = language(request.query.get("lang"), request.headers.get("accept-language"))
    return answer(200, message_told_view(told, spoken), {"content-language": spoken})


def _wanted(request: Request) -> Search:
    query = request.query
    by, value = _filter(query)
    since, until = http_request.read_moment(query, "from"), http_request.read_moment(query, "to", end=True)
    if by is None:
        since, until = since or request.at - timedelta(days=1), until or request.at
        if until - since > LONGEST:
            raise InvalidFields(("from", f"must lie at most {LONGEST.days} days before to without a filter"))
    if since and until and since > until:
        raise InvalidFields(("from", "must not be later than to"))
    return Search(
        http_request.read_application(query),
        by,
        value,
        since=since,
        until=until,
        before=_before(query),
        limit=http_request.read_limit(query, _LIMIT),
    )


def _before(query: Mapping[str, str]) -> str | None:
    found = place_of(http_request.read_cursor(query), _PLACE)
    if found is None:
        return None
    try:
        from_iso(found["at"])
    except ValueError:
        raise InvalidFields(NOT_A_CURSOR) from None
    return found[0]


def _filter(query: Mapping[str, str]) -> tuple[Filter | None, str | None]:
    given = [(by, query[by]) for by in Filter if query.get(by)]
    if len(given) > 1:
        raise InvalidFields(("order", f"give at most one of {', '.join(Filter)}"))
    for by, value in given:
        if not _VALUE.fullmatch(value):
            raise InvalidFields((by.value, "must have 1 to 128 printable characters"))
        return by, value
    return None, None


ROUTES: Final[Mapping[str, Route]] = {
    "GET /calls": list_calls,
    "GET /calls/{session}": read_call,
    "GET /messages": list_messages,
    "GET /messages/{message}": read_message,
}
