"""The sweep: every line, probe and replay that is due becomes a message, whatever crashed or got lost before.

Cost follows what is due; a queue that the workers have not emptied gets no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_line_rows import DUE_SHARDS
from privatenumber.store.webhook_lines import WebhookLines, WebhookWork

MOST_WAITING: Final = 2000
"""Most messages on their way to the workers at a time."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found. ``lag_s``: how long the oldest has been due; ``waiting``: in the queue before."""

    waiting: int
    due: int
    taken: int
    refused: int
    lag_s: float


def sweep(lines: WebhookLines, queue: WorkQueue, *, now: datetime, limit: int = MOST_WAITING) -> Swept:
    """Send a message for everything that is due at ``now``, until the queue holds ``limit`` of them.

    A full queue gets nothing, but the lag is told all the same: it is worst then.
    """
    waiting = queue.depth()
    room = limit - waiting
    due = list(lines.due(until=now, limit=room if room > 0 else DUE_SHARDS))
    sent = queue.send(WebhookWork(one.key, now) for one in (due if room > 0 else ()))
    lag_s = max(((now - one.due_at).total_seconds() for one in due), default=0.0)
    return Swept(waiting, len(due), sent.taken, sent.refused, lag_s)
