"""Which X numbers have room for another binding: two sparse indexes that hold these and no others.

A number stands in `room` (application) and `room_city` (application and area code) from its registration
until the bind that fills it, and again from the next release. So a choice costs the same in a pool of ten and
of a hundred thousand, empty or nearly full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ROOM_INDEX: Final = "room"
ROOM_CITY_INDEX: Final = "room_city"
ROOM_KEYS: Final = ("room_key", "room_city")
"""Attributes that put a number into the two indexes."""

TAKING: Final = "active"
"""State of a number that takes new bindings (`NumberState.ACTIVE`)."""

_PER_QUERY: Final = 25  # keys of 25 numbers are one read unit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number that has room by the index: a moment behind, so whoever takes it checks again."""

    x: str = field(repr=False)
    area_code: str


class RoomIndex:
    """Walks the numbers that have room."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def walk(self, application: str, *, area_code: str | None, start: str) -> Iterator[tuple[Candidate, ...]]:
        """Go once round an application's numbers with room (or those of a city) from the rank ``start``.

        Yields active numbers page by page, each number once; a page may be empty. Pages are read as the
        caller asks for them. ``start`` is a text of eight hex digits: a random one makes every number
        reachable (users.md U-D05).
        """
        for after, until in ((start, None), (None, start)):
            last = after
            while True:
                candidates, last = self._query(application, area_code, last, until)
                yield candidates
                if last is None:
                    break

    def _query(
        self, application: str, area_code: str | None, after: str | None, until: str | None
    ) -> tuple[tuple[Candidate, ...], str | None]:
        index, hash_name, hash_key = ROOM_INDEX, "room_key", application
        if area_code is not None:
            index, hash_name, hash_key = ROOM_CITY_INDEX, "room_city", f"{application}#{area_code}"
        stretch, ranks = _stretch(after, until)
        values: dict[str, Any] = {":hash": hash_key, ":active": TAKING, **ranks}
        answer = self._client.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"#hash = :hash{stretch}",
            FilterExpression="#state = :active",
            ExpressionAttributeNames={"#hash": hash_name, "#state": "state"},
            ExpressionAttributeValues=encode(values),
            Limit=_PER_QUERY,
        )
        found = (decode(item) for item in answer["Items"])
        end = answer.get("LastEvaluatedKey")
        return (
            tuple(Candidate(item["pool_rank"].partition("#")[2], item["area_code"]) for item in found),
            str(decode(end)["pool_rank"]) if end else None,
        )


def _stretch(after: str | None, until: str | None) -> tuple[str, dict[str, str]]:
    """Key condition of the ranks behind ``after`` up to and including ``until``; ranks are unique."""
    if after is not None and until is not None:
        # A range key takes one comparison: the text directly behind `after` makes BETWEEN exclude it.
        return " AND pool_rank BETWEEN :after AND :until", {":after": after + "\x00", ":until": until}
    if after is not None:
        return " AND pool_rank > :after", {":after": after}
    if until is not None:
        return " AND pool_rank <= :until", {":until": until}
    return "", {}
