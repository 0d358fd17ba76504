"""Closes that many workers share: `work` closes a part, merges a day, states a month (`closing.fan_out`).

A month that this function's memory does not hold is refused, and its run is over.

A message that is lost is no loss: the rows of the run say what is left, and `billing` with the action
``sweep`` sends it again. Whatever is done twice says the same and adds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.billing.bootstrap import Rooms
from privatenumber.billing.closing.daily import MonthsRefused
from privatenumber.billing.closing.fan_out import CloseWork, FanOut
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics

logger = get_logger("billing-parts")
metrics = get_metrics("billing-parts")


@cache
def rooms() -> Rooms:
    """Compose the books once per environment."""
    return Rooms(Settings.from_environment(os.environ))


@metrics.log_metrics
def work(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per part, day or month; what fails is named and comes again, the rest is done."""
    shared = rooms().fan_out()
    failed = [record["messageId"] for record in event["Records"] if not _done(shared, record)]
    metrics.add_metric("CloseSteps", MetricUnit.Count, len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(shared: FanOut, record: Mapping[str, Any]) -> bool:
    about: dict[str, Any] = {"message_id": record["messageId"]}
    try:
        asked = CloseWork.from_body(record["body"])
        about |= {"run": asked.run, "shard": asked.shard}
        about |= {"application": asked.day.application, "day": str(asked.day.day)} if asked.day else {}
        _count("CorrectionsBooked", shared.work(rooms().ledger, asked))
    except MonthsRefused as error:
        for month, detail in error.details.items():
            logger.error("refused", extra={**about, "month": month, "detail": detail})
        _count("CorrectionsBooked", error.booked)
        _count("MonthsRefused", len(error.details))
        return True
    except Exception:
        logger.exception("close failed", extra=about)
        return False
    logger.info("done", extra=about)
    return True


def _count(name: str, count: int) -> None:
    if count:
        metrics.add_metric(name, MetricUnit.Count, count)
