"""Requests that got no X, counted by Beijing day: what a pool lacks, and whom it lacks it for.

================================  ======================  =================================================
partition key                     sort key                what it holds
================================  ======================  =================================================
``REFUSALS#<app>#<day>#<shard>``  ``<area>``, ``*``: any  ``attempts_<reason>``, ``orders_<reason>``, ``most``
``REFUSED#<app>#<day>#<hash>``    ``REQUEST``             marks a request that was counted
``PARTY#<app>#<token>``           ``REFUSED#<day>#...``   ``orders`` of this person that found no X
================================  ======================  =================================================

A request that is repeated counts as one order and many attempts. These are statistics: a crash between two of
the writes loses one count, and no request fails because of them.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.binding_keys import party_partition
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.reading import Withheld, read_items
from privatenumber.times import day_bounds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SHARDS: Final = 4
KEPT_DAYS: Final = 15
"""So long after its day a count is kept."""

_ANY: Final = "*"
_LOG: Final = logging.getLogger("privatenumber.store")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request. ``request`` is the same whenever the same order asks again.

    ``crowded``: tokens of the people for whom there was no X without them; empty when there was no room.
    """

    application: str
    day: date
    area: str | None
    reason: str
    request: str
    crowded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """Refusals of one city (None: any would have done) and reason.

    ``orders`` counts each request once however often it came; ``most`` is how many of them one person took
    part in, where people were the reason.
    """

    area: str | None
    reason: str
    attempts: int
    orders: int
    most: int = 0


class RefusalStore:
    """Counts refusals, and tells the counts."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def note(self, refusal: Refusal) -> None:
        """Count a refusal; a table that does not answer is logged and costs the count."""
        try:
            self._note(refusal)
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("refusal not counted", extra={"cause": type(error).__name__})

    def of_day(self, application: str, day: date) -> list[RefusedCount]:
        """Every count of a day; eventually consistent."""
        rows: list[Mapping[str, Any]] = []
        for shard in range(SHARDS):
            rows += every_row(
                self._client.query,
                TableName=self._table,
                KeyConditionExpression="pk = :day",
                ExpressionAttributeValues=encode({":day": _day_key(application, day, shard)}),
            )
        return _counts(rows)

    def of_area(self, application: str, area: str | None, days: Sequence[date]) -> list[RefusedCount]:
        """Counts of one city over some days, each day's apart; none when the table does not answer."""
        keys = [_count_key(application, day, shard, area) for day in days for shard in range(SHARDS)]
        try:
            rows = list(read_items(self._client, {self._table: keys}, consistent=False))
        except (BotoCoreError, ClientError, Withheld) as error:
            _LOG.warning("refusals unknown", extra={"cause": type(error).__name__})
            return []
        by_day = ([row for row in rows if f"#{day.isoformat()}#" in str(row["pk"])] for day in days)
        return [count for of_day in by_day for count in _counts(of_day)]

    def _note(self, refusal: Refusal) -> None:
        new = self._is_new(refusal)
        most = max((self._crowded(refusal, who) for who in refusal.crowded), default=0) if new else 0
        shard = zlib.crc32(refusal.request.encode()) % SHARDS
        key = encode(_count_key(refusal.application, refusal.day, shard, refusal.area))
        self._client.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression="ADD #attempts :one, #orders :new SET expires_at = :end",
            ExpressionAttributeNames={
                "#attempts": f"attempts_{refusal.reason}",
                "#orders": f"orders_{refusal.reason}",
            },
            ExpressionAttributeValues=encode({":one": 1, ":new": int(new), ":end": _end(refusal.day)}),
        )
        if most:
            self._raise_most(key, most)

    def _is_new(self, refusal: Refusal) -> bool:
        pk = f"REFUSED#{refusal.application}#{refusal.day.isoformat()}#{refusal.request}"
        item = {"pk": pk, "sk": "REQUEST", "expires_at": int(day_bounds(refusal.day)[1].timestamp())}
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _crowded(self, refusal: Refusal, token: str) -> int:
        """Count an order that this person was refused, and say the how-manieth of the day it is."""
        key = {
            "pk": party_partition(refusal.application, token),
            "sk": f"REFUSED#{refusal.day.isoformat()}#{refusal.area or _ANY}",
        }
        answer = self._client.update_item(
            TableName=self._table,
            Key=encode(key),
            UpdateExpression="ADD orders :one SET expires_at = :end",
            ExpressionAttributeValues=encode({":one": 1, ":end": _end(refusal.day)}),
            ReturnValues="UPDATED_NEW",
        )
        return int(decode(answer["Attributes"])["orders"])

    def _raise_most(self, key: Any, most: int) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="SET most = :most",
                ConditionExpression="attribute_not_exists(most) OR most < :most",
                ExpressionAttributeValues=encode({":most": most}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def _day_key(application: str, day: date, shard: int) -> str:
    return f"REFUSALS#{application}#{day.isoformat()}#{shard}"


def _count_key(application: str, day: date, shard: int, area: str | None) -> dict[str, str]:
    return {"pk": _day_key(application, day, shard), "sk": area or _ANY}


def _end(day: date) -> int:
    return int(day_bounds(day + timedelta(days=KEPT_DAYS))[1].timestamp())


def _counts(rows: Iterable[Mapping[str, Any]]) -> list[RefusedCount]:
    """The counts of one day, its shards added up; ``most`` is a maximum and no sum."""
    sums: dict[tuple[str, str], list[int]] = {}
    most: dict[str, int] = {}
    for row in rows:
        area = str(row["sk"])
        most[area] = max(most.get(area, 0), int(row.get("most", 0)))
        for name, value in row.items():
            what, _, reason = name.partition("_")
            if what in ("attempts", "orders"):
                sums.setdefault((area, reason), [0, 0])[what == "orders"] += int(value)
    return [
        RefusedCount(None if area == _ANY else area, reason, attempts, orders, most[area])
        for (area, reason), (attempts, orders) in sorted(sums.items())
    ]
