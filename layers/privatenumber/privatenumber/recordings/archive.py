"""One attempt to archive a recording: claim it, ask for its address, stream the file, write it down.

Crash-safe at every line: the claim is a lease, the file has one key under which the first complete one stays,
the row is written on condition of the claim. After a crash the next attempt finds what is archived already.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.recordings.failures import FAILURES, Failure, failure_of
from privatenumber.recordings.fetch import Fetch
from privatenumber.recordings.inspection import Expected, Inspected, Inspection
from privatenumber.recordings.model import NoSuchRecording, Reason, Schedule, State, at_risk
from privatenumber.recordings.note import Whereabouts, context_of
from privatenumber.store.due import Overtaken
from privatenumber.store.recording_files import AlreadyThere, RecordingFiles
from privatenumber.store.recordings import Key, RecordingRow, RecordingStore

LEASE: Final = timedelta(minutes=10)
"""How long a claim lasts; longer than any attempt, which ends with its function after five minutes."""

_LOG: Final = logging.getLogger("privatenumber.recordings")


@dataclass(frozen=True, slots=True)
class Archive:
    """Archives recordings. ``unseal`` opens a value for a context, ``count`` receives metrics."""

    store: RecordingStore
    files: RecordingFiles
    fetch: Fetch
    unseal: Callable[[bytes, str], bytes]
    schedule: Schedule
    count: Callable[[str, float], None]

    def step(self, key: Key, *, now: datetime, deadline: Deadline) -> RecordingRow:
        """Make an attempt when the recording is due, and return it as it is afterwards.

        Raises NoSuchRecording; botocore's errors leave it claimed, so that it is due again after the lease.
        """
        row = self.store.get(key)
        if row is None:
            raise NoSuchRecording
        if row.due_at is None or row.due_at > now:
            return row
        claimed = replace(row, version=row.version + 1, attempts=row.attempts + 1, due_at=now + LEASE)
        try:
            self.store.replace(claimed, seen=row.version)
            after = self._attempt(claimed, now, deadline)
            self.store.finish(after, seen=claimed.version)
        except Overtaken:
            return self.store.get(key) or row
        self._report(after, now)
        return after

    def _attempt(self, row: RecordingRow, now: datetime, deadline: Deadline) -> RecordingRow:
        """The row after an attempt that ended with a file or without one."""
        try:
            found = self._archived_before(row) or self._archive(row, now, deadline)
        except FAILURES as error:
            return self._without_file(row, failure_of(error, row, now), now)
        return replace(
            row,
            version=row.version + 1,
            state=State.ARCHIVED.value,
            reason=None,
            detail=None,
            due_at=None,
            archived_at=now,
            size=found.size,
            sha256=found.sha256,
            seconds=found.seconds,
            flags=() if found.plausible else ("length",),
        )

    def _archived_before(self, row: RecordingRow) -> Inspected | None:
        """What an attempt that was cut off has left: a file is in the bucket completely or not at all."""
        return self._stored(row) if row.attempts > 1 else None

    def _archive(self, row: RecordingRow, now: datetime, deadline: Deadline) -> Inspected:
        where = Whereabouts.from_bytes(self.unseal(row.sealed or b"", context_of(row.key)))
        # Rather a file of doubtful length than none at all.
        strict = not self.schedule.is_last_chance(row.received_at, now)
        inspection = Inspection(Expected(row.talk_seconds, strict))
        try:
            with self.fetch.open(row.application, where, deadline) as chunks:
                self.files.write(row.file, inspection.passing(chunks))
        except AlreadyThere:
            stored = self._stored(row) or inspection.result
            if stored.sha256 != inspection.result.sha256:
                _LOG.error("another file is archived already", extra={"file": row.file})
                self.count("RecordingsDiffer", 1)
            return stored
        return inspection.result

    def _stored(self, row: RecordingRow) -> Inspected | None:
        chunks = self.files.read(row.file)
        if chunks is None:
            return None
        inspection = Inspection(Expected(row.talk_seconds, strict=False))
        deque(inspection.passing(chunks), maxlen=0)
        return inspection.result

    def _without_file(self, row: RecordingRow, failure: Failure, now: datetime) -> RecordingRow:
        planned = self.schedule.next_after(row.received_at, now)
        final = failure.final or planned is None
        return replace(
            row,
            version=row.version + 1,
            state=State.NO_FILE.value if final else State.PENDING.value,
            reason=failure.reason.value,
            detail=failure.detail,
            due_at=None if final else failure.not_before or planned,
        )

    def _report(self, row: RecordingRow, now: datetime) -> None:
        about = {"file": row.file, "state": row.state, "reason": row.reason, "detail": row.detail}
        if row.state == State.ARCHIVED:
            _LOG.info("recording archived", extra=about)
            self.count("RecordingsArchived", 1)
            self.count("RecordingsDoubtful", len(row.flags))
            return
        (_LOG.error if row.state == State.NO_FILE else _LOG.warning)("recording not archived", extra=about)
        lost = row.state == State.NO_FILE and row.reason != Reason.TOO_SHORT
        waiting = row.state == State.PENDING and at_risk(row.received_at, now)
        self.count("RecordingsLost", int(lost))
        self.count("RecordingsAtRisk", int(waiting))
        self.count("RecordingHostsRefused", int(row.reason == Reason.HOST_REFUSED))
        self.count("RecordingsOff", int(row.reason == Reason.RECORDING_OFF))
