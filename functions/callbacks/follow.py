"""What follows a stored fact: the stream of the Bills table, a batch at a time.

Records of a shard come in order. The first that fails is named: it and all behind it come again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls.follow import Follower
from privatenumber.calls.follow_bootstrap import compose_follower
from privatenumber.settings import Settings
from privatenumber.store.stream import inserted
from privatenumber.telemetry import get_logger, get_metrics

SERVICE: Final = "follow"

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def follower() -> Follower:
    """Compose the follower once per environment."""
    return compose_follower(Settings.from_environment(os.environ))


@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Follow each new row; a batch with a row that fails ends there."""
    done = 0
    for record in inserted(event):
        try:
            outcomes = follower().follow(record.row)
        except Exception:
            kind = record.row.get("kind")
            logger.exception("not followed", extra={"sequence": record.sequence, "kind": kind})
            metrics.add_metric("NotFollowed", MetricUnit.Count, 1)
            return {"batchItemFailures": [{"itemIdentifier": record.sequence}]}
        for outcome in outcomes:
            metrics.add_metric(outcome.value, MetricUnit.Count, 1)
        done += 1
    metrics.add_metric("Followed", MetricUnit.Count, done)
    logger.info("followed", extra={"rows": done})
    return {"batchItemFailures": []}
