"""Routes of the quarantine: list what was refused or unreadable, look at it masked, take it in after all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from privatenumber import http_request
from privatenumber.calls.masked import masked_body
from privatenumber.calls.replay import EntryUnknown, Order, Place, Replayed, Wanted
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import NOT_A_CURSOR, cursor_of, day_of, only, place_of, read_actor, read_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.quarantined import Position, QuarantinedPush
from privatenumber.times import beijing_day, iso

from .routes import Route

_LIMIT: Final = 20
_REPLAYED_AT_ONCE: Final = 100
_BODY_LIMIT: Final = 2048
_LONGEST: Final = timedelta(days=31)
_ENTRY: Final = re.compile(r"[a-z2-7]{26}", re.ASCII)
_REASON: Final = re.compile(r"[A-Za-z_():. -]{0,64}", re.ASCII)
_PLACE: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})\|([0-7])\|([0-9TZ:.-]{24}#[a-z0-9]{1,64})", re.ASCII
)


def list_entries(rooms: CallRooms, request: Request) -> Response:
    """GET /quarantine: by Beijing day (today's unless said otherwise) and reason, the oldest day first."""
    query = request.query
    first = day_of(query, "from") if query.get("from") else beijing_day(request.at)
    wanted = _stretch(
        http_request.read_application(query),
        first,
        day_of(query, "to") if query.get("to") else first,
        _reason(query.get("reason", "")),
        http_request.read_cursor(query),
    )
    found, place = rooms.watching.quarantine.page(wanted, limit=http_request.read_limit(query, _LIMIT))
    return answer(200, {"entries": [entry_view(each) for each in found], "next_cursor": _cursor(place)})


def read_entry(rooms: CallRooms, request: Request) -> Response:
    """GET /quarantine/{entry}: with its body, masked."""
    application, entry = http_request.read_application(request.query), request.path.get("entry", "")
    if not _ENTRY.fullmatch(entry):
        raise EntryUnknown
    quarantine = rooms.watching.quarantine
    found = quarantine.entry(application, entry)
    body = masked_body(quarantine.envelope(found).body)
    return answer(200, {**entry_view(found), "body": body})


def replay(rooms: CallRooms, request: Request) -> Response:
    """POST /quarantine/replay: 200 with what became of each; unless it is finished the cursor goes on."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, "application", "entry", "from", "to", "reason", "cursor", "force", "why")
    force = body.get("force", False)
    if not isinstance(force, bool):
        raise InvalidFields(("force", "must be true or false"))
    order = Order(read_actor(request), read_why(body, required=force), force)
    run = rooms.watching.quarantine.replay(
        _wanted(body), order, now=request.at, left=request.deadline.remaining, limit=_REPLAYED_AT_ONCE
    )
    return answer(200, replay_view(run))


def entry_view(entry: QuarantinedPush) -> dict[str, Any]:
    """Show an entry without what it holds."""
    return {
        "id": entry.body,
        "application": entry.application,
        "reason": entry.reason,
        "route": entry.route,
        "first_at": iso(entry.first_at),
        "last_at": iso(entry.last_at),
        "deliveries": entry.deliveries,
        "replayed": entry.replayed,
        "replayed_at": entry.replayed_at and iso(entry.replayed_at),
        "replayed_by": entry.replayed_by,
        "why": entry.why,
    }


def replay_view(run: Replayed) -> dict[str, Any]:
    """Show what a replay did."""
    return {
        "finished": run.finished,
        "next_cursor": None if run.finished else _cursor(run.cursor),
        "outcomes": {outcome.value: count for outcome, count in sorted(run.outcomes.items())},
        "stored": run.stored,
        "duplicates": run.duplicates,
        "conflicts": run.conflicts,
        "entries": [{"id": body, "outcome": outcome.value} for body, outcome in run.entries],
    }


def _wanted(body: Mapping[str, Any]) -> Wanted:
    texts = ("application", "entry", "from", "to", "reason", "cursor")
    if any(not isinstance(body[name], str) for name in texts if name in body):
        raise InvalidFields(("body", "has a field that must be a text"))
    application = http_request.read_application(body)
    if "entry" in body:
        if not _ENTRY.fullmatch(body["entry"]):
            raise EntryUnknown
        return Wanted(application, body=body["entry"])
    if not body.get("from"):
        raise InvalidFields(("from", "is required unless entry is given"))
    first = day_of(body, "from")
    last = day_of(body, "to") if body.get("to") else first
    return _stretch(application, first, last, _reason(body.get("reason", "")), http_request.read_cursor(body))


def _stretch(application: str, first: date, last: date, reason: str, cursor: str | None) -> Wanted:
    if not timedelta() <= last - first < _LONGEST:
        raise InvalidFields(
            ("from", f"must not be later than to, and at most {_LONGEST.days} days before it")
        )
    return Wanted(application, first=first, last=last, reason=reason, after=_place(cursor))


def _reason(text: str) -> str:
    if not _REASON.fullmatch(text):
        raise InvalidFields(("reason", "must be the beginning of a reason, such as refused or unreadable"))
    return text


def _cursor(place: Place | None) -> str | None:
    if place is None:
        return None
    day, position = place
    return cursor_of(f"{day.isoformat()}|{position.shard}|{position.day_sort}")


def _place(cursor: str | None) -> Place | None:
    found = place_of(cursor, _PLACE)
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1]), Position(int(found[2]), found[3])
    except ValueError:
        raise InvalidFields(NOT_A_CURSOR) from None


ROUTES: Final[Mapping[str, Route]] = {
    "GET /quarantine": list_entries,
    "GET /quarantine/{entry}": read_entry,
    "POST /quarantine/replay": replay,
}
