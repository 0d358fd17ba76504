"""Puts that leave alone what somebody else has written.

When the answer to a put is lost, the SDK sends it again and finds its own item there: that is no refusal. Two
who write the same at one moment are both told that they did, so nothing is claimed by such a put.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = Mapping[str, Any]


def put_new(client: DynamoDBClient, table: str, item: Item) -> bool:
    """Write an item unless there is one under its key; False: there is another one."""
    return _put(client, table, item, {"ConditionExpression": "attribute_not_exists(pk)"})


def put_over(client: DynamoDBClient, table: str, item: Item, *, seen: int) -> bool:
    """Write an item in the place of the ``version`` that was seen; False: there is another one, or none."""
    condition = {
        "ConditionExpression": "#version = :seen",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": encode({":seen": seen}),
    }
    return _put(client, table, item, condition)


def stands_already(refused: Mapping[str, Any], item: Item) -> bool:
    """Whether a conditional put was refused because it had been done.

    ``refused`` is the response of the error, which tells what stands there when the request asked for
    ``ReturnValuesOnConditionCheckFailure="ALL_OLD"``; ``item`` is what was put, encoded.
    """
    found: Any = refused.get("Item")
    return bool(found) and decode(found) == decode(item)


def _put(client: DynamoDBClient, table: str, item: Item, condition: Mapping[str, Any]) -> bool:
    encoded = encode(item)
    try:
        client.put_item(
            TableName=table, Item=encoded, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition
        )
    except client.exceptions.ConditionalCheckFailedException as failed:
        return stands_already(failed.response, encoded)
    return True
