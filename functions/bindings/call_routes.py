"""Routes of calls: whom A reaches next, and ending a call that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.http_api import Response, answer
from privatenumber.http_request import Request

from . import queries
from .binding_views import binding_view, call_view
from .paths import Route, binding_id, session_id
from .requests import CallBody, CalleeBody, read_body


def set_callee(rooms: Rooms, request: Request) -> Response:
    """PUT /bindings/{id}/callee (ax.md §6)."""
    body = read_body(request, CalleeBody)
    binding = rooms.service_of(queries.read_author(request)).set_callee(
        binding_id(request),
        body.callee,
        seconds=body.seconds,
        user_reference=body.user_reference,
        deadline=request.deadline,
    )
    return answer(200, binding_view(binding, request.at))


def call_now(rooms: Rooms, request: Request) -> Response:
    """POST /bindings/{id}/call: set the callee just in time, and tell what to dial (ax.md §8)."""
    body = read_body(request, CallBody)
    binding = rooms.service_of(queries.read_author(request)).set_callee(
        binding_id(request), body.callee, user_reference=body.user_reference, deadline=request.deadline
    )
    return answer(200, call_view(binding))


def stop_call(rooms: Rooms, request: Request) -> Response:
    """POST /calls/{session}/stop?application= (recording-and-call-stop.md §3)."""
    application = http_request.read_application(request.query)
    stopped = rooms.stop_call(application, session_id(request), deadline=request.deadline)
    return answer(200, {"outcome": stopped.value})


ROUTES: Final[Mapping[str, Route]] = {
    "PUT /bindings/{id}/callee": set_callee,
    "POST /bindings/{id}/call": call_now,
    "POST /calls/{session}/stop": stop_call,
}
