"""What follows a stored fact: the stream of the Bills table, a batch at a time.

A new row is held against the rules of its application (which may end its call), then moves states of X,
contacts and idle ends, brings the row of its call or SMS up to date, announces what is new, and tells of an
orphan call. Records of a shard come in order. The first that fails is named: it and all behind it come again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls import announce
from privatenumber.calls.follow_bootstrap import FollowRooms, compose
from privatenumber.deadline import Deadline
from privatenumber.settings import Settings
from privatenumber.store.stream import Changed, changed
from privatenumber.store.webhook_events import Noted
from privatenumber.telemetry import get_logger, get_metrics

from .stopping import STOPS_S, CallStopper

SERVICE: Final = "follow"
KEPT: Final = "CallsKept"

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def rooms() -> FollowRooms:
    """Compose once per environment."""
    settings = Settings.from_environment(os.environ)
    return compose(settings, CallStopper(settings))


@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Follow each row that was written; a batch with a row that fails ends there."""
    until = Deadline.after(STOPS_S)
    done, outcomes, kept = 0, Counter[str](), set[str]()
    failures: list[dict[str, str]] = []
    for record in changed(event):
        try:
            outcomes.update(_follow(record, kept, until))
        except Exception:
            kind = record.after.get("kind")
            logger.exception("not followed", extra={"sequence": record.sequence, "kind": kind})
            metrics.add_metric("NotFollowed", MetricUnit.Count, 1)
            failures = [{"itemIdentifier": record.sequence}]
            break
        done += 1
    for name, count in outcomes.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.add_metric("Followed", MetricUnit.Count, done)
    logger.info("followed", extra={"rows": done})
    return {"batchItemFailures": failures}


def _follow(record: Changed, kept: set[str], until: Deadline) -> list[str]:
    """Do what follows a row; ``kept`` are partitions that this batch has brought up to date.

    ``until`` calls may be ended; those that break a rule later are left to their next event.
    All records of a batch were written before it was handed out, so one reading of a partition sees them all.
    """
    row, telling = record.after, rooms().telling(Noted(record.at, record.sequence))
    outcomes: list[str] = []
    if record.before is None:
        # Nothing waits as little as a call that is to be ended.
        outcomes += rooms().rules.follow(row, until)
        outcomes += rooms().follower.follow(row)
        if row.get("kind") == "number_state" and rooms().ours(row["x"]):
            telling.tell([announce.of_number(row, record.at)])
    if row["pk"] not in kept:
        outcomes += [KEPT] * rooms().chronicle.keep(row, telling)
        kept.add(row["pk"])
    telling.hint()
    if record.before is None:
        outcomes += _orphan(record)
    return outcomes


def _orphan(record: Changed) -> list[str]:
    """Tell of a call without a binding, and have one bound again; a second time neither has an effect."""
    found = rooms().orphans.look(record.after)
    if found is None:
        return []
    telling = rooms().telling(Noted(record.at, record.sequence))
    return [*rooms().orphans_told.tell(record.after, found, telling)]
