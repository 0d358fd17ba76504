"""Recordings: `note` reads the stream of calls, `sweep` asks what is due, `work` archives, `read` answers.

No handler logs its event: a session may hold a phone number, an address opens a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.deadline import Deadline, LambdaContext
from privatenumber.http_api import Response
from privatenumber.recordings.bootstrap import Rooms
from privatenumber.recordings.find import CallUnknown
from privatenumber.recordings.model import NoSuchRecording
from privatenumber.recordings.sweep import sweep as sweep_what_is_due
from privatenumber.recordings.work import RecordingWork
from privatenumber.settings import Settings
from privatenumber.store.fact_rows import read_cdr
from privatenumber.store.stream import inserted as inserted_rows
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now

from .answers import InvalidField, answer, problem, read_request

RESERVE_S: Final = 20.0
"""Kept for the end of an upload and for the row."""

SHORTEST_ATTEMPT_S: Final = 5.0
ROUTE: Final = "GET /recordings/{session}"

logger = get_logger("recordings")
metrics = get_metrics("recordings")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


@metrics.log_metrics
def note(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Stream of the Bills table: note what new CDRs speak of; from the first that fails on it comes again.

    An operator sends `{"application", "day"}` (Beijing day) to note the recordings of a day once more.
    """
    if "day" in event:
        day = date.fromisoformat(event["day"])
        new = rooms().noting.note(rooms().facts.cdrs_of_day(event["application"], day))
        _count("RecordingsNoted", new)
        return {"noted": new}
    new, failed = 0, list[dict[str, str]]()
    for inserted in inserted_rows(event):
        try:
            if inserted.row.get("kind") == "cdr":
                new += rooms().noting.note([read_cdr(inserted.row)])
        except Exception:
            logger.exception("not noted", extra={"sequence": inserted.sequence})
            failed.append({"itemIdentifier": inserted.sequence})
            break
    _count("RecordingsNoted", new)
    return {"batchItemFailures": failed}


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: object) -> dict[str, float]:
    """EventBridge Scheduler sends `{}`; a `scheduled_time` (UTC) moves time forward."""
    swept = sweep_what_is_due(
        rooms().store, rooms().queue, now=moved_forward(utc_now(), event.get("scheduled_time"))
    )
    metrics.add_metric("RecordingSweepLag", MetricUnit.Seconds, swept.lag_s)
    _count("RecordingBacklog", swept.waiting + swept.due)
    about = {"due": swept.due, "sent": swept.taken, "refused": swept.refused, "waiting": swept.waiting}
    logger.info("swept", extra=about)
    return {"due": swept.due, "sent": swept.taken, "lag_s": swept.lag_s}


@metrics.log_metrics
def work(event: Mapping[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per recording; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record, context)]
    _count("RecordingSteps", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def read(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """HTTP API: the recordings of a call; never raises."""
    about = event.get("requestContext") or {}
    request_id = about.get("requestId") or context.aws_request_id
    caller = ((about.get("authorizer") or {}).get("iam") or {}).get("userArn")
    response = _answer(event, request_id)
    extra = {"request_id": request_id, "actor": caller, "status": response["statusCode"]}
    logger.info("answered", extra=extra)
    _count("RecordingsRead" if response["statusCode"] < 500 else "InternalErrors", 1)
    metrics.flush_metrics()
    return response


def _answer(event: Mapping[str, Any], request_id: str) -> Response:
    if event.get("routeKey") != ROUTE:
        return problem("no-such-route", "The API has no such method and path.", request_id)
    try:
        asked = read_request(event)
        found = rooms().finder.of_session(asked.application, asked.session_id, now=utc_now())
    except InvalidField as broken:
        errors = [{"field": broken.name, "rule": broken.rule}]
        return problem("invalid-fields", str(broken), request_id, errors=errors)
    except CallUnknown:
        return problem("call-not-found", "No event or CDR of this session has arrived.", request_id)
    except Exception:
        logger.exception("failed", extra={"request_id": request_id})
        return problem("internal", "The request could not be finished.", request_id)
    return answer(found)


def _done(record: Mapping[str, Any], context: LambdaContext) -> bool:
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    if left < SHORTEST_ATTEMPT_S:
        return False
    try:
        job = RecordingWork.from_body(record["body"])
        rooms().archive.step(job.key, now=max(job.as_of, utc_now()), deadline=Deadline.after(left))
    except NoSuchRecording:
        logger.warning("no such recording", extra={"message_id": record["messageId"]})
    except Exception:
        logger.exception("attempt failed", extra={"message_id": record["messageId"]})
        return False
    return True


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
