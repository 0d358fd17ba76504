"""Day closes and running totals in the Bills table.

``DAY#<app>#<Beijing day>`` holds the versions of a day's close (see `versions`) and, under ``RUNNING``, the
totals of the last hourly rating: a view for people, overwritten by every newer one and never billed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.versions import Line, Version, VersionStore, canonical
from privatenumber.times import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_RUNNING: Final = "RUNNING"


def day_name(application: str, day: date) -> str:
    """Name and partition of a day of one application."""
    return f"DAY#{application}#{day.isoformat()}"


class CloseStore:
    """Closes of days, by application and Beijing day."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._versions = VersionStore(client, table)

    def latest(self, application: str, day: date) -> Version | None:
        """The valid close of a day; ``None`` before the first."""
        return self._versions.latest(day_name(application, day))

    def lines(self, version: Version) -> list[dict[str, Any]]:
        """The rated calls of a close. Raises VersionBroken."""
        return self._versions.lines(version)

    def add(
        self,
        application: str,
        day: date,
        document: Mapping[str, Any],
        lines: Sequence[Line],
        *,
        seen: Version | None,
        made_at: datetime,
    ) -> Version:
        """Write the version after `seen`, or return `seen` if it says the same. Raises VersionTaken."""
        return self._versions.add(day_name(application, day), document, lines, seen=seen, made_at=made_at)

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
