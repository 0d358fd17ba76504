"""Webhooks, what is announced to them, and a receiver that may be down."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, cast

from botocore.exceptions import EndpointConnectionError

from builders.dynamodb import Table
from builders.keyrings import KEYRING
from privatenumber.deadline import Deadline
from privatenumber.privacy import open_sealed
from privatenumber.settings import WebhookTargets
from privatenumber.store.announcements import Announcement
from privatenumber.store.event_bus import EventBus, NotTaken
from privatenumber.store.queue import Message, Sent, WorkQueue
from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_events import Noted, WebhookEvents
from privatenumber.store.webhook_line_rows import Line, line_key
from privatenumber.store.webhook_lines import DueRow, WebhookLines, WebhookWork
from privatenumber.store.webhook_outbox import Outbox, Subscribers, write
from privatenumber.store.webhook_replays import WebhookReplays
from privatenumber.store.webhooks import State, WebhookRow, WebhookStore, webhook_id
from privatenumber.times import Clock, from_iso
from privatenumber.webhooks.channel import Channel
from privatenumber.webhooks.posting import Outcome, Posting
from privatenumber.webhooks.service import Shown, Wanted, Webhooks
from privatenumber.webhooks.work import Worker, compose_worker

APPLICATION = "ride"
CALL = "call#sessiontoken"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
TARGET = "https://hooks.example.com/in"
TAKEN = Outcome(True, "delivered", 0.1, 200)
DOWN = Outcome(False, "unreachable", 0.1)
TIMEOUT = Outcome(False, "timeout", 10.0)


@dataclass
class Queue(WorkQueue):
    """A queue that keeps what it is sent, unless it is down."""

    down: bool = False
    sent: list[WebhookWork] = field(default_factory=list)

    def send(self, work: Iterable[Message], *, delay_s: int = 0) -> Sent:
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://sqs")
        taken = [message for message in work if isinstance(message, WebhookWork)]
        self.sent += taken
        return Sent(len(taken), 0)


def announcement(
    type_: str,
    *,
    id: str = "event1",
    about: str = CALL,
    at: datetime = START,
    application: str = APPLICATION,
    data: Mapping[str, Any] | None = None,
    numbers: Mapping[str, str] | None = None,
) -> Announcement:
    """Something that happened."""
    return Announcement(application, about, type_, id, at, data or {"x": "+8617010000001"}, numbers or {})


def webhook(unique: str, **changes: Any) -> WebhookRow:
    """A webhook that wants to know everything about calls, unless told otherwise."""
    parts: dict[str, Any] = {
        "id": webhook_id(APPLICATION, unique),
        "application": APPLICATION,
        "target": TARGET,
        "events": ("call.*", "sms.*"),
        "full_numbers": False,
        "state": State.ENABLED.value,
        "created_at": START,
        "created_by": "test",
        "updated_at": START,
        "updated_by": "test",
        "content_hash": "hash",
    }
    return WebhookRow(**{**parts, **changes})


def outbox_of(table: Table, queue: Queue | None = None) -> Outbox:
    """The outbox of an environment that has just started."""
    subscribers = Subscribers(WebhookStore(table.client, table.name))
    return Outbox(subscribers, table.name, lambda: KEYRING, cast(WorkQueue, queue or Queue()))


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
    """Verify as a receiver does that has only read docs/webhooks.md; nothing of ours is used."""
    moment = int(headers["webhook-timestamp"])
    if abs(now.timestamp() - moment) > 300:
        return False
    mac = hmac.new(b64decode(secret[len("whsec_") :]), digestmod="sha256")
    for part in (headers["webhook-id"].encode(), b".", str(moment).encode(), b".", body):
        mac.update(part)
    own = "v1," + b64encode(mac.digest()).decode()
    return any(hmac.compare_digest(own, given) for given in headers["webhook-signature"].split(" "))


@dataclass(frozen=True)
class Received:
    """What a receiver took, or heard before it failed."""

    at: datetime
    id: str
    type: str
    subject: str
    data: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """The way to receivers, without a network: what they answer is up to the test."""

    clock: Clock
    answer: Callable[[Received], Outcome] = lambda _: TAKEN
    heard: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        event = json.loads(body)
        one = Received(
            self.clock(), event["id"], event["type"], event["subject"], event["data"], headers, body
        )
        self.heard.append(one)
        outcome = self.answer(one)
        if outcome.delivered:
            self.taken.append(one)
        return outcome

    def ids(self, about: str = CALL) -> list[str]:
        """What was taken about one thing, in the order in which it was."""
        return [one.id for one in self.taken if one.subject == about]


class Scene:
    """Webhooks of an application, a receiver, and one clock that a test moves."""

    def __init__(self, table: Table, *, now: datetime = START) -> None:
        self.table = table
        self.now = now
        self.receiver = Receiver(self.clock)
        self.counted: Counter[str] = Counter()
        self.queue = Queue()
        self.bus = Bus()
        self.webhooks = WebhookStore(table.client, table.name)
        self.lines = WebhookLines(table.client, table.name)
        self.events = WebhookEvents(table.client, table.name)
        self.attempts = WebhookAttempts(table.client, table.name)
        self.replays = WebhookReplays(table.client, table.name)
        self.random: Callable[[], float] = lambda: 0.5
        self._sequence = count(1)
        self._unique = count(1)

    def clock(self) -> datetime:
        return self.now

    def worker(self, **stores: Any) -> Worker:
        """The worker; a store that is given replaces the scene's."""
        parts: dict[str, Any] = {
            "webhooks": self.webhooks,
            "lines": self.lines,
            "events": self.events,
            "attempts": self.attempts,
            "replays": self.replays,
            "queue": self.queue,
            "channel": self.channel(),
        }
        return compose_worker(
            **{**parts, **stores},
            clock=self.clock,
            random=lambda: self.random(),
            unique=lambda: f"{next(self._unique):08d}",
            count=self._count,
        )

    def channel(self) -> Channel:
        unseal = partial(open_sealed, KEYRING)
        return Channel(
            cast(Posting, self.receiver),
            lambda: cast(EventBus, self.bus),
            lambda sealed, context: unseal(sealed, context=context),
        )

    def service(self, **changes: Any) -> Webhooks:
        """The operations of the HTTP API."""
        parts: dict[str, Any] = {
            "store": self.webhooks,
            "attempts": self.attempts,
            "replays": self.replays,
            "channel": self.channel(),
            "keyring": lambda: KEYRING,
            "allowed": WebhookTargets.PUBLIC,
            "applications": lambda: [APPLICATION],
            "resolve": lambda host, port: ["93.184.215.14"],
            "clock": self.clock,
        }
        return Webhooks(**{**parts, **changes})

    def create(self, target: str = TARGET, **changes: Any) -> Shown:
        """A webhook that is told all, unless told otherwise."""
        wanted = Wanted(APPLICATION, target, changes.pop("events", ("*",)), **changes)
        return self.service().create(wanted, by="test", key=None)

    def tell(self, *announcements: Announcement) -> None:
        """One record of a stream announces something now."""
        noted = Noted(self.now, str(next(self._sequence)))
        write(self.table.client, outbox_of(self.table).of(announcements, noted).updates)

    def step_all(self, **stores: Any) -> int:
        """Do once what is due now; how many rows that was."""
        due = [row for row in self._waiting() if row.due_at <= self.now]
        worker = self.worker(**stores)
        for row in due:
            worker.step(WebhookWork(row.key, self.now), Deadline.after(60))
        return len(due)

    def run(self, **length: float) -> None:
        """Let time pass, with a worker who does everything when it is due."""
        until = self.now + timedelta(**length)
        for _ in range(2000):
            self.step_all()
            moments = [row.due_at for row in self._waiting()]
            upcoming = min((moment for moment in moments if moment <= until), default=None)
            if upcoming is None:
                self.now = until
                return
            self.now = max(self.now, upcoming)
        raise AssertionError("what is due stays due")

    def jump(self, **length: float) -> None:
        """Let time pass in which nobody works."""
        self.now += timedelta(**length)

    def rows(self) -> list[Mapping[str, Any]]:
        """Everything that is stored."""
        pages = self.table.client.get_paginator("scan").paginate(TableName=self.table.name)
        return [item for page in pages for item in page["Items"]]

    def given_up(self) -> list[str]:
        """Events that the log says were given up."""
        logged = [row for row in self.rows() if row["pk"]["S"].startswith("EVENTS#")]
        return [row["event"]["S"] for row in logged if "given_up" in row]

    def line(self, about: str = CALL) -> Line | None:
        """The line of the only webhook about one thing."""
        (row,) = self.webhooks.of_application(APPLICATION)
        return self.lines.get(line_key(row.id, about))

    def row(self) -> WebhookRow:
        """The only webhook."""
        (row,) = self.webhooks.of_application(APPLICATION)
        return row

    def _waiting(self) -> list[DueRow]:
        """What is due some day: the index, read whole by one request."""
        answer = self.table.client.scan(TableName=self.table.name, IndexName="due")
        return [
            DueRow((item["pk"]["S"], item["sk"]["S"]), from_iso(item["due_at"]["S"]))
            for item in answer["Items"]
        ]

    def _count(self, name: str, value: float) -> None:
        self.counted[name] += int(value)


@dataclass
class Bus:
    """An event bus that may refuse."""

    refuses: str | None = None
    taken: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def put(self, type_: str, detail: str, *, at: datetime) -> None:
        if self.refuses:
            raise NotTaken(self.refuses)
        self.taken.append((type_, json.loads(detail)))
