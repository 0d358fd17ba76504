"""Bulk jobs: `work` plans a job or works on one of its lanes, `sweep` sends again what nobody took up.

What is asked of the platform here keeps a pace, because nobody waits for it: single requests go before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.jobs_model import JobNotFound
from privatenumber.bindings.jobs_sweep import JobWork
from privatenumber.bindings.jobs_sweep import sweep as send_again
from privatenumber.deadline import Deadline, LambdaContext
from privatenumber.platform.client import Urllib3Transport
from privatenumber.platform.pacing import Pace, PacedTransport
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.jobs import JobStore
from privatenumber.store.queue import WorkQueue
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now

PER_SECOND: Final = 2.0
"""Requests to the platform of one worker; the workers together stay below its ten (auth.md §11)."""

RESERVE_S: Final = 3.0
"""Kept for giving the lane back."""

SHORTEST_RUN_S: Final = 20.0

logger = get_logger("jobs")
metrics = get_metrics("jobs")


@cache
def settings() -> Settings:
    """Read the environment once."""
    return Settings.from_environment(os.environ)


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment."""
    pace = Pace(PER_SECOND)
    return Rooms(
        settings(),
        transport=lambda proxy: PacedTransport(Urllib3Transport(proxy), pace),
        count=_count,
    )


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per job or lane; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record, context)]
    _count("JobRuns", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """EventBridge Scheduler sends `{}`; a `scheduled_time` (UTC) moves time forward."""
    store = JobStore(clients.dynamodb(), settings().bindings_table)
    sent = send_again(
        store,
        WorkQueue(clients.sqs(), settings().jobs_queue_url),
        now=moved_forward(utc_now(), event.get("scheduled_time")),
    )
    _count("JobMessagesRepeated", sent)
    logger.info("swept", extra={"sent": sent})
    return {"sent": sent}


def _done(record: Mapping[str, Any], context: LambdaContext) -> bool:
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    if left < SHORTEST_RUN_S:
        return False
    deadline = Deadline.after(left)
    try:
        asked = JobWork.from_body(record["body"])
        done = rooms().opening(lambda: rooms().jobs.run(asked, deadline=deadline))
    except JobNotFound:
        logger.warning("no such job", extra={"message_id": record["messageId"]})
        return True
    except Exception:
        logger.exception("job not worked on", extra={"message_id": record["messageId"]})
        return False
    logger.info("worked", extra={"job": asked.job_id, "lane": asked.lane, "taken": done})
    return done


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
