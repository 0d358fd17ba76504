"""Whether a number is one of the company's: asked for each X that a push names, by who shows or tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privatenumber.store.items import encode
from privatenumber.store.numbers import number_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class OwnNumbers:
    """The X numbers of all applications. What was found once is never asked for again: no number leaves."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._found = set[str]()

    def holds(self, x: str) -> bool:
        """Whether a number stands in the inventory."""
        if x not in self._found:
            answer = self._client.get_item(
                TableName=self._table,
                Key=encode(number_key(x)),
                ProjectionExpression="pk",
                ConsistentRead=True,
            )
            if "Item" in answer:
                self._found.add(x)
        return x in self._found
