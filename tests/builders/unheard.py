"""A table whose answers to puts get lost, so that the SDK sends each put once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Unheard:
    """A client that does each put twice, and tells only what became of the second."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def as_client(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self)

    def put_item(self, **request: Any) -> Any:
        """Put an item, and put it again."""
        self._client.put_item(**request)
        return self._client.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
