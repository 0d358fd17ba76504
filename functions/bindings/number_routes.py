"""Routes of the X numbers: list, register or change, import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.numbers import KEEP, NumberChange, Outcome
from privatenumber.http_api import Response, answer
from privatenumber.http_request import Request

from . import queries
from .number_views import import_view, numbers_view, read_number_cursor, registered_view
from .paths import Route
from .problems import FileRejected
from .requests import NumberBody, read_body


def list_numbers(rooms: Rooms, request: Request) -> Response:
    """GET /numbers?application=&area=&state=."""
    cursor = http_request.read_cursor(request.query)
    page = rooms.inventory.page(
        http_request.read_application(request.query),
        area_code=queries.read_area(request.query),
        state=queries.read_state(request.query),
        limit=http_request.read_limit(request.query, 100),
        after=read_number_cursor(cursor) if cursor else None,
    )
    return answer(200, numbers_view(page))


def put_number(rooms: Rooms, request: Request) -> Response:
    """PUT /numbers/{x}."""
    body = read_body(request, NumberBody)
    change = NumberChange(
        application=body.application,
        area_code=body.area_code,
        number_type=body.number_type,
        state=body.state,
        issued_on=body.issued_on if "issued_on" in body.model_fields_set else KEEP,
        unsubscribed_on=body.unsubscribed_on if "unsubscribed_on" in body.model_fields_set else KEEP,
    )
    registered = rooms.inventory_of(queries.read_author(request)).put(request.path.get("x", ""), change)
    return answer(201 if registered.outcome is Outcome.CREATED else 200, registered_view(registered))


def import_numbers(rooms: Rooms, request: Request) -> Response:
    """POST /numbers/import?application=&dry_run=."""
    report = rooms.number_import_of(queries.read_author(request)).run(
        request.body(accepted=queries.TABLE_TYPES, limit=queries.TABLE_LIMIT),
        application=http_request.read_default_application(request.query),
        dry_run=http_request.read_flag(request.query, "dry_run"),
        deadline=request.deadline,
    )
    if report.refused:
        raise FileRejected(report)
    return answer(200, import_view(report))


ROUTES: Final[Mapping[str, Route]] = {
    "GET /numbers": list_numbers,
    "PUT /numbers/{x}": put_number,
    "POST /numbers/import": import_numbers,
}
