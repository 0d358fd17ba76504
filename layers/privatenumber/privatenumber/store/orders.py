"""Which order a call belongs to: the Bindings table read by the platform's ``subscriptionId``."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SUBSCRIPTION_INDEX: Final = "by_subscription"

_THREADS: Final = 8
_WORTH_THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class OrderRef:
    """The binding behind a ``subscriptionId``."""

    order: str
    binding_id: str
    x: str = field(repr=False)
    area: str
    ends_when_idle: bool = False


class OrderStore:
    """Looks bindings up, each ``subscriptionId`` once in the life of the object."""

    def __init__(self, client: DynamoDBClient, bindings_table: str) -> None:
        self._client = client
        self._table = bindings_table
        self._known: dict[tuple[str, str], OrderRef | None] = {}

    def find(self, application: str, subscription_id: str) -> OrderRef | None:
        """The order of a binding; ``None`` when none of ours has that id (eventually consistent)."""
        key = (application, subscription_id)
        if key not in self._known:
            self._known[key] = self._read(application, subscription_id)
        return self._known[key]

    def learn(self, application: str, subscription_ids: Iterable[str]) -> None:
        """Look many bindings up at once, to `find` them without another request."""
        unknown = {each for each in subscription_ids if (application, each) not in self._known}
        if len(unknown) < _WORTH_THREADS:
            return
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            found = pool.map(lambda each: self._read(application, each), unknown)
            self._known.update(((application, each), ref) for each, ref in zip(unknown, found, strict=True))

    def _read(self, application: str, subscription_id: str) -> OrderRef | None:
        answer = self._client.query(
            TableName=self._table,
            IndexName=SUBSCRIPTION_INDEX,
            KeyConditionExpression="subscription_key = :key",
            ExpressionAttributeValues=encode({":key": f"{application}#{subscription_id}"}),
            Limit=1,
        )
        for item in map(decode, answer["Items"]):
            return OrderRef(
                item["order"], item["binding_id"], item["x"], item["area"], ends_when_idle="idle_s" in item
            )
        return None
