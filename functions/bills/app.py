"""HTTP API about money: statements, prices, reconciliations, disputes. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.deadline import LambdaContext
from privatenumber.http_api import Response
from privatenumber.http_request import Request
from privatenumber.http_serving import NoSuchRoute, serve
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

logger = get_logger("bills")
metrics = get_metrics("bills")


@cache
def rooms() -> BillRooms:
    """Compose once per environment, at the first request."""
    return BillRooms(Settings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """Answer one request of the HTTP API; never raises."""
    response = serve(
        event,
        context,
        routes=ROUTES,
        answer=_answer,
        kinds=KINDS,
        described=DESCRIBED,
        log=logger,
        count=_count,
    )
    metrics.flush_metrics()
    return response


def _answer(request: Request) -> Response:
    route = ROUTES.get(request.route)
    if route is None:
        raise NoSuchRoute
    return route(rooms(), request)


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
