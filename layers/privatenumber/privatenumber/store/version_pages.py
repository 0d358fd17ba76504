"""Lines of a version, a page at a time: what a list shows of it needs no more of it in memory.

The place of a line is the page it is in, its number there, and which lines they are: somebody may be erased
from a version between two pages of a list, which then begins anew.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.store.versions import Version

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_LOOKED_AT: Final = 20_000
"""Lines that one page of a list looks at: about 6 MB of them, in a second."""

_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class LinePlace:
    """The line with this number (from 0) in a page; ``content`` begins the hash of all lines."""

    page: int
    line: int
    content: str


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some lines of a version with their places, and behind which the next page begins (None: the end)."""

    lines: tuple[tuple[LinePlace, Mapping[str, Any]], ...]
    further: LinePlace | None


class PlaceGone(Exception):
    """The version has other lines since the place was told."""


class VersionPages:
    """Reads lines of versions. ``table`` is the table that holds them."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def lines(
        self, version: Version, after: LinePlace | None = None
    ) -> Iterator[tuple[LinePlace, dict[str, Any]]]:
        """The lines behind a place, each with its own. Raises PlaceGone."""
        content = version.content[:_NAMED]
        if after and after.content != content:
            raise PlaceGone
        for page, lines in self._pages(version, after.page if after else 0):
            first = after.line + 1 if after and page == after.page else 0
            for number in range(first, len(lines)):
                yield LinePlace(page, number, content), json.loads(lines[number])

    def line(self, version: Version, place: LinePlace) -> Mapping[str, Any]:
        """The line at a place. Raises PlaceGone."""
        before = LinePlace(place.page, place.line - 1, place.content)
        found, line = next(self.lines(version, before), (None, None))
        if line is None or found != place:
            raise PlaceGone
        return line

    def page(
        self,
        version: Version,
        wanted: Callable[[Mapping[str, Any]], bool],
        *,
        after: LinePlace | None,
        limit: int,
    ) -> LinePage:
        """At most ``limit`` lines that are wanted; fewer when too many others lie between them.

        Raises PlaceGone.
        """
        found = list[tuple[LinePlace, Mapping[str, Any]]]()
        for looked_at, (place, line) in enumerate(self.lines(version, after), start=1):
            if wanted(line):
                found.append((place, line))
            if len(found) == limit or looked_at == MOST_LOOKED_AT:
                return LinePage(tuple(found), place)
        return LinePage(tuple(found), None)

    def _pages(self, version: Version, first: int) -> Iterator[tuple[int, list[bytes]]]:
        values = {
            ":pk": version.name,
            ":first": f"LINES#{version.content}#{first:06d}",
            ":last": f"LINES#{version.content}#~",
        }
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=encode(values),
            ConsistentRead=True,
            Limit=1,
        )
        for item in rows:
            yield int(item["sk"].rpartition("#")[2]), zlib.decompress(item["lines"]).splitlines()
