"""Reconciliations on request: `work` compares a month, `sweep` sends again what nobody took up.

A message that is lost is no loss: the request stays due in the table. The worker leases it; when it dies the
next one begins anew, and the same facts and files give the same version.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.billing.reconciliation.requested import Done, NoSuchRun, ReconcileWork, Workshop
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.due import Overtaken
from privatenumber.store.queue import WorkQueue
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunState, RunStore
from privatenumber.telemetry import count_apart, get_logger, get_metrics
from privatenumber.times import moved_forward, utc_now

MOST_SENT: Final = 50
MOST_TOLD: Final = 200

logger = get_logger("reconcile")
metrics = get_metrics("reconcile")


@cache
def settings() -> Settings:
    """Read the environment once."""
    return Settings.from_environment(os.environ)


@cache
def runs() -> RunStore:
    """The rows of what was asked for."""
    return RunStore(clients.dynamodb(), settings().bills_table)


@metrics.log_metrics
def sweep(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """EventBridge Scheduler sends `{}`; a `scheduled_time` (UTC) moves time forward."""
    now = moved_forward(utc_now(), event.get("scheduled_time"))
    due = [run_id for run_id, _ in runs().due(until=now, limit=MOST_SENT)]
    queue = WorkQueue(clients.sqs(), settings().reconciliations_queue_url)
    sent = queue.send(map(ReconcileWork, due))
    _count("ReconciliationsSentAgain", sent.taken)
    logger.info("swept", extra={"due": len(due), "sent": sent.taken, "refused": sent.refused})
    return {"due": len(due), "sent": sent.taken}


@metrics.log_metrics
def work(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """SQS: one message per reconciliation; what fails is named and comes again, the rest is done."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record)]
    _count("ReconciliationSteps", len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: Mapping[str, Any]) -> bool:
    about: dict[str, Any] = {"message_id": record["messageId"]}
    try:
        asked = ReconcileWork.from_body(record["body"])
        about["run"] = asked.run_id
        run = _worked(asked)
    except NoSuchRun:
        logger.warning("no such reconciliation", extra=about)
        return True
    except Overtaken:
        logger.warning("somebody else took it up", extra=about)
        return True
    except Exception:
        logger.exception("reconciliation failed", extra=about)
        return False
    _count("ReconciliationsFailed", run.state in (RunState.FAILED, RunState.REFUSED))
    logger.info("worked", extra={**about, "state": run.state.value, "result": run.result})
    return True


def _worked(asked: ReconcileWork) -> ReconciliationRun:
    # The comparison is what the imports cost: a message without work does without them.
    from privatenumber.billing.bootstrap import Rooms
    from privatenumber.billing.reconciliation.import_missing import import_missing
    from privatenumber.billing.reconciliation.run import measures, reconcile_month
    from privatenumber.billing.refusals import refusals

    rooms = Rooms(settings())

    def make(run: ReconciliationRun) -> Done:
        ledger, now = rooms.ledger(), utc_now()
        if run.imports_of:
            imported = import_missing(
                ledger,
                run.month,
                files=run.files,
                mappings=run.mappings,
                as_of=now,
                by=run.requested_by,
                lines=run.lines,
            )
            return Done(outcome=_shortened(imported))
        document = reconcile_month(ledger, run.month, files=run.files, mappings=run.mappings, as_of=now)
        for name, value in measures(document).items():
            # Under the service of the action that compares as well: one alarm sees both.
            count_apart("billing", name, value, {})
        return Done(document["version"], document["hash"], document["result"])

    return Workshop(runs()).work(asked.run_id, make, refusals(), now=utc_now)


def _shortened(imported: Mapping[str, Any]) -> dict[str, Any]:
    """What became of rows, with the first of those that were left out: a row of the table is bounded."""
    return {
        name: {**of_kind, "rows": of_kind["rows"][:MOST_TOLD]}
        for name, of_kind in imported.items()
        if name in ("calls", "sms")
    }


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
