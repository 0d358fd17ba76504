"""Routes of bindings: bind, read, find, change, release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.commands import BindCommand
from privatenumber.http_api import Response, answer
from privatenumber.http_request import Request

from . import queries
from .binding_views import binding_answer, binding_view, bindings_view
from .paths import Route, binding_id, binding_path
from .requests import BindBody, ChangeBody, read_body, require_change


def create_binding(rooms: Rooms, request: Request) -> Response:
    """POST /bindings."""
    body = read_body(request, BindBody)
    command = BindCommand(**body.model_dump(), idempotency_key=queries.read_idempotency_key(request))
    result = rooms.service_of(queries.read_author(request)).bind(command, deadline=request.deadline)
    headers = {"location": binding_path(result.binding.id)}
    if not result.created:
        headers["idempotent-replay"] = "true"
    return binding_answer(result.binding, request.at, 201 if result.created else 200, headers)


def read_binding(rooms: Rooms, request: Request) -> Response:
    """GET /bindings/{id}."""
    binding = rooms.service.get(binding_id(request))
    return answer(200, binding_view(binding, request.at, impaired=rooms.service.impaired(binding)))


def find_bindings(rooms: Rooms, request: Request) -> Response:
    """GET /bindings?application=&order= | number= | x=."""
    name, value = queries.read_filter(request.query)
    page = rooms.service.find(
        application=http_request.read_application(request.query),
        limit=http_request.read_limit(request.query, 20),
        cursor=http_request.read_cursor(request.query),
        **{name: value},
    )
    return answer(200, bindings_view(page, request.at))


def change_binding(rooms: Rooms, request: Request) -> Response:
    """PATCH /bindings/{id}."""
    body = read_body(request, ChangeBody)
    require_change(body)
    binding = rooms.service_of(queries.read_author(request)).change(
        binding_id(request), deadline=request.deadline, **body.model_dump()
    )
    return binding_answer(binding, request.at, 200)


def release_binding(rooms: Rooms, request: Request) -> Response:
    """DELETE /bindings/{id}?reason=&grace_seconds=&wait_seconds=."""
    binding = rooms.service_of(queries.read_author(request)).release(
        binding_id(request),
        reason=queries.read_reason(request.query),
        grace_s=queries.read_grace(request.query),
        wait_s=queries.read_wait(request.query),
        deadline=request.deadline,
    )
    return binding_answer(binding, request.at, 200)


ROUTES: Final[Mapping[str, Route]] = {
    "POST /bindings": create_binding,
    "GET /bindings": find_bindings,
    "GET /bindings/{id}": read_binding,
    "PATCH /bindings/{id}": change_binding,
    "DELETE /bindings/{id}": release_binding,
}
