"""Noting recordings as their CDRs arrive, and sending them to the worker at once.

The row is the guarantee, the message a hint: a recording stays due until somebody has dealt with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from privatenumber.privacy import SealBroken
from privatenumber.recordings.model import State
from privatenumber.recordings.note import recording_of, unreadable
from privatenumber.recordings.work import RecordingWork
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.queue import WorkQueue
from privatenumber.store.recordings import RecordingRow, RecordingStore
from privatenumber.times import Clock


@dataclass(frozen=True, slots=True)
class Noting:
    """Writes down recordings. ``count`` receives metrics."""

    store: RecordingStore
    queue: WorkQueue
    keyrings: KeyringStore
    clock: Clock
    count: Callable[[str, float], None]

    def note(self, cdrs: Iterable[CdrFact]) -> int:
        """Note the recordings of CDRs, send those that are to be fetched; how many are new.

        Raises botocore's errors: the same call again completes what this one began.
        """
        rows = [row for row in map(self._recording, cdrs) if row is not None]
        new = [row for row in rows if self.store.add(row)]
        for row in new:
            if row.state == State.NO_FILE:
                self.count("RecordingsUnnamed", 1)
        now = self.clock()
        self.queue.send(RecordingWork(row.key, now) for row in rows if row.state == State.PENDING)
        return len(new)

    def _recording(self, cdr: CdrFact) -> RecordingRow | None:
        if not cdr.recorded:
            return None
        try:
            return self.keyrings.opening(lambda: recording_of(cdr, self.keyrings.load(), now=self.clock()))
        except SealBroken:
            return unreadable(cdr)
