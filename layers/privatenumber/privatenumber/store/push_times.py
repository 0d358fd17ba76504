"""When pushes of a kind came last, read from the index of days: nothing is written for it.

A kind is told by what it leaves in the index: ``END`` (call events), ``CDR``, ``SMS``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import DAY_INDEX, SHARDS, day_key
from privatenumber.store.items import decode, encode
from privatenumber.times import beijing_day, from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

#: What is looked for by name.
KINDS: Final = ("END", "CDR", "SMS")


class PushTimes:
    """Reads the index of days of the Bills table, whose name is ``table``; eventually consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def latest(self, kind: str, application: str, now: datetime) -> datetime | None:
        """When the newest fact of today, else of yesterday, was received; None without any."""
        today = beijing_day(now)
        for day in (today, today - timedelta(days=1)):
            found = [self._newest(kind, application, day, shard, None) for shard in range(SHARDS)]
            received = [from_iso(row["received_at"]) for row in found if row]
            if received:
                return max(received)
        return None

    def any_between(self, kind: str, application: str, since: datetime, until: datetime) -> bool:
        """Whether something happened in a stretch of time of less than a day."""
        days = sorted({beijing_day(since), beijing_day(until)})
        return any(
            self._newest(kind, application, day, shard, (since, until))
            for day in days
            for shard in range(SHARDS)
        )

    def _newest(
        self, kind: str, application: str, day: date, shard: int, within: tuple[datetime, datetime] | None
    ) -> dict[str, Any] | None:
        values = {":day": day_key(kind, application, day, shard)}
        condition = "day_key = :day"
        if within:
            condition += " AND day_sort BETWEEN :since AND :until"
            values |= {":since": iso(within[0]), ":until": f"{iso(within[1])}#~"}
        answer = self._client.query(
            TableName=self._table,
            IndexName=DAY_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ScanIndexForward=False,
            Limit=1,
        )
        return next(map(decode, answer["Items"]), None)
