"""Pauses of platform requests, and who ends them, shared by all environments (``platform.pausing``).

One item per scope, removed by TTL, or by an operator to go on at once. A shorter pause never overwrites a
longer one. When the table does not answer, an environment goes by what it knows itself.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.platform.pausing import Doubt
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import Withheld, read_items
from privatenumber.times import Clock, from_iso, iso, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_AGE_S: Final = 5.0
_UNSEEN: Final = float("-inf")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LOG: Final = logging.getLogger("privatenumber.store")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a scope, read at a moment of the monotonic clock."""

    read_at: float
    until: datetime = _NEVER
    doubt: Doubt | None = None


class DynamoPauses:
    """Implements ``platform.pausing.Pauses`` on the Bindings table; reads are up to five seconds old."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._known: dict[str, _Known] = {}
        self._unshared: dict[str, datetime] = {}

    def paused_until(self, *scopes: str) -> datetime | None:
        """The end of the longest running pause of these scopes, None when there is none."""
        self._look(scopes)
        ends = [max(self._known[s].until, self._unshared.get(s, _NEVER)) for s in scopes]
        latest = max(ends, default=_NEVER)
        return latest if latest > self._clock() else None

    def pause(self, scope: str, until: datetime, reason: str, *, prove: bool = False) -> None:
        """Pause a scope; a longer pause that is already running stays."""
        item = {
            **_key(scope),
            "until": iso(until),
            "reason": reason,
            "prove": prove or None,
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
            self._known[scope] = self._read(scope, item)
            _LOG.warning("platform requests paused", extra={"scope": scope, "reason": reason})

    def doubt(self, *scopes: str) -> Doubt | None:
        """A scope whose pause is over while nobody has proven that requests pass again."""
        self._look(scopes)
        now = self._clock()
        over = (self._known[s].doubt for s in scopes if self._known[s].until <= now)
        return next((doubt for doubt in over if doubt), None)

    def claim(self, doubt: Doubt, until: datetime) -> bool:
        """Become the one who proves it; without the table everybody proves it for himself."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(_key(doubt.scope)),
                UpdateExpression="SET probed_until = :until",
                ConditionExpression=(
                    "prove = :prove AND #until <= :now"
                    " AND (attribute_not_exists(probed_until) OR probed_until <= :now)"
                ),
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=encode(
                    {":until": iso(until), ":now": iso(self._clock()), ":prove": True}
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            found: Any = failed.response.get("Item")
            self._known[doubt.scope] = self._read(doubt.scope, decode(found) if found else None)
            return False
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("probe not shared", extra={"scope": doubt.scope, "cause": type(error).__name__})
        return True

    def resolve(self, doubt: Doubt) -> None:
        """Note that requests pass; a pause that began meanwhile stays."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(_key(doubt.scope)),
                UpdateExpression="REMOVE prove, probed_until",
                ConditionExpression="prove = :prove AND #until <= :now",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=encode({":now": iso(self._clock()), ":prove": True}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            self._known.pop(doubt.scope, None)
            return
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("proof not shared", extra={"scope": doubt.scope, "cause": type(error).__name__})
        self._known[doubt.scope] = _Known(self._monotonic())
        _LOG.warning("platform requests resumed", extra={"scope": doubt.scope, "reason": doubt.reason})

    def _look(self, scopes: Iterable[str]) -> None:
        """Read what was not read lately."""
        fresh_since = self._monotonic() - MAX_AGE_S
        unseen = _Known(_UNSEEN)
        stale = [s for s in scopes if self._known.get(s, unseen).read_at <= fresh_since]
        if stale:
            self._refresh(stale)

    def _refresh(self, scopes: Iterable[str]) -> None:
        try:
            keys = [_key(scope) for scope in scopes]
            items = {
                item["pk"]: item
                for item in read_items(self._client, {self._table: keys}, consistent=False, sleep=self._sleep)
            }
        except (BotoCoreError, ClientError, Withheld) as error:
            _LOG.warning("pauses unknown", extra={"cause": type(error).__name__})
            for scope in scopes:
                known = self._known.get(scope, _Known(_UNSEEN))
                self._known[scope] = replace(known, read_at=self._monotonic())
            return
        for scope in scopes:
            self._known[scope] = self._read(scope, items.get(_key(scope)["pk"]))

    def _read(self, scope: str, item: Mapping[str, Any] | None) -> _Known:
        if item is None:
            return _Known(self._monotonic())
        doubt = Doubt(scope, item["reason"]) if item.get("prove") else None
        return _Known(self._monotonic(), from_iso(item["until"]), doubt)


def _key(scope: str) -> dict[str, str]:
    return {"pk": f"PAUSE#{scope}", "sk": "PAUSE"}
