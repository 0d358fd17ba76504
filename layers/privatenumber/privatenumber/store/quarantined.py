"""Quarantined pushes as they are found, read back from their rows, and marked when they were replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import DAY_INDEX, SHARDS, day_key, quarantine_key
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class QuarantinedPush:
    """Something that was refused or unreadable (notifications.md §2.3).

    ``sealed`` is the sealed envelope of request headers and body; ``deliveries`` counts how often it came.
    ``replayed_at`` says when it was last taken in after all, ``replayed_by`` by whom and ``why``.
    """

    application: str
    body: str
    reason: str
    route: str
    first_at: datetime
    last_at: datetime
    deliveries: int
    sealed: bytes = field(repr=False)
    replayed_at: datetime | None = None
    replayed_by: str | None = None
    why: str | None = None

    @property
    def replayed(self) -> bool:
        """Whether all of it was taken in, and it did not come again since."""
        return self.replayed_at is not None and self.replayed_at >= self.last_at


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands among those of a day: the next page begins behind it."""

    shard: int
    day_sort: str


class QuarantineStore:
    """Reads and marks quarantined pushes in the Bills table, whose name is ``table``."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def of_day(
        self, application: str, day: date, *, after: Position | None, limit: int
    ) -> list[tuple[Position, str]]:
        """Entries that came first on a Beijing day, in the order of their positions: position and id."""
        found: list[tuple[Position, str]] = []
        for shard in range(after.shard if after else 0, SHARDS):
            behind = after.day_sort if after and after.shard == shard else ""
            start: dict[str, Any] = {}
            while len(found) < limit:
                answer = self._client.query(
                    TableName=self._table,
                    IndexName=DAY_INDEX,
                    KeyConditionExpression="day_key = :day AND day_sort > :behind",
                    ProjectionExpression="sk, day_sort",
                    ExpressionAttributeValues=encode(
                        {":day": day_key("QUARANTINE", application, day, shard), ":behind": behind or "0"}
                    ),
                    Limit=min(limit - len(found), _PAGE),
                    **start,
                )
                rows = map(decode, answer["Items"])
                found += [(Position(shard, row["day_sort"]), row["sk"]) for row in rows]
                if not answer.get("LastEvaluatedKey"):
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    def get(self, application: str, body: str) -> QuarantinedPush | None:
        """One entry with all its parts, as it is now."""
        found = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=encode({":pk": quarantine_key(application, body), ":sk": body}),
            ConsistentRead=True,
        )
        rows = list(found)
        return read_quarantined(rows) if rows else None

    def mark(self, entry: QuarantinedPush, *, by: str, why: str | None, at: datetime) -> bool:
        """Note that an entry was taken in; not when it came again since it was read, which says False.

        ``at`` is when the run began: what was delivered during the run and read by it was taken in as well.
        """
        values = {
            ":at": iso(max(at, entry.last_at)),
            ":by": by,
            ":why": why or "-",
            ":seen": iso(entry.last_at),
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode({"pk": quarantine_key(entry.application, entry.body), "sk": entry.body}),
                UpdateExpression="SET replayed_at = :at, replayed_by = :by, why = :why",
                ConditionExpression="last_at = :seen",
                ExpressionAttributeValues=encode(values),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def read_quarantined(rows: Sequence[Mapping[str, Any]]) -> QuarantinedPush:
    """Put an entry together from its decoded rows, the head first, parts in any order."""
    head, *rest = rows
    parts = {int(row["sk"].rpartition("#")[2]): bytes(row["sealed"]) for row in rest}
    sealed = bytes(head["sealed"]) + b"".join(parts[number] for number in range(1, int(head["parts"])))
    return QuarantinedPush(
        application=head["application"],
        body=head["sk"],
        reason=head["reason"],
        route=head["route"],
        first_at=from_iso(head["first_at"]),
        last_at=from_iso(head["last_at"]),
        deliveries=int(head["deliveries"]),
        sealed=sealed,
        replayed_at=from_iso(head["replayed_at"]) if "replayed_at" in head else None,
        replayed_by=head.get("replayed_by"),
        why=None if head.get("why") in (None, "-") else head["why"],
    )
