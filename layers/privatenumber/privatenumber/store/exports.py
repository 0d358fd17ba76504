"""Exports in the Bills table: one row each, ``EXPORT#<id>`` / ``EXPORT``, and those that are due.

A row that is not finished stands in the index ``due`` under ``due_key`` = ``EXPORT``. It holds how far the
file has come: every part that is in the bucket, and the place of the last row in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.call_search import Kind, Place
from privatenumber.store.due import DUE_INDEX, Overtaken, due_items
from privatenumber.store.items import decode, encode
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DUE: Final = "EXPORT"
_KIND: Final = "export"


class ExportState(StrEnum):
    """How far an export has come; DONE and FAILED are final."""

    WAITING = "waiting"
    RUNNING = "running"
    CLOSING = "closing"
    """Every part is in the bucket; what is left is to make them one file."""
    DONE = "done"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """True when nothing is left to be done."""
        return self in (ExportState.DONE, ExportState.FAILED)


class Format(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Export:
    """A file of the calls or texts of a stretch of time, or what there is of it.

    ``since`` is included, ``until`` is not. ``due_at`` is from when on somebody may take it up. ``cursor`` is
    the place of the last row in ``parts``, which are the tags of the parts of ``upload``, in order.
    ``attempts`` counts runs since the last part that was finished.
    """

    id: str
    application: str
    kind: Kind
    format: Format
    since: datetime
    until: datetime
    state: ExportState
    created_at: datetime
    created_by: str
    why: str | None
    file: str
    expires_at: int
    version: int = 1
    due_at: datetime | None = None
    attempts: int = 0
    upload: str | None = None
    parts: tuple[str, ...] = ()
    cursor: Place | None = None
    rows: int = 0
    bytes: int = 0
    finished_at: datetime | None = None
    problem: str | None = None


class ExportStore:
    """Exports in the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, export: Export) -> Export | None:
        """Write a new export; the one that has its id already, or None when it is new."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(_item(export)),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            if found and found != encode(_item(export)):
                return _export(decode(found))
        return None

    def replace(self, export: Export, *, seen: int) -> None:
        """Write an export in the place of the version that was seen. Raises Overtaken."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(_item(export)),
                ConditionExpression="#version = :seen",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=encode({":seen": seen}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Overtaken from None

    def get(self, export_id: str) -> Export | None:
        """One export, as it is now."""
        answer = self._client.get_item(
            TableName=self._table, Key=encode(_key(export_id)), ConsistentRead=True
        )
        return _export(decode(answer["Item"])) if "Item" in answer else None

    def due(self, *, until: datetime, limit: int) -> Iterator[tuple[str, datetime]]:
        """Ids of exports that somebody may take up, and since when."""
        found = due_items(self._client, self._table, DUE_INDEX, shards=[DUE], until=iso(until), limit=limit)
        for item in found:
            yield str(item["pk"]).partition("#")[2], from_iso(item["due_at"])


def _key(export_id: str) -> dict[str, str]:
    return {"pk": f"EXPORT#{export_id}", "sk": "EXPORT"}


def _item(export: Export) -> dict[str, Any]:
    cursor = export.cursor
    return {
        **_key(export.id),
        "kind": _KIND,
        "application": export.application,
        "of": export.kind.value,
        "format": export.format.value,
        "since": iso(export.since),
        "until": iso(export.until),
        "state": export.state.value,
        "created_at": iso(export.created_at),
        "created_by": export.created_by,
        "why": export.why,
        "file": export.file,
        "expires_at": export.expires_at,
        "version": export.version,
        "due_key": None if export.due_at is None else DUE,
        "due_at": export.due_at and iso(export.due_at),
        "attempts": export.attempts,
        "upload": export.upload,
        "parts": list(export.parts),
        "cursor": [cursor.moment, cursor.pk, cursor.sk] if cursor else None,
        "rows": export.rows,
        "bytes": export.bytes,
        "finished_at": export.finished_at and iso(export.finished_at),
        "problem": export.problem,
    }


def _export(item: Mapping[str, Any]) -> Export:
    return Export(
        id=str(item["pk"]).partition("#")[2],
        application=item["application"],
        kind=Kind(item["of"]),
        format=Format(item["format"]),
        since=from_iso(item["since"]),
        until=from_iso(item["until"]),
        state=ExportState(item["state"]),
        created_at=from_iso(item["created_at"]),
        created_by=item["created_by"],
        why=item.get("why"),
        file=item["file"],
        expires_at=int(item["expires_at"]),
        version=int(item["version"]),
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        attempts=int(item["attempts"]),
        upload=item.get("upload"),
        parts=tuple(item["parts"]),
        cursor=Place(*item["cursor"]) if "cursor" in item else None,
        rows=int(item["rows"]),
        bytes=int(item["bytes"]),
        finished_at=from_iso(item["finished_at"]) if "finished_at" in item else None,
        problem=item.get("problem"),
    )
