"""What rules did to a call, beside its facts: ``RULE#<rule>`` in the partition of the call (Bills table)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import encode
from privatenumber.times import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "rule"
PREFIX: Final = "RULE#"
_KEPT: Final = timedelta(days=400)


class Act(StrEnum):
    """What came of a call that breaks a rule."""

    STOPPED = "stopped"
    ALREADY_ENDED = "already_ended"
    """It was over when the platform was asked to end it."""
    FAILED = "stop_failed"
    MISSED = "missed"
    """It was too late to ask."""

    @property
    def final(self) -> bool:
        """Whether nothing more is to be done."""
        return self in (Act.STOPPED, Act.ALREADY_ENDED)

    @property
    def weaker(self) -> tuple[Act, ...]:
        """Acts that give way to it."""
        return () if self is Act.MISSED else (Act.MISSED, Act.FAILED)


class CallRules:
    """Notes acts. ``table`` is the name of the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def note(
        self, call: str, application: str, act: Act, evidence: Mapping[str, Any], *, at: datetime
    ) -> bool:
        """Note what was done about a rule; says whether it was news.

        What ended the call stays; a failed attempt gives way to it and to a later one, a missed one to all.
        """
        condition = "attribute_not_exists(pk)"
        values: dict[str, Any] = {f":w{n}": each.value for n, each in enumerate(act.weaker)}
        request: dict[str, Any] = {}
        if values:
            condition += f" OR act IN ({', '.join(values)})"
            request = {"ExpressionAttributeValues": encode(values)}
        item = {
            **evidence,
            "pk": call,
            "sk": f"{PREFIX}{evidence['rule']}",
            "kind": KIND,
            "application": application,
            "act": act.value,
            "at": iso(at),
            "expires_at": int((at + _KEPT).timestamp()),
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression=condition, **request
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
