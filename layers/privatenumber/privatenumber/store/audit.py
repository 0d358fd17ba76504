"""The audit in the Bindings table: one row per version of a binding and per revision of a number.

A row's key is its subject and its version, so the same record of the stream again changes nothing, and rows
that come in any order lie in the right one. Nothing here changes or removes a row; TTL forgets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.milestones import Milestone, step_attributes
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_DIGITS: Final = 12
_NOT_COMPARED: Final = frozenset(
    {"at", "expires_at", "step", "step_key", "step_at", "step_by", "x", "area", "mode", "reason"}
)
"""What a repetition may tell in other words: times, and what was not written before there were steps."""


class Kind(StrEnum):
    """What an audit is about."""

    BINDING = "BINDING"
    NUMBER = "NUMBER"


class Kept(StrEnum):
    """What became of a row; the value is the name of its metric."""

    WRITTEN = "Audited"
    KNOWN = "AuditedBefore"
    CONFLICT = "AuditConflicts"
    """Another row stands under this version: the first stays."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field that became another. Values are texts; both are None where only the name may be told."""

    field: str
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Who made a version of what, when, why, and what became different by it.

    ``subject`` is the id of a binding or an X number, ``version`` that of the binding or the revision of the
    number. ``state`` is the one after it.
    """

    kind: Kind
    subject: str = field(repr=False)
    version: int
    application: str
    at: datetime
    by: str
    why: str | None
    state: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Some entries of a subject, newest first; ``next_before`` opens the next page (None: it is the last)."""

    entries: tuple[Entry, ...]
    next_before: int | None


class AuditStore:
    """Writes and reads entries, which stay for ``days`` from their moment."""

    def __init__(self, client: DynamoDBClient, table: str, *, days: int) -> None:
        self._client = client
        self._table = table
        self._days = days

    def add(self, entry: Entry, milestone: Milestone | None = None) -> Kept:
        """Write an entry, and the step of a binding that it is, unless its version has one."""
        item = {**self._item(entry), **(step_attributes(milestone) if milestone else {})}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            same = not found or _compared(decode(found)) == _compared(decode(encode(item)))
            return Kept.KNOWN if same else Kept.CONFLICT
        return Kept.WRITTEN

    def _item(self, entry: Entry) -> dict[str, Any]:
        return {
            **_key(entry.kind, entry.subject, entry.version),
            "application": entry.application,
            "version": entry.version,
            "at": iso(entry.at),
            "by": entry.by,
            "why": entry.why,
            "state": entry.state,
            "changes": [_change_item(change) for change in entry.changes],
            "expires_at": int((entry.at + timedelta(days=self._days)).timestamp()),
        }


class AuditReader:
    """Reads the audit."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def page(self, kind: Kind, subject: str, *, limit: int, before: int | None = None) -> History:
        """Entries of a binding or number, newest first, beginning below the version ``before``."""
        values: dict[str, Any] = {":subject": _partition(kind, subject)}
        condition = "pk = :subject"
        if before is not None:
            condition += " AND sk < :before"
            values[":before"] = _position(before)
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit + 1,
        )
        items: Sequence[Mapping[str, Any]] = [decode(item) for item in answer["Items"]]
        entries = tuple(_entry(kind, subject, item) for item in items[:limit])
        more = len(items) > limit or (bool(entries) and "LastEvaluatedKey" in answer)
        return History(entries, entries[-1].version if more else None)


def _partition(kind: Kind, subject: str) -> str:
    return f"AUDIT#{kind.value}#{subject}"


def _position(version: int) -> str:
    return f"{version:0{_DIGITS}d}"


def _key(kind: Kind, subject: str, version: int) -> dict[str, str]:
    return {"pk": _partition(kind, subject), "sk": _position(version)}


def _change_item(change: Change) -> dict[str, str]:
    values = {"old": change.old, "new": change.new}
    return {"field": change.field} | {name: text for name, text in values.items() if text is not None}


def _compared(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _NOT_COMPARED}


def _entry(kind: Kind, subject: str, item: Mapping[str, Any]) -> Entry:
    return Entry(
        kind=kind,
        subject=subject,
        version=int(item["version"]),
        application=item["application"],
        at=from_iso(item["at"]),
        by=item["by"],
        why=item.get("why"),
        state=item["state"],
        changes=tuple(Change(**change) for change in item["changes"]),
    )
