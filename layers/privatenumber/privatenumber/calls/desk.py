"""The entries of one push on their way to the table: facts of whom they belong to, or put apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from privatenumber.calls.facts import fact_of
from privatenumber.calls.reception import Reception
from privatenumber.platform.pushes import BadEntry, Entry
from privatenumber.settings import Application
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.fact_writes import NonceUse, QuarantineEntry


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is to be written for one push, and what was noted."""

    reception: Reception
    facts: Sequence[NewFact]
    quarantined: Sequence[QuarantineEntry]
    nonce: NonceUse | None
    notes: Sequence[str]


class Desk:
    """Turns the entries of one push into facts, each under the application it belongs to."""

    def __init__(self, reception: Reception, by_app_key: Mapping[str, Application]) -> None:
        self._reception = reception
        self._by_app_key = by_app_key
        self.facts: list[NewFact] = []
        self.bad: list[BadEntry] = []
        self.notes: set[str] = set()

    def take(self, entry: Entry, application: Application) -> None:
        """Make the entry a fact, or put it apart."""
        reception = self._reception
        app_key = getattr(entry, "app_key", None)
        if app_key and app_key != application.app_key:
            self.notes.add("foreign_app_key")
            owner = self._by_app_key.get(app_key)
            if owner is None:
                self.bad.append(BadEntry("unknown appKey", entry.raw))
                return
            flags = tuple(sorted({*reception.flags, "foreign_app_key"}))
            reception = replace(reception, application=owner.id, flags=flags, mode=owner.mode)
        try:
            self.facts.append(fact_of(entry, reception))
        except (ValueError, OverflowError, RecursionError):
            # Whatever a single entry holds, it must not cost the others of its push.
            self.bad.append(BadEntry("not a fact", entry.raw))
