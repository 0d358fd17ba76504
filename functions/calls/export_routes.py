"""Routes of exports: ask for a file of calls or texts, look how far it is, get a link to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from privatenumber import http_request
from privatenumber.calls.exports import MAX_DAYS, ExportRequest, NoSuchExport, ShownExport
from privatenumber.calls.rooms import CallRooms
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import one_of, only, read_actor, read_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.store.call_search import Kind
from privatenumber.store.exports import Format
from privatenumber.times import iso

from .asking import configured
from .routes import Route

_BODY_LIMIT: Final = 2048
_FIELDS: Final = ("application", "from", "to", "kind", "format", "masked", "why")
_KINDS: Final[Mapping[str, Kind]] = {"calls": Kind.CALL, "messages": Kind.SMS}
_NAMES: Final[Mapping[Kind, str]] = {kind: name for name, kind in _KINDS.items()}
_ID: Final = re.compile(r"e[a-z2-7]{1,64}", re.ASCII)
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


def ask_for_export(rooms: CallRooms, request: Request) -> Response:
    """POST /exports: 202, also for the same Idempotency-Key again."""
    wanted = _wanted(rooms, request)
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidFields(("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
    shown, new = rooms.reports.exports.request(wanted, key=key or request.id, now=request.at)
    headers = {"location": f"/exports/{shown.export.id}"} | ({} if new else {"idempotent-replay": "true"})
    return answer(202, export_view(shown), headers)


def read_export(rooms: CallRooms, request: Request) -> Response:
    """GET /exports/{export}: with a link for five minutes when the file is complete."""
    identity = request.path.get("export", "")
    if not _ID.fullmatch(identity):
        raise NoSuchExport
    return answer(200, export_view(rooms.reports.exports.get(identity, now=request.at)))


def export_view(shown: ShownExport) -> dict[str, Any]:
    """Show an export and how far it has come."""
    export = shown.export
    return {
        "id": export.id,
        "application": export.application,
        "kind": _NAMES[export.kind],
        "format": export.format.value,
        "from": iso(export.since),
        "to": iso(export.until - timedelta(milliseconds=1)),
        "masked": True,
        "state": export.state.value,
        "problem": export.problem,
        "rows": export.rows,
        "bytes": export.bytes,
        "created_by": export.created_by,
        "why": export.why,
        "created_at": iso(export.created_at),
        "finished_at": export.finished_at and iso(export.finished_at),
        "kept_until": shown.kept_until and iso(shown.kept_until),
        "url": shown.url,
    }


def _wanted(rooms: CallRooms, request: Request) -> ExportRequest:
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    only(body, *_FIELDS)
    application = configured(rooms, body.get("application"))
    if body.get("masked", True) is not True:
        raise InvalidFields(("masked", "must be true: no export shows people's numbers"))
    times = {name: str(body[name]) for name in ("from", "to") if body.get(name)}
    since, until = http_request.read_moment(times, "from"), http_request.read_moment(times, "to", end=True)
    if since is None or until is None:
        raise InvalidFields(*((name, "is required") for name in ("from", "to") if name not in times))
    if not timedelta() <= until - since <= timedelta(days=MAX_DAYS):
        raise InvalidFields(("from", f"must not be later than to, nor more than {MAX_DAYS} days before it"))
    return ExportRequest(
        application=application,
        kind=_KINDS[one_of(body, "kind", _KINDS, "calls")],
        format=Format(one_of(body, "format", Format, Format.CSV)),
        since=since,
        until=until + timedelta(milliseconds=1),
        by=read_actor(request),
        why=read_why(body, required=False),
    )


ROUTES: Final[Mapping[str, Route]] = {
    "POST /exports": ask_for_export,
    "GET /exports/{export}": read_export,
}
