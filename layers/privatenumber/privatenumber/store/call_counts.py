"""Calls and texts that limits count: one row each, under whom they are counted for, in the Bills table.

``COUNT#<app>#<subject>`` / ``<time>#<token of session or SMS>``. A row is written once however often its
fact is told, and what was before a moment is one query: the count is a function of the facts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.facts import StoreUnavailable
from privatenumber.store.items import decode, encode
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "count"
#: Longer than any limit looks back, and than a push may be late (notifications.md §8.3).
_KEPT: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Counted:
    """A call or text at its place among those counted for one subject.

    ``subject`` says who is counted together (`calls.rules`), ``identity`` is the token of session or SMS.
    """

    application: str
    subject: str
    at: datetime
    identity: str

    @property
    def key(self) -> dict[str, str]:
        """Key of the row."""
        return {"pk": f"COUNT#{self.application}#{self.subject}", "sk": f"{iso(self.at)}#{self.identity}"}


class CallCounts:
    """Notes and reads counted calls. ``table`` is the name of the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def note(self, counted: Counted) -> None:
        """Count it; counted again it stays one."""
        expires_at = int((counted.at + _KEPT).timestamp())
        item = {**counted.key, "kind": KIND, "expires_at": expires_at}
        self._client.put_item(TableName=self._table, Item=encode(item))

    def before(
        self, counted: Counted, *, since: datetime, most: int, left: Callable[[], float] | None = None
    ) -> tuple[datetime, ...]:
        """Moments of those counted before this one, not before ``since``, newest first, at most ``most``.

        ``left`` tells the seconds that reading may still take. Raises StoreUnavailable.
        """
        if left is not None and left() <= 0:
            raise StoreUnavailable("out of time")
        key = counted.key
        try:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :own",
                ExpressionAttributeValues=encode({":pk": key["pk"], ":low": iso(since), ":own": key["sk"]}),
                ScanIndexForward=False,
                # The range includes the call itself.
                Limit=most + 1,
                ConsistentRead=True,
            )
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(type(error).__name__) from error
        found = [str(decode(item)["sk"]) for item in answer["Items"]]
        return tuple(_moments(found, key["sk"]))[:most]


def _moments(found: Sequence[str], own: str) -> Iterator[datetime]:
    return (from_iso(position.partition("#")[0]) for position in found if position != own)
