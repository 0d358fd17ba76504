"""What a line of a webhook looks like in the Bills table: what it is still to be told about one thing.

Key: ``LINE#<webhook>#<what it is about>`` / ``LINE``. Each announcement is an attribute ``E#<its id>``. Its
value is the position in the log, which is its order too; ``-`` before it says that it was delivered, ``|``
and a moment behind it since when it waits if that is later than it was noted. A line that has something to
tell stands in the index ``due`` (``due_key`` = ``WEBHOOK#<shard>``). ``version`` grows with every write;
``claim`` is the version under which a worker has the line until ``due_at``.
``held_until`` is until when it was last kept back for the receiver's sake.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from privatenumber.store.items import encode
from privatenumber.store.webhook_events import MOMENT, event_id_of, noted_at
from privatenumber.times import from_iso, iso

KIND: Final = "line"
DUE_PREFIX: Final = "WEBHOOK#"
DUE_SHARDS: Final = 4
DONE: Final = "-"

_ENTRY: Final = "E#"
_ONCE_MORE: Final = "~"
_SINCE: Final = "|"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An announcement in a line. ``name`` tells a repetition on request from the first time.

    ``requeued`` is since when it waits, where that is later than it was noted.
    """

    name: str
    position: str
    requeued: datetime | None = None

    @property
    def event_id(self) -> str:
        """Which announcement it is."""
        return event_id_of(self.position)

    @property
    def since(self) -> datetime:
        """Since when it waits to be delivered."""
        return self.requeued or noted_at(self.position)

    @property
    def repeated(self) -> str | None:
        """The replay that wants it told once more."""
        return self.name.removeprefix(_ENTRY + self.event_id).removeprefix(_ONCE_MORE) or None


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was read: ``waiting`` in the order in which it is to be told, ``delivered`` likewise."""

    key: Key
    application: str
    webhook_id: str
    about: str
    version: int
    waiting: tuple[Entry, ...]
    delivered: tuple[Entry, ...] = ()
    failures: int = 0
    """Attempts in vain since the last delivery."""
    claim: int | None = None
    due_at: datetime | None = None
    held_until: datetime | None = None

    def kept_back(self, entry: Entry) -> bool:
        """Whether an announcement had to wait for the receiver, and not for us."""
        return self.failures > 0 or (self.held_until is not None and entry.since < self.held_until)


def line_key(webhook_id: str, about: str) -> Key:
    """Key of a line."""
    return f"LINE#{webhook_id}#{about}", "LINE"


def shard_of(key: Key) -> str:
    """Hash key of the index ``due`` for a row of webhooks."""
    return f"{DUE_PREFIX}{zlib.crc32(key[0].encode()) % DUE_SHARDS}"


def entry_name(event_id: str, replay: str | None = None) -> str:
    """Name of an announcement in a line; under the name of a replay it is told once more."""
    return f"{_ENTRY}{event_id}" + (f"{_ONCE_MORE}{replay}" if replay else "")


def append_update(
    table: str,
    *,
    application: str,
    webhook_id: str,
    about: str,
    entries: Sequence[Entry],
    due_at: datetime,
) -> dict[str, Any]:
    """The update that puts announcements into a line unless they are, or were, in it.

    A line that waits for its next attempt goes on waiting.
    """
    key = line_key(webhook_id, about)
    first = {
        "kind": KIND,
        "application": application,
        "webhook": webhook_id,
        "about": about,
        "due_key": shard_of(key),
        "due_at": iso(due_at),
        **{entry.name: written(entry) for entry in entries},
    }
    names = {f"#a{n}": name for n, name in enumerate(first)}
    sets = ", ".join(f"{alias} = if_not_exists({alias}, :v{alias[2:]})" for alias in names)
    values = {f":v{n}": value for n, value in enumerate(first.values())}
    return {
        "TableName": table,
        "Key": encode({"pk": key[0], "sk": key[1]}),
        "UpdateExpression": f"SET {sets} REMOVE expires_at ADD #version :one",
        "ExpressionAttributeNames": {**names, "#version": "version"},
        "ExpressionAttributeValues": encode({**values, ":one": 1}),
    }


def read_line(item: Mapping[str, Any]) -> Line:
    """A line as it was stored."""
    entries = [(name, str(value)) for name, value in item.items() if name.startswith(_ENTRY)]
    return Line(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        webhook_id=item["webhook"],
        about=item["about"],
        version=int(item["version"]),
        waiting=_in_order((name, place) for name, place in entries if not place.startswith(DONE)),
        delivered=_in_order((name, place[1:]) for name, place in entries if place.startswith(DONE)),
        failures=int(item.get("failures", 0)),
        claim=int(item["claim"]) if "claim" in item else None,
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        held_until=from_iso(item["held_until"]) if "held_until" in item else None,
    )


def _in_order(entries: Iterable[tuple[str, str]]) -> tuple[Entry, ...]:
    found = (_entry(name, value) for name, value in entries)
    return tuple(sorted(found, key=lambda entry: (entry.position, entry.name)))


def written(entry: Entry) -> str:
    """The value of an announcement's attribute while it waits."""
    return entry.position + (f"{_SINCE}{iso(entry.requeued)}" if entry.requeued else "")


def _entry(name: str, value: str) -> Entry:
    if value[-MOMENT - 1 : -MOMENT] != _SINCE:
        return Entry(name, value)
    return Entry(name, value[: -MOMENT - 1], from_iso(value[-MOMENT:]))
