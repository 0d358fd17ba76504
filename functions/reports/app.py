"""Statistics and exports: `sweep` sends what is to be counted or gone on with, `work` does it.

A message that is lost is no loss: an export stays due in the table, a day is counted again the next hour.
What is not finished when the time is over sends word to the next run, which goes on where it ended.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls.counting import NotCountable
from privatenumber.calls.exports import NoSuchExport
from privatenumber.calls.report_rooms import ReportRooms
from privatenumber.calls.report_work import CountWork, ExportWork, read_work
from privatenumber.deadline import LambdaContext
from privatenumber.settings import Settings
from privatenumber.store.due import Overtaken
from privatenumber.store.exports import ExportState
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now

RESERVE_S: Final = 75.0
"""Kept for the part that is under way when the time is over; the alarm of durations rings 60 s early."""

MOST_SENT: Final = 200
COUNT: Final = "count"

logger = get_logger("reports")
metrics = get_metrics("reports")


@cache
def rooms() -> ReportRooms:
    """Compose once per environment."""
    return ReportRooms(Settings.from_environment(os.environ))


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """EventBridge Scheduler sends `{}` for exports, every hour `{"action": "count"}` for statistics.

    A `scheduled_time` (UTC) moves time forward; `{"action": "count", "application", "day"}` counts one day.
    """
    now = moved_forward(utc_now(), event.get("scheduled_time"))
    found: list[CountWork] | list[ExportWork] = []
    try:
        found = _to_count(event, now) if event.get("action") == COUNT else _to_export(now)
    except NotCountable as error:
        logger.error("not countable", extra={"detail": str(error)})
    sent = rooms().send(found)
    _count("ReportsSent", sent.taken)
    logger.info("swept", extra={"found": len(found), "sent": sent.taken, "refused": sent.refused})
    return {"found": len(found), "sent": sent.taken}


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per export or day; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record, context)]
    _count("ReportSteps", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: Mapping[str, Any], context: LambdaContext) -> bool:
    about = {"message_id": record["messageId"]}
    try:
        asked = read_work(record["body"])
        if isinstance(asked, CountWork):
            return _counted(asked, context)
        _exported(asked, context)
    except (NoSuchExport, NotCountable) as error:
        logger.warning("nothing to do", extra={**about, "cause": type(error).__name__})
    except Overtaken:
        logger.warning("somebody else works on it", extra=about)
        return False
    except Exception:
        logger.exception("report failed", extra=about)
        return False
    return True


def _counted(asked: CountWork, context: LambdaContext) -> bool:
    started = utc_now()
    about: dict[str, Any] = {"application": asked.application, "day": asked.day.isoformat()}
    head = rooms().statistics.head(asked.application, asked.day)
    if head and head.as_of >= asked.as_of:
        return True  # a message that came again, or late: it was counted since
    found = rooms().counting.count(
        asked.application, asked.day, as_of=asked.as_of, left=lambda: _left(context)
    )
    took = (utc_now() - started).total_seconds()
    if found is None:
        logger.info("interrupted", extra={**about, "seconds": took})
        return rooms().send([asked]).taken == 1
    _count("DaysCounted", 1)
    _count("RowsCounted", found.rows)
    about |= {"rows": found.rows, "lines": found.lines}
    logger.info("counted", extra={**about, "replaced": found.replaced, "seconds": took})
    return True


def _exported(asked: ExportWork, context: LambdaContext) -> None:
    state = rooms().exports.run(
        asked.export_id,
        now=max(asked.as_of, utc_now()),
        left=lambda: _left(context),
    )
    if state is ExportState.DONE:
        _count("ExportsDone", 1)
    if state is ExportState.FAILED:
        _count("ExportsFailed", 1)
    logger.info("exported", extra={"export": asked.export_id, "state": state.value})


def _left(context: LambdaContext) -> float:
    return context.get_remaining_time_in_millis() / 1000 - RESERVE_S


def _to_count(event: Mapping[str, Any], now: datetime) -> list[CountWork]:
    applications = sorted(rooms().applications.load())
    if "day" in event:
        asked = CountWork(str(event["application"]), datetime.fromisoformat(event["day"]).date(), now)
        rooms().counting.check(asked.day, now=now)
        return [asked]
    lag_s = rooms().counting.lag(applications, now=now).total_seconds()
    metrics.add_metric("StatisticsLag", MetricUnit.Seconds, lag_s)
    return [
        CountWork(application, day, now) for application, day in rooms().counting.due(applications, now=now)
    ]


def _to_export(now: datetime) -> list[ExportWork]:
    return [ExportWork(export_id, now) for export_id, _ in rooms().exported.due(until=now, limit=MOST_SENT)]


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
