"""The life of a recording: pending until it is archived or it is certain that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SHORTEST_TALK_S: Final = 3
"""Calls with less talk are not recorded (recording-and-call-stop.md §1)."""

AT_RISK: Final = timedelta(days=6)
RETENTION: Final = timedelta(days=7)
"""How long the platform keeps a recording, counted from its CDR (§1)."""


class State(StrEnum):
    """Where a recording stands; the last two are final."""

    PENDING = "pending"
    ARCHIVED = "archived"
    NO_FILE = "no_file"


class Reason(StrEnum):
    """Why a recording is not archived: yet, or for good."""

    UNNAMED = "unnamed"
    """Its CDR says neither a name nor an address (§1)."""
    UNREADABLE = "unreadable"
    """Its CDR cannot be opened or read."""
    TOO_SHORT = "too_short"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    ARREARS = "arrears"
    RECORDING_OFF = "recording_off"
    HOST_REFUSED = "host_refused"
    FAILED = "failed"
    ERASED = "erased"
    """Somebody who speaks in it was erased; the file is gone."""


class NoSuchRecording(Exception):
    """No row has this key (any more)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to try: ``offsets`` in seconds after the CDR, ascending, and once more on day 7."""

    offsets: Sequence[int]

    def next_after(self, received_at: datetime, now: datetime) -> datetime | None:
        """The next attempt after one at ``now``; None when that was the last one."""
        moments = [received_at + timedelta(seconds=offset) for offset in self.offsets]
        return next((moment for moment in [*moments, received_at + RETENTION] if moment > now), None)

    def is_last_chance(self, received_at: datetime, now: datetime) -> bool:
        """Whether no attempt of the schedule is left before the platform forgets the recording."""
        return now >= received_at + timedelta(seconds=self.offsets[-1])


def at_risk(received_at: datetime, now: datetime) -> bool:
    """Whether somebody should know that a recording is still missing: it is day 6."""
    return now >= received_at + AT_RISK


def forgotten(received_at: datetime, now: datetime) -> bool:
    """Whether the platform does not keep the recording any more."""
    return now >= received_at + RETENTION
