"""Lines of webhooks: put announcements in, claim, mark, give back (rows: `webhook_line_rows`).

A worker has a line from its claim until a moment; whatever it writes names that claim.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import due_items
from privatenumber.store.items import decode, encode
from privatenumber.store.webhook_line_rows import (
    DONE,
    DUE_PREFIX,
    DUE_SHARDS,
    Entry,
    Key,
    Line,
    append_update,
    line_key,
    read_line,
    written,
)
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE_INDEX: Final = "due"
KEPT: Final = timedelta(days=3)
"""So long an empty line remembers what it has delivered, against what is announced once more."""

REMEMBERED: Final = 50
"""So many delivered announcements a line remembers at most."""

_NAMES_PER_WRITE: Final = 100
_WAITS_S: Final = (0.02, 0.05, 0.1, 0.2)


class Overtaken(Exception):
    """Somebody else has written the row since it was read, or has it now."""


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
        return read_line(decode(answer["Item"])) if "Item" in answer else None

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
            {":done": DONE + written(entry), ":claim": line.claim},
            {"#entry": entry.name},
        )

    def drop(self, line: Line, entries: Sequence[Entry], *, untouched: bool = False) -> Line:
        """Take announcements out that will not be delivered; the log still has them.

        ``untouched``: only when nobody has put anything in since, be it what is in it already.
        """
        for start in range(0, len(entries), _NAMES_PER_WRITE):
            names = {f"#a{n}": one.name for n, one in enumerate(entries[start : start + _NAMES_PER_WRITE])}
            line = self._write(
                line.key,
                f"REMOVE {', '.join(names)}, failures",
                "claim = :claim" + (" AND #version = :seen" if untouched else ""),
                {":claim": line.claim, **({":seen": line.version} if untouched else {})},
                names,
            )
        return line

    def put_off(self, line: Line, *, until: datetime, failures: int, held: bool = True) -> None:
        """Give a line back that has something to tell, until its next attempt.

        ``held``: it is kept back for the receiver's sake, not because the worker's time is over.
        """
        kept_back = ", held_until = :until" if held else ""
        self._write(
            line.key,
            f"SET due_at = :until, failures = :failures{kept_back} REMOVE claim",
            "claim = :claim",
            {":until": iso(until), ":failures": failures, ":claim": line.claim},
        )

    def finish(self, line: Line, *, now: datetime) -> None:
        """Give a line back that has nothing to tell. Raises Overtaken also when something has come."""
        old = line.delivered[: max(0, len(line.delivered) - REMEMBERED)]
        if len(old) > _NAMES_PER_WRITE:
            line = self.drop(line, old[_NAMES_PER_WRITE:])
            old = old[:_NAMES_PER_WRITE]
        if line.waiting:
            raise Overtaken
        names = {f"#a{n}": one.name for n, one in enumerate(old)}
        gone = ", ".join(["due_key", "due_at", "claim", "failures", "held_until", *names])
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
            return read_line(self._update(request))
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
