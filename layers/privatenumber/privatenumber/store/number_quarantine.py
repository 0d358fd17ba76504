"""Quarantine of X numbers: begins, goes on and ends by conditional writes (design.md §4).

Each write names the revision it has seen, so of two that decide at the same time one does nothing, and what
people did meanwhile stays. The counter of bindings is not touched: those that stand on the number go on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from privatenumber.store.authors import WATCH
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import NumberState, XNumber, number_key
from privatenumber.times import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class NumberQuarantine:
    """Moves numbers in and out of quarantine. Parameters: ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, seen: XNumber, *, at: datetime, until: datetime, why: str) -> bool:
        """Take an active number out of selection; False: somebody else wrote it since it was ``seen``."""
        if seen.state is not NumberState.ACTIVE:
            return False
        return self._write(
            seen,
            "SET #state = :quarantined, quarantined_until = :until, judged_at = :at,",
            {":until": iso(until), ":at": iso(at)},
            why,
        )

    def prolong(self, seen: XNumber, *, at: datetime, until: datetime, why: str) -> bool:
        """Let a quarantine go on; False as in `begin`."""
        if seen.state is not NumberState.QUARANTINED:
            return False
        return self._write(
            seen,
            "SET #state = :quarantined, quarantined_until = :until, judged_at = :at,",
            {":until": iso(until), ":at": iso(at)},
            why,
        )

    def end(self, seen: XNumber, *, why: str) -> bool:
        """Give a quarantined number back to selection; False as in `begin`."""
        if seen.state is not NumberState.QUARANTINED:
            return False
        return self._write(seen, "REMOVE quarantined_until SET #state = :active,", {}, why)

    def _write(self, seen: XNumber, change: str, values: dict[str, Any], why: str) -> bool:
        states = {
            name: state.value
            for name, state in ((":quarantined", NumberState.QUARANTINED), (":active", NumberState.ACTIVE))
            if name in change
        }
        wanted = {
            ":by": WATCH,
            ":why": why,
            ":next": seen.revision + 1,
            ":revision": seen.revision,
            ":seen": seen.state.value,
            **states,
            **values,
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(number_key(seen.x)),
                UpdateExpression=f"{change} revision = :next, #by = :by, why = :why",
                ConditionExpression="revision = :revision AND #state = :seen",
                ExpressionAttributeNames={"#state": "state", "#by": "by"},
                ExpressionAttributeValues=encode(wanted),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            # The answer of the first attempt was lost and the SDK sent it again: the write is ours.
            item = decode(found) if found else {}
            return (
                item.get("revision") == wanted[":next"] and item.get("by") == WATCH and item.get("why") == why
            )
        return True
