"""Webhooks are told everything, in order, at least once; users.md U-S13, U-N14, U-D26."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from builders.dynamodb import Table, moto_client, new_table
from builders.webhooks import (
    APPLICATION,
    CALL,
    DOWN,
    TAKEN,
    TIMEOUT,
    Received,
    Scene,
    announcement,
    verify,
)
from privatenumber.store.announcement_types import AnnouncementType
from privatenumber.store.webhook_events import WebhookEvents
from privatenumber.store.webhooks import TO_BUS, State
from privatenumber.webhooks import model
from privatenumber.webhooks.posting import Outcome
from privatenumber.webhooks.service import Changes

A, B = "+8613800000001", "+8613900000002"


@pytest.fixture
def table() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def scene(table: Table) -> Scene:
    return Scene(table)


def told(scene: Scene, call: str, *names: str) -> list[str]:
    """Some events of a call, each by a record of its own; their ids."""
    ids = [f"{call}-{name}" for name in names]
    for identity in ids:
        scene.tell(announcement("call.changed", id=identity, about=f"call#{call}", at=scene.now))
    return ids


def told_between(scene: Scene) -> None:
    """A day passes; in it another event is delivered, so it is not the receiver that is down."""
    scene.jump(hours=23)
    told(scene, "pulse", "a")
    scene.step_all()
    scene.jump(hours=1)


class TestInOrder:
    def test_what_is_announced_is_delivered_signed_and_once(self, scene: Scene) -> None:
        secret = scene.create().secrets[0].text
        scene.tell(announcement("call.started", id="e1", at=scene.now))
        scene.run(minutes=5)
        (one,) = scene.receiver.heard
        assert verify(secret, one.headers, one.body, now=one.at)
        assert (one.id, one.headers["webhook-id"], one.type) == ("e1", "e1", "call.started")
        assert scene.counted["WebhookEventsDelivered"] == 1

    def test_a_receiver_that_is_down_for_an_hour_gets_every_event_in_order_per_call(
        self, scene: Scene
    ) -> None:
        """Events go on coming while it is down and after; none is lost, none twice, none before another."""
        scene.create()
        back = scene.now + timedelta(hours=1)
        scene.receiver.answer = lambda one: TAKEN if one.at >= back else DOWN
        sent: dict[str, list[str]] = {}
        for minute in range(0, 80, 20):
            for call in (f"c{minute % 40}", f"d{minute}"):
                ids = told(scene, call, f"{minute:02d}a", f"{minute:02d}b")
                sent.setdefault(call, []).extend(ids)
            scene.run(minutes=20)
        scene.run(minutes=10)
        assert {call: scene.receiver.ids(f"call#{call}") for call in sent} == sent
        assert min(one.at for one in scene.receiver.taken) >= back
        assert scene.row().state == State.ENABLED
        assert all(one.at <= back + timedelta(minutes=15) for one in scene.receiver.taken[:8])

    def test_while_it_is_down_it_is_asked_now_and_then_and_not_once_per_call(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda _: DOWN
        for n in range(6):
            told(scene, f"c{n}", "a")
        scene.run(minutes=15)
        assert model.PAUSE_AFTER <= len(scene.receiver.heard) <= 14

    def test_another_call_does_not_wait_for_one_whose_event_is_refused(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda one: Outcome(False, "http_400", 0.1, 400) if "bad" in one.id else TAKEN
        told(scene, "c1", "bad", "next")
        scene.run(minutes=4)
        assert len(scene.receiver.heard) == model.PAUSE_AFTER
        ids = told(scene, "c2", "a", "b")
        scene.run(seconds=1)
        assert scene.receiver.ids("call#c2") == ids
        assert scene.receiver.ids("call#c1") == []

    def test_an_event_that_comes_while_the_line_is_told_is_told_behind_it(self, scene: Scene) -> None:
        scene.create()

        def more_comes(one: Received) -> Outcome:
            if one.id == "c1-a":
                told(scene, "c1", "b")
            return TAKEN

        scene.receiver.answer = more_comes
        told(scene, "c1", "a")
        assert scene.step_all() == 1
        assert scene.receiver.ids("call#c1") == ["c1-a", "c1-b"]

    def test_nothing_is_told_that_is_not_asked_for(self, scene: Scene) -> None:
        scene.create(events=("call.ended", "sms.*"))
        for type_ in ("call.started", "call.ended", "sms.failed", "binding.active"):
            scene.tell(announcement(type_, id=type_))
        scene.run(minutes=1)
        assert sorted(one.type for one in scene.receiver.taken) == ["call.ended", "sms.failed"]


class TestAtLeastOnce:
    def test_a_receiver_that_times_out_after_it_has_received_is_sent_the_same_again(
        self, scene: Scene
    ) -> None:
        """U-D26: same id, same bytes; time and signature are those of the attempt."""
        secret = scene.create().secrets[0].text
        answers = iter([TIMEOUT, TIMEOUT, TAKEN])
        scene.receiver.answer = lambda _: next(answers)
        scene.tell(announcement("call.ended", id="e1", numbers={"caller": A}))
        scene.run(minutes=5)
        first, *_, last = heard = scene.receiver.heard
        assert [one.id for one in heard] == ["e1"] * 3
        assert first.body == last.body
        assert first.headers["webhook-timestamp"] != last.headers["webhook-timestamp"]
        assert all(verify(secret, one.headers, one.body, now=one.at) for one in heard)

    def test_waits_grow_and_an_answer_that_names_one_is_heeded(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda _: DOWN
        scene.tell(announcement("call.ended", id="e1"))
        scene.run(minutes=4)
        waits = [
            (b.at - a.at).total_seconds()
            for a, b in zip(scene.receiver.heard, scene.receiver.heard[1:], strict=False)
        ]
        assert waits == [1, 5, 30, 120]
        scene.receiver.answer = lambda _: Outcome(False, "http_503", 0.1, 503, timedelta(minutes=40))
        before = len(scene.receiver.heard)
        scene.run(minutes=40)
        assert len(scene.receiver.heard) == before + 1

    def test_an_event_is_given_up_after_a_day_and_the_next_one_is_told(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda one: DOWN if one.id == "c1-bad" else TAKEN
        told(scene, "c1", "bad")
        scene.step_all()
        told_between(scene)
        told(scene, "c1", "next")
        scene.run(minutes=1)
        assert scene.receiver.ids("call#c1") == ["c1-next"]
        assert scene.counted["WebhookEventsGivenUp"] == 1
        assert scene.given_up() == ["c1-bad"]

    def test_what_was_given_up_can_be_replayed(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda one: DOWN if one.id == "c1-bad" else TAKEN
        told(scene, "c1", "bad")
        scene.step_all()
        told_between(scene)
        scene.step_all()
        assert scene.counted["WebhookEventsGivenUp"] == 1
        scene.receiver.answer = lambda _: TAKEN
        start = scene.now - timedelta(hours=25)
        scene.service().replay(scene.row().id, start, start + timedelta(hours=2), by="test", key=None)
        scene.run(minutes=1)
        assert scene.receiver.ids("call#c1") == ["c1-bad"]


class TestDisabling:
    @pytest.fixture
    def disabled(self, scene: Scene) -> Scene:
        """A webhook whose receiver has been down for more than a day."""
        scene.create()
        scene.receiver.answer = lambda _: DOWN
        told(scene, "c1", "a")
        scene.step_all()
        scene.jump(hours=24)
        scene.step_all()
        assert (scene.row().state, scene.row().reason) == (State.DISABLED, "failing")
        return scene

    def test_who_fails_for_a_day_is_disabled_and_counted(self, disabled: Scene) -> None:
        assert disabled.counted["WebhooksDisabled"] == 1

    def test_a_disabled_webhook_is_only_probed(self, disabled: Scene) -> None:
        disabled.receiver.heard.clear()
        told(disabled, "c2", "a")
        disabled.run(hours=5)
        assert {one.type for one in disabled.receiver.heard} == {AnnouncementType.WEBHOOK_PING}
        assert 4 <= len(disabled.receiver.heard) <= 6
        (latest, *_), _ = disabled.attempts.page(disabled.row().id, limit=10)
        assert (latest.type, latest.delivered) == (AnnouncementType.WEBHOOK_PING, False)

    def test_a_probe_that_arrives_enables_it_and_all_that_was_missed_is_told_in_order(
        self, disabled: Scene
    ) -> None:
        told(disabled, "c1", "b")
        told(disabled, "c2", "a", "b")
        disabled.receiver.answer = lambda _: TAKEN
        disabled.run(hours=1, minutes=5)
        told(disabled, "c1", "c")
        disabled.run(minutes=20)
        assert disabled.row().state == State.ENABLED
        assert disabled.receiver.ids("call#c1") == ["c1-a", "c1-b", "c1-c"]
        assert disabled.receiver.ids("call#c2") == ["c2-a", "c2-b"]
        assert disabled.counted["WebhooksEnabled"] == 1

    def test_nothing_overtakes_what_was_missed_when_it_is_enabled_by_hand(self, disabled: Scene) -> None:
        told(disabled, "c1", "b")
        disabled.receiver.answer = lambda _: TAKEN
        disabled.service().enable(disabled.row().id, by="test")
        told(disabled, "c1", "c")
        disabled.run(minutes=30)
        assert disabled.receiver.ids("call#c1") == ["c1-a", "c1-b", "c1-c"]

    def test_enabling_twice_is_enabling_once(self, disabled: Scene) -> None:
        service = disabled.service()
        first = service.enable(disabled.row().id, by="test")
        assert service.enable(disabled.row().id, by="test").version == first.version

    def test_a_receiver_that_is_gone_is_disabled_at_once_and_never_probed(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda _: Outcome(False, "http_410", 0.1, 410)
        told(scene, "c1", "a")
        scene.run(days=2)
        assert (scene.row().state, scene.row().reason) == (State.DISABLED, "gone")
        assert len(scene.receiver.heard) == 1

    def test_disabled_by_request_it_is_told_nothing_until_it_is_enabled(self, scene: Scene) -> None:
        shown = scene.create()
        scene.service().change(shown.row.id, Changes(disable=True), by="test")
        ids = told(scene, "c1", "a", "b")
        scene.run(hours=3)
        assert scene.receiver.heard == []
        scene.service().enable(shown.row.id, by="test")
        scene.run(minutes=30)
        assert scene.receiver.ids("call#c1") == ids

    def test_disabled_while_it_catches_up_it_still_misses_nothing(self, disabled: Scene) -> None:
        told(disabled, "c1", "b")
        disabled.receiver.answer = lambda _: TAKEN
        service, webhook_id = disabled.service(), disabled.row().id
        service.enable(webhook_id, by="test")
        service.change(webhook_id, Changes(disable=True), by="test")
        disabled.jump(days=2)
        disabled.step_all()
        service.enable(webhook_id, by="test")
        disabled.run(minutes=30)
        assert disabled.receiver.ids("call#c1") == ["c1-a", "c1-b"]


def test_a_webhook_that_is_deleted_is_told_nothing_more(scene: Scene) -> None:
    shown = scene.create()
    told(scene, "c1", "a")
    scene.service().delete(shown.row.id, by="test")
    told(scene, "c1", "b")
    scene.run(minutes=10)
    assert scene.receiver.heard == []
    assert list(scene.lines.due(until=scene.now, limit=10)) == []


class TestReplay:
    def test_a_range_is_told_once_more_in_order_under_the_same_ids(self, scene: Scene) -> None:
        shown = scene.create()
        before = told(scene, "c1", "a")
        scene.run(hours=1)
        start = scene.now
        inside = told(scene, "c1", "b", "c")
        scene.run(hours=1)
        end = scene.now
        after = told(scene, "c1", "d")
        scene.run(hours=1)
        row = scene.service().replay(shown.row.id, start, end, by="test", key="k1")
        scene.run(minutes=1)
        assert scene.receiver.ids("call#c1") == [*before, *inside, *after, *inside]
        done = scene.service().find_replay(shown.row.id, row.id)
        assert (done.read, done.queued, done.finished_at is not None) == (2, 2, True)

    def test_the_same_request_again_is_the_same_replay(self, scene: Scene) -> None:
        shown = scene.create()
        told(scene, "c1", "a")
        scene.run(hours=1)
        service, start = scene.service(), scene.now - timedelta(hours=2)
        first = service.replay(shown.row.id, start, None, by="test", key="k1")
        scene.run(minutes=1)
        assert service.replay(shown.row.id, start, None, by="test", key="k1").id == first.id
        scene.run(minutes=1)
        assert scene.receiver.ids("call#c1") == ["c1-a", "c1-a"]

    def test_a_failing_target_loses_nothing_of_a_replay(self, scene: Scene) -> None:
        """U-D25."""
        shown = scene.create()
        told(scene, "c1", "a", "b")
        scene.run(minutes=1)
        scene.jump(days=3)
        back = scene.now + timedelta(minutes=20)
        scene.receiver.answer = lambda one: TAKEN if one.at >= back else DOWN
        scene.service().replay(shown.row.id, scene.now - timedelta(days=4), None, by="test", key=None)
        scene.run(minutes=40)
        assert scene.receiver.ids("call#c1") == ["c1-a", "c1-b", "c1-a", "c1-b"]

    def test_a_large_range_is_walked_over_days_and_shards(self, scene: Scene) -> None:
        shown = scene.create()
        ids = []
        for n in range(5):
            ids += told(scene, f"c{n}", "a")
            scene.step_all()
            scene.jump(hours=24)
        scene.service().replay(shown.row.id, scene.now - timedelta(days=6), None, by="test", key=None)
        scene.run(minutes=1)
        assert sorted(one.id for one in scene.receiver.taken) == sorted(ids * 2)


class TestWhatIsSent:
    def test_numbers_are_masked_unless_the_webhook_asks_for_them(self, scene: Scene) -> None:
        scene.create()
        scene.create(full_numbers=True)
        scene.tell(announcement("call.ended", id="e1", numbers={"caller": A, "callee": B}))
        scene.run(minutes=1)
        masked, full = sorted(
            (one.data["numbers"] for one in scene.receiver.taken), key=lambda n: "*" not in str(n)
        )
        assert masked == {"caller": "+86138****0001", "callee": "+86139****0002"}
        assert full == {"caller": A, "callee": B}

    def test_no_number_is_stored_in_clear(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        """U-D15: neither in the log of events, nor in lines, attempts, replays, nor in a log line."""
        shown = scene.create(full_numbers=True)
        scene.receiver.answer = lambda one: TIMEOUT if len(scene.receiver.heard) < 3 else TAKEN
        scene.tell(announcement("call.ended", id="e1", numbers={"caller": A, "callee": B}))
        scene.run(minutes=1)
        scene.service().replay(shown.row.id, scene.now - timedelta(hours=1), None, by="test", key=None)
        scene.run(minutes=1)
        stored = str(scene.rows()) + caplog.text
        assert len(scene.receiver.taken) == 2
        assert not any(number.removeprefix("+86") in stored for number in (A, B))

    def test_the_event_bus_is_told_the_same(self, scene: Scene) -> None:
        scene.create(TO_BUS)
        scene.bus.refuses = "ThrottlingException"
        scene.tell(announcement("call.ended", id="e1", numbers={"caller": A}))
        scene.step_all()
        assert scene.bus.taken == []
        scene.bus.refuses = None
        scene.run(minutes=1)
        ((type_, event),) = scene.bus.taken
        assert (type_, event["id"], event["data"]["numbers"]) == (
            "call.ended",
            "e1",
            {"caller": "+86138****0001"},
        )

    def test_an_event_is_a_cloud_event(self, scene: Scene) -> None:
        scene.create()
        scene.tell(announcement("call.ended", id="e1", data={"seconds": 5}))
        scene.run(minutes=1)
        assert json.loads(scene.receiver.taken[0].body) == {
            "specversion": "1.0",
            "id": "e1",
            "source": f"/applications/{APPLICATION}",
            "type": "call.ended",
            "subject": CALL,
            "time": "2026-03-01T08:00:00.000Z",
            "datacontenttype": "application/json",
            "data": {"seconds": 5},
        }


class TestAttempts:
    def test_every_attempt_is_in_the_log_newest_first(self, scene: Scene) -> None:
        shown = scene.create()
        answers = iter([DOWN, Outcome(False, "http_500", 0.2, 500), TAKEN])
        scene.receiver.answer = lambda _: next(answers)
        scene.tell(announcement("call.ended", id="e1"))
        scene.run(minutes=1)
        attempts, more = scene.attempts.page(shown.row.id, limit=10)
        assert [(one.number, one.detail, one.status) for one in attempts] == [
            (3, "delivered", 200),
            (2, "http_500", 500),
            (1, "unreachable", None),
        ]
        assert more is None

    def test_the_log_is_read_in_pages(self, scene: Scene) -> None:
        shown = scene.create()
        told(scene, "c1", *"abcde")
        scene.run(minutes=1)
        first, cursor = scene.attempts.page(shown.row.id, limit=3)
        rest, end = scene.attempts.page(shown.row.id, limit=3, before=cursor)
        assert ([one.event_id for one in [*first, *rest]], end) == ([f"c1-{n}" for n in "edcba"], None)


class TestFairness:
    def test_a_hanging_receiver_is_asked_by_one_worker_at_a_time(self, scene: Scene) -> None:
        """Others find it taken and put the line off at once."""
        scene.create()
        scene.receiver.answer = lambda _: TIMEOUT
        told(scene, "c0", "a")
        scene.step_all()
        for n in range(1, 6):
            told(scene, f"c{n}", "a")
        asked = []

        def others_come(one: Received) -> Outcome:
            asked.append(one)
            if len(asked) == 1:
                scene.step_all()
            return TIMEOUT

        scene.receiver.answer = others_come
        scene.step_all()
        assert [len(asked) <= 6, asked[0].at == scene.now] == [True, True]
        assert scene.row().slow

    def test_a_receiver_that_is_fast_again_is_told_by_all(self, scene: Scene) -> None:
        scene.create()
        scene.receiver.answer = lambda _: Outcome(True, "delivered", 5.0, 200)
        told(scene, "c1", "a")
        scene.step_all()
        assert scene.row().slow
        scene.receiver.answer = lambda _: TAKEN
        told(scene, "c2", "a")
        scene.run(minutes=1)
        assert not scene.row().slow


def test_random_outages_lose_nothing_and_keep_the_order(scene: Scene) -> None:
    """Many seeds of a receiver that fails, times out after having taken, and comes back."""
    scene.create()
    chance = random.Random(7)
    scene.random = chance.random

    def moody(one: Received) -> Outcome:
        return chance.choice([TAKEN, TAKEN, DOWN, TIMEOUT])

    scene.receiver.answer = moody
    sent: dict[str, list[str]] = {}
    for n in range(10):
        call = f"c{chance.randrange(2)}"
        sent.setdefault(call, []).extend(told(scene, call, f"{n:02d}"))
        scene.run(seconds=chance.choice([1, 20, 200]))
    scene.receiver.answer = lambda _: TAKEN
    scene.run(hours=1)
    assert {call: scene.receiver.ids(f"call#{call}") for call in sent} == sent
    assert WebhookEvents(scene.table.client, scene.table.name).get(APPLICATION, CALL, []) == {}
