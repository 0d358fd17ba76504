"""What is due, read from a sparse index over shards: ``due_key`` = shard, ``due_at`` = moment first of all.

The index is eventually consistent: whoever acts on a row reads the row itself first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE_INDEX: Final = "due"
_PER_QUERY: Final = 500


class Overtaken(Exception):
    """Somebody else wrote the row since it was read."""


def due_items(
    client: DynamoDBClient, table: str, index: str, *, shards: Sequence[str], until: str, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield what the index holds of items with ``due_at`` up to ``until``, at most ``limit``.

    Shard by shard, the oldest of each first. Each gives at most its part of ``limit``, so that one of them
    cannot keep the others waiting.
    """
    per_shard = max(1, limit // len(shards))
    due = (_of_shard(client, table, index, shard, until, per_shard) for shard in shards)
    yield from islice(chain.from_iterable(due), limit)


def _of_shard(
    client: DynamoDBClient, table: str, index: str, shard: str, until: str, limit: int
) -> Iterator[dict[str, Any]]:
    left, request = limit, dict[str, Any]()
    while left > 0:
        answer = client.query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="due_key = :shard AND due_at <= :until",
            ExpressionAttributeValues=encode({":shard": shard, ":until": until}),
            Limit=min(left, _PER_QUERY),
            **request,
        )
        yield from map(decode, answer["Items"])
        left -= len(answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        request = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
