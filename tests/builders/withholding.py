"""A table that answers a part of what is asked for and withholds the rest, as DynamoDB does under load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Withholding:
    """A client whose batch reads give one item and withhold the others, ``times`` times."""

    def __init__(self, client: DynamoDBClient, times: int) -> None:
        self._client = client
        self.times = times
        self.batches: list[int] = []

    def as_client(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self)

    def batch_get_item(self, **request: Any) -> Any:
        """Answer one key of each table while anything is to be withheld."""
        wanted: dict[str, dict[str, Any]] = request["RequestItems"]
        self.batches.append(sum(len(asked["Keys"]) for asked in wanted.values()))
        if self.times <= 0:
            return self._client.batch_get_item(**request)
        self.times -= 1
        served: Any = {table: {**asked, "Keys": asked["Keys"][:1]} for table, asked in wanted.items()}
        kept = {table: {**asked, "Keys": asked["Keys"][1:]} for table, asked in wanted.items()}
        answer = self._client.batch_get_item(RequestItems=served)
        return {**answer, "UnprocessedKeys": {table: rest for table, rest in kept.items() if rest["Keys"]}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
