"""Which months have records; of closed ones with what they were last looked at, and what waits to be booked.

One row a month in the Bills table, ``LOOKS`` / ``<yyyy-MM>``: made when its first day with records is closed,
overwritten by every later look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """``terms`` is the hash of all that decided the month beside its facts; empty before it was closed.

    ``looks`` counts them: each look leaves another row.
    """

    terms: str
    late_since: datetime | None = None
    looks: int = field(default=0, compare=False)


NEVER: Final = Look("")


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

    def last(self, month: str) -> Look:
        """The last look at a month, to be read before its facts are."""
        found = self._client.get_item(TableName=self._table, Key=_key(month), ConsistentRead=True)
        return _look(decode(found["Item"])) if "Item" in found else NEVER

    def expect(self, month: str) -> None:
        """Note that a month has records, so that it is closed in its turn."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode({"pk": _LOOKS, "sk": month, "terms": ""}),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def note(self, month: str, terms: str, *, late: bool, at: datetime, last: Look) -> None:
        """Note a look at a month that began when `last` was the last one.

        What waits already waits since it was seen first. Where somebody else has looked meanwhile his look
        stays, for nobody knows who has seen more; but what one of both has seen to be late is late.
        """
        since = min(at, last.late_since or at) if late else None
        item = {
            **{"pk": _LOOKS, "sk": month, "terms": terms},
            **{"late_since": iso(since) if since else None, "looks": last.looks + 1},
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(looks) OR looks = :looks",
                ExpressionAttributeValues=encode({":looks": last.looks}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            if late:
                self._wait_since(month, at)

    def _wait_since(self, month: str, at: datetime) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=_key(month),
            # Counted like any look: who began before it takes nothing back.
            UpdateExpression="SET late_since = if_not_exists(late_since, :at) ADD looks :one",
            ExpressionAttributeValues=encode({":at": iso(at), ":one": 1}),
        )


def _key(month: str) -> Any:
    return encode({"pk": _LOOKS, "sk": month})


def _look(row: dict[str, Any]) -> Look:
    since = row.get("late_since")
    return Look(row["terms"], from_iso(since) if since else None, int(row.get("looks", 0)))
