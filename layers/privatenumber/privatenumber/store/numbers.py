"""X numbers in the Bindings table: the pool from which a binding takes its X.

One item per number: `X#<x>` / `NUMBER`. Its counter `pairs` belongs to the transactions that create and
close bindings; this module never writes it once the item exists. Two indexes, `pool` (application) and `city`
(application and area code), hold every number in the order of its *rank*, a hash: a random rank is a random
place in the pool, and all numbers follow from there. Those with room stand in two more (`store.room`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.authors import NOBODY, Author
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import read_items
from privatenumber.store.refusals import RefusalStore
from privatenumber.store.room import TAKING, RoomIndex
from privatenumber.store.transactions import Action, Contended, Refused, Writer
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POOL_INDEX: Final = "pool"
CITY_INDEX: Final = "city"
_SORT: Final = "NUMBER"
_WRITES_PER_TRANSACTION: Final = 100  # TransactWriteItems
_EVALUATED_PER_QUERY: Final = 200  # items a filtered query looks at before it answers
_QUERIES_PER_PAGE: Final = 10  # a list request costs at most this many queries, however rare its state is


class NumberState(StrEnum):
    """State of an X number (operations.md §6); only `active` takes new bindings."""

    ACTIVE = TAKING
    SUSPENDED = "suspended"
    UNAVAILABLE = "unavailable"
    FROZEN = "frozen"
    """Its bindings go on, no new one is taken (numbers.md §3, status 11)."""
    QUARANTINED = "quarantined"
    """New, or connecting too few calls: taken out by us for a time (`bindings.quarantine`)."""
    RESERVED = "reserved"
    """Kept free by people for later; its bindings go on."""
    DRAINING = "draining"
    LOCKED = "locked"
    RETIRED = "retired"


OUT_OF_SERVICE: Final = frozenset({NumberState.SUSPENDED, NumberState.UNAVAILABLE})
"""On these the platform serves no binding: its status 9 and 10 (notifications.md §7)."""


PLATFORM_STATES: Final = (
    NumberState.ACTIVE,
    NumberState.SUSPENDED,
    NumberState.UNAVAILABLE,
    NumberState.FROZEN,
)
"""States the platform moves a number between; from the others only people take it."""


class NumberType(StrEnum):
    """Who issued the number: a virtual operator (虚号) or a carrier (实号); decides the prices of billing."""

    VIRTUAL = "virtual"
    CARRIER = "carrier"


@dataclass(frozen=True, slots=True)
class XNumber:
    """An X number of the company.

    `x` is in global form, `area_code` keeps its leading zero (numbers.md §2), the dates are Beijing dates.
    `pairs` counts the bindings that hold a place on the number, also those whose outcome is still unknown;
    `revision` counts the writes of the description.
    """

    x: str = field(repr=False)
    application: str
    area_code: str
    number_type: NumberType
    state: NumberState = NumberState.ACTIVE
    issued_on: date | None = None
    unsubscribed_on: date | None = None
    pairs: int = 0
    revision: int = 0
    quarantined_until: datetime | None = None
    """When a quarantine is looked at again; None in a quarantine that only people end. Not in the indexes."""
    judged_at: datetime | None = field(default=None, compare=False)
    """Calls up to here were held against the number already. Not in the indexes."""
    why: str | None = field(default=None, compare=False)
    """The reason that whoever wrote it last gave. Not in the indexes."""
    has_room: bool = field(default=True, compare=False)
    """Whether it stands among those that take another binding, its state aside."""

    @property
    def rank(self) -> str:
        """Place of the number in its pool, equal in every environment and for ever."""
        return rank_of(self.x)


@dataclass(frozen=True, slots=True)
class NumberPage:
    """Some numbers of a list, and where the next page begins (`None`: the list is complete)."""

    numbers: tuple[XNumber, ...]
    next_rank: str | None


class StaleNumberError(Exception):
    """The stored number is not what the writer had seen: read again and decide again."""


def number_key(x: str) -> dict[str, str]:
    """Primary key of a number's item, in plain Python values."""
    return {"pk": f"X#{x}", "sk": _SORT}


def pool_key(application: str) -> str:
    """Hash key of the index `pool`."""
    return application


def city_key(application: str, area_code: str) -> str:
    """Hash key of the index `city`."""
    return f"{application}#{area_code}"


def rank_of(x: str) -> str:
    """`<8 hex of sha256(x)>#<x>`: sorts a pool in an order that follows from nothing a caller can steer."""
    return f"{hashlib.sha256(x.encode()).hexdigest()[:8]}#{x}"


class NumberStore:
    """Reads and writes X numbers; every write is conditional on what its author has seen."""

    def __init__(self, client: DynamoDBClient, table_name: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table_name
        self._writer = writer or Writer(client)
        self.room = RoomIndex(client, table_name)
        self.refusals = RefusalStore(client, table_name)

    def get(self, x: str) -> XNumber | None:
        """Read one number (strongly consistent); `None` when it was never registered."""
        answer = self._client.get_item(TableName=self._table, Key=encode(number_key(x)), ConsistentRead=True)
        item = answer.get("Item")
        return _number(decode(item)) if item else None

    def get_many(self, numbers: Sequence[str]) -> dict[str, XNumber]:
        """Read numbers by X (strongly consistent); unknown ones are missing in the answer.

        Raises Withheld.
        """
        keys = [number_key(x) for x in dict.fromkeys(numbers)]
        found = map(_number, read_items(self._client, {self._table: keys}, consistent=True))
        return {number.x: number for number in found}

    def put(self, number: XNumber, *, seen: XNumber | None, author: Author = NOBODY) -> None:
        """Write a number's description over what the caller has `seen` (`None`: must not exist yet).

        `pairs` and `revision` of `number` are ignored: a new number starts with 0 pairs, a known one keeps
        its counter. A number that moves to another application must carry no pair at that moment.
        Raises StaleNumberError when somebody wrote the description meanwhile, a pair forbids the move, or
        binds and releases of this number left no gap.
        """
        try:
            written = self.put_many([(number, seen)], author=author)
        except Contended:
            written = (False,)
        if written != (True,):
            raise StaleNumberError

    def put_many(
        self, writes: Sequence[tuple[XNumber, XNumber | None]], *, author: Author = NOBODY
    ) -> tuple[bool, ...]:
        """Do many `put`s, up to 100 in one request; the answer says for each whether it was written.

        A number that somebody changed meanwhile does not keep the others of its request from being written.
        No two of the writes may name the same X. Raises Contended; what was written then stays written.
        """
        written: list[bool] = []
        for start in range(0, len(writes), _WRITES_PER_TRANSACTION):
            written += self._put_together(writes[start : start + _WRITES_PER_TRANSACTION], author)
        return tuple(written)

    def page(
        self,
        application: str,
        *,
        area_code: str | None = None,
        state: NumberState | None = None,
        limit: int,
        after: str | None = None,
    ) -> NumberPage:
        """List an application's numbers by rank, beginning behind the rank `after`.

        With a rare `state` a page may hold fewer than `limit` numbers although more follow: `next_rank`
        tells. Read from an index: a change of the last moment may be missing, and `pairs` is not in it (0
        here; `get_many` tells it).
        """
        found: list[XNumber] = []
        last = after
        for _ in range(_QUERIES_PER_PAGE):
            numbers, last = self._query(application, area_code, after=last, state=state)
            found += numbers
            if last is None or len(found) > limit:
                break
        if len(found) > limit:
            return NumberPage(tuple(found[:limit]), found[limit - 1].rank)
        return NumberPage(tuple(found), last)

    def _query(
        self, application: str, area_code: str | None, *, after: str | None, state: NumberState | None
    ) -> tuple[tuple[XNumber, ...], str | None]:
        index, hash_name, hash_key = POOL_INDEX, "pool_key", pool_key(application)
        if area_code is not None:
            index, hash_name, hash_key = CITY_INDEX, "city_key", city_key(application, area_code)
        names = {"#hash": hash_name}
        values: dict[str, Any] = {":hash": hash_key}
        condition, request = "#hash = :hash", dict[str, Any]()
        if after is not None:
            condition += " AND pool_rank > :after"
            values[":after"] = after
        if state is not None:
            request["FilterExpression"] = "#state = :state"
            names["#state"] = "state"
            values[":state"] = state.value
        answer = self._client.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=encode(values),
            Limit=_EVALUATED_PER_QUERY,
            **request,
        )
        numbers = tuple(_number(decode(item)) for item in answer["Items"])
        end = answer.get("LastEvaluatedKey")
        return numbers, str(decode(end)["pool_rank"]) if end else None

    def _put_together(self, writes: Sequence[tuple[XNumber, XNumber | None]], author: Author) -> list[bool]:
        left = {n: Action(_SORT, {"Update": self._update(*write, author)}) for n, write in enumerate(writes)}
        while left:
            order = list(left)
            try:
                self._writer.transact([left[n] for n in order])
                break
            except Refused as refused:
                for position in refused.positions:
                    del left[order[position]]
        return [n in left for n in range(len(writes))]

    def _update(self, number: XNumber, seen: XNumber | None, author: Author) -> Any:
        fields: dict[str, Any] = {
            "x": number.x,
            "application": number.application,
            "area_code": number.area_code,
            "number_type": number.number_type.value,
            "state": number.state.value,
            "pool_key": pool_key(number.application),
            "city_key": city_key(number.application, number.area_code),
            "pool_rank": number.rank,
            "revision": seen.revision + 1 if seen else 1,
            "by": author.by,
        }
        if seen is None or seen.has_room:
            fields |= {"room_key": fields["pool_key"], "room_city": fields["city_key"]}
        dates = {"issued_on": number.issued_on, "unsubscribed_on": number.unsubscribed_on}
        optional = {name: day.isoformat() if day else None for name, day in dates.items()}
        optional["why"] = author.why
        until = number.quarantined_until
        optional["quarantined_until"] = iso(until) if until else None
        fields |= {name: value for name, value in optional.items() if value}
        absent = [name for name, value in optional.items() if not value]
        condition = "attribute_not_exists(pk)"
        values: dict[str, Any] = {":none": 0}
        if seen is not None:
            room = "attribute_exists" if seen.has_room else "attribute_not_exists"
            condition, values[":seen"] = f"#revision = :seen AND {room}(room_key)", seen.revision
            if number.application != seen.application:
                condition += " AND #pairs = :none"
        # A present counter is never touched: binds and releases go on counting while a description changes.
        sets = [*(f"#{name} = :{name}" for name in fields), "#pairs = if_not_exists(#pairs, :none)"]
        removes = f" REMOVE {', '.join('#' + name for name in absent)}" if absent else ""
        return {
            "TableName": self._table,
            "Key": encode(number_key(number.x)),
            "UpdateExpression": f"SET {', '.join(sets)}{removes}",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in [*fields, *absent, "pairs"]},
            "ExpressionAttributeValues": encode({f":{name}": fields[name] for name in fields} | values),
        }


def _number(item: Mapping[str, Any]) -> XNumber:
    return XNumber(
        x=item["x"],
        application=item["application"],
        area_code=item["area_code"],
        number_type=NumberType(item["number_type"]),
        state=NumberState(item["state"]),
        issued_on=_day(item.get("issued_on")),
        unsubscribed_on=_day(item.get("unsubscribed_on")),
        pairs=int(item.get("pairs", 0)),
        revision=int(item["revision"]),
        quarantined_until=_moment(item.get("quarantined_until")),
        judged_at=_moment(item.get("judged_at")),
        why=item.get("why"),
        has_room="room_key" in item,
    )


def _moment(text: str | None) -> datetime | None:
    return from_iso(text) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
