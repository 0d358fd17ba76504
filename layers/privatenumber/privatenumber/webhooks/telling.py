"""From a record of the Bindings table's stream to what webhooks are to be told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from privatenumber.store.stream import Changed
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import Outbox
from privatenumber.webhooks.bindings_told import Unseal, announced


@dataclass(frozen=True, slots=True)
class Telling:
    """Writes announcements. ``write`` takes the requests of updates, in their order."""

    outbox: Outbox
    unseal: Unseal
    write: Callable[[Iterable[Mapping[str, Any]]], None]

    def tell(self, record: Changed) -> int:
        """Announce what a record says; how many announcements that were.

        Raises botocore's errors: the same record again completes what this one began.
        """
        if not self.outbox.listens(str(record.after.get("application"))):
            return 0
        announcements = announced(record.before, record.after, at=record.at, unseal=self.unseal)
        noted = Noted(record.at, record.sequence)
        told = self.outbox.of(announcements, noted)
        self.write(told.updates)
        if told.lines:
            self.outbox.hint(told, noted)
        return len(announcements)
