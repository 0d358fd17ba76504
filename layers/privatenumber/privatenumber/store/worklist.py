"""What people have to look after because the platform may not tell it any more: one row per case.

Key: ``WORKLIST#<app>``, ``<kind>-<subject>``. Index ``by_day``: ``day_key`` = ``WORKLIST#<app>#<state>``,
``day_sort`` = ``<since>#<id>``. Index ``due`` while the case is open: ``due_key`` = ``WORKLIST#<shard>``,
``due_at`` = when it is looked at again. A row is never deleted before its time, whatever becomes of the case.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.due import due_items
from privatenumber.store.fact_rows import DAY_INDEX
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import read_items
from privatenumber.store.versioned import put_new, put_over
from privatenumber.store.watched import DUE_INDEX, Key
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

WORKLIST_SHARDS: Final = 4
_PAGES: Final = 10
_PAGE: Final = 200


class CaseKind(StrEnum):
    """What is amiss; the value begins the id of a case."""

    CDR_MISSING = "cdr-missing"
    """A call ended, its CDR has not come."""
    CALL_UNENDED = "call-unended"
    """A call began; neither its end nor its CDR has come."""
    NOTICE_MISSING = "notice-missing"
    """The platform asked about an SMS and never said what became of it (C-150)."""
    BINDING_UNKNOWN = "binding-unknown"
    """A call names a binding that is not ours."""
    PUSHES_SILENT = "pushes-silent"
    """An application's pushes of one kind have stopped at a time of day at which they usually come."""


class CaseState(StrEnum):
    """What became of a case."""

    OPEN = "open"
    RESOLVED = "resolved"
    """What was missing has come."""
    DISMISSED = "dismissed"
    """Somebody has looked after it."""
    EXPIRED = "expired"
    """The console has forgotten it too."""


class Level(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ALARM = "alarm"
    LOST = "lost"
    """The platform pushes it no more: export it."""


class CaseTaken(Exception):
    """Somebody else has written the case since it was read."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case. Times are aware UTC.

    ``subject`` tells cases of one kind apart: a token or hash. ``about`` is the key of the row that is looked
    at again, of a call or an SMS; ``what`` names the binding, or the kind of push. ``first`` and ``last`` are
    the stretch of time to export.
    """

    application: str
    kind: CaseKind
    subject: str
    level: Level
    since: datetime
    opened_at: datetime
    changed_at: datetime
    first: datetime
    last: datetime
    expires_at: int
    state: CaseState = CaseState.OPEN
    next_at: datetime | None = None
    about: Key | None = None
    what: str | None = None
    x: str | None = field(default=None, repr=False)
    reminded: bool = False
    resolution: str | None = None
    by: str | None = None
    why: str | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """Its name within the application."""
        return f"{self.kind}-{self.subject}"


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases of a list, and where the next page begins (None: the list is complete)."""

    cases: tuple[Case, ...]
    cursor: str | None


class WorklistStore:
    """Cases in the Bills table. ``table`` is its name."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, case: Case) -> bool:
        """Open a case unless it was ever opened; says whether it is new."""
        return put_new(self._client, self._table, _item(case))

    def replace(self, case: Case, *, seen: int) -> None:
        """Write a case in the place of the version that was seen. Raises CaseTaken."""
        if not put_over(self._client, self._table, _item(case), seen=seen):
            raise CaseTaken

    def get(self, application: str, identity: str) -> Case | None:
        """One case, as it is now."""
        key = encode({"pk": f"WORKLIST#{application}", "sk": identity})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return read_case(decode(answer["Item"])) if "Item" in answer else None

    def due(self, *, until: datetime, limit: int) -> Iterator[dict[str, Any]]:
        """Rows of open cases to be looked at by ``until``, at most ``limit``: decoded, for `read_case`.

        So whoever looks at one can go on behind one that is broken.
        """
        shards = [f"WORKLIST#{shard}" for shard in range(WORKLIST_SHARDS)]
        found = due_items(self._client, self._table, DUE_INDEX, shards=shards, until=iso(until), limit=limit)
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in found]
        rows = read_items(self._client, {self._table: keys}, consistent=True) if keys else ()
        return (row for row in rows if "due_at" in row)

    def page(
        self,
        application: str,
        state: CaseState,
        *,
        kind: CaseKind | None = None,
        before: str | None = None,
        limit: int,
    ) -> CasePage:
        """Cases in one state, the newest first. ``before`` is a cursor of an earlier page.

        A page may hold fewer cases than the list: it looks at so many rows at most.
        """
        found, cursor = list[Case](), before
        for _ in range(_PAGES):
            answer = self._client.query(
                TableName=self._table,
                IndexName=DAY_INDEX,
                KeyConditionExpression="day_key = :state AND day_sort < :before",
                ExpressionAttributeValues=encode(
                    {":state": f"WORKLIST#{application}#{state}", ":before": cursor or "~"}
                ),
                ScanIndexForward=False,
                Limit=_PAGE,
            )
            for row in map(decode, answer["Items"]):
                cursor = row["day_sort"]
                case = read_case(row)
                if kind in (None, case.kind):
                    found.append(case)
                if len(found) == limit:
                    return CasePage(tuple(found), cursor)
            if not answer.get("LastEvaluatedKey"):
                return CasePage(tuple(found), None)
        return CasePage(tuple(found), cursor)


def _item(case: Case) -> dict[str, Any]:
    """The whole item, with the attributes of ``due`` while the case is open."""
    is_due = case.state is CaseState.OPEN and case.next_at is not None
    return {
        "pk": f"WORKLIST#{case.application}",
        "sk": case.id,
        "kind": "case",
        "application": case.application,
        "case": case.kind.value,
        "subject": case.subject,
        "state": case.state.value,
        "level": case.level.value,
        "since": iso(case.since),
        "opened_at": iso(case.opened_at),
        "changed_at": iso(case.changed_at),
        "first": iso(case.first),
        "last": iso(case.last),
        "about": list(case.about) if case.about else None,
        "what": case.what,
        "x": case.x,
        "reminded": case.reminded or None,
        "resolution": case.resolution,
        "by": case.by,
        "why": case.why,
        "version": case.version,
        "expires_at": case.expires_at,
        "day_key": f"WORKLIST#{case.application}#{case.state}",
        "day_sort": f"{iso(case.since)}#{case.id}",
        "due_key": f"WORKLIST#{zlib.crc32(case.id.encode()) % WORKLIST_SHARDS}" if is_due else None,
        "due_at": iso(case.next_at) if is_due and case.next_at else None,
    }


def read_case(row: Mapping[str, Any]) -> Case:
    """A case from a decoded row."""
    about = row.get("about")
    return Case(
        application=row["application"],
        kind=CaseKind(row["case"]),
        subject=row["subject"],
        level=Level(row["level"]),
        since=from_iso(row["since"]),
        opened_at=from_iso(row["opened_at"]),
        changed_at=from_iso(row["changed_at"]),
        first=from_iso(row["first"]),
        last=from_iso(row["last"]),
        expires_at=int(row["expires_at"]),
        state=CaseState(row["state"]),
        next_at=from_iso(row["due_at"]) if "due_at" in row else None,
        about=(about[0], about[1]) if about else None,
        what=row.get("what"),
        x=row.get("x"),
        reminded=bool(row.get("reminded")),
        resolution=row.get("resolution"),
        by=row.get("by"),
        why=row.get("why"),
        version=int(row["version"]),
    )
