"""Pauses of platform requests, shared by every environment (``platform.pausing`` has the rules).

One item per scope, removed by TTL, or by an operator to go on at once. A shorter pause never overwrites a
longer one. When the table does not answer, an environment goes by what it knows itself.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.items import decode, encode
from privatenumber.times import Clock, from_iso, iso, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_AGE_S: Final = 5.0
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LOG: Final = logging.getLogger("privatenumber.store")


class DynamoPauses:
    """Implements ``platform.pausing.Pauses`` on the Bindings table; reads are up to five seconds old."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, datetime]] = {}
        self._unshared: dict[str, datetime] = {}

    def paused_until(self, *scopes: str) -> datetime | None:
        """The end of the longest running pause of these scopes, None when there is none."""
        fresh_since = self._monotonic() - MAX_AGE_S
        stale = [s for s in scopes if s not in self._known or self._known[s][0] <= fresh_since]
        if stale:
            self._refresh(stale)
        ends = [max(self._known[s][1], self._unshared.get(s, _NEVER)) for s in scopes]
        latest = max(ends, default=_NEVER)
        return latest if latest > self._clock() else None

    def pause(self, scope: str, until: datetime, reason: str) -> None:
        """Pause a scope; a longer pause that is already running stays."""
        item = {
            **_key(scope),
            "until": iso(until),
            "reason": reason,
            "expires_at": int(until.timestamp()) + 86_400,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk) OR #until < :until",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=encode({":until": item["until"]}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            self._known.pop(scope, None)
        except (BotoCoreError, ClientError) as error:
            self._unshared[scope] = max(until, self._unshared.get(scope, until))
            _LOG.warning("pause not shared", extra={"scope": scope, "cause": type(error).__name__})
        else:
            self._known[scope] = (self._monotonic(), until)
            _LOG.warning("platform requests paused", extra={"scope": scope, "reason": reason})

    def _refresh(self, scopes: Iterable[str]) -> None:
        try:
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": [encode(_key(scope)) for scope in scopes]}}
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("pauses unknown", extra={"cause": type(error).__name__})
            ends = {_key(scope)["pk"]: end for scope, (_, end) in self._known.items()}
        else:
            stored = map(decode, answer["Responses"].get(self._table, []))
            ends = {item["pk"]: from_iso(item["until"]) for item in stored}
        for scope in scopes:
            self._known[scope] = (self._monotonic(), ends.get(_key(scope)["pk"], _NEVER))


def _key(scope: str) -> dict[str, str]:
    return {"pk": f"PAUSE#{scope}", "sk": "PAUSE"}
