"""Routes of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from privatenumber import http_request
from privatenumber.http_api import Response, answer
from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import safe_actor
from privatenumber.store.webhooks import NoSuchWebhook
from privatenumber.webhooks.service import Changes, NoSuchReplay, Wanted, Webhooks

from . import views

Route = Callable[[Webhooks, Request], Response]
"""Answers the requests of one method and path."""

_ATTEMPTS: Final = 50
_BODY_LIMIT: Final = 16 * 1024
_MAX_TEXT: Final = 256
_MAX_ID: Final = 128
_Value = TypeVar("_Value")


def create(webhooks: Webhooks, request: Request) -> Response:
    """POST /webhooks: make a webhook; the answer is one of two that hold its secret."""
    body = _body(request, "application", "target", "events", "numbers", "description")
    wanted = Wanted(
        application=_required(_text(body, "application"), "application"),
        target=_required(_target(body), "target"),
        events=_required(_events(body), "events"),
        full_numbers=_full_numbers(body) or False,
        description=_text(body, "description"),
    )
    shown = webhooks.create(wanted, by=_actor(request), key=_key(request))
    headers = {"location": f"/webhooks/{shown.row.id}"}
    return answer(201 if shown.new else 200, views.with_secrets(shown), headers)


def list_webhooks(webhooks: Webhooks, request: Request) -> Response:
    """GET /webhooks: those of an application; there are ten at most, so there is one page."""
    rows = webhooks.list(http_request.read_application(request.query))
    return answer(200, {"webhooks": [views.webhook(row) for row in rows], "next_cursor": None})


def read(webhooks: Webhooks, request: Request) -> Response:
    """GET /webhooks/{id}: one webhook and how it goes with it."""
    return answer(200, views.webhook(webhooks.get(_id(request))))


def change(webhooks: Webhooks, request: Request) -> Response:
    """PATCH /webhooks/{id}: change what is given; `state` may only become `disabled` here."""
    body = _body(request, "target", "events", "numbers", "description", "state")
    state = _text(body, "state")
    if state not in (None, "disabled"):
        raise InvalidFields(("state", "can only be set to disabled; POST /webhooks/{id}/enable enables"))
    changes = Changes(
        target=_target(body),
        events=_events(body),
        full_numbers=_full_numbers(body),
        description=_text(body, "description"),
        disable=state is not None,
    )
    return answer(200, views.webhook(webhooks.change(_id(request), changes, by=_actor(request))))


def delete(webhooks: Webhooks, request: Request) -> Response:
    """DELETE /webhooks/{id}: end a webhook; one that is ended is as good."""
    webhooks.delete(_id(request), by=_actor(request))
    return answer(200, {"deleted": True})


def rotate(webhooks: Webhooks, request: Request) -> Response:
    """POST /webhooks/{id}/rotate: a new secret beside the old one, for a day."""
    return answer(200, views.with_secrets(webhooks.rotate(_id(request), by=_actor(request))))


def ping(webhooks: Webhooks, request: Request) -> Response:
    """POST /webhooks/{id}/ping: send a test event now and say what became of it."""
    return answer(200, views.outcome(webhooks.ping(_id(request))))


def enable(webhooks: Webhooks, request: Request) -> Response:
    """POST /webhooks/{id}/enable: tell everything again, from what was missed on."""
    return answer(200, views.webhook(webhooks.enable(_id(request), by=_actor(request))))


def list_attempts(webhooks: Webhooks, request: Request) -> Response:
    """GET /webhooks/{id}/attempts: what became of each attempt, newest first."""
    row = webhooks.get(_id(request))
    limit = http_request.read_limit(request.query, _ATTEMPTS)
    before = views.opened_cursor(http_request.read_cursor(request.query))
    attempts, after = webhooks.attempts.page(row.id, limit=limit, before=before)
    listed = [views.attempt(one) for one in attempts]
    return answer(200, {"attempts": listed, "next_cursor": views.cursor(after)})


def replay(webhooks: Webhooks, request: Request) -> Response:
    """POST /webhooks/{id}/replay: tell again what was noted in a range of time."""
    body = _body(request, "from", "to")
    texts = {name: text for name in ("from", "to") if (text := _text(body, name)) is not None}
    start = _required(http_request.read_moment(texts, "from"), "from")
    end = http_request.read_moment(texts, "to", end=True)
    row = webhooks.replay(_id(request), start, end, by=_actor(request), key=_key(request))
    headers = {"location": f"/webhooks/{row.webhook_id}/replays/{row.id}"}
    return answer(202, views.replay(row), headers)


def read_replay(webhooks: Webhooks, request: Request) -> Response:
    """GET /webhooks/{id}/replays/{replay}: how far a replay has come."""
    identity = request.path.get("replay", "")
    if not 0 < len(identity) <= _MAX_ID:
        raise NoSuchReplay
    return answer(200, views.replay(webhooks.find_replay(_id(request), identity)))


def _id(request: Request) -> str:
    identity = request.path.get("id", "")
    if not 0 < len(identity) <= _MAX_ID or "#" in identity:
        raise NoSuchWebhook
    return identity


def _actor(request: Request) -> str:
    return safe_actor(request.actor)


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= _MAX_TEXT and key.isascii() and key.isprintable()):
        raise InvalidFields(("Idempotency-Key", "must be 1 to 256 printable ASCII characters"))
    return key


def _body(request: Request, *allowed: str) -> Mapping[str, Any]:
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    if not body.keys() <= set(allowed):
        raise InvalidFields(("body", f"may have no other fields than {', '.join(allowed)}"))
    return body


def _required(value: _Value | None, field: str) -> _Value:
    if value is None:
        raise InvalidFields((field, "is required"))
    return value


def _text(body: Mapping[str, Any], field: str, longest: int = _MAX_TEXT) -> str | None:
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise InvalidFields((field, f"must be a text of 1 to {longest} printable characters"))
    return value


def _target(body: Mapping[str, Any]) -> str | None:
    return _text(body, "target", longest=2048)


def _events(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = body.get("events")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidFields(("events", "must be a list of texts"))
    return tuple(dict.fromkeys(value))


def _full_numbers(body: Mapping[str, Any]) -> bool | None:
    value = body.get("numbers")
    if value not in (None, "masked", "full"):
        raise InvalidFields(("numbers", "must be masked or full"))
    return None if value is None else value == "full"


ROUTES: Final[Mapping[str, Route]] = {
    "POST /webhooks": create,
    "GET /webhooks": list_webhooks,
    "GET /webhooks/{id}": read,
    "PATCH /webhooks/{id}": change,
    "DELETE /webhooks/{id}": delete,
    "POST /webhooks/{id}/rotate": rotate,
    "POST /webhooks/{id}/ping": ping,
    "POST /webhooks/{id}/enable": enable,
    "GET /webhooks/{id}/attempts": list_attempts,
    "POST /webhooks/{id}/replay": replay,
    "GET /webhooks/{id}/replays/{replay}": read_replay,
}
