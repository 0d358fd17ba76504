"""The log of what was told outside, in the Bills table: one row per announcement, kept for a replay.

Key: ``EVENTS#<application>#<UTC day>#<shard of what it is about>`` / ``<noted at>#<sequence>#<place>#<id>``.
A shard of a day lies in the order in which things were noted, so what is about one thing lies in its order.
The same announcement noted again by the same record of a stream is the same row.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.privacy import Keyring, seal
from privatenumber.store.announcements import Announcement
from privatenumber.store.items import decode, encode
from privatenumber.store.reading import read_items
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "announcement"
SHARDS: Final = 8
KEPT: Final = timedelta(days=30)

_SEQUENCE_DIGITS: Final = 40
MOMENT: Final = len("2026-03-01T08:00:00.000Z")
"""How long a moment is when it is written."""

_NEXT: Final = "\0"
"""Behind a key it makes the one that follows at once."""


@dataclass(frozen=True, slots=True)
class Noted:
    """When something was noticed, and where in its stream: the same whoever repeats it.

    ``sequence`` is the sequence number of the stream's record; empty where there was none.
    """

    at: datetime
    sequence: str = ""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An announcement as it was logged; ``position`` is its sort key. ``sealed`` holds people's numbers.

    ``given_up`` are the webhooks that were not to be reached with it.
    """

    application: str
    about: str
    position: str
    id: str
    type: str
    at: datetime
    data: str
    sealed: bytes | None = field(default=None, repr=False)
    given_up: frozenset[str] = frozenset()

    @property
    def noted_at(self) -> datetime:
        """When it was noted."""
        return noted_at(self.position)


def position_of(noted: Noted, place: int, event_id: str) -> str:
    """Sort key of an announcement; ``place`` is where it stands among those of the same record."""
    return f"{iso(noted.at)}#{noted.sequence.zfill(_SEQUENCE_DIGITS)}#{place:03d}#{event_id}"


def noted_at(position: str) -> datetime:
    """When the announcement of a position was noted."""
    return from_iso(position[:MOMENT])


def event_id_of(position: str) -> str:
    """Which announcement stands at a position."""
    return position.split("#", 3)[3]


def seal_context(application: str, event_id: str) -> str:
    """What the numbers of an announcement are sealed for: moved to another one they do not open."""
    return f"webhook-event#{application}#{event_id}"


def event_key(application: str, about: str, position: str) -> dict[str, str]:
    """Key of a logged announcement."""
    shard = zlib.crc32(about.encode()) % SHARDS
    return {"pk": _partition(application, position[:10], shard), "sk": position}


def event_update(
    table: str, announcement: Announcement, position: str, keyring: Callable[[], Keyring]
) -> dict[str, Any]:
    """The update that logs an announcement and, written again, leaves all as it is."""
    sealed = None
    if announcement.numbers:
        context = seal_context(announcement.application, announcement.id)
        sealed = seal(keyring(), json.dumps(dict(announcement.numbers)).encode(), context=context)
    values = {
        "kind": KIND,
        "application": announcement.application,
        "about": announcement.about,
        "event": announcement.id,
        "type": announcement.type,
        "at": iso(announcement.at),
        "data": json.dumps(dict(announcement.data), ensure_ascii=False, separators=(",", ":")),
        "sealed": sealed,
        "expires_at": int((noted_at(position) + KEPT).timestamp()),
    }
    known = {name: value for name, value in values.items() if value is not None}
    return {
        "TableName": table,
        "Key": encode(event_key(announcement.application, announcement.about, position)),
        "UpdateExpression": "SET "
        + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in known),
        "ExpressionAttributeNames": {f"#{name}": name for name in known},
        "ExpressionAttributeValues": encode({f":{name}": value for name, value in known.items()}),
    }


class WebhookEvents:
    """Reads the log, and writes down who was not to be reached."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, application: str, about: str, positions: Sequence[str]) -> dict[str, LoggedEvent]:
        """Announcements about one thing by their positions; what was forgotten is missing."""
        keys = [event_key(application, about, position) for position in dict.fromkeys(positions)]
        items = read_items(self._client, {self._table: keys}, consistent=True)
        return {str(item["sk"]): _event(item) for item in items}

    def some(
        self, application: str, day: date, shard: int, *, after: str, until: str, limit: int
    ) -> tuple[list[LoggedEvent], bool]:
        """Announcements of a shard of a day, in order: positions above ``after``, up to ``until``.

        At most ``limit``, and whether there may be more. An empty ``after`` begins at the beginning.
        """
        if after >= until:
            return [], False
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :after AND :until",
            ExpressionAttributeValues=encode(
                {
                    ":pk": _partition(application, day.isoformat(), shard),
                    ":after": after + _NEXT,
                    ":until": until,
                }
            ),
            Limit=limit,
            ConsistentRead=True,
        )
        return [_event(decode(item)) for item in answer["Items"]], "LastEvaluatedKey" in answer

    def give_up(self, application: str, about: str, position: str, webhook_id: str) -> None:
        """Write down that a webhook was not to be reached; an announcement that is forgotten stays so."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(event_key(application, about, position)),
                UpdateExpression="ADD given_up :webhook",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=encode({":webhook": {webhook_id}}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _partition(application: str, day: str, shard: int) -> str:
    return f"EVENTS#{application}#{day}#{shard}"


def _event(item: Mapping[str, Any]) -> LoggedEvent:
    return LoggedEvent(
        application=item["application"],
        about=item["about"],
        position=item["sk"],
        id=item["event"],
        type=item["type"],
        at=from_iso(item["at"]),
        data=item["data"],
        sealed=item.get("sealed"),
        given_up=frozenset(item.get("given_up", ())),
    )
