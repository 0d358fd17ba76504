"""What of a close that many workers share is still to be done, in the Bills table.

==============  ====================  ======================================================================
partition key   sort key              row
==============  ====================  ======================================================================
``RUNS``        ``<run>``             head: days still ``open`` (``<app>#<day>``), month, ``book``, …
``RUN#<run>#…`` ``<app>#<day>``       a day: the shards that are still ``open``; none when one worker takes it
==============  ====================  ======================================================================

Days stand under the moment at which their run began: who is late with one that is over changes nothing of
another one of its name. A run exists from its head on, which comes after its days, until its head is gone,
which goes after them; days of a start that died, or that another one was faster than, expire. Who takes the
last shard of a day, or the last day, learns it from the answer; so does who comes again after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import SHARDS
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_HEADS: Final = "RUNS"

_DAYS_KEPT: Final = timedelta(days=40)
"""Far longer than any run: of one under way no day may be forgotten."""


@dataclass(frozen=True, slots=True)
class DayOf:
    """A day of an application."""

    application: str
    day: date

    @property
    def key(self) -> str:
        """Its name in a run."""
        return f"{self.application}#{self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class CloseRun:
    """A run as its head says. ``month`` is stated when all days are closed; ``open`` are those to come.

    ``book`` is the hash of the price book with which it began. With ``whole_days`` one worker takes a day.
    ``moved_at`` is when it was last seen to go on.
    """

    id: str
    as_of: datetime
    month: str | None
    open: frozenset[DayOf]
    started_at: datetime
    book: str = ""
    whole_days: bool = False
    moved_at: datetime | None = None

    def last_moved(self, now: datetime) -> datetime:
        """When it began, or a day of it was done; a worker whose clock is ahead has not told when."""
        return self.moved_at if self.moved_at and self.moved_at <= now else self.started_at


class CloseRuns:
    """Runs under way. All reads are strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def start(self, run: CloseRun) -> CloseRun:
        """Write a run down, or find how far the one of this name has come."""
        known = self.get(run.id)
        if known is not None:
            return known
        if not run.whole_days:
            self._put_days(run)
        head = {
            "pk": _HEADS,
            "sk": run.id,
            "as_of": iso(run.as_of),
            "month": run.month,
            "open": {day.key for day in run.open} or None,
            "started_at": iso(run.started_at),
            "book": run.book,
            "whole_days": run.whole_days or None,
        }
        self._put(head)
        return self.get(run.id) or run

    def get(self, run: str) -> CloseRun | None:
        """A run; None when there is none, or it is over."""
        item = self._get({"pk": _HEADS, "sk": run})
        return _run(item) if item else None

    def under_way(self) -> list[CloseRun]:
        """All runs, by name."""
        return list(map(_run, self._query(_HEADS)))

    def open_shards(self, run: CloseRun, day: DayOf) -> frozenset[int]:
        """The shards of a day that are to be closed."""
        item = self._get({"pk": _days(run), "sk": day.key}) or {}
        return frozenset(map(int, item.get("open", ())))

    def take_shard(self, run: CloseRun, day: DayOf, shard: int) -> bool:
        """Note that a shard is closed; says whether none of its day is left. A run that is over says no."""
        return self._take({"pk": _days(run), "sk": day.key}, {shard})

    def take_day(self, run: CloseRun, day: DayOf, *, now: datetime) -> bool:
        """Note that a day is merged; says whether none is left. A run that is over says no."""
        begun, moved = iso(run.started_at), iso(now)
        return self._take({"pk": _HEADS, "sk": run.id}, {day.key}, begun=begun, moved=moved)

    def finish(self, run: CloseRun) -> None:
        """Forget a run, and not another one of its name that began since."""
        self._forget_days(run)
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=encode({"pk": _HEADS, "sk": run.id}),
                ConditionExpression="attribute_not_exists(pk) OR started_at = :begun",
                ExpressionAttributeValues=encode({":begun": iso(run.started_at)}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def _put_days(self, run: CloseRun) -> None:
        expires_at = int((run.started_at + _DAYS_KEPT).timestamp())
        for day in sorted(run.open, key=lambda day: day.key):
            row = {"pk": _days(run), "sk": day.key, "open": set(range(SHARDS)), "expires_at": expires_at}
            self._put(row)

    def _forget_days(self, run: CloseRun) -> None:
        for item in self._query(_days(run)):
            key = encode({"pk": item["pk"], "sk": item["sk"]})
            self._client.delete_item(TableName=self._table, Key=key)

    def _take(
        self, key: Mapping[str, str], taken: set[Any], begun: str | None = None, moved: str | None = None
    ) -> bool:
        values: dict[str, Any] = {":taken": taken}
        condition, update = "attribute_exists(pk)", "DELETE #open :taken"
        if begun is not None:
            values |= {":begun": begun, ":moved": moved}
            condition += " AND started_at = :begun"
            update += " SET moved_at = :moved"
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=encode(key),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues=encode(values),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return not decode(answer["Attributes"]).get("open")

    def _put(self, item: Mapping[str, Any]) -> None:
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # of another start of the same run, or of one that a crash ended

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        found = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        return decode(found["Item"]) if "Item" in found else None

    def _query(self, pk: str) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": pk}),
            ConsistentRead=True,
        )


def _days(run: CloseRun) -> str:
    return f"RUN#{run.id}#{iso(run.started_at)}"


def _day(key: str) -> DayOf:
    application, _, day = key.partition("#")
    return DayOf(application, date.fromisoformat(day))


def _run(item: Mapping[str, Any]) -> CloseRun:
    return CloseRun(
        id=item["sk"],
        as_of=from_iso(item["as_of"]),
        month=item.get("month"),
        open=frozenset(map(_day, item.get("open", ()))),
        started_at=from_iso(item["started_at"]),
        book=item.get("book", ""),
        whole_days=item.get("whole_days") or False,
        moved_at=from_iso(item["moved_at"]) if "moved_at" in item else None,
    )
