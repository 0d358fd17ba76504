"""The minute sweep: everything that is due becomes a message, and nothing else does.

The sweep is the guarantee behind every crash, time-out and lost message. Its cost follows what is due, and it
never adds to a queue that the workers have not emptied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from privatenumber.store.binding_keys import DUE_SHARDS
from privatenumber.store.binding_search import BindingSearch, DueRow
from privatenumber.store.queue import Work, WorkQueue
from privatenumber.times import from_iso, iso


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found. ``lag_s``: how long the oldest has been due; ``waiting``: in the queue before."""

    waiting: int
    due: int
    taken: int
    refused: int
    lag_s: float


def sweep(search: BindingSearch, queue: WorkQueue, *, now: datetime, limit: int) -> Swept:
    """Send a message for every binding that is due at ``now``, until the queue holds ``limit`` of them.

    A full queue gets nothing, but the lag is told all the same: it is worst then.
    """
    waiting = queue.depth()
    room = limit - waiting
    found = _Found()
    as_of = iso(now)
    rows = search.due(until=as_of, limit=room if room > 0 else DUE_SHARDS)
    work = [Work(row.binding_id, as_of) for row in found.noting(rows)]
    sent = queue.send(work if room > 0 else ())
    lag_s = (now - from_iso(found.oldest)).total_seconds() if found.oldest else 0.0
    return Swept(waiting, found.count, sent.taken, sent.refused, lag_s)


class _Found:
    """Notes what passes by."""

    def __init__(self) -> None:
        self.count = 0
        self.oldest: str | None = None

    def noting(self, rows: Iterator[DueRow]) -> Iterator[DueRow]:
        for row in rows:
            self.count += 1
            self.oldest = min(self.oldest or row.due_at, row.due_at)
            yield row
