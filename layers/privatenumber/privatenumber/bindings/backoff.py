"""When to try again."""

from __future__ import annotations

import random as chance
from datetime import datetime, timedelta
from typing import Final

from privatenumber.platform.errors import FlowControl, Frozen, LockedOut, NotSent, NumberState, PlatformError
from privatenumber.platform.pausing import LENGTHS

FIRST_S: Final = 30
CEILING_S: Final = 1800
SUSPENDED_S: Final = 300
"""The ceiling for a suspended X: once it is back, its calls connect until the release has come through."""

PAUSES: Final = (Frozen, FlowControl, LockedOut, NotSent)
"""The platform cannot be used now; the request was certainly not executed."""


def delay_s(attempts: int, random: chance.Random, ceiling_s: float = CEILING_S) -> float:
    """Seconds to wait after ``attempts`` failures (1, 2, …): doubles from 30 s to the ceiling, ± 25 %."""
    doublings = min(max(attempts - 1, 0), 16)
    return min(FIRST_S * 2.0**doublings, ceiling_s) * random.uniform(0.75, 1.25)


def next_try(now: datetime, attempts: int, random: chance.Random, error: PlatformError | None) -> datetime:
    """Moment of the next attempt, not before the end of a pause that ``error`` stands for."""
    ceiling_s = SUSPENDED_S if isinstance(error, NumberState) else CEILING_S
    moment = now + timedelta(seconds=delay_s(attempts, random, ceiling_s))
    until = pause_end(now, error)
    return max(moment, until) if until else moment


def pause_end(now: datetime, error: PlatformError | None) -> datetime | None:
    """Until when the platform cannot be used after this error; None when nobody knows or it is no pause."""
    if isinstance(error, NotSent):
        return error.until
    return now + LENGTHS[error.outcome] if isinstance(error, PAUSES) else None
