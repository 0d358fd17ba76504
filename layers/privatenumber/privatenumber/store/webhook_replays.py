"""Replays of a webhook in the Bills table: what was logged in a range of time is put into its lines again.

Key: ``REPLAYS#<webhook>`` / ``REPLAY#<id>``. It goes day by day, shard by shard; ``cursor`` is how far it has
come. One that is not done stands in the index ``due``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.webhook_line_rows import Key, shard_of
from privatenumber.store.webhook_lines import Overtaken
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "replay"
_PREFIX: Final = "REPLAYS#"
_ROW: Final = "REPLAY#"


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """A replay of ``[start, end)``, by when things were noted.

    ``catch_up``: it tells what was only logged while the webhook was disabled, and nothing twice. ``read``
    counts what was looked at, ``queued`` what was put into lines, ``skipped`` what found them full. ``ended``
    says why it was cut short.
    """

    id: str
    webhook_id: str
    start: datetime
    end: datetime
    catch_up: bool
    created_at: datetime
    created_by: str
    expires_at: int
    version: int = 1
    cursor: str | None = None
    read: int = 0
    queued: int = 0
    skipped: int = 0
    ended: str | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Key of the row."""
        return replay_key(self.webhook_id, self.id)


def replay_key(webhook_id: str, replay_id: str) -> Key:
    """Key of a replay."""
    return f"{_PREFIX}{webhook_id}", f"{_ROW}{replay_id}"


def replay_put(table: str, row: ReplayRow, *, seen: int | None) -> dict[str, Any]:
    """The put of a replay, new or over the version that was seen."""
    put: dict[str, Any] = {"TableName": table, "Item": encode(_item(row))}
    if seen is None:
        return {**put, "ConditionExpression": "attribute_not_exists(pk)"}
    return {
        **put,
        "ConditionExpression": "#version = :seen",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": encode({":seen": seen}),
    }


class WebhookReplays:
    """Reads and writes replays."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, key: Key) -> ReplayRow | None:
        """One replay, as it is now."""
        answer = self._client.get_item(
            TableName=self._table, Key=encode({"pk": key[0], "sk": key[1]}), ConsistentRead=True
        )
        return _row(decode(answer["Item"])) if "Item" in answer else None

    def add(self, row: ReplayRow) -> ReplayRow:
        """Write a new replay, or return the one that has its id."""
        try:
            self._client.put_item(**replay_put(self._table, row, seen=None))
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.get(row.key) or row
        return row

    def replace(self, row: ReplayRow) -> ReplayRow:
        """Write a replay over the version it was read as, and return it. Raises Overtaken."""
        written = replace(row, version=row.version + 1)
        try:
            self._client.put_item(**replay_put(self._table, written, seen=row.version))
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Overtaken from None
        return written


def _item(row: ReplayRow) -> dict[str, Any]:
    pk, sk = row.key
    return {
        "pk": pk,
        "sk": sk,
        "kind": KIND,
        "webhook": row.webhook_id,
        "replay": row.id,
        "start": iso(row.start),
        "end": iso(row.end),
        "catch_up": row.catch_up,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "expires_at": row.expires_at,
        "version": row.version,
        "cursor": row.cursor,
        "read": row.read,
        "queued": row.queued,
        "skipped": row.skipped or None,
        "ended": row.ended,
        "due_key": shard_of(row.key) if row.due_at else None,
        "due_at": iso(row.due_at) if row.due_at else None,
        "finished_at": iso(row.finished_at) if row.finished_at else None,
    }


def _row(item: Mapping[str, Any]) -> ReplayRow:
    return ReplayRow(
        id=item["replay"],
        webhook_id=item["webhook"],
        start=from_iso(item["start"]),
        end=from_iso(item["end"]),
        catch_up=item["catch_up"],
        created_at=from_iso(item["created_at"]),
        created_by=item["created_by"],
        expires_at=int(item["expires_at"]),
        version=int(item["version"]),
        cursor=item.get("cursor"),
        read=int(item["read"]),
        queued=int(item["queued"]),
        skipped=int(item.get("skipped", 0)),
        ended=item.get("ended"),
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        finished_at=from_iso(item["finished_at"]) if "finished_at" in item else None,
    )
