"""The statistics of a Beijing day of an application, in the Bills table: a head and pages of lines.

Partition ``STATISTICS#<app>#<day>``:

==================================  =========================================================================
``HEAD``                            which pages count (``hash``), ``as_of``, how many ``rows`` were counted
``PAGE#<group>#<hash>#<4 digits>``  one page of the lines of a group, compressed
``PART#<as_of>#<4 digits>``         a part of a count that takes longer than a run: its pages, where it ended
==================================  =========================================================================

``STATISTICS#<app>`` / ``OPEN`` holds the first day that may not be counted for good yet; it never goes back.

Pages stand under the hash of all lines, so counting the same again writes the same, and the head goes to them
at once or not at all. **The later reading counts**: ``as_of`` is the moment at which the reading of the rows
began, and a head never gives way to an earlier one. How many rows were seen decides nothing: a call moves to
the day before when an earlier fact of it arrives, so less may be right.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from privatenumber.store.call_search import Place
from privatenumber.store.due import Overtaken
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.versions import canonical
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Line: TypeAlias = tuple[str, int, Mapping[str, int]]
"""A value of a group, an hour, and its counters."""

_HEAD: Final = "HEAD"
_OPEN: Final = "OPEN"
_PAGE_BYTES: Final = 300_000
"""Uncompressed: an item holds 400 KB, and compression never adds that much."""


_PARTS_KEPT: Final = timedelta(days=4)
"""Longer than the queue keeps a message that goes on with them."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a day without its lines."""

    application: str
    day: date
    as_of: datetime
    rows: int
    hash: str
    pages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Part:
    """What a count saw since its part before, behind ``head``; it goes on in ``stage``, behind ``after``."""

    head: Head
    stage: int
    after: Place | None


class StatisticsStore:
    """Keeps one document for each application and day."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put(
        self,
        application: str,
        day: date,
        groups: Mapping[str, Sequence[Line]],
        *,
        rows: int,
        as_of: datetime,
        expires_at: datetime,
    ) -> bool:
        """Replace a day's statistics; False when those that stand there were read later."""
        pages = self._put_pages(application, day, groups, expires_at)
        head = {"pk": _partition(application, day), "sk": _HEAD, **pages, "rows": rows, "as_of": iso(as_of)}
        return self._put(head, "attribute_not_exists(pk) OR as_of <= :as_of", {":as_of": iso(as_of)})

    def put_part(
        self,
        application: str,
        day: date,
        groups: Mapping[str, Sequence[Line]],
        *,
        number: int,
        rows: int,
        as_of: datetime,
        stage: int,
        after: Place | None,
    ) -> None:
        """Keep a part of a count for as long as it may be gone on with. Raises Overtaken."""
        part = {
            "pk": _partition(application, day),
            "sk": f"{_part_prefix(as_of)}{number:04d}",
            **self._put_pages(application, day, groups, as_of + _PARTS_KEPT),
            "rows": rows,
            "as_of": iso(as_of),
            "stage": stage,
            "after": [after.moment, after.pk, after.sk] if after else None,
        }
        if not self._put(part, "attribute_not_exists(pk)"):
            raise Overtaken

    def parts(self, application: str, day: date, as_of: datetime) -> list[Part]:
        """The parts of the count that began at ``as_of``, in order."""
        found = self._query(_partition(application, day), _part_prefix(as_of))
        return [
            Part(
                _head(application, day, item),
                int(item["stage"]),
                Place(*item["after"]) if "after" in item else None,
            )
            for item in found
        ]

    def open_since(self, application: str) -> date | None:
        """The first day that may not be counted for good yet; None when nobody has looked."""
        item = self._get({"pk": _application(application), "sk": _OPEN})
        return date.fromisoformat(item["day"]) if item else None

    def keep_open_since(self, application: str, day: date) -> None:
        """Note that every day before is counted for good, or cannot be; what stands there never goes back."""
        item = {"pk": _application(application), "sk": _OPEN, "day": day.isoformat()}
        self._put(item, "attribute_not_exists(pk) OR #day < :day", {":day": item["day"]}, {"#day": "day"})

    def head(self, application: str, day: date) -> Head | None:
        """What is known of a day; None when it was never counted, or is forgotten."""
        item = self._get({"pk": _partition(application, day), "sk": _HEAD})
        return _head(application, day, item) if item else None

    def lines(self, head: Head, group: str, only: str | None = None) -> Iterator[Line] | None:
        """The lines of a group, or of one value of it, page by page; None when they are forgotten already."""
        wanted = head.pages.get(group, 0)
        prefix = _page_prefix(group, head.hash)
        pages = list(self._query(_partition(head.application, head.day), prefix)) if wanted else []
        if len(pages) != wanted:
            return None
        # Lines of other values are not even read: that is most of the time.
        beginning = b"" if only is None else canonical([only, 0]).removesuffix(b"0]")
        return (
            (value, hour, counts)
            for page in pages
            for line in zlib.decompress(page["lines"]).split(b"\n")
            if line.startswith(beginning)
            for value, hour, counts in [json.loads(line)]
        )

    def _put_pages(
        self, application: str, day: date, groups: Mapping[str, Sequence[Line]], expires_at: datetime
    ) -> dict[str, Any]:
        """Write the lines; what a head says of them."""
        found = hashlib.sha256(canonical([[name, groups[name]] for name in sorted(groups)])).hexdigest()[:32]
        pages = {name: list(_pages(lines)) for name, lines in groups.items() if lines}
        partition, expires = _partition(application, day), int(expires_at.timestamp())
        for name, bodies in pages.items():
            for number, body in enumerate(bodies):
                key = {"pk": partition, "sk": f"{_page_prefix(name, found)}{number:04d}"}
                page = {**key, "lines": zlib.compress(body, 6), "expires_at": expires}
                # The same content may be kept for longer already.
                self._put(page, "attribute_not_exists(pk) OR expires_at <= :expires", {":expires": expires})
        counts = {name: len(bodies) for name, bodies in pages.items()}
        return {"hash": found, "pages": counts, "expires_at": expires}

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None

    def _put(
        self,
        item: Mapping[str, Any],
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        more: dict[str, Any] = {}
        if values:
            more["ExpressionAttributeValues"] = encode(values)
        if names:
            more["ExpressionAttributeNames"] = names
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression=condition, **more
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _query(self, partition: str, prefix: str) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=encode({":pk": partition, ":sk": prefix}),
            ConsistentRead=True,
        )


def _partition(application: str, day: date) -> str:
    return f"STATISTICS#{application}#{day.isoformat()}"


def _application(application: str) -> str:
    return f"STATISTICS#{application}"


def _part_prefix(as_of: datetime) -> str:
    return f"PART#{iso(as_of)}#"


def _head(application: str, day: date, item: Mapping[str, Any]) -> Head:
    return Head(
        application=application,
        day=day,
        as_of=from_iso(item["as_of"]),
        rows=int(item["rows"]),
        hash=item["hash"],
        pages={name: int(count) for name, count in item["pages"].items()},
    )


def _page_prefix(group: str, content: str) -> str:
    return f"PAGE#{group}#{content}#"


def _pages(lines: Sequence[Line]) -> Iterator[bytes]:
    page: list[bytes] = []
    size = 0
    for line in lines:
        body = canonical(line)
        if page and size + len(body) > _PAGE_BYTES:
            yield b"\n".join(page)
            page, size = [], 0
        page.append(body)
        size += len(body) + 1
    yield b"\n".join(page)
