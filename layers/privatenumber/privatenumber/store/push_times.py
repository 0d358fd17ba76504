"""When pushes of a kind came last, read from the index of days: nothing is written for it.

A kind is told by what it leaves in the index: ``END`` (call events), ``CDR``, ``SMS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import DAY_INDEX, SHARDS, day_key
from privatenumber.store.items import decode, encode
from privatenumber.times import beijing_day, day_bounds, from_iso, iso

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
        """When the newest fact of today, else of yesterday, was received; None without any.

        A fact whose own time lies ahead (another zone's clock) does not hide those before it.
        """
        today = beijing_day(now)
        for day in (today, today - timedelta(days=1)):
            received = [
                from_iso(row["received_at"])
                for shard in range(SHARDS)
                for row in self._last(kind, application, day, shard, now)
            ]
            if received:
                return max(received)
        return None

    def since(self, now: datetime) -> datetime:
        """How far back `latest` looks: when it finds nothing, nothing came since."""
        return day_bounds(beijing_day(now) - timedelta(days=1))[0]

    def any_between(self, kind: str, application: str, since: datetime, until: datetime) -> bool:
        """Whether something happened in a stretch of time, both moments included."""
        first = beijing_day(since)
        days = (first + timedelta(days=n) for n in range((beijing_day(until) - first).days + 1))
        return any(
            self._newest(kind, application, day, shard, (since, until))
            for day in days
            for shard in range(SHARDS)
        )

    def _last(
        self, kind: str, application: str, day: date, shard: int, now: datetime
    ) -> Iterator[dict[str, Any]]:
        newest = self._newest(kind, application, day, shard, None)
        if newest is None:
            return
        yield newest
        if newest["day_sort"] > f"{iso(now)}#~":
            before = self._newest(kind, application, day, shard, (now - timedelta(days=1), now))
            yield from [before] if before else []

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
