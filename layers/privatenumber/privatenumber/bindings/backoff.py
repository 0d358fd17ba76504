"""When to try again."""

from __future__ import annotations

import random as chance
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from privatenumber.platform.errors import FlowControl, Frozen, LockedOut, NotSent, PlatformError

FIRST_S: Final = 30
CEILING_S: Final = 1800

PAUSES: Final = (Frozen, FlowControl, LockedOut, NotSent)
"""The platform cannot be used now; the request was certainly not executed."""

_PAUSE_S: Final[Mapping[type[PlatformError], int]] = {FlowControl: 60, Frozen: 600, LockedOut: 1800}
"""How long the client keeps silent after such an answer (result-codes.md §2, numbers.md §3)."""


def delay_s(attempts: int, random: chance.Random) -> float:
    """Seconds to wait after ``attempts`` failures (1, 2, …): doubles from 30 s to 30 min, ± 25 %."""
    doublings = min(max(attempts - 1, 0), 16)
    return min(FIRST_S * 2.0**doublings, CEILING_S) * random.uniform(0.75, 1.25)


def next_try(now: datetime, attempts: int, random: chance.Random, error: PlatformError | None) -> datetime:
    """Moment of the next attempt, not before the end of a pause that ``error`` stands for."""
    moment = now + timedelta(seconds=delay_s(attempts, random))
    until = pause_end(now, error)
    return max(moment, until) if until else moment


def pause_end(now: datetime, error: PlatformError | None) -> datetime | None:
    """Until when the platform cannot be used after this error; None when nobody knows or it is no pause."""
    if isinstance(error, NotSent):
        return error.until
    length = _PAUSE_S.get(type(error)) if error else None
    return now + timedelta(seconds=length) if length else None
