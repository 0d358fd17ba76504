"""Closes of days and of their parts, and running totals, in the Bills table.

``DAY#<app>#<Beijing day>`` holds the versions of a day's close (see `versions`) and, under ``RUNNING``, the
totals of the last hourly rating: a view for people, overwritten by every newer one and never billed.
``DAY#<app>#<Beijing day>#<shard>`` holds those of a part, with the rated records as lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.versions import Line, Version, VersionStore, canonical
from privatenumber.times import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_RUNNING: Final = "RUNNING"


def day_name(application: str, day: date, shard: int | None = None) -> str:
    """Name and partition of a day of one application, or of one of its parts."""
    return f"DAY#{application}#{day.isoformat()}{'' if shard is None else f'#{shard}'}"


class CloseStore:
    """Closes by application and Beijing day; with a shard, those of a part."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._versions = VersionStore(client, table)

    def latest(self, application: str, day: date, shard: int | None = None) -> Version | None:
        """The valid close; ``None`` before the first."""
        return self._versions.latest(day_name(application, day, shard))

    def with_hash(
        self, application: str, day: date, content: str, shard: int | None = None
    ) -> Version | None:
        """The close that says this, usually the latest one."""
        found = self._versions.versions(day_name(application, day, shard))
        return next((version for version in found if version.hash == content), None)

    def lines(self, version: Version) -> list[dict[str, Any]]:
        """The cells of a day, the rated records of a part. Raises VersionBroken."""
        return self._versions.lines(version)

    def each_line(self, version: Version) -> Iterator[dict[str, Any]]:
        """The same, one by one. Raises VersionBroken, behind the last one."""
        return self._versions.each_line(version)

    def add(
        self,
        application: str,
        day: date,
        document: Mapping[str, Any],
        lines: Iterable[Line],
        *,
        seen: Version | None,
        made_at: datetime,
        shard: int | None = None,
    ) -> Version:
        """Write the version after `seen`, or return `seen` if it says the same. Raises VersionTaken."""
        name = day_name(application, day, shard)
        return self._versions.add(name, document, lines, seen=seen, made_at=made_at)

    def put_running(
        self, application: str, day: date, totals: Mapping[str, Any], *, as_of: datetime, expires_at: datetime
    ) -> None:
        """Replace a day's running totals unless those in the table are newer."""
        item = {
            "pk": day_name(application, day),
            "sk": _RUNNING,
            "totals": canonical(totals).decode(),
            "as_of": iso(as_of),
            "expires_at": int(expires_at.timestamp()),
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk) OR as_of <= :as_of",
                ExpressionAttributeValues=encode({":as_of": item["as_of"]}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def running(self, application: str, day: date) -> dict[str, Any] | None:
        """A day's running totals as of the last hourly rating."""
        key = encode({"pk": day_name(application, day), "sk": _RUNNING})
        item = self._client.get_item(TableName=self._table, Key=key).get("Item")
        totals: dict[str, Any] | None = json.loads(decode(item)["totals"]) if item else None
        return totals
