"""What stands in quarantine, read as an operator's list reads it."""

from __future__ import annotations

from datetime import date
from typing import Final

from builders.dynamodb import Table
from privatenumber.store.quarantined import QuarantinedPush, QuarantineStore

_ALL: Final = 1000


def quarantine_of(table: Table, day: date, application: str = "demo") -> list[QuarantinedPush]:
    """Entries that came first on a Beijing day."""
    store = QuarantineStore(table.client, table.name)
    found = (
        store.get(application, body) for _, body in store.of_day(application, day, after=None, limit=_ALL)
    )
    return [entry for entry in found if entry]
