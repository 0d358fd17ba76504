"""Every five minutes: what should have come of calls and SMS and has not? And the quarantine, once more.

EventBridge Scheduler sends ``{}``; a ``scheduled_time`` (UTC) moves time forward. An operator sends
``{"action": "replay", "application", "entry" or "first" and "last" (Beijing days), "reason"?, "why"?,
"force"?}``. No line and no answer holds a number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls.replay import ApplicationUnknown, EntryUnknown, Order, Replayed, Wanted
from privatenumber.calls.watch import Run
from privatenumber.calls.watch_bootstrap import WatchRooms
from privatenumber.calls.watch_cases import Told
from privatenumber.deadline import LambdaContext
from privatenumber.numbers_in_text import holds_number
from privatenumber.settings import Settings
from privatenumber.telemetry import count_apart, get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now

SERVICE: Final = "watch"
RESERVE_S: Final = 20.0
"""Kept for what a step still does when the time is over."""

_BATCH: Final = 100
_SHOWN: Final = 200

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def rooms() -> WatchRooms:
    """Compose once per environment."""
    return WatchRooms(Settings.from_environment(os.environ))


@metrics.log_metrics
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at what waits, or replay."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_S

    return _replay(event, left) if event.get("action") == "replay" else _watch(event, left)


def _watch(event: Mapping[str, Any], left: Callable[[], float]) -> dict[str, Any]:
    now = moved_forward(utc_now(), event.get("scheduled_time"))
    run = rooms().watch.run(rooms().applications.load(), now=now, left=left)
    _measure(run)
    about = {"looked": run.looked, "failed": run.failed, "lag_s": run.lag_s, "finished": run.finished}
    about |= {told.value: count for told, count in run.counts.items()}
    logger.info("watched", extra=about)
    return about


def _measure(run: Run) -> None:
    metrics.add_metric("WatchLag", MetricUnit.Seconds, run.lag_s)
    metrics.add_metric("NotWatched", MetricUnit.Count, run.failed)
    for told in Told:
        metrics.add_metric(told.value, MetricUnit.Count, run.counts[told])
    for application, age_s in run.ages_s.items():
        count_apart(SERVICE, "PushAge", age_s, {"application": application}, unit=MetricUnit.Seconds)


def _replay(event: Mapping[str, Any], left: Callable[[], float]) -> dict[str, Any]:
    try:
        wanted, order = _wanted(event), _order(event)
    except (KeyError, TypeError, ValueError):
        return _refused(_FORM)
    try:
        runs = _runs(wanted, order, left)
    except (ApplicationUnknown, EntryUnknown) as problem:
        return _refused(_DETAILS[type(problem)])
    counts = {"stored": 0, "duplicates": 0, "conflicts": 0}
    outcomes: dict[str, int] = {}
    for run in runs:
        for name in counts:
            counts[name] += getattr(run, name)
        for outcome, count in run.outcomes.items():
            outcomes[outcome.value] = outcomes.get(outcome.value, 0) + count
    entries = [{"entry": body, "outcome": outcome.value} for run in runs for body, outcome in run.entries]
    document = {"kind": "replayed", "finished": runs[-1].finished, "outcomes": outcomes, **counts}
    metrics.add_metric("Replayed", MetricUnit.Count, outcomes.get("replayed", 0))
    logger.info("replayed", extra={**document, "by": order.by, "why": order.why, "force": order.force})
    return {**document, "entries": entries[:_SHOWN]}


def _refused(detail: str) -> dict[str, Any]:
    logger.error("refused", extra={"detail": detail})
    metrics.add_metric("ReplaysRefused", MetricUnit.Count, 1)
    return {"kind": "refused", "detail": detail}


def _runs(wanted: Wanted, order: Order, left: Callable[[], float]) -> list[Replayed]:
    runs = list[Replayed]()
    while True:
        run = rooms().quarantine.replay(wanted, order, now=utc_now(), left=left, limit=_BATCH)
        runs.append(run)
        if run.finished or run.halted or left() <= 0:
            return runs
        wanted = Wanted(
            wanted.application,
            first=wanted.first,
            last=wanted.last,
            reason=wanted.reason,
            after=run.cursor or wanted.after,
        )


_FORM: Final = (
    "give application, and entry or first and last (Beijing days); force as true or false, and why with it"
)
_DETAILS: Final[Mapping[type[Exception], str]] = {
    ApplicationUnknown: "the application is not configured",
    EntryUnknown: "there is no such entry; it may have been forgotten",
}


def _wanted(event: Mapping[str, Any]) -> Wanted:
    application, reason = str(event["application"]), str(event.get("reason", ""))
    if "entry" in event:
        return Wanted(application, body=str(event["entry"]))
    first = date.fromisoformat(event["first"])
    return Wanted(
        application, first=first, last=date.fromisoformat(event.get("last", event["first"])), reason=reason
    )


def _order(event: Mapping[str, Any]) -> Order:
    why, force = event.get("why"), event.get("force", False)
    if not isinstance(force, bool) or (force and not why) or holds_number(str(why)):
        raise ValueError
    return Order(by="system:invoked", why=str(why) if why else None, force=force)
