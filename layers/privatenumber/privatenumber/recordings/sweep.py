"""What is due of recordings."""

from __future__ import annotations

from datetime import datetime

from privatenumber.recordings.work import RecordingWork
from privatenumber.store import sweeping
from privatenumber.store.queue import WorkQueue
from privatenumber.store.recordings import DUE_SHARDS, RecordingStore
from privatenumber.store.sweeping import Swept


def sweep(store: RecordingStore, queue: WorkQueue, *, now: datetime) -> Swept:
    """Send a message for every recording that is due."""
    return sweeping.sweep(
        lambda limit: (
            (RecordingWork(one.key, now), one.due_at) for one in store.due(until=now, limit=limit)
        ),
        queue,
        now=now,
        shards=DUE_SHARDS,
    )
