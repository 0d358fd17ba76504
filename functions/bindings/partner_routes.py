"""Routes of the people opposite A who come and go: AXYB and X mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.model import PartnerState
from privatenumber.http_api import Response, answer
from privatenumber.http_request import Request

from . import queries
from .binding_views import binding_view, waiting_answer
from .paths import Route, binding_id, partner_id, partner_path
from .requests import PartnerBody, read_body


def add_partner(rooms: Rooms, request: Request) -> Response:
    """POST /bindings/{id}/partners: 201 for somebody new, 200 for somebody who stands there already."""
    body = read_body(request, PartnerBody)
    identity, service = binding_id(request), rooms.service_of(queries.read_author(request))
    result = service.add_partner(identity, body.b, deadline=request.deadline)
    location = {"location": partner_path(identity, result.partner.id)}
    if result.partner.state is not PartnerState.HELD:
        return waiting_answer(result.binding, request.at, location)
    return answer(201 if result.created else 200, binding_view(result.binding, request.at), location)


def remove_partner(rooms: Rooms, request: Request) -> Response:
    """DELETE /bindings/{id}/partners/{partner}: 202 until the platform is known to have let go of him."""
    identity, partner = binding_id(request), partner_id(request)
    binding = rooms.service_of(queries.read_author(request)).remove_partner(
        identity, partner, deadline=request.deadline
    )
    if binding.partner(partner):
        return waiting_answer(binding, request.at)
    return answer(200, binding_view(binding, request.at))


ROUTES: Final[Mapping[str, Route]] = {
    "POST /bindings/{id}/partners": add_partner,
    "DELETE /bindings/{id}/partners/{partner}": remove_partner,
}
