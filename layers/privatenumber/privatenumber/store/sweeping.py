"""The sweep: everything that is due becomes a message, whatever crashed before; nothing else does.

It is the guarantee behind every crash, time-out and lost message. Its cost follows what is due, and it never
adds to a queue that the workers have not emptied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privatenumber.store.queue import Message, WorkQueue

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


def sweep(
    due: Callable[[int], Iterable[tuple[Message, datetime]]],
    queue: WorkQueue,
    *,
    now: datetime,
    shards: int,
    limit: int = MOST_WAITING,
) -> Swept:
    """Send a message for everything that is due at ``now``, until the queue holds ``limit`` of them.

    ``due`` yields at most so many messages with the time since when they are due, the oldest of each of the
    ``shards`` first. A full queue gets nothing, but the lag is told all the same: it is worst then.
    """
    waiting = queue.depth()
    room = limit - waiting
    found = list(due(room if room > 0 else shards))
    sent = queue.send(message for message, _ in (found if room > 0 else ()))
    lag_s = max(((now - since).total_seconds() for _, since in found), default=0.0)
    return Swept(waiting, len(found), sent.taken, sent.refused, lag_s)
