"""What is known of the recordings of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.privacy import Keyring, token
from privatenumber.recordings.model import State
from privatenumber.store.recording_files import RecordingFiles
from privatenumber.store.recordings import RecordingRow, RecordingStore

LINK_S: Final = 300
"""How long a link to a file works."""


class CallUnknown(Exception):
    """Nothing has arrived of a call with this session."""


@dataclass(frozen=True, slots=True)
class Found:
    """A recording; ``url`` while its file is kept (until ``kept_until``), for five minutes."""

    row: RecordingRow
    url: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds recordings; ``days`` is how long the bucket keeps a file."""

    store: RecordingStore
    files: RecordingFiles
    keyring: Callable[[], Keyring]
    days: int

    def of_session(self, application: str, session_id: str, *, now: datetime) -> Sequence[Found]:
        """Recordings of a call by the platform's ``sessionId``. Raises CallUnknown."""
        session = token(self.keyring(), session_id, purpose="session")
        rows = self.store.of_call(application, session)
        if not rows and not self.store.knows_call(application, session):
            raise CallUnknown
        return [self._found(row, now) for row in rows]

    def _found(self, row: RecordingRow, now: datetime) -> Found:
        if row.state != State.ARCHIVED or row.archived_at is None:
            return Found(row)
        kept_until = row.archived_at + timedelta(days=self.days)
        url = self.files.link(row.file, seconds=LINK_S) if now < kept_until else None
        return Found(row, url, kept_until)
