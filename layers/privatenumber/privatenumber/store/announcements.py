"""Something that happened, to be told outside: what rooms that notice it hand to the one that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Announcement:
    """One occurrence.

    ``about`` names what it happened to (``call#<session token>``, ``sms#<token>``, ``binding#<id>``,
    ``number#<x>``): occurrences about one thing are told in the order in which they are announced. ``id`` is
    the same for one occurrence whoever notices it and however often. ``at`` is when it happened (aware UTC).
    ``data`` is JSON and holds nobody's number; ``numbers`` holds those of the people by role, in clear.
    """

    application: str
    about: str
    type: str
    id: str
    at: datetime
    data: Mapping[str, Any]
    numbers: Mapping[str, str] = field(default_factory=dict, repr=False)
