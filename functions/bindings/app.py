"""HTTP API of business systems: bindings, calls and X numbers. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.errors import PoolEmpty
from privatenumber.deadline import LambdaContext
from privatenumber.http_api import Response
from privatenumber.http_request import Request, read_event
from privatenumber.numbers_in_text import safe_actor
from privatenumber.settings import Settings
from privatenumber.telemetry import count_apart, get_logger, get_metrics
from privatenumber.times import utc_now

from . import (
    binding_routes,
    call_routes,
    drift_routes,
    history_routes,
    job_routes,
    number_routes,
    partner_routes,
    pool_routes,
)
from .paths import Route, subject
from .problem_kinds import answer_problem
from .problems import NoSuchRoute, describe

ROUTES: Final[Mapping[str, Route]] = {
    **binding_routes.ROUTES,
    **partner_routes.ROUTES,
    **call_routes.ROUTES,
    **number_routes.ROUTES,
    **pool_routes.ROUTES,
    **history_routes.ROUTES,
    **job_routes.ROUTES,
    **drift_routes.ROUTES,
}

_COUNTED: Final[Mapping[str | int, str]] = {
    201: "Created",
    202: "NotSettled",
    "no-number-available": "PoolEmpty",
    "platform-paused": "PlatformPaused",
    "platform-refused": "PlatformRefused",
    "internal": "InternalErrors",
}

logger = get_logger("bindings")
metrics = get_metrics("bindings")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment, at the first request."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """Answer one request of the HTTP API; never raises."""
    request = read_event(event, context, utc_now())
    about: dict[str, str | None] = {
        "route": _known(request.route),
        "request_id": request.id,
        "actor": safe_actor(request.actor),
    }
    about["binding"] = subject(request)
    try:
        response = _answer(request)
    except Exception as error:
        problem = describe(error, utc_now())
        about["problem"] = problem.kind
        if isinstance(error, PoolEmpty):
            _count_refusal(error)
        if problem.kind == "internal":
            logger.exception("failed", extra=about)
        response = answer_problem(problem, request.id)
    status = response["statusCode"]
    about["binding"] = response["headers"].get("location", about["binding"])
    logger.info("answered", extra={**about, "status": status})
    _count(_COUNTED.get(about.get("problem") or status, "Answered"), 1)
    metrics.flush_metrics()
    return response


def _answer(request: Request) -> Response:
    route = ROUTES.get(request.route)
    if route is None:
        raise NoSuchRoute
    opened = rooms()
    return opened.opening(lambda: route(opened, request))


def _count_refusal(empty: PoolEmpty) -> None:
    where = {"application": empty.application} if empty.application else {}
    count_apart("bindings", "Refusals", 1, {"reason": empty.reason.value, **where})


def _known(route: str) -> str:
    return route if route in ROUTES else "(unknown)"


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
