"""What an attempt that gave no file means: a reason, a word for the details, and when to try again.

The table of result codes is that of recording-and-call-stop.md §2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.addresses import AddressRefused
from privatenumber.platform.errors import Frozen, NoRecording, NotFound, NotSent, PlatformError
from privatenumber.platform.pausing import LENGTHS
from privatenumber.privacy import SealBroken
from privatenumber.recordings.download import DownloadFailed
from privatenumber.recordings.fetch import ApplicationMissing
from privatenumber.recordings.model import SHORTEST_TALK_S, Reason, forgotten
from privatenumber.recordings.wav import NotARecording
from privatenumber.store.recordings import RecordingRow

IN_ARREARS: Final = timedelta(hours=1)
"""Between two attempts while the account is frozen: nobody tells us when it has been paid."""

_HINDRANCES: Final = (Reason.ARREARS, Reason.HOST_REFUSED, Reason.FAILED)
"""What kept us from a file while it was there: the better reason for having none than that it has expired."""

FAILURES: Final = (
    PlatformError,
    AddressRefused,
    DownloadFailed,
    NotARecording,
    ApplicationMissing,
    SealBroken,
)
"""What an attempt may end with; anything else is trouble of our own and raises."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without a file.

    ``detail`` is a code of the platform or a word of ours, never a value. ``final``: no other attempt makes
    sense. ``not_before`` is when one does, where that is known; else the schedule decides.
    """

    reason: Reason
    detail: str
    final: bool = False
    not_before: datetime | None = None


def failure_of(error: Exception, row: RecordingRow, now: datetime) -> Failure:
    """What one of FAILURES means for a recording."""
    if isinstance(error, PlatformError):
        return _refused(error, row, now)
    if isinstance(error, AddressRefused):
        return Failure(Reason.HOST_REFUSED, error.part)
    if isinstance(error, DownloadFailed | NotARecording):
        return Failure(Reason.FAILED, error.detail)
    if isinstance(error, ApplicationMissing):
        return Failure(Reason.FAILED, "application_missing")
    return Failure(Reason.FAILED, "unreadable")


def _refused(error: PlatformError, row: RecordingRow, now: datetime) -> Failure:
    detail = error.code or error.outcome.value
    if isinstance(error, NotFound):
        return _not_found(detail, row, now)
    if isinstance(error, NoRecording):
        return Failure(Reason.RECORDING_OFF, detail, final=True)
    if isinstance(error, Frozen):
        return Failure(Reason.ARREARS, detail, not_before=now + IN_ARREARS)
    if isinstance(error, NotSent) and error.until:
        # The platform was not asked, so what it said before still holds.
        known = Reason(row.reason) if row.reason else Reason.FAILED
        return Failure(known, "paused", not_before=error.until)
    if error.outcome in LENGTHS:
        return Failure(Reason.FAILED, detail, not_before=now + LENGTHS[error.outcome])
    return Failure(Reason.FAILED, detail)


def _not_found(detail: str, row: RecordingRow, now: datetime) -> Failure:
    if row.talk_seconds is not None and row.talk_seconds < SHORTEST_TALK_S:
        return Failure(Reason.TOO_SHORT, detail, final=True)
    if forgotten(row.received_at, now):
        hindrance = next((reason for reason in _HINDRANCES if reason == row.reason), None)
        return Failure(hindrance or Reason.EXPIRED, detail, final=True)
    return Failure(Reason.NOT_YET, detail)
