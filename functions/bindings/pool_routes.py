"""Routes of the pool as a whole: how full it is, and what it will need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber import http_request
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.http_api import Response, answer
from privatenumber.http_request import Request

from .paths import Route
from .pool_views import outlook_view, pool_view
from .requests import ForecastBody, read_body


def read_pool(rooms: Rooms, request: Request) -> Response:
    """GET /pool?application=."""
    application = http_request.read_application(request.query)
    return answer(200, pool_view(rooms.pool.report(application, deadline=request.deadline)))


def forecast_pool(rooms: Rooms, request: Request) -> Response:
    """POST /pool/forecast."""
    body = read_body(request, ForecastBody)
    outlook = rooms.pool_history.outlook(
        body.application,
        days=body.days,
        refusals=body.refusal_percent / 100,
        growth=body.growth,
        deadline=request.deadline,
    )
    return answer(200, outlook_view(outlook))


ROUTES: Final[Mapping[str, Route]] = {"GET /pool": read_pool, "POST /pool/forecast": forecast_pool}
