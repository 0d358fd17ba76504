"""Announcements on their way into the log and the lines of webhooks; users.md U-S13, U-N14."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from builders.dynamodb import Table
from builders.webhooks import APPLICATION, CALL, Queue, announcement, outbox_of, webhook
from privatenumber.store import webhook_lines
from privatenumber.store.announcements import Announcement
from privatenumber.store.items import decode
from privatenumber.store.webhook_events import Noted, WebhookEvents, event_key
from privatenumber.store.webhook_line_rows import Line, line_key
from privatenumber.store.webhook_lines import Overtaken, WebhookLines
from privatenumber.store.webhook_outbox import write
from privatenumber.store.webhooks import LIMIT, State, TooMany, WebhookStore, webhook_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOTED = Noted(NOW, "100")
ID = webhook_id(APPLICATION, "one")
NUMBER = "+8613800000001"


@pytest.fixture
def webhooks(table: Table) -> WebhookStore:
    store = WebhookStore(table.client, table.name)
    store.add(webhook("one"))
    return store


@pytest.fixture
def lines(table: Table, webhooks: WebhookStore) -> WebhookLines:
    return WebhookLines(table.client, table.name)


def tell(table: Table, *announcements: Announcement, noted: Noted = NOTED) -> None:
    """What happens in the transaction of a fact."""
    actions: Any = outbox_of(table).of(announcements, noted).actions
    table.client.transact_write_items(TransactItems=actions)


def line_of(lines: WebhookLines, about: str = CALL) -> Line:
    found = lines.get(line_key(ID, about))
    assert found is not None
    return found


def test_an_announcement_waits_in_the_line_of_what_it_is_about(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"), announcement("sms.failed", id="e2", about="sms#1"))
    assert [one.event_id for one in line_of(lines).waiting] == ["e1"]
    assert [one.event_id for one in line_of(lines, "sms#1").waiting] == ["e2"]
    assert {row.key for row in lines.due(until=NOW, limit=10)} == {
        line_key(ID, CALL),
        line_key(ID, "sms#1"),
    }


def test_announcements_of_one_record_stand_in_their_order(table: Table, lines: WebhookLines) -> None:
    tell(table, *(announcement("call.changed", id=name) for name in ("c", "a", "b")))
    tell(table, announcement("call.changed", id="0"), noted=Noted(NOW, "101"))
    assert [one.event_id for one in line_of(lines).waiting] == ["c", "a", "b", "0"]


def test_the_same_record_again_changes_nothing(table: Table, lines: WebhookLines) -> None:
    """U-N14: put together with other writes, a repetition must not undo them either."""
    tell(table, announcement("call.started", id="e1", numbers={"caller": NUMBER}))
    before = line_of(lines)
    tell(table, announcement("call.started", id="e1", numbers={"caller": NUMBER}))
    after = line_of(lines)
    assert (after.waiting, after.delivered, after.due_at) == (before.waiting, before.delivered, before.due_at)


def test_what_was_delivered_is_not_told_again_by_a_late_repetition(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    line = lines.claim(line_of(lines), until=NOW)
    lines.finish(lines.delivered(line, line.waiting[0]), now=NOW)
    tell(table, announcement("call.started", id="e1"), noted=Noted(NOW + timedelta(seconds=5), "100"))
    assert line_of(lines).waiting == ()


def test_nothing_is_written_for_an_application_without_a_webhook(table: Table) -> None:
    told = outbox_of(table).of([announcement("call.started")], NOTED)
    assert (told.updates, told.lines) == ((), ())


@pytest.mark.parametrize(
    ("events", "asked"), [(("call.*",), True), (("*",), True), (("call.ended",), False), (("sms.*",), False)]
)
def test_a_webhook_is_told_what_it_asks_for_and_all_is_logged(
    table: Table, events: tuple[str, ...], asked: bool
) -> None:
    WebhookStore(table.client, table.name).add(webhook("one", events=events))
    told = outbox_of(table).of([announcement("call.started")], NOTED)
    assert told.lines == ((line_key(ID, CALL),) if asked else ())
    assert len(told.updates) == 1 + asked


def test_a_disabled_webhook_is_not_told_but_its_events_are_logged(
    table: Table, webhooks: WebhookStore
) -> None:
    webhooks.change(ID, lambda row: replace(row, state=State.DISABLED.value))
    told = outbox_of(table).of([announcement("call.started")], NOTED)
    assert (len(told.updates), told.lines) == (1, ())


def test_numbers_are_sealed_in_the_log(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1", numbers={"caller": NUMBER}))
    items = table.client.scan(TableName=table.name)["Items"]
    assert NUMBER.removeprefix("+") not in str(items)
    (entry,) = line_of(lines).waiting
    logged = WebhookEvents(table.client, table.name).get(APPLICATION, CALL, [entry.position])
    assert logged[entry.position].sealed


def test_a_line_that_waits_for_its_next_attempt_goes_on_waiting(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    later = NOW + timedelta(minutes=5)
    lines.put_off(lines.claim(line_of(lines), until=NOW), until=later, failures=3)
    tell(table, announcement("call.ended", id="e2"), noted=Noted(NOW, "101"))
    assert (line_of(lines).due_at, line_of(lines).failures, len(line_of(lines).waiting)) == (later, 3, 2)


def test_a_line_is_taken_by_one_worker_only(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    read = line_of(lines)
    lines.claim(read, until=NOW)
    with pytest.raises(Overtaken):
        lines.claim(read, until=NOW)


def test_a_worker_whose_claim_was_taken_over_writes_nothing(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    slow = lines.claim(line_of(lines), until=NOW)
    lines.claim(line_of(lines), until=NOW)
    with pytest.raises(Overtaken):
        lines.delivered(slow, slow.waiting[0])
    with pytest.raises(Overtaken):
        lines.put_off(slow, until=NOW, failures=1)


def test_a_line_does_not_finish_over_what_has_come_meanwhile(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    line = lines.claim(line_of(lines), until=NOW)
    line = lines.delivered(line, line.waiting[0])
    tell(table, announcement("call.ended", id="e2"), noted=Noted(NOW, "101"))
    with pytest.raises(Overtaken):
        lines.finish(line, now=NOW)
    assert [one.event_id for one in line_of(lines).waiting] == ["e2"]


def test_a_finished_line_is_forgotten_only_while_nothing_waits(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    line = lines.claim(line_of(lines), until=NOW)
    lines.finish(lines.delivered(line, line.waiting[0]), now=NOW)
    assert "expires_at" in raw(table)
    assert list(lines.due(until=NOW + timedelta(days=1), limit=10)) == []
    tell(table, announcement("call.ended", id="e2"), noted=Noted(NOW, "101"))
    assert "expires_at" not in raw(table)


def test_a_line_remembers_the_newest_of_what_it_delivered(table: Table, lines: WebhookLines) -> None:
    tell(table, *(announcement("call.changed", id=f"e{n:02d}") for n in range(60)))
    line = lines.claim(line_of(lines), until=NOW)
    while line.waiting:
        line = lines.delivered(line, line.waiting[0])
    lines.finish(line, now=NOW)
    assert [one.event_id for one in line_of(lines).delivered] == [f"e{n:02d}" for n in range(10, 60)]


def test_a_line_forgets_all_else_at_once_however_much_that_is(
    table: Table, lines: WebhookLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row has 400 KB, and one that is full refuses the transactions of calls."""
    monkeypatch.setattr(webhook_lines, "REMEMBERED", 2)
    monkeypatch.setattr(webhook_lines, "_NAMES_PER_WRITE", 3)
    tell(table, *(announcement("call.changed", id=f"e{n}") for n in range(8)))
    line = lines.claim(line_of(lines), until=NOW)
    while line.waiting:
        line = lines.delivered(line, line.waiting[0])
    lines.finish(line, now=NOW)
    assert [one.event_id for one in line_of(lines).delivered] == ["e6", "e7"]


def test_a_line_that_forgets_does_not_finish_over_what_has_come_meanwhile(
    table: Table, lines: WebhookLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_lines, "REMEMBERED", 0)
    monkeypatch.setattr(webhook_lines, "_NAMES_PER_WRITE", 1)
    tell(table, announcement("call.started", id="e1"), announcement("call.answered", id="e2"))
    line = lines.claim(line_of(lines), until=NOW)
    while line.waiting:
        line = lines.delivered(line, line.waiting[0])
    tell(table, announcement("call.ended", id="e3"), noted=Noted(NOW, "101"))
    with pytest.raises(Overtaken):
        lines.finish(line, now=NOW)
    assert [one.event_id for one in line_of(lines).waiting] == ["e3"]


def test_an_application_has_ten_webhooks_at_most(table: Table, webhooks: WebhookStore) -> None:
    for n in range(LIMIT - 1):
        webhooks.add(webhook(f"more{n}"))
    with pytest.raises(TooMany):
        webhooks.add(webhook("one-too-many"))
    webhooks.change(ID, lambda row: replace(row, state=State.DELETED.value))
    assert webhooks.add(webhook("one-too-many")) is None
    assert len(webhooks.of_application(APPLICATION)) == LIMIT


def test_a_webhook_that_exists_is_answered_and_not_counted_again(
    table: Table, webhooks: WebhookStore
) -> None:
    known = webhooks.add(webhook("one", events=("sms.*",)))
    assert known is not None
    assert known.events == webhook("one").events


def test_a_message_is_a_hint_that_may_be_lost(table: Table, webhooks: WebhookStore) -> None:
    outbox, queue = outbox_of(table), Queue()
    told = outbox.of([announcement("call.started")], NOTED)
    write(table.client, told.updates)
    outbox_of(table, queue).hint(told, NOTED)
    assert [work.key for work in queue.sent] == [line_key(ID, CALL)]
    outbox_of(table, Queue(down=True)).hint(told, NOTED)


def raw(table: Table) -> dict[str, object]:
    pk, sk = line_key(ID, CALL)
    answer = table.client.get_item(TableName=table.name, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    return decode(answer["Item"])


def test_a_row_of_the_log_is_found_by_its_position(table: Table, lines: WebhookLines) -> None:
    tell(table, announcement("call.started", id="e1"))
    (entry,) = line_of(lines).waiting
    key = event_key(APPLICATION, CALL, entry.position)
    assert key["pk"].startswith(f"EVENTS#{APPLICATION}#2026-03-01#")


def test_a_transaction_that_announces_something_at_this_moment_is_waited_for(
    table: Table, lines: WebhookLines
) -> None:
    """Else what was just delivered would not be marked, and be sent again."""
    tell(table, announcement("call.started", id="e1"))
    busy, waits = [True, True], list[float]()

    class Client:
        exceptions = table.client.exceptions

        def update_item(self, **request: Any) -> Any:
            if busy and busy.pop():
                raise self.exceptions.TransactionConflictException(
                    {"Error": {"Code": "TransactionConflictException"}}, "UpdateItem"
                )
            return table.client.update_item(**request)

    patient = WebhookLines(cast("DynamoDBClient", Client()), table.name, sleep=waits.append)
    line = patient.claim(line_of(lines), until=NOW)
    assert (line.claim, len(waits)) == (line.version, 2)
