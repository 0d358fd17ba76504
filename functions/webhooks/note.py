"""Bindings on their way to webhooks: the stream of the Bindings table becomes announcements.

The first record that fails is named: it and all behind it come again, and what was written by then stays as
it is. What the stream has dropped is announced again by `{"bindings": ["<id>"]}`: its present version, under
the id that this version has always had, so who was told of it already is not told twice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.settings import Settings
from privatenumber.store.stream import Changed, changed
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import utc_now
from privatenumber.webhooks.bootstrap import Rooms

SERVICE: Final = "webhooks-note"

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Announce what each version of a binding changed; a batch with a record that fails ends there."""
    if "bindings" in event:
        return _announce_again(event["bindings"])
    announced = 0
    for record in changed(event):
        try:
            announced += _announce(record)
        except Exception:
            about = {"sequence": record.sequence, "binding": record.after.get("binding_id")}
            logger.exception("not announced", extra=about)
            _count("NotAnnounced", 1)
            return {"batchItemFailures": [{"itemIdentifier": record.sequence}]}
    _count("Announced", announced)
    logger.info("announced", extra={"announcements": announced})
    return {"batchItemFailures": []}


def _announce_again(bindings: Sequence[str]) -> dict[str, Any]:
    """Announce bindings as they are now; those that are not there are named."""
    found = {one: rooms().bindings.get(one) for one in bindings}
    now = utc_now()
    announced = sum(_announce(Changed("", None, row, now)) for row in found.values() if row is not None)
    _count("Announced", announced)
    logger.info("announced", extra={"announcements": announced})
    return {"announced": announced, "missing": [one for one, row in found.items() if row is None]}


def _announce(record: Changed) -> int:
    return rooms().telling.tell(record)


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
