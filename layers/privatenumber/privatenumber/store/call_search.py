"""Finding calls and SMS: by binding, order, X, person or day, newest first.

The rows of calls (`calls`) and of SMS (`messages`) stand in the same indexes, each kind under a prefix of
its own: ``of_<what>`` = ``<CALL|SMS>#<application>#<id>``, ``moment`` = ``<time>#<id of the call or SMS>``.
Indexes hold keys only and are eventually consistent; who lists reads the rows themselves.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import key_part, shard_of
from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.store.reading import read_items
from privatenumber.times import beijing_day, day_bounds, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

#: The rows of a day of one application are spread over this many partitions of the index.
DAY_SHARDS: Final = 8
_PAGE: Final = 100
_AFTER_EVERY_ID: Final = "#~"


class Kind(StrEnum):
    """What is looked for; the value is the prefix of its keys."""

    CALL = "CALL"
    SMS = "SMS"


class Index(StrEnum):
    """By what; the value is the name of the index, and of its hash key but for ``of_`` instead of ``by_``."""

    BINDING = "by_binding"
    ORDER = "by_order"
    X = "by_x"
    CALLER = "by_caller"
    CALLEE = "by_callee"
    MOMENT = "by_moment"

    @property
    def hash_key(self) -> str:
        """Name of the attribute."""
        return "of_" + self.value.removeprefix("by_")


#: A person is looked for as caller and as callee.
PERSON: Final = (Index.CALLER, Index.CALLEE)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a row stands in time; ``moment`` is also the cursor of a list."""

    moment: str
    pk: str
    sk: str


def places(
    kind: Kind,
    application: str,
    identity: str,
    at: datetime,
    *,
    binding_id: str | None,
    order: str | None,
    x: str | None,
    caller: str | None,
    callee: str | None,
) -> dict[str, str]:
    """The attributes that put a row into the indexes."""
    of = {
        Index.BINDING: binding_id,
        Index.ORDER: order,
        Index.X: x,
        Index.CALLER: caller,
        Index.CALLEE: callee,
        Index.MOMENT: f"{beijing_day(at).isoformat()}#{shard_of(identity)}",
    }
    keys = {
        index.hash_key: f"{kind}#{application}#{value if index is Index.MOMENT else key_part(value)}"
        for index, value in of.items()
        if value
    }
    return {**keys, "moment": f"{iso(at)}#{identity}"}


class CallSearch:
    """Reads the indexes of calls and SMS. ``table`` is the name of the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def newest(
        self,
        kind: Kind,
        application: str,
        indexes: Sequence[Index],
        identity: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        before: str | None = None,
        limit: int,
    ) -> list[Place]:
        """Rows of a binding, order, X or person, newest first, each once, at most ``limit``.

        ``since`` and ``until`` include their moments; ``before`` is the cursor of the last row of a page.
        """
        key = f"{kind}#{application}#{key_part(identity)}"
        low, high = _bounds(since, until)
        found = [self._descending(index, key, low, high, before, limit) for index in indexes]
        return list(islice(_once(heapq.merge(*found, reverse=True)), limit))

    def newest_of_days(
        self,
        kind: Kind,
        application: str,
        *,
        since: datetime,
        until: datetime,
        before: str | None = None,
        limit: int,
    ) -> list[Place]:
        """Rows of a stretch of time, newest first, at most ``limit``; costs eight queries a Beijing day."""
        low, high = _bounds(since, until)
        day, last, found = beijing_day(until), beijing_day(since), list[Place]()
        if before:
            day = min(day, beijing_day(datetime.fromisoformat(before.partition("#")[0])))
        while day >= last and len(found) < limit:
            shards = [
                self._descending(
                    Index.MOMENT, _day_key(kind, application, day, shard), low, high, before, limit
                )
                for shard in range(DAY_SHARDS)
            ]
            found += islice(heapq.merge(*shards, reverse=True), limit - len(found))
            day -= timedelta(days=1)
        return found

    def of_day(
        self, kind: Kind, application: str, day: date, shard: int, *, since: str = ""
    ) -> Iterator[Place]:
        """All rows of one shard of a Beijing day, oldest first; ``since`` is the earliest `Place.moment`."""
        first, after = day_bounds(day)
        key = _day_key(kind, application, day, shard)
        low = max(iso(first), since)
        return self._query(Index.MOMENT, key, low, max(iso(after), low), forward=True, limit=None)

    def rows(self, found: Sequence[Place]) -> list[dict[str, Any]]:
        """The items of places, decoded, in their order; one that went away meanwhile is missing."""
        keys = [{"pk": place.pk, "sk": place.sk} for place in found]
        items = read_items(self._client, {self._table: keys}, consistent=False) if keys else ()
        by_key = {(item["pk"], item["sk"]): item for item in items}
        return [by_key[place.pk, place.sk] for place in found if (place.pk, place.sk) in by_key]

    def _descending(
        self, index: Index, key: str, low: str, high: str, before: str | None, limit: int
    ) -> Iterator[Place]:
        if before is not None and before < low:
            return iter(())  # the stretch has moved on behind the cursor; BETWEEN refuses to run backwards
        rows = self._query(index, key, low, min(high, before or high), forward=False, limit=limit)
        return (place for place in rows if before is None or place.moment < before)

    def _query(
        self, index: Index, key: str, low: str, high: str, *, forward: bool, limit: int | None
    ) -> Iterator[Place]:
        rows = every_row(
            self._client.query,
            TableName=self._table,
            IndexName=index.value,
            KeyConditionExpression="#of = :key AND #moment BETWEEN :low AND :high",
            ExpressionAttributeNames={"#of": index.hash_key, "#moment": "moment"},
            ExpressionAttributeValues=encode({":key": key, ":low": low, ":high": high}),
            ScanIndexForward=forward,
            Limit=min(limit + 1, _PAGE) if limit else 1000,
        )
        return (Place(row["moment"], row["pk"], row["sk"]) for row in rows)


def _bounds(since: datetime | None, until: datetime | None) -> tuple[str, str]:
    return (iso(since) if since else "0"), (iso(until) + _AFTER_EVERY_ID if until else "~")


def _day_key(kind: Kind, application: str, day: date, shard: int) -> str:
    return f"{kind}#{application}#{day.isoformat()}#{shard}"


def _once(found: Iterator[Place]) -> Iterator[Place]:
    last: Place | None = None
    for place in found:
        if place != last:
            yield place
        last = place
