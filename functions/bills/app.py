"""HTTP API about money: statements, prices, reconciliations, disputes. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.http_serving import handler_of
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics

from . import (
    dispute_routes,
    planning_routes,
    reconciliation_routes,
    statement_routes,
    tariff_routes,
    trace_routes,
)
from .problems import DESCRIBED, KINDS
from .routes import Route

ROUTES: Final[Mapping[str, Route]] = {
    **statement_routes.ROUTES,
    **trace_routes.ROUTES,
    **tariff_routes.ROUTES,
    **reconciliation_routes.ROUTES,
    **dispute_routes.ROUTES,
    **planning_routes.ROUTES,
}


@cache
def rooms() -> BillRooms:
    """Compose once per environment, at the first request."""
    return BillRooms(Settings.from_environment(os.environ))


handler: Final = handler_of(
    ROUTES,
    lambda route, request: route(rooms(), request),
    kinds=KINDS,
    described=DESCRIBED,
    log=get_logger("bills"),
    metrics=get_metrics("bills"),
)
