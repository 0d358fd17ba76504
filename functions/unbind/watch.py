"""Every hour: how full is each pool, and which numbers have to leave it or may come back?

It stands beside the sweep, because it is the other thing that bindings do by the clock, and shares no room
with billing, which knows no binding.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.pool import PoolReport, Use
from privatenumber.bindings.quarantine import Move
from privatenumber.bindings.watch import PoolWatch, compose_watch
from privatenumber.deadline import LambdaContext
from privatenumber.settings import Settings
from privatenumber.telemetry import count_apart, get_logger, get_metrics

SERVICE: Final = "pool"
RESERVE_S: Final = 10.0
"""Kept for whatever a pool still does when its share of the time is over."""

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


class PoolsNotWatched(RuntimeError):
    """Pools could not be looked at; the log says which and why. All others were."""


@cache
def pools() -> PoolWatch:
    """Compose the look once per environment."""
    return compose_watch(Settings.from_environment(os.environ))


@metrics.log_metrics
def watch(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """EventBridge Scheduler sends `{}`; raises when a pool could not be looked at, to be tried again."""
    watched = pools().run(left=lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_S)
    for report in watched.reports:
        _measure(report)
    if watched.reports:
        # The alarms watch these: the fullest pool of all, and the one with fewest numbers left.
        fullest = max(use.percent for report in watched.reports for use in _uses(report))
        fewest = min(use.left for report in watched.reports for use in _uses(report))
        metrics.add_metric("PoolUtilisation", MetricUnit.Percent, fullest)
        metrics.add_metric("NumbersLeft", MetricUnit.Count, fewest)
    for move in Move:
        metrics.add_metric(move.value, MetricUnit.Count, watched.moves.get(move, 0))
    logger.info("watched", extra={"pools": len(watched.reports), "failed": len(watched.failed)})
    if watched.failed:
        raise PoolsNotWatched(f"{len(watched.failed)} pools")
    moves = {move.value: count for move, count in watched.moves.items()}
    return {"pools": len(watched.reports), "moves": moves}


def _uses(report: PoolReport) -> list[Use]:
    return [report.total, *report.cities.values()]


def _measure(report: PoolReport) -> None:
    """Write a pool's metrics by application, and by city where it has more than one."""
    cities = report.cities if len(report.cities) > 1 else {}
    for city, use in {"": report.total, **cities}.items():
        by = {"application": report.application, **({"city": city} if city else {})}
        count_apart(SERVICE, "PoolUtilisation", use.percent, by, unit=MetricUnit.Percent)
        count_apart(SERVICE, "NumbersLeft", use.left, by)
