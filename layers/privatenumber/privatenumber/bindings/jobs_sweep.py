"""The sweep of bulk jobs: what nobody has taken up in time is sent again, so no message is missed.

It needs neither keys nor credentials: messages name rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from privatenumber.store.jobs import JobStore
from privatenumber.store.queue import Message, Sent

AGAIN: Final = timedelta(minutes=5)
"""What the sweep has sent is sent once more after so long."""

SWEPT: Final = 200
"""Most messages of one sweep."""


class Queue(Protocol):
    """Where the messages of jobs go; see `store.queue.WorkQueue`."""

    def send(self, work: Iterable[Message], *, delay_s: int = 0) -> Sent:
        """Send messages, not to be received before a delay is over."""
        ...


@dataclass(frozen=True, slots=True)
class JobWork:
    """One message: a job to be planned (no lane), or a lane to be worked on, with its ticket."""

    job_id: str
    lane: int | None = None
    ticket: int = 0

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"job": self.job_id, "lane": self.lane, "ticket": self.ticket})

    @classmethod
    def from_body(cls, body: str) -> JobWork:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            content = json.loads(body)
            lane = content["lane"]
            return cls(str(content["job"]), None if lane is None else int(lane), int(content["ticket"]))
        except (KeyError, TypeError):
            raise ValueError("not a message of jobs") from None


def sweep(store: JobStore, queue: Queue, *, now: datetime) -> int:
    """Send again what is due at ``now``; returns how many messages."""
    sent = 0
    for due in store.due(until=now, limit=SWEPT):
        lane = None if due.lane is None else store.lane(due.job_id, due.lane)
        work = JobWork(due.job_id) if lane is None else JobWork(lane.job_id, lane.lane, lane.ticket)
        sent += queue.send([work]).taken
        store.put_off(due, until=now + AGAIN)
    return sent
