"""The round of erasures in the Bindings table: one look at both tables serves all that are due together.

Key: ``ERASURES`` / ``ROUND``. One row, replaced by version; whoever has its lease goes on at its cursor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.erasures import Overtaken, counting
from privatenumber.store.items import decode, encode
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_ROUND: Final = {"pk": "ERASURES", "sk": "ROUND"}


@dataclass(frozen=True, slots=True)
class Round:
    """A look at both tables. ``table`` counts those that are done, ``cursor`` is where it stands in the next.

    ``handled`` names erasures that have done the whole partition the cursor stands in.
    """

    number: int
    version: int
    ids: tuple[str, ...] = ()
    table: int = 0
    cursor: Mapping[str, str] | None = None
    handled: tuple[str, ...] = ()
    lease_until: datetime | None = None


class RoundStore:
    """Reads and writes the round. ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table
        self._writer = writer or Writer(client)

    def get(self) -> Round | None:
        """The round that is, or was last."""
        item = self._read()
        return _round(item) if item else None

    def put(
        self, round_: Round, *, seen: int | None, counts: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        """Write the round in the place of the version ``seen``, with what it counted. Raises Overtaken."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if seen is not None:
            condition = {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":seen": seen}),
            }
        put = {"TableName": self._table, "Item": encode(_round_item(round_)), **condition}
        actions = [Action("round", {"Put": put})]
        actions += [
            counting(self._table, erasure, kinds) for erasure, kinds in (counts or {}).items() if kinds
        ]
        try:
            self._writer.transact(actions)
        except Refused:
            raise Overtaken from None

    def _read(self) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(_ROUND), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None


def _round_item(round_: Round) -> dict[str, Any]:
    return {
        **_ROUND,
        "number": round_.number,
        "version": round_.version,
        "ids": list(round_.ids),
        "table": round_.table,
        "cursor": round_.cursor,
        "handled": list(round_.handled),
        "lease_until": iso(round_.lease_until) if round_.lease_until else None,
    }


def _round(item: Mapping[str, Any]) -> Round:
    return Round(
        number=int(item["number"]),
        version=int(item["version"]),
        ids=tuple(item["ids"]),
        table=int(item["table"]),
        cursor=item.get("cursor"),
        handled=tuple(item["handled"]),
        lease_until=from_iso(item["lease_until"]) if "lease_until" in item else None,
    )
