"""What is due of webhooks: lines, probes and replays."""

from __future__ import annotations

from datetime import datetime

from privatenumber.store import sweeping
from privatenumber.store.queue import WorkQueue
from privatenumber.store.sweeping import Swept
from privatenumber.store.webhook_line_rows import DUE_SHARDS
from privatenumber.store.webhook_lines import WebhookLines, WebhookWork


def sweep(lines: WebhookLines, queue: WorkQueue, *, now: datetime) -> Swept:
    """Send a message for every line, probe and replay that is due."""
    return sweeping.sweep(
        lambda most: ((WebhookWork(one.key, now), one.due_at) for one in lines.due(until=now, limit=most)),
        queue,
        now=now,
        shards=DUE_SHARDS,
    )
