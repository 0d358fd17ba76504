"""What is due of bindings: ends, repetitions and recoveries."""

from __future__ import annotations

from datetime import datetime

from privatenumber.store import sweeping
from privatenumber.store.binding_keys import DUE_SHARDS
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.queue import Work, WorkQueue
from privatenumber.store.sweeping import Swept
from privatenumber.times import from_iso, iso


def sweep(search: BindingSearch, queue: WorkQueue, *, now: datetime, limit: int) -> Swept:
    """Send a message for every binding that is due, until the queue holds ``limit`` of them."""
    as_of = iso(now)
    return sweeping.sweep(
        lambda most: (
            (Work(row.binding_id, as_of), from_iso(row.due_at)) for row in search.due(until=as_of, limit=most)
        ),
        queue,
        now=now,
        shards=DUE_SHARDS,
        limit=limit,
    )
