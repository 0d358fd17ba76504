"""What became of attempts to tell a webhook something, in the Bills table, newest first.

Key: ``ATTEMPTS#<webhook>`` / ``<moment>#<a few digits>``. It holds ids and words, never what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "attempt"
KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``detail`` is ``delivered`` or a word that says why not; ``status`` what HTTP answered."""

    webhook_id: str
    at: datetime
    event_id: str
    type: str
    about: str
    number: int
    delivered: bool
    detail: str
    status: int | None
    milliseconds: int
    replay: str | None = None
    given_up: bool = False


class WebhookAttempts:
    """Writes and reads attempts."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, attempt: Attempt, *, unique: str) -> None:
        """Write an attempt down; ``unique`` tells it from another one of the same moment."""
        item = {
            "pk": _partition(attempt.webhook_id),
            "sk": f"{iso(attempt.at)}#{unique}",
            "kind": KIND,
            "webhook": attempt.webhook_id,
            "at": iso(attempt.at),
            "event": attempt.event_id,
            "type": attempt.type,
            "about": attempt.about,
            "number": attempt.number,
            "delivered": attempt.delivered,
            "detail": attempt.detail,
            "status": attempt.status,
            "milliseconds": attempt.milliseconds,
            "replay": attempt.replay,
            "given_up": attempt.given_up or None,
            "expires_at": int((attempt.at + KEPT).timestamp()),
        }
        self._client.put_item(TableName=self._table, Item=encode(item))

    def page(
        self, webhook_id: str, *, limit: int, before: str | None = None
    ) -> tuple[list[Attempt], str | None]:
        """Attempts, newest first, and where the next page begins (None: there is none)."""
        values = {":pk": _partition(webhook_id), **({":before": before} if before else {})}
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk" + (" AND sk < :before" if before else ""),
            ExpressionAttributeValues=encode(values),
            ScanIndexForward=False,
            Limit=limit + 1,
        )
        items = [decode(item) for item in answer["Items"]]
        more = len(items) > limit
        return [_attempt(item) for item in items[:limit]], str(items[limit - 1]["sk"]) if more else None


def _partition(webhook_id: str) -> str:
    return f"ATTEMPTS#{webhook_id}"


def _attempt(item: Mapping[str, Any]) -> Attempt:
    return Attempt(
        webhook_id=item["webhook"],
        at=from_iso(item["at"]),
        event_id=item["event"],
        type=item["type"],
        about=item["about"],
        number=int(item["number"]),
        delivered=item["delivered"],
        detail=item["detail"],
        status=int(item["status"]) if "status" in item else None,
        milliseconds=int(item["milliseconds"]),
        replay=item.get("replay"),
        given_up=item.get("given_up", False),
    )
