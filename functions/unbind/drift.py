"""Every five minutes: drift runs go on where they stopped, and in the small hours each day's run begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.deadline import LambdaContext
from privatenumber.platform.pacing import Pace, PacedTransport
from privatenumber.platform.transport import Urllib3Transport
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics

SERVICE: Final = "drift"
RESERVE_S: Final = 70.0
"""So much of the time-out is left alone: an invocation at its limit would be an alarm."""

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def settings() -> Settings:
    """Read the environment once."""
    return Settings.from_environment(os.environ)


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment; all its requests share one pace."""
    pace = Pace(settings().drift_requests_per_second)
    return Rooms(
        settings(), transport=lambda proxy: PacedTransport(Urllib3Transport(proxy), pace), count=_count
    )


@metrics.log_metrics
def drift(event: Mapping[str, Any], context: LambdaContext) -> dict[str, float]:
    """EventBridge Scheduler sends `{}`; what one invocation leaves, the next goes on with."""
    ticked = rooms().opening(
        lambda: rooms().drift.tick(
            rooms().application_ids(),
            left=lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_S,
        )
    )
    metrics.add_metric("DriftAge", MetricUnit.Seconds, ticked.oldest_s)
    logger.info("looked for drift", extra={"runs": ticked.runs, "open": ticked.open})
    return {"runs": ticked.runs, "open": ticked.open, "oldest_s": ticked.oldest_s}


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
