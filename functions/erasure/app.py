"""Erasures: `answer` takes requests and shows what became of them, `work` goes on with the round.

No handler logs its event: a request names people by their numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.deadline import LambdaContext
from privatenumber.erasure.bootstrap import Rooms
from privatenumber.http_api import Response
from privatenumber.http_request import Request, read_event
from privatenumber.numbers_in_text import safe_actor
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import utc_now

from .answers import NoSuchRoute, answer_problem, answer_told, describe
from .requests import read_id, read_key, read_request

RESERVE_S: Final = 75.0
"""Kept for the page under way and the end of the round; a run stays below the alarm of slow ones."""

ROUTES: Final = ("POST /erasures", "GET /erasures/{erasure}")

logger = get_logger("erasure")
metrics = get_metrics("erasure")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, int]:
    """EventBridge Scheduler sends `{}`: go on with the round, or begin one when something is due."""
    ran = rooms().rounds.run(lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_S)
    _count("ErasurePages", ran.pages)
    logger.info("looked", extra={"pages": ran.pages, "finished": ran.finished, "goes_on": ran.waiting})
    return {"pages": ran.pages, "finished": ran.finished}


def answer(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """HTTP API: ask for an erasure, or look at one; never raises."""
    request = read_event(event, context, utc_now())
    known = request.route if request.route in ROUTES else "(unknown)"
    about: dict[str, Any] = {"route": known, "request_id": request.id, "actor": safe_actor(request.actor)}
    try:
        response = _answer(request)
    except Exception as error:
        problem = describe(error)
        about["problem"] = problem.kind
        if problem.kind == "internal":
            logger.exception("failed", extra=about)
            _count("InternalErrors", 1)
        response = answer_problem(problem, request.id)
    logger.info("answered", extra={**about, "status": response["statusCode"]})
    _count("Answered", 1)
    metrics.flush_metrics()
    return response


def _answer(request: Request) -> Response:
    if request.route == ROUTES[0]:
        told, new = rooms().erasures.request(read_request(request), read_key(request))
        return answer_told(told, 202, new=new)
    if request.route == ROUTES[1]:
        return answer_told(rooms().erasures.get(read_id(request)), 200)
    raise NoSuchRoute


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
