"""How far orders may reach: what lies beyond has no place in the calendar, or in a row of a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

#: Where the clock may stand: at the ends of the calendar no Beijing day and no later moment can be computed.
FIRST_MOMENT, LAST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)

LARGEST = 100_000_000
"""Of a setting or a wait in seconds, three years: many of them behind the last moment are moments still."""

WaitSeconds = Annotated[int, Field(ge=0, le=LARGEST)]
Wait = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]


def too_large(value: object) -> bool:
    """Whether a number, or one among several, lies beyond what can be computed with."""
    if isinstance(value, int | float | Decimal):
        return not -LARGEST <= value <= LARGEST
    return isinstance(value, Iterable) and not isinstance(value, str) and any(map(too_large, value))
