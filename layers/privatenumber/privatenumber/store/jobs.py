"""Bulk jobs in the Bindings table: a job, its lanes, its items (docs/data-model.md).

Items are dealt out over lanes by their number. A lane is a partition with its items and one row that counts
them; one worker at a time has it. An item and the counters of its lane change in one transaction, so they
always add up, and no row is written by everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.binding_keys import DUE_INDEX
from privatenumber.store.items import decode, encode
from privatenumber.store.job_rows import (
    DUE_KEY,
    LANES,
    PENDING,
    DueJob,
    ItemRow,
    JobRow,
    LaneRow,
    item_item,
    item_key,
    job_item,
    job_key,
    lane_item,
    lane_key,
    lane_of,
    read_item,
    read_job,
    read_lane,
)
from privatenumber.store.querying import every_row
from privatenumber.store.reading import read_items
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ROWS_PER_WRITE: Final = 90
"""Items that are written, or cancelled, in one transaction beside the row that counts them."""

_JOB: Final = "job"
_LANE: Final = "lane"
_ITEM: Final = "item"


class Overtaken(Exception):
    """Somebody else has written the row since it was read."""


class LaneTaken(Exception):
    """Another worker has the lane; it gives it back, or its lease ends."""


class LaneLeft(Exception):
    """The message is older than what happened on the lane: another one leads on."""


class JobStore:
    """Jobs, their lanes and items. Every write also raises `transactions.Contended`."""

    def __init__(self, client: DynamoDBClient, table_name: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table_name
        self._writer = writer or Writer(client)

    def add(self, job: JobRow) -> JobRow | None:
        """Write a new job; answers the one that has its id already."""
        try:
            self._writer.transact([self._put_job(job, seen=None)])
        except Refused:
            return self.job(job.id)
        return None

    def replace(self, job: JobRow, *, seen: int) -> None:
        """Write a job over the version that was seen. Raises Overtaken."""
        self._write([self._put_job(job, seen=seen)])

    def append(self, job: JobRow, rows: Sequence[ItemRow], *, seen: int) -> None:
        """Write further items and how far the planning has come, all or nothing. Raises Overtaken."""
        puts = [Action(_ITEM, {"Put": self._put(item_item(row))}) for row in rows]
        self._write([self._put_job(job, seen=seen), *puts])

    def start(self, job: JobRow, lanes: Sequence[LaneRow], *, seen: int) -> None:
        """Open the lanes of a job that is planned to its end. Raises Overtaken."""
        puts = [Action(_LANE, {"Put": self._put(lane_item(lane))}) for lane in lanes]
        self._write([self._put_job(job, seen=seen), *puts])

    def job(self, job_id: str) -> JobRow | None:
        """One job (strongly consistent)."""
        item = self._get(job_key(job_id))
        return read_job(item) if item else None

    def lane(self, job_id: str, lane: int) -> LaneRow | None:
        """One lane (strongly consistent)."""
        item = self._get(lane_key(job_id, lane))
        return read_lane(item) if item else None

    def lanes(self, job: JobRow) -> tuple[LaneRow, ...]:
        """All lanes of a job (each strongly consistent), none before it has started."""
        found = self._get_many([lane_key(job.id, lane) for lane in range(min(LANES, job.total))])
        return tuple(sorted(map(read_lane, found), key=lambda lane: lane.lane))

    def items(self, job_id: str, numbers: Sequence[int]) -> tuple[ItemRow, ...]:
        """Items by their numbers, in that order; what does not exist is missing."""
        found = {row.n: row for row in map(read_item, self._get_many([item_key(job_id, n) for n in numbers]))}
        return tuple(found[n] for n in numbers if n in found)

    def pending(self, job_id: str, lane: int) -> Iterator[ItemRow]:
        """Items of a lane that are neither finished nor cancelled, in their order (strongly consistent)."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :item)",
            FilterExpression="#state = :pending",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=encode(
                {":pk": lane_key(job_id, lane)["pk"], ":item": "ITEM#", ":pending": PENDING}
            ),
            ConsistentRead=True,
        )
        return map(read_item, rows)

    def take(self, job_id: str, lane: int, *, ticket: int, now: datetime, until: datetime) -> LaneRow:
        """Take a lane until a moment, for the message with its present ticket.

        Raises LaneTaken, LaneLeft.
        """
        update = self._update(
            lane_key(job_id, lane),
            "SET lease_until = :until, due_key = :due, due_at = :until",
            "ticket = :ticket AND attribute_exists(due_key)"
            " AND (attribute_not_exists(lease_until) OR lease_until <= :now)",
            {":until": iso(until), ":due": DUE_KEY, ":ticket": ticket, ":now": iso(now)},
        )
        try:
            self._writer.transact([Action(_LANE, {"Update": update})])
        except Refused as refused:
            found = read_lane(refused.found) if refused.found else None
            if found is None or found.ticket != ticket or found.due_at is None:
                raise LaneLeft from None
            raise LaneTaken from None
        taken = self.lane(job_id, lane)
        if taken is None:
            raise LaneLeft
        return taken

    def give_back(self, lane: LaneRow, *, due_at: datetime | None) -> bool:
        """Give a taken lane back: its next ticket is due at a moment, or never. Says whether it was ours."""
        ended = due_at is None
        update = self._update(
            lane_key(lane.job_id, lane.lane),
            "SET ticket = :next REMOVE lease_until, due_key, due_at"
            if ended
            else "SET ticket = :next, due_at = :due REMOVE lease_until",
            "ticket = :ticket AND lease_until = :mine",
            {
                ":next": lane.ticket + 1,
                ":ticket": lane.ticket,
                ":mine": lane.lease_until and iso(lane.lease_until),
                ":due": due_at and iso(due_at),
            },
        )
        try:
            self._writer.transact([Action(_LANE, {"Update": update})])
        except Refused:
            return False
        return True

    def keep(self, row: ItemRow, *, seen: int) -> None:
        """Write an item that goes on over the version that was seen. Raises Overtaken."""
        self._write([self._put_item(row, seen=seen)])

    def finish(self, rows: Sequence[tuple[ItemRow, int]]) -> None:
        """Write items of one lane that come to their end, each with the version seen; all count, or none.

        At most `ROWS_PER_WRITE`, all in one final state. Raises Overtaken.
        """
        first, _ = rows[0]
        key = lane_key(first.job_id, lane_of(first.n))
        count = {
            "TableName": self._table,
            "Key": encode(key),
            "UpdateExpression": "SET #pending = #pending - :n, #state = #state + :n",
            "ConditionExpression": "#pending >= :n",
            "ExpressionAttributeNames": {"#pending": PENDING, "#state": first.state},
            "ExpressionAttributeValues": encode({":n": len(rows)}),
        }
        puts = [self._put_item(row, seen=seen) for row, seen in rows]
        self._write([*puts, Action(_LANE, {"Update": count})])

    def due(self, *, until: datetime, limit: int) -> list[DueJob]:
        """Jobs to be planned and lanes that nobody has taken up by ``until``, the oldest first."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_key = :due AND due_at <= :until",
            ExpressionAttributeValues=encode({":due": DUE_KEY, ":until": iso(until)}),
            Limit=limit,
        )
        return [
            DueJob(str(item["pk"]), str(item["sk"]), from_iso(str(item["due_at"])))
            for item in map(decode, answer["Items"])
        ]

    def put_off(self, due: DueJob, *, until: datetime) -> None:
        """Look at a row again at ``until`` and not before, unless it has moved meanwhile."""
        update = self._update(
            {"pk": due.pk, "sk": due.sk},
            "SET due_at = :until",
            "due_at = :seen",
            {":until": iso(until), ":seen": iso(due.due_at)},
        )
        try:
            self._writer.transact([Action(_LANE, {"Update": update})])
        except Refused:
            return

    def _write(self, actions: Sequence[Action]) -> None:
        try:
            self._writer.transact(actions)
        except Refused:
            raise Overtaken from None

    def _put_job(self, job: JobRow, *, seen: int | None) -> Action:
        return Action(_JOB, {"Put": self._put(job_item(job), seen=seen)})

    def _put_item(self, row: ItemRow, *, seen: int) -> Action:
        return Action(_ITEM, {"Put": self._put(item_item(row), seen=seen)})

    def _put(self, item: Mapping[str, Any], *, seen: int | None = None) -> dict[str, Any]:
        """A put of a new item, or over a version of it."""
        put: dict[str, Any] = {"TableName": self._table, "Item": encode(item)}
        if seen is None:
            return {**put, "ConditionExpression": "attribute_not_exists(pk)"}
        return {
            **put,
            "ConditionExpression": "#version = :seen",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": encode({":seen": seen}),
        }

    def _update(
        self, key: Mapping[str, str], change: str, condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": encode(key),
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
        }

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None

    def _get_many(self, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        return list(read_items(self._client, {self._table: keys}, consistent=True))
