"""Calls and SMS of which something has still to come, until the watch has looked at them.

The row of such a call or SMS stands in the index ``due``: ``due_key`` = ``WATCHED#<shard>``, ``due_at`` = the
moment at which it is looked at. It enters and leaves with the write of the row, which happens anyway; so what
is complete in time is never looked at, and a look costs what is open, not what there is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import due_items
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import read_items
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE_INDEX: Final = "due"
WATCHED_SHARDS: Final = 4
#: What has not come by then is late: four attempts of the platform were made (notifications.md §8.2, §8.3).
FIRST_LOOK: Final = timedelta(minutes=15)

Key = tuple[str, str]


def watched(identity: str, since: datetime, *, awaited: bool) -> dict[str, str]:
    """The attributes that put a row into the index while something is ``awaited`` since a moment."""
    if not awaited:
        return {}
    shard = zlib.crc32(identity.encode()) % WATCHED_SHARDS
    return {"due_key": f"WATCHED#{shard}", "due_at": iso(since + FIRST_LOOK)}


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """A row that is to be looked at, as it is now."""

    key: Key
    due_at: datetime
    version: int
    item: Mapping[str, Any] = field(repr=False)


class WatchedRows:
    """Rows of the Bills table that wait for a look. ``table`` is its name."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def due(self, *, until: datetime, limit: int) -> Iterator[dict[str, Any]]:
        """Rows to be looked at by ``until``, at most ``limit``; what is complete by now is left out.

        They are decoded and not read, so that whoever looks at one can go on behind one that is broken.
        """
        shards = [f"WATCHED#{shard}" for shard in range(WATCHED_SHARDS)]
        found = due_items(self._client, self._table, DUE_INDEX, shards=shards, until=iso(until), limit=limit)
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in found]
        for item in read_items(self._client, {self._table: keys}, consistent=True) if keys else ():
            if _waits(item):
                yield item

    def row(self, key: Key) -> dict[str, Any] | None:
        """One row as it is now."""
        answer = self._client.get_item(
            TableName=self._table, Key=encode({"pk": key[0], "sk": key[1]}), ConsistentRead=True
        )
        return decode(answer["Item"]) if "Item" in answer else None

    def again(self, key: Key) -> WatchedRow | None:
        """A row as it is now; nothing when it waits no more."""
        item = self.row(key)
        return read_watched(item) if item and _waits(item) else None

    def look_again(self, row: WatchedRow, at: datetime | None) -> None:
        """Look at a row again at a moment, or never; a row that was written meanwhile says that itself."""
        change = "SET due_at = :at" if at else "REMOVE due_key, due_at"
        values = {":seen": row.version, ":due": iso(row.due_at), ":at": iso(at) if at else None}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode({"pk": row.key[0], "sk": row.key[1]}),
                UpdateExpression=change,
                ConditionExpression="#version = :seen AND due_at = :due",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=encode(values),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def read_watched(item: Mapping[str, Any]) -> WatchedRow:
    """A row that waits, from a decoded item."""
    return WatchedRow((item["pk"], item["sk"]), from_iso(item["due_at"]), int(item["version"]), item)


def _waits(item: Mapping[str, Any]) -> bool:
    return str(item.get("due_key", "")).startswith("WATCHED#")
