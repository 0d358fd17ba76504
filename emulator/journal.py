"""The journal: which requests were answered and how, which faults acted, what looked careless.

It exists for tests and for people's eyes; parties' numbers are never written to it, X numbers are.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

EntryKind = Literal["request", "fault"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    ``code`` is the result code sent, None when no JSON answer was. ``notes`` warn of what was allowed and a
    careful client would not do, such as wiping an X.
    """

    number: int
    kind: EntryKind
    at: datetime
    api: str | None = None
    application: str | None = None
    x: str | None = None
    subscription_id: str | None = None
    source: str | None = None
    http_status: int | None = None
    code: str | None = None
    fault: str | None = None
    text: str | None = None
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


class Journal:
    """The newest ``keep`` entries, and counts of everything since the start."""

    def __init__(self, keep: int = 20_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._number = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def request(self, at: datetime, **facts: Any) -> Entry:
        """Note one API request with its answer and count it under its API and code."""
        entry = self._add("request", at, facts)
        answer = entry.code if entry.code is not None else str(entry.http_status or "no answer")
        self._counts[entry.api or "unknown", answer] += 1
        return entry

    def fault(self, at: datetime, fault_id: str, kind: str, **details: Any) -> Entry:
        """Note that an ordered fault acted."""
        return self._add("fault", at, {"fault": fault_id, "text": kind, "details": details})

    def entries(
        self,
        *,
        kind: str | None = None,
        api: str | None = None,
        x: str | None = None,
        code: str | None = None,
        noted: bool = False,
        limit: int | None = None,
    ) -> list[Entry]:
        """Return matching entries, oldest first; with ``noted`` only warnings, with ``limit`` the newest."""
        wanted = {"kind": kind, "api": api, "x": x, "code": code}
        asked = {name: value for name, value in wanted.items() if value is not None}
        found = [
            entry
            for entry in self._entries
            if all(getattr(entry, name) == value for name, value in asked.items())
            and (entry.notes or not noted)
        ]
        return found if limit is None else found[max(0, len(found) - limit) :]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return API -> result code (or HTTP status without one, or ``no answer``) -> number of requests."""
        table: dict[str, dict[str, int]] = {}
        for (api, answer), number in sorted(self._counts.items()):
            table.setdefault(api, {})[answer] = number
        return table

    def _add(self, kind: EntryKind, at: datetime, facts: dict[str, Any]) -> Entry:
        self._number += 1
        entry = Entry(number=self._number, kind=kind, at=at, **facts)
        self._entries.append(entry)
        return entry
