"""The audit: the stream of the Bindings table, a batch at a time, becomes rows of who did what.

Its own rows come by the same stream; they are no binding and no number, and end here. The first record that
fails is named: it and all behind it come again, and what was written by then is found written.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.audit import entry_of
from privatenumber.bindings.milestones import milestone_of
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.audit import AuditStore, Kept
from privatenumber.store.stream import Changed, changed
from privatenumber.telemetry import get_logger, get_metrics

SERVICE: Final = "audit"

logger = get_logger(SERVICE)
metrics = get_metrics(SERVICE)


@cache
def store() -> AuditStore:
    """Compose the audit once per environment."""
    settings = Settings.from_environment(os.environ)
    return AuditStore(clients.dynamodb(), settings.bindings_table, days=settings.audit_days)


@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Write down each version; a batch with a record that fails ends there."""
    kept, failed = Counter({Kept.WRITTEN: 0}), list[dict[str, str]]()
    for record in changed(event):
        try:
            kept.update(_audit(record))
        except Exception:
            logger.exception("not audited", extra={"sequence": record.sequence})
            metrics.add_metric("NotAudited", MetricUnit.Count, 1)
            failed = [{"itemIdentifier": record.sequence}]
            break
    for outcome, count in kept.items():
        metrics.add_metric(outcome.value, MetricUnit.Count, count)
    logger.info("audited", extra={"versions": kept.total()})
    return {"batchItemFailures": failed}


def _audit(record: Changed) -> list[Kept]:
    """Write down the version that a record made; nothing when it made none."""
    entry = entry_of(record.before, record.after, at=record.at)
    if entry is None:
        return []
    kept = store().add(entry, milestone_of(record.before, record.after, at=entry.at))
    if kept is Kept.CONFLICT:
        logger.error("audit differs", extra={"kind": entry.kind.value, "version": entry.version})
    return [kept]
