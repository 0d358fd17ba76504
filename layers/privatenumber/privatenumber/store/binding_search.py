"""Finding bindings through the indexes: what is due, and the bindings of an order, a person or an X.

Indexes are eventually consistent and hold keys only: whoever acts on a row reads the binding itself first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.binding_keys import (
    DUE_INDEX,
    DUE_SHARDS,
    binding_key,
    due_position,
    due_shard,
)
from privatenumber.store.due import due_items
from privatenumber.store.items import decode, encode
from privatenumber.store.orders import SUBSCRIPTION_INDEX

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_AFTER_EVERY_ID: Final = "#~"
"""Sorts behind `#<id>` of one moment: ids are letters and digits."""


@dataclass(frozen=True, slots=True)
class DueRow:
    """A binding that is due, and since when (`times.iso`)."""

    binding_id: str
    due_at: str


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a row stands in a search index, ordered by time and id."""

    created_at: str
    binding_id: str


class BindingSearch:
    """Reads the indexes of bindings."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def due(self, *, until: str, limit: int) -> Iterator[DueRow]:
        """Yield bindings due by ``until`` (`times.iso`), at most ``limit``, shard by shard, oldest first."""
        items = due_items(
            self._client,
            self._table,
            DUE_INDEX,
            shards=[due_shard(shard) for shard in range(DUE_SHARDS)],
            until=until + _AFTER_EVERY_ID,
            limit=limit,
        )
        for item in items:
            moment, _, binding_id = str(item["due_at"]).partition("#")
            yield DueRow(binding_id, moment)

    def living(self, shard: int, *, limit: int, after: DueRow | None) -> list[DueRow]:
        """Bindings of one shard that are not final, whatever is due when, in the order of their due time.

        At most ``limit``, behind ``after``. One whose due time moves meanwhile may be met twice or never.
        """
        start: dict[str, Any] = {}
        if after:
            position = {"due_key": due_shard(shard), "due_at": due_position(after.due_at, after.binding_id)}
            start = {"ExclusiveStartKey": encode({**binding_key(after.binding_id), **position})}
        answer = self._client.query(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_key = :shard",
            ExpressionAttributeValues=encode({":shard": due_shard(shard)}),
            Limit=limit,
            **start,
        )
        rows = (str(item["due_at"]).partition("#") for item in map(decode, answer["Items"]))
        return [DueRow(binding_id, moment) for moment, _, binding_id in rows]

    def of_subscription(self, application: str, subscription_id: str) -> str | None:
        """The binding that the platform knows by this id, in whatever state; None for a stranger's."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=SUBSCRIPTION_INDEX,
            KeyConditionExpression="subscription_key = :key",
            ExpressionAttributeValues=encode({":key": f"{application}#{subscription_id}"}),
        )
        # A binding whose answer came too late has a record of its own beside that of its intent.
        ids = sorted(str(item["binding_id"]) for item in map(decode, answer["Items"]))
        return ids[0] if ids else None

    def newest(
        self, index: str, hash_name: str, hash_key: str, *, limit: int, before: Position | None
    ) -> list[Position]:
        """Rows of a search index, newest first, at most ``limit``, behind the position ``before``."""
        request: dict[str, Any] = {}
        if before:
            start = {
                **binding_key(before.binding_id),
                hash_name: hash_key,
                "created_at": before.created_at,
            }
            request = {"ExclusiveStartKey": encode(start)}
        answer = self._client.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": hash_name},
            ExpressionAttributeValues=encode({":hash": hash_key}),
            ScanIndexForward=False,
            Limit=limit,
            **request,
        )
        rows = map(decode, answer["Items"])
        return [Position(str(row["created_at"]), str(row["pk"]).partition("#")[2]) for row in rows]
