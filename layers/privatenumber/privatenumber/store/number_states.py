"""What the platform says of a number's state, applied to our pool (notifications.md §7, numbers.md §3).

A push has neither time nor id, so the last arrival wins: ``status_at`` is the sort key of the fact, receipt
time first, and only a later one moves the number. Stream and repetitions may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from privatenumber.store.authors import PUSH
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import PLATFORM_STATES, NumberState, number_key
from privatenumber.times import from_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Effect(StrEnum):
    """What a state did to the pool."""

    MOVED = "moved"
    SAME = "same"
    """The number was in that state already."""
    KEPT = "kept"
    """A later state is known, or people took the number out."""
    UNKNOWN = "unknown"
    """No number of this application's pool."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a state did; ``before`` is the state it replaced, ``since`` when the platform said that one."""

    effect: Effect
    before: NumberState | None = None
    since: datetime | None = None


class NumberStates:
    """Moves numbers. Parameters: ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def apply(self, x: str, *, application: str, state: NumberState, status_at: str) -> Applied:
        """Take a number to `state` unless something newer is known; its counter `pairs` is not touched.

        The revision counts on, so that who describes the number meanwhile reads it again.
        """
        movable = list(PLATFORM_STATES)
        if state is not NumberState.ACTIVE:
            # Worse than our quarantine; the platform's "normal" is no reason to end it.
            movable.append(NumberState.QUARANTINED)
        states = {f":s{n}": known.value for n, known in enumerate(movable)}
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=encode(number_key(x)),
                UpdateExpression=(
                    "SET #state = :state, status_at = :at, revision = revision + :one, #by = :by"
                    " REMOVE why, quarantined_until"
                ),
                ConditionExpression=(
                    "attribute_exists(pk) AND application = :application"
                    f" AND #state IN ({', '.join(states)})"
                    " AND (attribute_not_exists(status_at) OR status_at < :at)"
                ),
                ExpressionAttributeNames={"#state": "state", "#by": "by"},
                ExpressionAttributeValues=encode(
                    {
                        ":state": state.value,
                        ":at": status_at,
                        ":one": 1,
                        ":application": application,
                        ":by": PUSH,
                        **states,
                    }
                ),
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            known = bool(found) and decode(found)["application"] == application
            if known and state is NumberState.ACTIVE:
                self._heard(x, status_at)
            return Applied(Effect.KEPT if known else Effect.UNKNOWN)
        old = decode(answer["Attributes"])
        before = NumberState(old["state"])
        since = old.get("status_at")
        return Applied(
            Effect.SAME if before is state else Effect.MOVED,
            before,
            from_iso(since.partition("#")[0]) if since else None,
        )

    def _heard(self, x: str, status_at: str) -> None:
        """Note when a quarantined number was called normal, so that no older word moves it afterwards."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(number_key(x)),
                UpdateExpression="SET status_at = :at",
                ConditionExpression=(
                    "#state = :quarantined AND (attribute_not_exists(status_at) OR status_at < :at)"
                ),
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=encode(
                    {":at": status_at, ":quarantined": NumberState.QUARANTINED.value}
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return
