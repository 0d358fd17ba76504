"""Recordings in the Bills table: one row each, beside the facts of its call, and those that are due.

Key: partition of the call, ``RECORDING#<token of the object>``, or ``RECORDING#-#<icid>`` when the CDR names
no object. Index ``due``: ``due_key`` = ``RECORDING#<shard>``, ``due_at`` = moment; pending rows only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import DUE_INDEX, Overtaken, due_items
from privatenumber.store.fact_rows import call_key
from privatenumber.store.items import decode, encode
from privatenumber.store.versioned import put_over
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "recording"
PREFIX: Final = "RECORDING#"
DUE_SHARDS: Final = 4

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording as the table knows it. Times are aware UTC.

    ``received_at`` is when its CDR came, ``file`` the key of its file in the bucket, ``sealed`` where the
    platform keeps it. ``talk_seconds`` is what the CDR says, ``seconds`` and ``size`` (in bytes) what the
    file holds.
    """

    key: Key
    application: str
    state: str
    file: str
    received_at: datetime
    expires_at: int
    version: int = 1
    attempts: int = 0
    reason: str | None = None
    detail: str | None = None
    recorded_at: datetime | None = None
    talk_seconds: int | None = None
    sealed: bytes | None = field(default=None, repr=False)
    due_at: datetime | None = None
    archived_at: datetime | None = None
    size: int | None = None
    sha256: str | None = None
    seconds: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DueRecording:
    """A recording that is due, and since when."""

    key: Key
    due_at: datetime


def recording_sk(identity: str) -> str:
    """Sort key of a recording; `identity` is the token of its object."""
    return PREFIX + identity


def nameless_sk(icid: str) -> str:
    """Sort key of a recording that its CDR says exists, but not where; `icid` as it stands in a key."""
    return f"{PREFIX}-#{icid}"


class RecordingStore:
    """Recordings in the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, row: RecordingRow) -> bool:
        """Write a row unless the recording is known already; say whether it is new."""
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(_item(row)), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def replace(self, row: RecordingRow, *, seen: int) -> None:
        """Write a row in the place of the version that was seen, by one of many only. Raises Overtaken."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(_item(row)),
                ConditionExpression="#version = :seen",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=encode({":seen": seen}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Overtaken from None

    def finish(self, row: RecordingRow, *, seen: int) -> None:
        """Write how an attempt ended over the claim that was its own. Raises Overtaken."""
        if not put_over(self._client, self._table, _item(row), seen=seen):
            raise Overtaken

    def get(self, key: Key) -> RecordingRow | None:
        """One recording, as it is now."""
        answer = self._client.get_item(
            TableName=self._table, Key=encode({"pk": key[0], "sk": key[1]}), ConsistentRead=True
        )
        return read_recording(decode(answer["Item"])) if "Item" in answer else None

    def of_call(self, application: str, session: str) -> list[RecordingRow]:
        """Recordings of one call, whose session is given as its token."""
        names = encode({":pk": call_key(application, session), ":sk": PREFIX})
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=names,
            ConsistentRead=True,
        )
        return [read_recording(decode(item)) for item in answer["Items"]]

    def knows_call(self, application: str, session: str) -> bool:
        """Whether any fact of the call has arrived."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": call_key(application, session)}),
            Limit=1,
            Select="COUNT",
        )
        return bool(answer["Count"])

    def due(self, *, until: datetime, limit: int) -> Iterator[DueRecording]:
        """Recordings due by ``until``, at most ``limit``, shard by shard, the oldest of each first."""
        shards = [f"{PREFIX}{shard}" for shard in range(DUE_SHARDS)]
        items = due_items(self._client, self._table, DUE_INDEX, shards=shards, until=iso(until), limit=limit)
        for item in items:
            yield DueRecording((item["pk"], item["sk"]), from_iso(item["due_at"]))


def _item(row: RecordingRow) -> dict[str, Any]:
    """The whole item, with the attributes of the index while the recording is due."""
    return {
        "pk": row.key[0],
        "sk": row.key[1],
        "kind": KIND,
        "application": row.application,
        "state": row.state,
        "version": row.version,
        "attempts": row.attempts,
        "reason": row.reason,
        "detail": row.detail,
        "file": row.file,
        "received_at": iso(row.received_at),
        "recorded_at": _text(row.recorded_at),
        "talk_seconds": row.talk_seconds,
        "sealed": row.sealed,
        "archived_at": _text(row.archived_at),
        "bytes": row.size,
        "sha256": row.sha256,
        "seconds": row.seconds,
        "flags": list(row.flags) or None,
        "expires_at": row.expires_at,
        "due_key": f"{PREFIX}{_shard(row.key)}" if row.due_at else None,
        "due_at": _text(row.due_at),
    }


def read_recording(item: Mapping[str, Any]) -> RecordingRow:
    """A row from a decoded item."""
    return RecordingRow(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        state=item["state"],
        version=int(item["version"]),
        attempts=int(item["attempts"]),
        reason=item.get("reason"),
        detail=item.get("detail"),
        file=item["file"],
        received_at=from_iso(item["received_at"]),
        recorded_at=_moment(item, "recorded_at"),
        talk_seconds=_integer(item, "talk_seconds"),
        sealed=item.get("sealed"),
        archived_at=_moment(item, "archived_at"),
        size=_integer(item, "bytes"),
        sha256=item.get("sha256"),
        seconds=_integer(item, "seconds"),
        flags=tuple(item.get("flags", ())),
        expires_at=int(item["expires_at"]),
        due_at=_moment(item, "due_at"),
    )


def _shard(key: Key) -> int:
    return zlib.crc32("\0".join(key).encode()) % DUE_SHARDS


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    return from_iso(text) if text else None


def _integer(item: Mapping[str, Any], name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(value)
