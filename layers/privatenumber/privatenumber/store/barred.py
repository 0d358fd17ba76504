"""The black list: people who may not call, or may not be called, until a moment or for good.

In the Bindings table, ``BARRED#<app>#<shard>`` / ``<token>#<caller|callee>#<scope>``, where the scope is
``*``, ``X#<x>``, ``BINDING#<id>`` or ``ORDER#<order>``. A person is a token; the number is sealed beside it
for those who list. TTL is the clean-up: readers look at ``until`` themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.facts import StoreUnavailable
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import Withheld, read_items
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SHARDS: Final = 4
KIND: Final = "barred"


class Direction(StrEnum):
    """What somebody is barred from being."""

    CALLER = "caller"
    CALLEE = "callee"


class ScopeKind(StrEnum):
    """Where somebody is barred; the value is the word of the API."""

    APPLICATION = "application"
    X = "x"
    BINDING = "binding"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class BarScope:
    """Where: everywhere in the application, or on one X, binding or order (``value``)."""

    kind: ScopeKind
    value: str = ""

    @property
    def key_part(self) -> str:
        """As it stands in the key."""
        return "*" if self.kind is ScopeKind.APPLICATION else f"{self.kind.name}#{self.value}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One entry. ``until`` None: for good. ``by`` is who entered it, ``sealed`` holds the number."""

    application: str
    person: str
    direction: Direction
    scope: BarScope
    reason: str
    at: datetime
    by: str
    sealed: bytes = field(repr=False)
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.until is None or now < self.until


def bar_key(application: str, person: str, direction: Direction, scope: BarScope) -> dict[str, str]:
    """Key of an entry; ``person`` is a token."""
    return {
        "pk": _partition(application, zlib.crc32(person.encode()) % SHARDS),
        "sk": f"{person}#{direction.value}#{scope.key_part}",
    }


def barred_context(application: str, person: str) -> str:
    """What the sealed number is bound to."""
    return f"barred#{application}#{person}"


class BarredStore:
    """Reads and writes the list. ``table`` is the name of the Bindings table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, bar: Bar) -> None:
        """Enter somebody, in the place of what was said of him there before: the last word counts."""
        item: dict[str, Any] = {
            **bar_key(bar.application, bar.person, bar.direction, bar.scope),
            "kind": KIND,
            "application": bar.application,
            "person": bar.person,
            "direction": bar.direction.value,
            "scope": bar.scope.kind.value,
            "reason": bar.reason,
            "at": iso(bar.at),
            "by": bar.by,
            "sealed": bar.sealed,
        }
        if bar.scope.value:
            item["scope_value"] = bar.scope.value
        if bar.until:
            item |= {"until": iso(bar.until), "expires_at": int(bar.until.timestamp())}
        self._client.put_item(TableName=self._table, Item=encode(item))

    def remove(self, application: str, sort_key: str) -> None:
        """Take an entry off the list; one that is not there is as good as gone."""
        person = sort_key.partition("#")[0]
        key = {"pk": _partition(application, zlib.crc32(person.encode()) % SHARDS), "sk": sort_key}
        self._client.delete_item(TableName=self._table, Key=encode(key))

    def found(
        self, keys: Iterable[Mapping[str, str]], left: Callable[[], float] | None = None
    ) -> tuple[Bar, ...]:
        """The entries of these different keys, in force or not, in one strongly consistent read.

        Raises StoreUnavailable.
        """
        try:
            items = read_items(self._client, {self._table: list(keys)}, consistent=True, left=left)
            return tuple(map(read_bar, items))
        except Withheld as error:
            raise StoreUnavailable(str(error)) from error
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(type(error).__name__) from error

    def page(self, application: str, *, after: tuple[int, str] | None, limit: int) -> Iterator[Bar]:
        """Yield entries by shard and sort key, at most ``limit``, behind a position of `position`."""
        first, start = after or (0, "")
        left = limit
        for shard in range(first, SHARDS):
            for item in self._shard(application, shard, start, left):
                yield read_bar(item)
                left -= 1
            if left <= 0:
                return
            start = ""

    def of_person(self, application: str, person: str) -> Iterator[Bar]:
        """Yield the entries of one person, by his token."""
        shard = zlib.crc32(person.encode()) % SHARDS
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :person)",
            ExpressionAttributeValues=encode(
                {":pk": _partition(application, shard), ":person": f"{person}#"}
            ),
        )
        return map(read_bar, map(decode, answer["Items"]))

    def _shard(self, application: str, shard: int, after: str, limit: int) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {}
        while limit > 0:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk > :after",
                ExpressionAttributeValues=encode(
                    {":pk": _partition(application, shard), ":after": after or " "}
                ),
                Limit=limit,
                **request,
            )
            yield from map(decode, answer["Items"])
            limit -= len(answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def position(bar: Bar) -> tuple[int, str]:
    """Where an entry stands in the list: its shard and sort key."""
    key = bar_key(bar.application, bar.person, bar.direction, bar.scope)
    return int(key["pk"].rpartition("#")[2]), key["sk"]


def read_bar(item: Mapping[str, Any]) -> Bar:
    """A `Bar` from a decoded item."""
    return Bar(
        application=item["application"],
        person=item["person"],
        direction=Direction(item["direction"]),
        scope=BarScope(ScopeKind(item["scope"]), item.get("scope_value", "")),
        reason=item["reason"],
        at=from_iso(item["at"]),
        by=item["by"],
        sealed=bytes(item["sealed"]),
        until=from_iso(item["until"]) if "until" in item else None,
    )


def _partition(application: str, shard: int) -> str:
    return f"BARRED#{application}#{shard}"
