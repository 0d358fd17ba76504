"""Routes of the pool as a whole: how full it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.bindings.bootstrap import Rooms

from . import queries
from .event import Request
from .paths import Route
from .pool_views import pool_view
from .responses import Response, answer


def read_pool(rooms: Rooms, request: Request) -> Response:
    """GET /pool?application=."""
    application = queries.read_application(request.query)
    return answer(200, pool_view(rooms.pool.report(application, deadline=request.deadline)))


ROUTES: Final[Mapping[str, Route]] = {"GET /pool": read_pool}
