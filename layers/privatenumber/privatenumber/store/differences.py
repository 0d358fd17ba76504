"""What people have made of the differences of a month: state, note and owner, one row each.

Key: ``DIFFERENCES#<yyyy-MM>``, ``<id>``. The id is a digest of what the difference says, so a month that is
compared again finds the same difference as it was left. A difference without a row is open.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import Overtaken
from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.store.reading import read_items
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.store.versions import canonical
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_ID_LENGTH: Final = 24
#: Not part of what a difference says: a state that was written with it is where all of them begin.
_WORKFLOW: Final = frozenset({"state", "note", "owner"})


class DifferenceState(StrEnum):
    """How far a difference has come (billing-rules.md §9.3)."""

    OPEN = "open"
    EXPLAINED = "explained"
    DISPUTED = "disputed"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class Handling:
    """What was made of a difference. ``dispute`` is the id of the dispute about it, while there is one.

    ``version`` 0: nobody has said anything of it yet.
    """

    month: str
    difference: str
    state: DifferenceState = DifferenceState.OPEN
    note: str | None = None
    owner: str | None = None
    dispute: str | None = None
    by: str | None = None
    changed_at: datetime | None = None
    version: int = 0


def identified(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The differences among the lines of a reconciliation, each with its id; other lines are passed over."""
    seen: Counter[str] = Counter()
    for line in lines:
        if line.get("line") == "difference":
            digest = _digest(line)
            seen[digest] += 1
            yield (digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"), line


def _digest(line: Mapping[str, Any]) -> str:
    says = {name: value for name, value in line.items() if name not in _WORKFLOW}
    return hashlib.sha256(canonical(says)).hexdigest()[:_ID_LENGTH]


class DifferenceStore:
    """Handlings in the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, month: str, difference: str) -> Handling:
        """What was made of a difference, as it is now."""
        return self.of(month, [difference])[difference]

    def of(self, month: str, differences: Iterable[str]) -> dict[str, Handling]:
        """What was made of some differences of a month, by id; of each of them."""
        found = {each: Handling(month, each) for each in differences}
        keys = [_key(month, each) for each in found]
        for item in read_items(self._client, {self._table: keys}, consistent=True) if keys else ():
            found[item["sk"]] = _handling(item)
        return found

    def handled(self, month: str) -> dict[str, Handling]:
        """What was made of those differences of a month of which somebody has said something, by id."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": _partition(month)}),
            ConsistentRead=True,
        )
        return {row["sk"]: _handling(row) for row in rows}

    def put(self, handling: Handling, *, seen: int) -> None:
        """Write a handling in the place of the version that was seen. Raises Overtaken."""
        put = self.action(handling, seen=seen).request["Put"]
        try:
            Writer(self._client).put("difference", **put)
        except Refused:
            raise Overtaken from None

    def action(self, handling: Handling, *, seen: int) -> Action:
        """The same as an action of a transaction, by the name ``difference``."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if seen:
            condition = {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":seen": seen}),
            }
        return Action(
            "difference", {"Put": {"TableName": self._table, "Item": encode(_item(handling)), **condition}}
        )


def _key(month: str, difference: str) -> dict[str, str]:
    return {"pk": _partition(month), "sk": difference}


def _partition(month: str) -> str:
    return f"DIFFERENCES#{month}"


def _item(handling: Handling) -> dict[str, Any]:
    return {
        **_key(handling.month, handling.difference),
        "kind": "difference",
        "state": handling.state.value,
        "note": handling.note,
        "owner": handling.owner,
        "dispute": handling.dispute,
        "by": handling.by,
        "changed_at": handling.changed_at and iso(handling.changed_at),
        "version": handling.version,
    }


def _handling(item: Mapping[str, Any]) -> Handling:
    return Handling(
        month=str(item["pk"]).partition("#")[2],
        difference=item["sk"],
        state=DifferenceState(item["state"]),
        note=item.get("note"),
        owner=item.get("owner"),
        dispute=item.get("dispute"),
        by=item.get("by"),
        changed_at=from_iso(item["changed_at"]) if "changed_at" in item else None,
        version=int(item["version"]),
    )
