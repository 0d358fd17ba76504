"""Numbered versions of a document, each written once and never edited.

A version is a small head and any number of lines. Keys under one partition (the document's *name*):

==========================  ====================================================================
``V#<6 digits>``            head: ``hash`` of everything it says, ``document``, counts, ``made_at``
``LINES#<hash>#<6 digits>`` one page of the lines of every version with that hash
==========================  ====================================================================

Lines are stored under the hash of the content, the head after them and only if its number is free. So a crash
leaves at most pages that nobody refers to, a repetition writes the same bytes to the same keys, and of two
writers one wins and the other one learns that it worked from an old state.

One thing changes a version: the erasure of a person, who then stands in its lines under a pseudonym. Its
name, number, ``hash`` and document stay; ``redacted`` is the hash by which the lines are found and checked
since.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from privatenumber.store.items import encode
from privatenumber.store.querying import every_row
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Line = Mapping[str, Any]
_Answer = TypeVar("_Answer")

#: Uncompressed bytes of one page. An item holds 400 KB and compression never adds that much.
PAGE_BYTES: Final = 300_000

#: Few who read lines want only the first ones; an answer of DynamoDB holds up to 1 MB.
_PAGES_AT_ONCE: Final = 8

_ATTEMPTS: Final = 5


class VersionTaken(Exception):
    """Somebody wrote the next version meanwhile: read everything again, then decide again."""


class VersionBroken(Exception):
    """What is stored is not what was written: its hash differs or pages are missing. Names the document."""


@dataclass(frozen=True, slots=True)
class Version:
    """The head of one version. ``hash`` covers `document` and all lines as they were written first.

    ``redacted`` covers them as they are since somebody was erased from them; ``made_at`` is part of neither.
    """

    name: str
    number: int
    hash: str
    document: Mapping[str, Any] = field(repr=False)
    lines: int
    made_at: datetime
    redacted: str | None = None

    @property
    def content(self) -> str:
        """The hash of what it says now."""
        return self.redacted or self.hash

    def says(self, found: str) -> bool:
        """Whether content of this hash is what it says, or what it said before somebody was erased."""
        return found in (self.hash, self.redacted)


def canonical(value: Any) -> bytes:
    """One spelling of a JSON value: sorted keys, no blanks, UTF-8. Raises TypeError for what JSON lacks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_hash(document: Mapping[str, Any], lines: Iterable[Line]) -> str:
    """SHA-256, in hex, of a document and its lines in their order."""
    digest = hashlib.sha256(canonical(document))
    for line in lines:
        digest.update(b"\n" + canonical(line))
    return digest.hexdigest()


def settle(attempt: Callable[[], _Answer]) -> _Answer:
    """Do what reads the latest version, computes and adds the next one; again when somebody was faster.

    Raises VersionTaken under lasting contention.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except VersionTaken:
            continue
    return attempt()


class VersionStore:
    """Versions of documents in one table. All reads are strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def latest(self, name: str) -> Version | None:
        """The newest version of a document; ``None`` before the first."""
        return next(self._heads(name, Limit=1), None)

    def versions(self, name: str) -> Iterator[Version]:
        """All versions of a document, newest first."""
        return self._heads(name)

    def lines(self, version: Version) -> list[dict[str, Any]]:
        """The lines of a version. Raises VersionBroken."""
        try:
            return list(self.each_line(version))
        except VersionBroken:
            # Somebody may have been erased since the head was read.
            now = next((one for one in self.versions(version.name) if one.number == version.number), version)
            if now.content == version.content:
                raise
            return list(self.each_line(now))

    def each_line(self, version: Version) -> Iterator[dict[str, Any]]:
        """The lines of a version, read as somebody wants them. Raises VersionBroken, behind the last one."""
        digest, lines = hashlib.sha256(canonical(version.document)), 0
        condition = {":pk": version.name, ":sk": f"LINES#{version.content}#"}
        for item in self._query("pk = :pk AND begins_with(sk, :sk)", condition, Limit=_PAGES_AT_ONCE):
            for text in zlib.decompress(item["lines"]).splitlines():
                digest.update(b"\n" + text)
                lines += 1
                yield json.loads(text)
        if lines != version.lines or digest.hexdigest() != version.content:
            raise VersionBroken(f"{version.name} version {version.number}")

    def add(
        self,
        name: str,
        document: Mapping[str, Any],
        lines: Iterable[Line],
        *,
        seen: Version | None,
        made_at: datetime,
    ) -> Version:
        """Write what is now true as the version after `seen`, the latest one before its inputs were read.

        When `seen` says the same already, it is returned and nothing is written. Lines are asked for once,
        and of all only what they come to compressed is kept. Raises VersionTaken.
        """
        content = packed(document, lines)
        if seen is not None and seen.says(content.hash):
            return seen
        self._put_pages(name, content, made_at)
        version = Version(
            name=name,
            number=seen.number + 1 if seen else 1,
            hash=content.hash,
            document=document,
            lines=content.lines,
            made_at=made_at,
        )
        self._put_head(version)
        return version

    def redact(
        self, version: Version, lines: Sequence[Line], *, now: datetime, also: Sequence[Action] = ()
    ) -> Version:
        """Put other lines in the place of a version's, as many as there are; its hash stays its name.

        The new pages come before the head, which is written together with ``also``; the old ones are for
        `sweep_pages`. Raises VersionTaken when the head is not as it was read.
        """
        content = packed(version.document, lines)
        if content.hash == version.content:
            return version
        self._put_pages(version.name, content, now)
        as_read = "redacted = :seen" if version.redacted else "attribute_not_exists(redacted)"
        update = {
            "TableName": self._table,
            "Key": encode({"pk": version.name, "sk": _sort(version.number)}),
            "UpdateExpression": "SET redacted = :found",
            "ConditionExpression": f"#hash = :hash AND {as_read}",
            "ExpressionAttributeNames": {"#hash": "hash"},
            "ExpressionAttributeValues": encode(
                {":found": content.hash, ":hash": version.hash, ":seen": version.redacted}
            ),
        }
        try:
            Writer(self._client).transact([Action("head", {"Update": update}), *also])
        except Refused:
            raise VersionTaken(f"{version.name} version {version.number}") from None
        return replace(version, redacted=content.hash)

    def sweep_pages(self, name: str, *, before: datetime) -> int:
        """Remove the pages that no version refers to, and say how many: of a crash, or of what was redacted.

        Those written since ``before`` stay: somebody may be about to write the head that refers to them.
        """
        values = {":pk": name, ":sk": "LINES#"}
        options = {"ProjectionExpression": "pk, sk, made_at"}
        pages = list(self._query("pk = :pk AND begins_with(sk, :sk)", values, **options))
        known = {version.content for version in self.versions(name)}
        unknown = [
            page
            for page in pages
            if page["sk"].split("#")[1] not in known and page.get("made_at", "") < iso(before)
        ]
        for page in unknown:
            self._client.delete_item(TableName=self._table, Key=encode({"pk": name, "sk": page["sk"]}))
        return len(unknown)

    def _put_pages(self, name: str, content: Packed, made_at: datetime) -> None:
        for page, body in enumerate(content.pages):
            item = {
                "pk": name,
                "sk": f"LINES#{content.hash}#{page:06d}",
                "lines": body,
                "made_at": iso(made_at),
            }
            self._client.put_item(TableName=self._table, Item=encode(item))

    def _put_head(self, version: Version) -> None:
        item = {
            "pk": version.name,
            "sk": _sort(version.number),
            "number": version.number,
            "hash": version.hash,
            "document": canonical(version.document).decode(),
            "lines": version.lines,
            "made_at": iso(version.made_at),
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise VersionTaken(f"{version.name} version {version.number}") from None

    def _heads(self, name: str, **options: Any) -> Iterator[Version]:
        names = {":pk": name, ":sk": "V#"}
        rows = self._query("pk = :pk AND begins_with(sk, :sk)", names, ScanIndexForward=False, **options)
        for item in rows:
            yield Version(
                name=item["pk"],
                number=int(item["number"]),
                hash=item["hash"],
                document=json.loads(item["document"]),
                lines=int(item["lines"]),
                made_at=from_iso(item["made_at"]),
                redacted=item.get("redacted"),
            )

    def _query(self, condition: str, values: Mapping[str, Any], **options: Any) -> Iterator[dict[str, Any]]:
        return every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ConsistentRead=True,
            **options,
        )


def _sort(number: int) -> str:
    return f"V#{number:06d}"


@dataclass(frozen=True, slots=True)
class Packed:
    """The hash of a document and its lines, and the pages of these as they are stored."""

    hash: str
    pages: Sequence[bytes]
    lines: int


def packed(document: Mapping[str, Any], lines: Iterable[Line]) -> Packed:
    """What `content_hash` says of it, and its pages, in one go: a month has more lines than memory."""
    digest, count = hashlib.sha256(canonical(document)), 0

    def spelled() -> Iterator[bytes]:
        nonlocal count
        for line in lines:
            count += 1
            body = canonical(line)
            digest.update(b"\n" + body)
            yield body

    pages = [zlib.compress(page, 6) for page in _pages(spelled())]
    return Packed(digest.hexdigest(), pages, count)


def _pages(lines: Iterable[bytes]) -> Iterator[bytes]:
    page: list[bytes] = []
    size = 0
    for body in lines:
        if page and size + len(body) > PAGE_BYTES:
            yield b"\n".join(page)
            page, size = [], 0
        page.append(body)
        size += len(body) + 1
    if page:
        yield b"\n".join(page)
