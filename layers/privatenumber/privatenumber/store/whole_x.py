"""Releases of everything on an X: one item each, written once, before the first binding is touched.

`WHOLEX#<x>` / `RELEASE#<confirmation>` says who asked for it, why, and which bindings of ours it was about.
It is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEPT: Final = timedelta(days=400)
"""As long as an ended binding can be read (operations.md §16)."""


@dataclass(frozen=True, slots=True)
class Release:
    """Who released an X, when and why; ``platform`` counts what the platform held, None: it does not list."""

    x: str = field(repr=False)
    application: str
    confirmation: str
    by: str
    why: str
    at: datetime
    platform: int | None
    binding_ids: tuple[str, ...]


class WholeXStore:
    """Writes and reads releases."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, release: Release) -> Release:
        """Write a release down, or return the one that was confirmed by the same confirmation before."""
        item = {**_key(release.x, release.confirmation), **_fields(release)}
        present = {name: value for name, value in item.items() if value is not None}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(present),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            return _release(decode(found))
        return release

    def get(self, x: str, confirmation: str) -> Release | None:
        """The release of a confirmation (strongly consistent)."""
        key = encode(_key(x, confirmation))
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return _release(decode(item)) if item else None


def _key(x: str, confirmation: str) -> dict[str, str]:
    return {"pk": f"WHOLEX#{x}", "sk": f"RELEASE#{confirmation}"}


def _fields(release: Release) -> dict[str, Any]:
    return {
        "x": release.x,
        "application": release.application,
        "confirmation": release.confirmation,
        "by": release.by,
        "why": release.why,
        "at": iso(release.at),
        "platform": release.platform,
        "count": len(release.binding_ids),
        "binding_ids": list(release.binding_ids),
        "expires_at": int((release.at + KEPT).timestamp()),
    }


def _release(item: Mapping[str, Any]) -> Release:
    platform = item.get("platform")
    return Release(
        x=item["x"],
        application=item["application"],
        confirmation=item["confirmation"],
        by=item["by"],
        why=item["why"],
        at=from_iso(item["at"]),
        platform=None if platform is None else int(platform),
        binding_ids=tuple(item["binding_ids"]),
    )
