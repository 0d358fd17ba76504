"""Complaints about X numbers, entered by people (operations.md §9), in the Bills table.

``COMPLAINTS#<app>`` / ``<id>`` is one complaint; ``id`` is the caller's own, the number of the notice, say.
Entering it again changes nothing, with other content it is refused. There are few of them, or there is no
business any more, so those of all months stand together. Nothing of whoever complained is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)


class ComplaintKind(StrEnum):
    """What somebody complained of; each valid one counts (operations.md §9)."""

    HARASSMENT = "harassment"
    FRAUD = "fraud"
    OTHER = "other"


class ComplaintConflict(Exception):
    """The id was used before for another complaint of the application."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint about an X on a Beijing day. ``by`` is who entered it, ``entered_at`` when."""

    id: str
    application: str
    x: str = field(repr=False)
    day: date
    kind: ComplaintKind
    by: str = field(compare=False)
    entered_at: datetime = field(compare=False)


class ComplaintStore:
    """The register of complaints, by application."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def record_complaint(self, complaint: Complaint) -> Complaint:
        """Enter a complaint, once; the answer is what stands there. Raises ComplaintConflict.

        Raises ValueError for an id that is none: 1 to 64 letters, digits and ``- _ . :``.
        """
        if not _ID.fullmatch(complaint.id):
            raise ValueError("id: must be 1 to 64 letters, digits and - _ . :")
        key = {"pk": _partition(complaint.application), "sk": complaint.id}
        item = {
            **key,
            "id": complaint.id,
            "application": complaint.application,
            "x": complaint.x,
            "day": complaint.day.isoformat(),
            "kind": complaint.kind.value,
            "by": complaint.by,
            "entered_at": iso(complaint.entered_at),
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            found = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)["Item"]
            known = _complaint(decode(found))
            if known != complaint:
                raise ComplaintConflict(complaint.id) from None
            return known
        return complaint

    def of_month(self, application: str, month: str) -> Iterator[Complaint]:
        """The complaints of an application in a Beijing month (``yyyy-MM``), by id."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="begins_with(#day, :month)",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues=encode({":pk": _partition(application), ":month": f"{month}-"}),
            ConsistentRead=True,
        )
        return map(_complaint, rows)


def _partition(application: str) -> str:
    return f"COMPLAINTS#{application}"


def _complaint(item: Mapping[str, Any]) -> Complaint:
    return Complaint(
        id=item["id"],
        application=item["application"],
        x=item["x"],
        day=date.fromisoformat(item["day"]),
        kind=ComplaintKind(item["kind"]),
        by=item["by"],
        entered_at=from_iso(item["entered_at"]),
    )
