"""Answers to questions of the platform, beside the call or SMS they were asked about (x.md §5).

One answer per question, whoever computes it first: the row is written once, and who comes later answers what
stands there. It is also the only record of who was A in a call of X mode (notifications.md §10.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import encode
from privatenumber.times import from_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DECISION: Final = "DECISION"


def decision_key(partition: str) -> dict[str, str]:
    """Key of the decision on the call or SMS of this partition (`call_key`, `sms_key`)."""
    return {"pk": partition, "sk": DECISION}


def decision_context(application: str) -> str:
    """What the sealed answer of a decision is bound to."""
    return f"decision#{application}"


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to be stored once: partition of its call or SMS, and every attribute but the keys."""

    pk: str
    item: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DecisionWrite:
    """A decision, unless there is one; a failed condition hands out what is there."""

    decision: NewDecision

    @property
    def key(self) -> tuple[str, str]:
        """Partition and sort key of the decision."""
        return self.decision.pk, DECISION

    def send(self, client: DynamoDBClient, table: str) -> object:
        """``PutItem``."""
        return client.put_item(**self._put(table))

    def action(self, table: str) -> dict[str, Any]:
        """``Put``."""
        return {"Put": self._put(table)}

    def _put(self, table: str) -> dict[str, Any]:
        return {
            "TableName": table,
            "Item": encode({**self.decision.item, **decision_key(self.decision.pk)}),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """A stored decision.

    ``about`` is ``call`` or ``sms``; ``operation`` what was answered; ``reason`` why. ``caller_role`` is
    ``a``, ``partner`` or ``anyone``, `None` for somebody without a relation. ``caller`` and ``callee`` are
    tokens; the answer and the numbers are in ``sealed``.
    """

    key: tuple[str, str]
    application: str
    about: str
    x: str | None = field(repr=False)
    at: datetime
    operation: str
    reason: str
    caller_role: str | None
    binding_id: str | None
    order: str | None
    caller: str | None
    callee: str | None
    sealed: bytes = field(repr=False)


def read_decision(item: Mapping[str, Any]) -> Decision:
    """A `Decision` from a decoded row of the table."""
    return Decision(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        about=item["about"],
        x=item.get("x"),
        at=from_iso(item["at"]),
        operation=item["operation"],
        reason=item["reason"],
        caller_role=item.get("caller_role"),
        binding_id=item.get("binding_id"),
        order=item.get("order"),
        caller=item.get("caller"),
        callee=item.get("callee"),
        sealed=bytes(item["sealed"]),
    )
