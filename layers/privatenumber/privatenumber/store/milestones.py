"""The steps of bindings, by day: when each was bound, released, closed or failed, and by whom.

They stand in the audit's rows (`audit`), which are written once for each version of a binding and never
change. Those that make a step carry ``step_key`` = ``<application>#<Beijing day>#<shard>`` and ``step_at`` =
``<time>#<binding id>``, and are found by the index ``by_step``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.fact_rows import shard_of
from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.times import beijing_day, from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

STEP_INDEX: Final = "by_step"
STEP_SHARDS: Final = 8


class Step(StrEnum):
    """What happened to a binding."""

    BOUND = "bound"
    RELEASED = "released"
    """Its release began: from here on it is only a question of time."""
    DISCARDED = "discarded"
    """The platform had bound what nobody wanted any more: bound and released at once."""
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Milestone:
    """A step of a binding. ``by`` is who caused it; ``reason`` why it ended, or why it was not made."""

    application: str
    binding_id: str
    step: Step
    at: datetime
    by: str
    x: str | None = field(default=None, repr=False)
    area: str | None = None
    mode: str | None = None
    reason: str | None = None


def step_attributes(milestone: Milestone) -> dict[str, Any]:
    """What puts an audit's row into the index; None is left out."""
    day = beijing_day(milestone.at).isoformat()
    return {
        "step_key": f"{milestone.application}#{day}#{_shard(milestone.binding_id)}",
        "step_at": f"{iso(milestone.at)}#{milestone.binding_id}",
        "step": milestone.step.value,
        "step_by": milestone.by,
        "x": milestone.x,
        "area": milestone.area,
        "mode": milestone.mode,
        "reason": milestone.reason,
    }


class MilestoneReader:
    """Reads the index, which is eventually consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def of_day(
        self, application: str, day: date, *, shards: Iterable[int] = range(STEP_SHARDS)
    ) -> Iterator[Milestone]:
        """All steps of a Beijing day, or those of some shards, by shard and time."""
        for shard in shards:
            for item in self._query(f"{application}#{day.isoformat()}#{shard}"):
                yield _milestone(application, item)

    def _query(self, key: str) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            IndexName=STEP_INDEX,
            KeyConditionExpression="step_key = :key",
            ExpressionAttributeValues=encode({":key": key}),
        )


def _milestone(application: str, item: Mapping[str, Any]) -> Milestone:
    moment, _, binding_id = str(item["step_at"]).partition("#")
    return Milestone(
        application=application,
        binding_id=binding_id,
        step=Step(item["step"]),
        at=from_iso(moment),
        by=item["step_by"],
        x=item.get("x"),
        area=item.get("area"),
        mode=item.get("mode"),
        reason=item.get("reason"),
    )


def _shard(binding_id: str) -> int:
    return shard_of(binding_id) % STEP_SHARDS
