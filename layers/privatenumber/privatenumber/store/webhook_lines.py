"""Lines of webhooks in the Bills table: what one webhook is still to be told about one thing, in order.

Key: ``LINE#<webhook>#<what it is about>`` / ``LINE``. Each announcement is an attribute ``E#<its id>``. Its
value is the position in the log, which is its order too; ``-`` before it says that it was delivered, ``|``
and a moment behind it since when it waits if that is later than it was noted. A line that has something to
tell stands in the index ``due`` (``due_key`` = ``WEBHOOK#<shard>``). ``version`` grows with every write;
``claim`` is the version under which a worker has the line until ``due_at``.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import due_items
from privatenumber.store.items import decode, encode
from privatenumber.store.webhook_events import event_id_of, noted_at
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "line"
DUE_INDEX: Final = "due"
DUE_PREFIX: Final = "WEBHOOK#"
DUE_SHARDS: Final = 4
KEPT: Final = timedelta(days=3)
"""So long an empty line remembers what it has delivered, against what is announced once more."""

REMEMBERED: Final = 50
"""So many delivered announcements a line remembers at most."""

_ENTRY: Final = "E#"
_DONE: Final = "-"
_ONCE_MORE: Final = "~"
_SINCE: Final = "|"
_MOMENT: Final = len("2026-03-01T08:00:00.000Z")
_NAMES_PER_WRITE: Final = 100
_WAITS_S: Final = (0.02, 0.05, 0.1, 0.2)

Key = tuple[str, str]


class Overtaken(Exception):
    """Somebody else has written the row since it was read, or has it now."""


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


@dataclass(frozen=True, slots=True)
class WebhookWork:
    """A message to the worker of webhooks: a row of any kind that was due at ``as_of``."""

    key: Key
    as_of: datetime

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"pk": self.key[0], "sk": self.key[1], "as_of": iso(self.as_of)})

    @classmethod
    def from_body(cls, body: str) -> WebhookWork:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            content = json.loads(body)
            return cls((str(content["pk"]), str(content["sk"])), from_iso(content["as_of"]))
        except (KeyError, TypeError):
            raise ValueError("not a work message of webhooks") from None


@dataclass(frozen=True, slots=True)
class DueRow:
    """A line, webhook or replay that is due, and since when."""

    key: Key
    due_at: datetime


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
        **{entry.name: _written(entry) for entry in entries},
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


class WebhookLines:
    """Lines, as those who deliver them see them. Every write raises Overtaken when the line is not theirs."""

    def __init__(
        self, client: DynamoDBClient, table: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def get(self, key: Key) -> Line | None:
        """One line, as it is now."""
        answer = self._client.get_item(
            TableName=self._table, Key=encode({"pk": key[0], "sk": key[1]}), ConsistentRead=True
        )
        return _line(decode(answer["Item"])) if "Item" in answer else None

    def append(
        self, *, application: str, webhook_id: str, about: str, entries: Sequence[Entry], due_at: datetime
    ) -> Key:
        """Put announcements into a line, see `append_update`; returns its key."""
        for start in range(0, len(entries), _NAMES_PER_WRITE):
            some = entries[start : start + _NAMES_PER_WRITE]
            self._update(
                append_update(
                    self._table,
                    application=application,
                    webhook_id=webhook_id,
                    about=about,
                    entries=some,
                    due_at=due_at,
                )
            )
        return line_key(webhook_id, about)

    def claim(self, line: Line, *, until: datetime) -> Line:
        """Take a line as it was read, until a moment."""
        return self._write(
            line.key,
            "SET claim = :claim, due_at = :until",
            "#version = :seen AND attribute_exists(due_key)",
            {":claim": line.version + 1, ":until": iso(until), ":seen": line.version},
        )

    def delivered(self, line: Line, entry: Entry) -> Line:
        """Write down that an announcement was delivered; returns the line with what has come meanwhile."""
        return self._write(
            line.key,
            "SET #entry = :done REMOVE failures",
            "claim = :claim",
            {":done": _DONE + _written(entry), ":claim": line.claim},
            {"#entry": entry.name},
        )

    def drop(self, line: Line, entries: Sequence[Entry]) -> Line:
        """Take announcements out that will not be delivered; the log still has them."""
        for start in range(0, len(entries), _NAMES_PER_WRITE):
            names = {f"#a{n}": one.name for n, one in enumerate(entries[start : start + _NAMES_PER_WRITE])}
            line = self._write(
                line.key,
                f"REMOVE {', '.join(names)}, failures",
                "claim = :claim",
                {":claim": line.claim},
                names,
            )
        return line

    def put_off(self, line: Line, *, until: datetime, failures: int) -> None:
        """Give a line back that has something to tell, until its next attempt."""
        self._write(
            line.key,
            "SET due_at = :until, failures = :failures REMOVE claim",
            "claim = :claim",
            {":until": iso(until), ":failures": failures, ":claim": line.claim},
        )

    def finish(self, line: Line, *, now: datetime) -> None:
        """Give a line back that has nothing to tell. Raises Overtaken also when something has come."""
        old = line.delivered[: -REMEMBERED or None][:_NAMES_PER_WRITE]
        names = {f"#a{n}": one.name for n, one in enumerate(old)}
        gone = ", ".join(["due_key", "due_at", "claim", "failures", *names])
        self._write(
            line.key,
            f"SET expires_at = :expires_at REMOVE {gone}",
            "claim = :claim AND #version = :seen",
            {":expires_at": int((now + KEPT).timestamp()), ":claim": line.claim, ":seen": line.version},
            names,
        )

    def due(self, *, until: datetime, limit: int) -> Iterator[DueRow]:
        """Rows of webhooks due by ``until``, at most ``limit``, shard by shard, the oldest of each first."""
        shards = [f"{DUE_PREFIX}{shard}" for shard in range(DUE_SHARDS)]
        items = due_items(self._client, self._table, DUE_INDEX, shards=shards, until=iso(until), limit=limit)
        for item in items:
            yield DueRow((item["pk"], item["sk"]), from_iso(item["due_at"]))

    def _write(
        self,
        key: Key,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> Line:
        request = {
            "TableName": self._table,
            "Key": encode({"pk": key[0], "sk": key[1]}),
            "UpdateExpression": f"{update} ADD #version :one",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#version": "version", **(names or {})},
            "ExpressionAttributeValues": encode({":one": 1, **values}),
            "ReturnValues": "ALL_NEW",
        }
        try:
            return _line(self._update(request))
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Overtaken from None

    def _update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Update a line; once more when a transaction that announces something is on it at this moment."""
        for wait in _WAITS_S:
            try:
                return decode(self._client.update_item(**request).get("Attributes", {}))
            except self._client.exceptions.TransactionConflictException:
                self._sleep(wait)
        return decode(self._client.update_item(**request).get("Attributes", {}))


def _line(item: Mapping[str, Any]) -> Line:
    entries = [(name, str(value)) for name, value in item.items() if name.startswith(_ENTRY)]
    return Line(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        webhook_id=item["webhook"],
        about=item["about"],
        version=int(item["version"]),
        waiting=_in_order((name, place) for name, place in entries if not place.startswith(_DONE)),
        delivered=_in_order((name, place[1:]) for name, place in entries if place.startswith(_DONE)),
        failures=int(item.get("failures", 0)),
        claim=int(item["claim"]) if "claim" in item else None,
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
    )


def _in_order(entries: Iterable[tuple[str, str]]) -> tuple[Entry, ...]:
    found = (_entry(name, value) for name, value in entries)
    return tuple(sorted(found, key=lambda entry: (entry.position, entry.name)))


def _written(entry: Entry) -> str:
    return entry.position + (f"{_SINCE}{iso(entry.requeued)}" if entry.requeued else "")


def _entry(name: str, value: str) -> Entry:
    if value[-_MOMENT - 1 : -_MOMENT] != _SINCE:
        return Entry(name, value)
    return Entry(name, value[: -_MOMENT - 1], from_iso(value[-_MOMENT:]))
