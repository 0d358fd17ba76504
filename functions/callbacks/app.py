"""Pushes of the platform, POST /callbacks/{app}/{token}/{kind}: decode, call the layer, answer.

Answers give no reason, and have a body for a question only (notifications.md §2.5). A request is never
logged: one line says application, kind, counts and request id.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.calls.bootstrap import compose
from privatenumber.calls.guard import Arrival
from privatenumber.calls.ingest import Ingestion
from privatenumber.calls.report import Report
from privatenumber.calls.routing import Reason
from privatenumber.settings import Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import utc_now

SERVICE: Final = "callbacks"
#: By kind of fact the metric of how late it came; CloudWatch knows its percentiles.
_DELAYS: Final = {"event": "EventDelay", "cdr": "CdrDelay", "sms": "SmsDelay"}

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def ingestion() -> Ingestion:
    """Compose the ingestion once per environment, at the first request."""
    return compose(Settings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer one push; never raises. 503 whenever it cannot be told that everything is stored (U-D12)."""
    request_id = (event.get("requestContext") or {}).get("requestId")
    try:
        report = ingestion().receive(read_arrival(event))
    except Exception:
        logger.exception("push not stored", extra={"request_id": request_id})
        report = Report(503, reason="store")
    tell(report, request_id)
    if report.answer is None:
        return {"statusCode": report.status, "body": ""}
    headers = {"content-type": "application/json"}
    return {"statusCode": report.status, "headers": headers, "body": json.dumps(report.answer)}


def read_arrival(event: Mapping[str, Any]) -> Arrival:
    """The request inside an HTTP API event (payload format 2.0)."""
    http = event["requestContext"]["http"]
    path = event.get("pathParameters") or {}
    body = (event.get("body") or "").encode(errors="surrogatepass")
    if event.get("isBase64Encoded"):
        # What is not Base64 is kept as it came: it will be found to be no push.
        with suppress(binascii.Error):
            body = base64.b64decode(body, validate=True)
    return Arrival(
        method=http["method"],
        application=path.get("app", ""),
        secret=path.get("token", ""),
        route=event["routeKey"].rpartition("/")[2],
        source=http["sourceIp"],
        headers=event.get("headers") or {},
        body=body,
        received_at=utc_now(),
    )


def tell(report: Report, request_id: str | None) -> None:
    """Count and log what became of a push."""
    counts = {
        "Stored": report.stored,
        "Duplicates": report.duplicates,
        "RecordConflicts": report.conflicts,
        "Unparsable": report.unparsable,
        "Refused": int(report.refused),
        "WrongRoute": int("wrong_route" in report.notes),
        "NonceReused": int("nonce_reused" in report.notes),
        "QuestionDiffers": int("question_differs" in report.notes),
        "Unverified": int("unverified" in report.notes),
        "NotStored": int(report.status == 503),
        "BlockUndecided": int(report.undecided is not None),
        "LimitsUnread": int("limits_unread" in report.notes),
        "RefusedByRule": int(report.decided == Reason.RULE),
    }
    for name, count in counts.items():
        if count:
            metrics.add_metric(name, MetricUnit.Count, count)
    for kind, delays in report.delays_s.items():
        for delay in delays:
            metrics.add_metric(_DELAYS[kind], MetricUnit.Seconds, delay)
    reason = report.undecided or report.reason
    if reason:
        metrics.add_dimensions(service=SERVICE, reason=reason)
    if any(counts.values()):
        metrics.flush_metrics()
    about = {
        "request_id": request_id,
        "application": report.application,
        "kind": report.kind,
        "status": report.status,
        "reason": report.reason,
        "decided": report.decided,
        "undecided": report.undecided,
        "notes": report.notes,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "unparsable": report.unparsable,
    }
    suspicious = {"nonce_reused", "question_differs", "limits_unread"} & set(report.notes)
    failed = report.unparsable or report.conflicts or report.undecided or report.status not in {200, 404}
    warn = failed or suspicious
    (logger.warning if warn else logger.info)("push", extra=about)
