"""Telling outside what one record of the stream makes known: beside the write of its row, or by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privatenumber.store.announcements import Announcement
from privatenumber.store.transactions import Action
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import Outbox, Told


@dataclass(slots=True)
class Telling:
    """What is told of one record; ``noted`` is the same however often the record comes.

    An instance makes the writes of a transaction (it is a `chronicle.Tells`); of several attempts the last
    counts. ``write`` writes what stands in no transaction. ``hint`` is for afterwards, when all is written.
    """

    outbox: Outbox
    write: Callable[[Iterable[Mapping[str, Any]]], None]
    noted: Noted
    _told: Told = field(default_factory=Told)

    def __call__(self, announcements: Sequence[Announcement]) -> list[Action]:
        """Make the writes."""
        self._told = self.outbox.of(announcements, self.noted)
        return [Action("announcement", action) for action in self._told.actions]

    def tell(self, announcements: Sequence[Announcement]) -> None:
        """Write announcements that stand beside no row; written again they change nothing."""
        self._told = self.outbox.of(announcements, self.noted)
        self.write(self._told.updates)

    def hint(self) -> None:
        """Tell the worker at once; without it the sweep finds what is due."""
        if self._told.lines:
            self.outbox.hint(self._told, self.noted)
