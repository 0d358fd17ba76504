"""Erasures: `answer` takes requests and shows what became of them, `work` goes on with the round.

No handler logs its event: a request names people by their numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.deadline import LambdaContext
from privatenumber.erasure.bootstrap import Rooms
from privatenumber.http_api import Response
from privatenumber.http_request import Request
from privatenumber.http_serving import handler_of
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics

from .answers import DESCRIBED, KINDS, answer_told
from .requests import read_id, read_key, read_request

RESERVE_S: Final = 75.0
"""Kept for the page under way and the end of the round; a run stays below the alarm of slow ones."""

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


def ask(request: Request) -> Response:
    """POST /erasures: ask for one; the same request again is answered as it was."""
    told, new = rooms().erasures.request(read_request(request), read_key(request))
    return answer_told(told, 202, new=new)


def look(request: Request) -> Response:
    """GET /erasures/{erasure}: what became of one."""
    return answer_told(rooms().erasures.get(read_id(request)), 200)


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)


ROUTES: Final[Mapping[str, Callable[[Request], Response]]] = {
    "POST /erasures": ask,
    "GET /erasures/{erasure}": look,
}
answer: Final = handler_of(
    ROUTES,
    lambda route, request: route(request),
    kinds=KINDS,
    described=DESCRIBED,
    log=logger,
    metrics=metrics,
)
