"""HTTP API about calls: lists, the story and diagnosis of one call. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls.rooms import CallRooms
from privatenumber.deadline import LambdaContext
from privatenumber.http_api import Response
from privatenumber.http_request import Request, read_event
from privatenumber.numbers_in_text import safe_actor
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import utc_now

from . import (
    barred_routes,
    call_routes,
    export_routes,
    quarantine_routes,
    statistics_routes,
    worklist_routes,
)
from .problems import NoSuchRoute, answer_problem, describe
from .routes import Route

ROUTES: Final[Mapping[str, Route]] = {
    **call_routes.ROUTES,
    **barred_routes.ROUTES,
    **statistics_routes.ROUTES,
    **export_routes.ROUTES,
    **worklist_routes.ROUTES,
    **quarantine_routes.ROUTES,
}

logger = get_logger("calls")
metrics = get_metrics("calls")


@cache
def rooms() -> CallRooms:
    """Compose once per environment, at the first request."""
    return CallRooms(Settings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """Answer one request of the HTTP API; never raises."""
    request = read_event(event, context, utc_now())
    known = request.route if request.route in ROUTES else "(unknown)"
    about = {"route": known, "request_id": request.id, "actor": safe_actor(request.actor)}
    try:
        response = _answer(request)
    except Exception as error:
        problem = describe(error)
        about["problem"] = problem.kind
        if problem.kind == "internal":
            logger.exception("failed", extra=about)
            metrics.add_metric("InternalErrors", MetricUnit.Count, 1)
        response = answer_problem(problem, request.id)
    logger.info("answered", extra={**about, "status": response["statusCode"]})
    metrics.add_metric("Answered", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return response


def _answer(request: Request) -> Response:
    route = ROUTES.get(request.route)
    if route is None:
        raise NoSuchRoute
    return route(rooms(), request)
