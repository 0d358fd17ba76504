"""What is due: `sweep` asks every minute and sends work, `work` does the next step of each binding."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.errors import BindingError, BindingNotFound
from privatenumber.bindings.sweep import sweep as sweep_what_is_due
from privatenumber.deadline import Deadline, LambdaContext
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.authors import SWEEP, Author
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.queue import Reopening, Work, WorkQueue
from privatenumber.store.sweeping import MOST_WAITING, Swept
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import from_iso, moved_forward, utc_now

STEP_S: Final = 20.0
"""Most time that one binding gets."""

RESERVE_S: Final = 3.0
"""Kept for writing down what the platform said."""

SHORTEST_STEP_S: Final = 2.0

logger = get_logger("unbind")
metrics = get_metrics("unbind")


@cache
def settings() -> Settings:
    """Read the environment once."""
    return Settings.from_environment(os.environ)


@cache
def rooms() -> Rooms:
    """Compose the worker's domain once per environment."""
    return Rooms(settings(), count=_count)


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: LambdaContext) -> dict[str, float]:
    """EventBridge Scheduler sends `{}`; a `scheduled_time` (UTC) moves time forward."""
    table, queue_url = settings().bindings_table, settings().work_queue_url
    swept = sweep_what_is_due(
        BindingSearch(clients.dynamodb(), table),
        WorkQueue(clients.sqs(), queue_url),
        now=moved_forward(utc_now(), event.get("scheduled_time")),
        limit=MOST_WAITING,
    )
    _report(swept)
    return {"due": swept.due, "sent": swept.taken, "lag_s": swept.lag_s}


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per binding; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record, context)]
    _count("Steps", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: Mapping[str, Any], context: LambdaContext) -> bool:
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    if left < SHORTEST_STEP_S:
        return False
    deadline = Deadline.after(min(STEP_S, left))
    try:
        wanted = Reopening.from_body(record["body"])
        if wanted:
            return _reopened(wanted, deadline, record["messageId"])
        job = Work.from_body(record["body"])
        as_of = max(from_iso(job.as_of), utc_now())
        binding = rooms().opening(
            lambda: rooms().service_of(Author(SWEEP)).step(job.binding_id, as_of=as_of, deadline=deadline)
        )
    except BindingNotFound:
        logger.warning("no such binding", extra={"message_id": record["messageId"]})
        return True
    except Exception:
        logger.exception("step failed", extra={"message_id": record["messageId"]})
        return False
    logger.info("stepped", extra={"binding_id": binding.id, "state": binding.state.value})
    return True


def _reopened(wanted: Reopening, deadline: Deadline, message_id: str) -> bool:
    """Bind again what ended by itself; what cannot be bound now is not bound later, when nobody waits."""
    about = {"message_id": message_id, "binding_id": wanted.binding_id}
    if utc_now() >= from_iso(wanted.until):
        logger.warning("reopening came too late", extra=about)
        _count("ReopeningsRefused", 1)
        return True
    try:
        binding = rooms().opening(
            lambda: rooms().reopen(wanted.binding_id, wanted.call, wanted.seconds, deadline=deadline)
        )
    except BindingError as refused:
        logger.warning("not reopened", extra={**about, "cause": type(refused).__name__})
        _count("ReopeningsRefused", 1)
        return True
    logger.info("reopened", extra={**about, "new_binding_id": binding.id, "state": binding.state.value})
    _count("Reopened", 1)
    return True


def _report(swept: Swept) -> None:
    metrics.add_metric("SweepLag", MetricUnit.Seconds, swept.lag_s)
    metrics.add_metric("Backlog", MetricUnit.Count, swept.waiting + swept.due)
    metrics.add_metric("SweepRefused", MetricUnit.Count, swept.refused)
    logger.info("swept", extra={"due": swept.due, "sent": swept.taken, "waiting": swept.waiting})


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
