"""Webhooks in the Bills table: who wants to be told what, and how it goes with telling him.

Key: ``WEBHOOKS#<application>`` / ``WEBHOOK#<id>``; the id begins with its application, so it is found by id
alone. ``WEBHOOKS#<application>`` / ``COUNT`` counts those that live. One that waits for a probe stands in the
index ``due``. Every write names the version it has seen; a deleted one is forgotten after 30 days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.store.webhook_line_rows import Key, shard_of
from privatenumber.store.webhook_lines import Overtaken
from privatenumber.store.webhook_replays import ReplayRow, replay_put
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KIND: Final = "webhook"
LIMIT: Final = 10
"""Most webhooks of an application."""

TO_BUS: Final = "eventbridge"
"""The target that is the event bus of the deployment; every other one is an https address."""

_PREFIX: Final = "WEBHOOK#"
_SEPARATOR: Final = "~"
_COUNT: Final = "count"
_REPLAY: Final = "replay"
_ATTEMPTS: Final = 5


class State(StrEnum):
    """Whether a webhook is told anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class TooMany(Exception):
    """The application has as many webhooks as it may."""


class NoSuchWebhook(Exception):
    """No webhook has this id (any more)."""


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook. Times are aware UTC.

    ``events`` are patterns (`announcement_types.asks_for`), ``sealed`` its secrets, ``reason`` says why it is
    disabled. ``failures`` counts attempts in vain since ``failing_since``, the first one after a delivery;
    nothing is sent before ``paused_until``, and one thing at a time to one that is ``slow``. ``catching_up``
    is the replay that has to end first, of what was missed since ``missed_from``; ``replaying`` the one on
    request that is under way. ``due_at`` is the next probe of one that is disabled.
    """

    id: str
    application: str
    target: str = field(repr=False)
    events: tuple[str, ...]
    full_numbers: bool
    state: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    content_hash: str
    sealed: bytes | None = field(default=None, repr=False)
    version: int = 1
    description: str | None = None
    reason: str | None = None
    disabled_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    slow: bool = False
    catching_up: str | None = None
    missed_from: datetime | None = None
    replaying: str | None = None
    probes: int = 0
    due_at: datetime | None = None
    expires_at: int | None = None

    @property
    def key(self) -> Key:
        """Key of the row."""
        return webhook_key(self.id)


def webhook_id(application: str, unique: str) -> str:
    """Id of a webhook; applications have no ``~`` in theirs."""
    return f"{application}{_SEPARATOR}{unique}"


def webhook_key(id_: str) -> Key:
    """Key of a webhook."""
    return f"WEBHOOKS#{id_.partition(_SEPARATOR)[0]}", f"{_PREFIX}{id_}"


def seal_context(id_: str) -> str:
    """What the secrets of a webhook are sealed for."""
    return f"webhook#{id_}"


class WebhookStore:
    """Reads and writes webhooks."""

    def __init__(self, client: DynamoDBClient, table: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table
        self._writer = writer or Writer(client)

    def add(self, row: WebhookRow) -> WebhookRow | None:
        """Write a new webhook; answers the one that has its id already. Raises TooMany, Contended."""
        count = self._counted(row.application, 1, "attribute_not_exists(live) OR live < :limit")
        new = Action(KIND, {"Put": self._put(row, "attribute_not_exists(pk)", {})})
        try:
            self._writer.transact([new, Action(_COUNT, {"Update": count})])
        except Refused as refused:
            if refused.action != KIND:
                raise TooMany from None
            return self.get(row.id)
        return None

    def get(self, id_: str) -> WebhookRow | None:
        """One webhook, as it is now, a deleted one too."""
        pk, sk = webhook_key(id_)
        answer = self._client.get_item(
            TableName=self._table, Key=encode({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return _row(decode(answer["Item"])) if "Item" in answer else None

    def of_application(self, application: str) -> Sequence[WebhookRow]:
        """The webhooks of an application that are not deleted, in the order of their ids."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=encode({":pk": f"WEBHOOKS#{application}", ":sk": _PREFIX}),
            ConsistentRead=True,
        )
        return [row for row in map(_row, rows) if row.state != State.DELETED]

    def change(
        self,
        id_: str,
        transition: Callable[[WebhookRow], WebhookRow],
        *,
        beside: Callable[[WebhookRow], ReplayRow] | None = None,
    ) -> WebhookRow:
        """Write what `transition` makes of a webhook; of what others write meanwhile, it is made anew.

        The same row means that there is nothing to write; ``beside`` makes a replay of another one, which is
        written with it. Raises NoSuchWebhook, and Overtaken when others always come first.
        """
        for _ in range(_ATTEMPTS):
            row = self.get(id_)
            if row is None or row.state == State.DELETED:
                raise NoSuchWebhook
            changed = transition(row)
            if changed == row:
                return row
            changed = replace(changed, version=row.version + 1)
            try:
                self._replace(changed, row, beside(changed) if beside else None)
            except Overtaken:
                continue
            return changed
        raise Overtaken

    def _replace(self, row: WebhookRow, seen: WebhookRow, replay: ReplayRow | None) -> None:
        put = self._put(row, "#version = :seen", {":seen": seen.version})
        put["ExpressionAttributeNames"] = {"#version": "version"}
        actions = [Action(KIND, {"Put": put})]
        if row.state == State.DELETED:
            actions.append(Action(_COUNT, {"Update": self._counted(row.application, -1, "live > :limit")}))
        if replay:
            actions.append(Action(_REPLAY, {"Put": replay_put(self._table, replay, seen=None)}))
        try:
            self._writer.transact(actions)
        except Refused:
            raise Overtaken from None

    def _put(self, row: WebhookRow, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": encode(_item(row)),
            "ConditionExpression": condition,
        }
        return put | ({"ExpressionAttributeValues": encode(values)} if values else {})

    def _counted(self, application: str, by: int, condition: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": encode({"pk": f"WEBHOOKS#{application}", "sk": "COUNT"}),
            "UpdateExpression": "ADD live :by",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode({":by": by, ":limit": LIMIT if by > 0 else 0}),
        }


def _item(row: WebhookRow) -> dict[str, Any]:
    pk, sk = row.key
    return {
        "pk": pk,
        "sk": sk,
        "kind": KIND,
        "webhook": row.id,
        "application": row.application,
        "target": row.target,
        "events": list(row.events),
        "full_numbers": row.full_numbers,
        "state": row.state,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "updated_at": iso(row.updated_at),
        "updated_by": row.updated_by,
        "content_hash": row.content_hash,
        "sealed": row.sealed,
        "version": row.version,
        "description": row.description,
        "reason": row.reason,
        "disabled_at": _text(row.disabled_at),
        "failures": row.failures,
        "failing_since": _text(row.failing_since),
        "paused_until": _text(row.paused_until),
        "slow": row.slow or None,
        "catching_up": row.catching_up,
        "missed_from": _text(row.missed_from),
        "replaying": row.replaying,
        "probes": row.probes,
        "due_key": shard_of(row.key) if row.due_at else None,
        "due_at": _text(row.due_at),
        "expires_at": row.expires_at,
    }


def _row(item: Mapping[str, Any]) -> WebhookRow:
    return WebhookRow(
        id=item["webhook"],
        application=item["application"],
        target=item["target"],
        events=tuple(item["events"]),
        full_numbers=item["full_numbers"],
        state=item["state"],
        created_at=from_iso(item["created_at"]),
        created_by=item["created_by"],
        updated_at=from_iso(item["updated_at"]),
        updated_by=item["updated_by"],
        content_hash=item["content_hash"],
        sealed=item.get("sealed"),
        version=int(item["version"]),
        description=item.get("description"),
        reason=item.get("reason"),
        disabled_at=_moment(item, "disabled_at"),
        failures=int(item["failures"]),
        failing_since=_moment(item, "failing_since"),
        paused_until=_moment(item, "paused_until"),
        slow=item.get("slow", False),
        catching_up=item.get("catching_up"),
        missed_from=_moment(item, "missed_from"),
        replaying=item.get("replaying"),
        probes=int(item["probes"]),
        due_at=_moment(item, "due_at"),
        expires_at=int(item["expires_at"]) if "expires_at" in item else None,
    )


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    return from_iso(text) if text else None
