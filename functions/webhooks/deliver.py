"""Deliveries: `sweep` asks every minute what is due and sends work, `work` delivers, probes and replays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.deadline import Deadline, LambdaContext
from privatenumber.settings import Settings
from privatenumber.store.webhook_lines import WebhookWork
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now
from privatenumber.webhooks.bootstrap import Rooms
from privatenumber.webhooks.sweep import sweep as sweep_what_is_due

STEP_S: Final = 20.0
"""Most time that one row gets, so that a long line does not keep the others waiting."""

RESERVE_S: Final = 3.0
"""Kept for writing down what the receiver said."""

SHORTEST_STEP_S: Final = 16.0
"""An attempt may take 15 seconds."""

logger = get_logger("webhooks-deliver")
metrics = get_metrics("webhooks-deliver")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: object) -> dict[str, float]:
    """EventBridge Scheduler sends `{}`; a `scheduled_time` (UTC) moves time forward."""
    swept = sweep_what_is_due(
        rooms().lines, rooms().queue, now=moved_forward(utc_now(), event.get("scheduled_time"))
    )
    metrics.add_metric("WebhookSweepLag", MetricUnit.Seconds, swept.lag_s)
    _count("WebhookBacklog", swept.waiting + swept.due)
    about = {"due": swept.due, "sent": swept.taken, "refused": swept.refused, "waiting": swept.waiting}
    logger.info("swept", extra=about)
    return {"due": swept.due, "sent": swept.taken, "lag_s": swept.lag_s}


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per row that is due; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record, context)]
    _count("WebhookSteps", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: Mapping[str, Any], context: LambdaContext) -> bool:
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    if left < SHORTEST_STEP_S:
        # A message is a hint: the row stays due, and the next sweep sends it again.
        _count("WebhookHintsDropped", 1)
        return True
    try:
        rooms().worker.step(WebhookWork.from_body(record["body"]), Deadline.after(min(STEP_S, left)))
    except Exception:
        logger.exception("step failed", extra={"message_id": record["messageId"]})
        return False
    return True


def _count(name: str, value: float) -> None:
    unit = MetricUnit.Seconds if name.endswith("Lag") else MetricUnit.Count
    metrics.add_metric(name, unit, value)
