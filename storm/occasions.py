"""When faults acted, as the world keeps it and the judges and the report read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Window = tuple[datetime, datetime]
"""From when until when something lasted."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time that a fault acted, and in which function; outside of functions there is none."""

    at: datetime
    kind: str
    fault: str
    function: str = ""
