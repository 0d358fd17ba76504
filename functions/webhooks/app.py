"""HTTP API of webhooks: make, read, change, end, test, enable, replay. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.http_api import Response
from privatenumber.http_request import Request
from privatenumber.http_serving import handler_of
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.webhooks.bootstrap import Rooms

from .problems import DESCRIBED, KINDS
from .routes import ROUTES, Route

metrics = get_metrics("webhooks")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment, at the first request."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


def _call(route: Route, request: Request) -> Response:
    opened = rooms()
    return opened.keyrings.opening(lambda: route(opened.webhooks, request))


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)


handler: Final = handler_of(
    ROUTES, _call, kinds=KINDS, described=DESCRIBED, log=get_logger("webhooks"), metrics=metrics
)
