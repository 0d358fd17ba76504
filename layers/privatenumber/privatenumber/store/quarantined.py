"""A quarantined push as it is read back from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from privatenumber.times import from_iso


@dataclass(frozen=True, slots=True)
class QuarantinedPush:
    """Something that was refused or unreadable (notifications.md §2.3).

    ``sealed`` is the sealed envelope of request headers and body; ``deliveries`` counts how often it came.
    """

    application: str
    body: str
    reason: str
    route: str
    first_at: datetime
    last_at: datetime
    deliveries: int
    sealed: bytes = field(repr=False)


def read_quarantined(rows: Sequence[Mapping[str, Any]]) -> QuarantinedPush:
    """Put an entry together from its decoded rows, the head first, parts in any order."""
    head, *rest = rows
    parts = {int(row["sk"].rpartition("#")[2]): bytes(row["sealed"]) for row in rest}
    sealed = bytes(head["sealed"]) + b"".join(parts[number] for number in range(1, int(head["parts"])))
    return QuarantinedPush(
        application=head["application"],
        body=head["sk"],
        reason=head["reason"],
        route=head["route"],
        first_at=from_iso(head["first_at"]),
        last_at=from_iso(head["last_at"]),
        deliveries=int(head["deliveries"]),
        sealed=sealed,
    )
