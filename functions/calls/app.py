"""HTTP API about calls: lists, the story and diagnosis of one call. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

from privatenumber.calls.rooms import CallRooms
from privatenumber.http_serving import handler_of
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics

from . import (
    barred_routes,
    call_routes,
    export_routes,
    quarantine_routes,
    statistics_routes,
    worklist_routes,
)
from .problems import DESCRIBED, KINDS
from .routes import Route

ROUTES: Final[Mapping[str, Route]] = {
    **call_routes.ROUTES,
    **barred_routes.ROUTES,
    **statistics_routes.ROUTES,
    **export_routes.ROUTES,
    **worklist_routes.ROUTES,
    **quarantine_routes.ROUTES,
}


@cache
def rooms() -> CallRooms:
    """Compose once per environment, at the first request."""
    return CallRooms(Settings.from_environment(os.environ))


handler: Final = handler_of(
    ROUTES,
    lambda route, request: route(rooms(), request),
    kinds=KINDS,
    described=DESCRIBED,
    log=get_logger("calls"),
    metrics=get_metrics("calls"),
)
