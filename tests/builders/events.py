"""The sample events of events/: which function each file is for.

A file's path below events/ begins with the name of its function, as in `bindings-create.json` or
`callbacks/fee.json`.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"

FUNCTIONS = {
    "bindings": "BindingsFunction",
    "callbacks": "CallbacksFunction",
    "jobs-sweep": "JobsSweepFunction",
    "jobs-work": "JobsWorkerFunction",
    "unbind-sweep": "UnbindSweepFunction",
    "unbind-work": "UnbindWorkerFunction",
    "pool-watch": "PoolWatchFunction",
    "watch": "WatchFunction",
    "drift": "DriftFunction",
    "billing": "BillingFunction",
    "billing-work": "BillingWorkerFunction",
    "bills": "BillsFunction",
    "reconcile-sweep": "ReconcileSweepFunction",
    "reconcile-work": "ReconcileWorkerFunction",
    "calls": "CallsFunction",
    "reports-sweep": "ReportsSweepFunction",
    "reports-work": "ReportsWorkerFunction",
    "follow": "FollowFunction",
    "audit": "AuditFunction",
    "recordings-note": "RecordingsNoteFunction",
    "recordings-sweep": "RecordingsSweepFunction",
    "recordings-work": "RecordingsWorkerFunction",
    "recordings-read": "RecordingsReadFunction",
    "webhooks": "WebhooksFunction",
    "webhooks-note": "WebhooksNoteFunction",
    "webhooks-sweep": "WebhooksSweepFunction",
    "webhooks-work": "WebhooksWorkerFunction",
    "erasure": "ErasureFunction",
    "erasure-work": "ErasureWorkerFunction",
}


def event_files() -> list[Path]:
    """Every sample event, sorted."""
    return sorted(EVENTS.rglob("*.json"))


def case_of(path: Path) -> str:
    """Name of a case, as test ids show it: the path without its ending."""
    return path.relative_to(EVENTS).with_suffix("").as_posix()


def function_of(path: Path) -> str:
    """Logical id of the function that an event is for; KeyError when the name says none."""
    case = case_of(path).replace("/", "-").replace("_", "-")
    return FUNCTIONS[max((p for p in FUNCTIONS if case.startswith(p)), key=len, default=case)]


def read_event(path: Path) -> Any:
    """The event in a file."""
    return json.loads(path.read_text(encoding="utf-8"))
