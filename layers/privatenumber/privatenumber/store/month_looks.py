"""Which months have records; of closed ones with what they were last looked at, and what waits to be booked.

One row a month in the Bills table, ``LOOKS`` / ``<yyyy-MM>``: made when its first day with records is closed,
overwritten by every later look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_LOOKS: Final = "LOOKS"


@dataclass(frozen=True, slots=True)
class Look:
    """``terms`` is the hash of all that decided the month beside its facts; empty before it was closed."""

    terms: str
    late_since: datetime | None = None


class LookStore:
    """The last look at each month. All reads are strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def all(self) -> dict[str, Look]:
        """Every month that has records, or was ever looked at when it was closed."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": _LOOKS}),
            ConsistentRead=True,
        )
        return {row["sk"]: _look(row) for row in rows}

    def expect(self, month: str) -> None:
        """Note that a month has records, so that it is closed in its turn."""
        item = {"pk": _LOOKS, "sk": month, "terms": "", "late_since": None}
        self._put(item, "attribute_not_exists(pk)")

    def note(self, month: str, terms: str, *, late: bool, at: datetime) -> None:
        """Note a look at a month. What waits already waits since it was seen first; a later look stays."""
        key = {"pk": _LOOKS, "sk": month}
        found = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        seen = _look(decode(found["Item"])) if "Item" in found else Look("")
        since = (seen.late_since or at) if late else None
        item = {**key, "terms": terms, "late_since": iso(since) if since else None, "looked_at": iso(at)}
        # A slow one does not take back what somebody has seen since.
        self._put(item, "attribute_not_exists(looked_at) OR looked_at <= :at", **{":at": iso(at)})

    def _put(self, item: dict[str, Any], condition: str, **values: str) -> None:
        more: Any = {"ExpressionAttributeValues": encode(values)} if values else {}
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression=condition, **more
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def _look(row: dict[str, Any]) -> Look:
    since = row.get("late_since")
    return Look(row["terms"], from_iso(since) if since else None)
