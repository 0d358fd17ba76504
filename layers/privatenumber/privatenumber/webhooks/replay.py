"""Replays: what was logged in a range of time goes into the lines of a webhook again, a page at a time.

Resumable: a page is put into its lines under names that the replay's id makes, then the cursor is written; a
page that comes again after a crash changes nothing. A catch-up puts in what was only logged, under the plain
names, so that nothing comes twice; what was given up before stays so, else it would keep all behind it for
another day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.store.announcement_types import asks_for
from privatenumber.store.queue import WorkQueue
from privatenumber.store.webhook_events import KEPT, SHARDS, LoggedEvent, WebhookEvents, days_between
from privatenumber.store.webhook_line_rows import Entry, Key, entry_name, line_key
from privatenumber.store.webhook_lines import Overtaken, WebhookLines, WebhookWork
from privatenumber.store.webhook_replays import ReplayRow, WebhookReplays
from privatenumber.store.webhooks import NoSuchWebhook, State, WebhookRow, WebhookStore
from privatenumber.times import Clock, iso
from privatenumber.webhooks import model

PAGE: Final = 100
LEASE: Final = timedelta(minutes=3)
ROW_KEPT: Final = timedelta(days=90)
MOST_IN_A_LINE: Final = 1000
"""Most announcements of a line that a replay adds to: a row has 400 KB, and new ones need room too."""

_SHORTEST_S: Final = 5.0


def catch_up_of(webhook: WebhookRow, now: datetime, by: str) -> ReplayRow:
    """The replay of what a webhook has missed while it was disabled, as it is enabled `now`."""
    return ReplayRow(
        id=catch_up_id(webhook),
        webhook_id=webhook.id,
        start=max(webhook.missed_from or now, now - KEPT),
        end=now + model.SETTLING,
        catch_up=True,
        created_at=now,
        created_by=by,
        expires_at=int((now + ROW_KEPT).timestamp()),
        due_at=now + model.SETTLING,
    )


def catch_up_id(webhook: WebhookRow) -> str:
    """Id of the catch-up that begins with the present version of a webhook."""
    return f"catch-up-{webhook.version}"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a replay has come: a shard of a day, and the last position that was read there."""

    day: date
    shard: int
    after: str

    @classmethod
    def of(cls, row: ReplayRow) -> Position:
        """Where a replay goes on."""
        if row.cursor is None:
            return cls(row.start.date(), 0, "")
        day, shard, after = row.cursor.split("/", 2)
        return cls(date.fromisoformat(day), int(shard), after)

    def __str__(self) -> str:
        return f"{self.day.isoformat()}/{self.shard}/{self.after}"

    def rest(self, last: date) -> Iterator[Position]:
        """This place and all behind it."""
        yield self
        yield from (Position(self.day, shard, "") for shard in range(self.shard + 1, SHARDS))
        for day in days_between(self.day + timedelta(days=1), last):
            yield from (Position(day, shard, "") for shard in range(SHARDS))


@dataclass(frozen=True, slots=True)
class Replaying:
    """Moves replays on."""

    webhooks: WebhookStore
    replays: WebhookReplays
    events: WebhookEvents
    lines: WebhookLines
    queue: WorkQueue
    clock: Clock
    count: Callable[[str, float], None]

    def step(self, key: Key, deadline: Deadline) -> None:
        """Move a replay on when it is due, as far as the time goes."""
        row, now = self.replays.get(key), self.clock()
        if row is None or row.due_at is None or row.due_at > now:
            return
        try:
            row = self.replays.replace(replace(row, due_at=now + LEASE))
            webhook = self.webhooks.get(row.webhook_id)
            if webhook is None or webhook.state != State.ENABLED:
                state = webhook.state if webhook else State.DELETED.value
                self._finish(replace(row, ended=f"the webhook is {state}"))
                return
            self._walk(row, webhook, deadline)
        except Overtaken:
            return

    def _walk(self, row: ReplayRow, webhook: WebhookRow, deadline: Deadline) -> None:
        for begin in Position.of(row).rest(row.end.date()):
            place, more = begin, True
            while more:
                if deadline.remaining() < _SHORTEST_S:
                    row = self.replays.replace(replace(row, due_at=self.clock()))
                    self.queue.send([WebhookWork(row.key, self.clock())])
                    return
                found, more = self._page(row, webhook, place)
                if found:
                    queued, skipped = self._queue(row, webhook, found)
                    place = replace(place, after=found[-1].position)
                    row = replace(
                        row,
                        cursor=str(place),
                        read=row.read + len(found),
                        queued=row.queued + queued,
                        skipped=row.skipped + skipped,
                        due_at=self.clock() + LEASE,
                    )
                    row = self.replays.replace(row)
        self._finish(row)

    def _page(
        self, row: ReplayRow, webhook: WebhookRow, place: Position
    ) -> tuple[Sequence[LoggedEvent], bool]:
        return self.events.some(
            webhook.application,
            place.day,
            place.shard,
            after=max(place.after, iso(row.start)),
            until=iso(row.end),
            limit=PAGE,
        )

    def _queue(self, row: ReplayRow, webhook: WebhookRow, found: Sequence[LoggedEvent]) -> tuple[int, int]:
        """Put what the webhook asks for into its lines; how many that is, and how many had no room."""
        now, entries = self.clock(), defaultdict[str, list[Entry]](list)
        for event in found:
            if row.catch_up and webhook.id in event.given_up:
                continue
            if asks_for(webhook.events, event.type):
                name = entry_name(event.id, None if row.catch_up else row.id)
                entries[event.about].append(Entry(name, event.position, now))
        keys, queued = list[Key](), 0
        for about, some in entries.items():
            fitting = self._fitting(row, webhook, about, some)
            if fitting:
                keys.append(
                    self.lines.append(
                        application=webhook.application,
                        webhook_id=webhook.id,
                        about=about,
                        entries=fitting,
                        due_at=now,
                    )
                )
            queued += len(fitting)
        if not row.catch_up:
            self.queue.send(WebhookWork(key, now) for key in keys)
        self.count("WebhookEventsReplayed", queued)
        return queued, sum(map(len, entries.values())) - queued

    def _fitting(self, row: ReplayRow, webhook: WebhookRow, about: str, some: Sequence[Entry]) -> list[Entry]:
        """What a line has room for, or holds already; the rest is counted, and given up by a catch-up.

        Either way it can be replayed when the line has told what is in it.
        """
        line = self.lines.get(line_key(webhook.id, about))
        held = {entry.name for entry in (*line.waiting, *line.delivered)} if line else set[str]()
        room = max(0, MOST_IN_A_LINE - len(held))
        known = [entry for entry in some if entry.name in held]
        new = [entry for entry in some if entry.name not in held]
        for entry in new[room:]:
            if row.catch_up:
                self.events.give_up(webhook.application, about, entry.position, webhook.id)
                self.count("WebhookEventsGivenUp", 1)
            else:
                self.count("WebhookReplaySkipped", 1)
        return [*known, *new[:room]]

    def _finish(self, row: ReplayRow) -> None:
        """End a replay; a webhook that waited for it may be told what is in its lines."""
        with suppress(NoSuchWebhook):
            self.webhooks.change(row.webhook_id, lambda webhook: _over(webhook, row.id))
        self.replays.replace(replace(row, due_at=None, finished_at=self.clock()))


def _over(webhook: WebhookRow, replay_id: str) -> WebhookRow:
    """A webhook after a replay. What waits in lines now and is dropped from them is missed again by that."""
    if webhook.catching_up == replay_id:
        return replace(webhook, catching_up=None, missed_from=None)
    return replace(webhook, replaying=None) if webhook.replaying == replay_id else webhook
