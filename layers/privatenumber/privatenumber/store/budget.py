"""The platform's flow, shared by every environment: one line of turns per application (`platform.budget`).

The item `TOKENS#<application>` says until when all turns are taken. An environment draws a small batch at
once, larger while it uses all of them, so a busy one writes once for several requests and a quiet one takes
none from others. Each write is conditional and moves the line forward only: a write that is repeated, or
whose answer is lost, costs turns, and never gives one twice. When the table does not answer, an environment
keeps a line of its own for some seconds.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.platform.budget import Batch, Full, MemoryBudget, distance_us
from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ALONE_US: Final = 5_000_000
"""So long an environment does without a table that did not answer."""

_ABSURD_US: Final = 60_000_000
"""Nobody draws turns so far ahead: such a line was written by a clock that was wrong."""

_ATTEMPTS: Final = 6
_KEPT_S: Final = 86_400
_LOG: Final = logging.getLogger("privatenumber.store")


class DynamoBudget:
    """Implements ``platform.budget.Budget`` on the Bindings table. Safe to share among threads."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._batches: dict[str, Batch] = {}
        self._line_end: dict[str, int] = {}
        self._alone = MemoryBudget()
        self._alone_until = 0
        self._lock = Lock()
        self.writes = 0
        """How often it asked the table to move a line."""

    def turn(self, application: str, tps: int, *, now_us: int, patience_us: int) -> int | Full:
        """See :class:`platform.budget.Budget`."""
        if tps <= 0:
            return now_us
        with self._lock:
            if now_us < self._alone_until:
                return self._alone.turn(application, tps, now_us=now_us, patience_us=patience_us)
            try:
                return self._shared(application, tps, now_us, patience_us)
            except (BotoCoreError, ClientError) as error:
                self._alone_until = now_us + ALONE_US
                _LOG.warning("budget not shared", extra={"cause": type(error).__name__})
                return self._alone.turn(application, tps, now_us=now_us, patience_us=patience_us)

    def _shared(self, application: str, tps: int, now_us: int, patience_us: int) -> int | Full:
        batch = self._batches.setdefault(application, Batch())
        turn = batch.next(now_us)
        if turn is None:
            size = batch.next_size(tps, now_us)
            first = self._draw(application, size * distance_us(tps), now_us, patience_us)
            if isinstance(first, Full):
                return first
            turns = [first + n * distance_us(tps) for n in range(size)]
            batch = Batch(deque(turns), size, turns[-1])
            self._batches[application] = batch
            turn = first
        if turn > now_us + patience_us:
            return Full(turn)
        batch.turns.popleft()
        return max(turn, now_us)

    def _draw(self, application: str, length_us: int, now_us: int, patience_us: int) -> int | Full:
        """Take a stretch of the line; its beginning, or Full when it would begin too late."""
        busy = self._line_end.get(application, 0) >= now_us
        for _ in range(_ATTEMPTS):
            if busy:
                end, found = self._extend(application, length_us, now_us, now_us + patience_us)
            else:
                end, found = self._restart(application, length_us, now_us)
            if found is None:
                self._line_end[application] = end
                return end - length_us
            self._line_end[application] = end
            busy = now_us <= end <= now_us + _ABSURD_US
            if busy and end > now_us + patience_us:
                return Full(end)
        return Full(now_us + length_us)

    def _extend(self, application: str, length_us: int, now_us: int, latest_us: int) -> tuple[int, Any]:
        """Take what follows the last turn that is taken, if that lies between now and ``latest_us``."""
        return self._move(
            application,
            "SET free_at = free_at + :length, expires_at = :epoch",
            "free_at BETWEEN :now AND :latest",
            {":length": length_us, ":now": now_us, ":latest": latest_us, ":epoch": _epoch(now_us)},
        )

    def _restart(self, application: str, length_us: int, now_us: int) -> tuple[int, Any]:
        """Begin now, where no turn is taken that lies ahead."""
        return self._move(
            application,
            "SET free_at = :end, expires_at = :epoch",
            "attribute_not_exists(pk) OR free_at < :now OR free_at > :absurd",
            {
                ":end": now_us + length_us,
                ":now": now_us,
                ":absurd": now_us + _ABSURD_US,
                ":epoch": _epoch(now_us),
            },
        )

    def _move(self, application: str, update: str, condition: str, values: dict[str, int]) -> tuple[int, Any]:
        """Write; answers the line's end, and the item that stood in the way (None: it was written)."""
        self.writes += 1
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=encode({"pk": f"TOKENS#{application}", "sk": "TOKENS"}),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=encode(values),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            item: Any = failed.response.get("Item")
            return (int(decode(item)["free_at"]) if item else 0), (item or {})
        return int(decode(answer["Attributes"])["free_at"]), None


def _epoch(now_us: int) -> int:
    return now_us // 1_000_000 + _KEPT_S
