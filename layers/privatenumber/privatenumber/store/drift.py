"""Drift runs and the differences that they found, in the Bindings table.

A run is one item of its application, `DRIFT#<app>` / `RUN#<run>`; each difference is one of the run,
`DRIFT#<app>#<run>` / `DIFFERENCE#<id>`, whose id follows from what differs: found again, it is the same item.
People stand in them masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.versioned import put_new, put_over

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_RUN: Final = "RUN#"
_DIFFERENCE: Final = "DIFFERENCE#"

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """Some differences of a run by id; ``cursor`` opens the next page, None = this was the last."""

    items: tuple[Item, ...]
    cursor: str | None


class StaleRun(Exception):
    """Somebody else has written the run or difference since it was read."""


class DriftStore:
    """Reads and writes runs and differences; a write names the version it has seen."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def runs(self, application: str, *, limit: int) -> tuple[Item, ...]:
        """The newest runs of an application (strongly consistent)."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :run)",
            ExpressionAttributeValues=encode({":pk": _runs(application), ":run": _RUN}),
            ScanIndexForward=False,
            Limit=limit,
            ConsistentRead=True,
        )
        return tuple(map(decode, answer["Items"]))

    def run(self, application: str, run: str) -> Item | None:
        """One run (strongly consistent)."""
        return self._get(_run_key(application, run))

    def put_run(self, application: str, run: str, fields: Item, *, seen: int | None) -> None:
        """Write a run over its version ``seen`` (None: it must not exist). Raises StaleRun."""
        self._put({**_run_key(application, run), **fields, "run_id": run}, seen)

    def difference(self, application: str, run: str, identity: str) -> Item | None:
        """One difference (strongly consistent)."""
        return self._get(_difference_key(application, run, identity))

    def put_difference(
        self, application: str, run: str, identity: str, fields: Item, *, seen: int | None
    ) -> None:
        """Write a difference over its version ``seen`` (None: it must not exist). Raises StaleRun."""
        self._put({**_difference_key(application, run, identity), **fields, "difference_id": identity}, seen)

    def differences(
        self, application: str, run: str, *, limit: int, after: str | None = None
    ) -> DifferencePage:
        """One page of a run's differences in the order of their ids (strongly consistent)."""
        partition, start = _differences(application, run), dict[str, Any]()
        if after is not None:
            start = {"ExclusiveStartKey": encode(_difference_key(application, run, after))}
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :difference)",
            ExpressionAttributeValues=encode({":pk": partition, ":difference": _DIFFERENCE}),
            Limit=limit,
            ConsistentRead=True,
            **start,
        )
        items = tuple(map(decode, answer["Items"]))
        more = "LastEvaluatedKey" in answer and items
        return DifferencePage(items, str(items[-1]["difference_id"]) if more else None)

    def _get(self, key: Mapping[str, str]) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        item = answer.get("Item")
        return decode(item) if item else None

    def _put(self, item: Item, seen: int | None) -> None:
        written = {**item, "version": (seen or 0) + 1}
        if seen is None:
            done = put_new(self._client, self._table, written)
        else:
            done = put_over(self._client, self._table, written, seen=seen)
        if not done:
            raise StaleRun


def _runs(application: str) -> str:
    return f"DRIFT#{application}"


def _run_key(application: str, run: str) -> dict[str, str]:
    return {"pk": _runs(application), "sk": f"{_RUN}{run}"}


def _differences(application: str, run: str) -> str:
    return f"DRIFT#{application}#{run}"


def _difference_key(application: str, run: str, identity: str) -> dict[str, str]:
    return {"pk": _differences(application, run), "sk": f"{_DIFFERENCE}{identity}"}
