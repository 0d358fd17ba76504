"""What receivers that fail, come back and fail again lose: nothing; users.md U-S13, U-N14, U-D25."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.dynamodb import Table, moto_client, new_table
from builders.webhooks import DOWN, TAKEN, TARGET, Received, Scene, announcement
from privatenumber.deadline import Deadline
from privatenumber.store.announcement_types import AnnouncementType
from privatenumber.store.webhook_events import KEPT
from privatenumber.store.webhook_line_rows import Line, line_key
from privatenumber.store.webhook_lines import WebhookWork
from privatenumber.store.webhooks import State
from privatenumber.webhooks import model, replay
from privatenumber.webhooks.posting import Outcome
from privatenumber.webhooks.service import Changes, ReplayRunning

REFUSED = Outcome(False, "http_400", 0.1, 400)
BROKEN = Outcome(False, "http_500", 0.1, 500)
GONE = Outcome(False, "http_410", 0.1, 410)


@pytest.fixture
def table() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def scene(table: Table) -> Scene:
    made = Scene(table)
    made.create()
    return made


def told(scene: Scene, call: str, *names: str) -> list[str]:
    """Some events of a call, each by a record of its own; their ids."""
    ids = [f"{call}-{name}" for name in names]
    for identity in ids:
        scene.tell(announcement("call.changed", id=identity, about=f"call#{call}", at=scene.now))
    return ids


def disable(scene: Scene) -> None:
    """The receiver is down for more than a day, and the webhook is disabled as failing."""
    scene.receiver.answer = lambda _: DOWN
    told(scene, "first", "a")
    scene.step_all()
    scene.jump(hours=24)
    scene.step_all()
    assert (scene.row().state, scene.row().reason) == (State.DISABLED, "failing")


class TestDisabledAgain:
    def test_what_a_catch_up_queued_and_could_not_tell_is_missed_again(self, scene: Scene) -> None:
        """Only the one that was tried for a day is given up; it is in the log, and can be replayed."""
        scene.service().change(scene.row().id, Changes(disable=True), by="test")
        ids = []
        for n in range(4):
            ids += told(scene, f"c{n}", "a")
            scene.jump(hours=24)
        scene.receiver.answer = lambda _: DOWN
        scene.service().enable(scene.row().id, by="test")
        scene.run(minutes=5)
        scene.jump(hours=24)
        scene.step_all()
        assert (scene.row().state, scene.row().reason) == (State.DISABLED, "failing")
        scene.step_all()
        scene.receiver.answer = lambda _: TAKEN
        scene.service().enable(scene.row().id, by="test")
        scene.run(minutes=30)
        taken = {one.id for one in scene.receiver.taken if one.type != AnnouncementType.WEBHOOK_PING}
        assert taken | set(scene.given_up()) == set(ids)
        assert len(scene.given_up()) == scene.counted["WebhookEventsGivenUp"] <= 1

    def test_an_outage_of_a_day_gives_nothing_up_that_meets_it_first(self, scene: Scene) -> None:
        disable(scene)
        assert (scene.given_up(), scene.counted["WebhookEventsGivenUp"]) == ([], 0)

    def test_what_was_given_up_is_not_caught_up_with(self, scene: Scene) -> None:
        scene.receiver.answer = lambda one: REFUSED if one.id == "c1-bad" else TAKEN
        told(scene, "c1", "bad")
        scene.step_all()
        scene.jump(hours=24)
        scene.step_all()
        assert scene.given_up() == ["c1-bad"]
        service, webhook_id = scene.service(), scene.row().id
        service.change(webhook_id, Changes(disable=True), by="test")
        ids = told(scene, "c1", "next")
        scene.jump(hours=1)
        service.enable(webhook_id, by="test")
        scene.run(minutes=5)
        assert scene.receiver.ids("call#c1") == ids
        assert sum(one.id == "c1-bad" for one in scene.receiver.heard) == 2

    def test_what_no_catch_up_reaches_any_more_is_given_up(self, scene: Scene) -> None:
        told(scene, "c1", "a")
        scene.service().change(scene.row().id, Changes(disable=True), by="test")
        scene.jump(days=KEPT.days + 1)
        scene.step_all()
        assert (scene.given_up(), scene.counted["WebhookEventsGivenUp"]) == (["c1-a"], 1)

    def test_a_line_of_a_webhook_that_was_enabled_a_moment_ago_is_not_dropped(self, scene: Scene) -> None:
        told(scene, "c1", "a")
        service, webhook_id = scene.service(), scene.row().id
        seen = replace(scene.row(), state=State.DISABLED.value)

        class Late:
            """What a worker reads before somebody enables the webhook, and writes after."""

            def get(self, _: str) -> object:
                return seen

            change = staticmethod(scene.webhooks.change)

        service.change(webhook_id, Changes(disable=True), by="test")
        service.enable(webhook_id, by="test")
        scene.worker(webhooks=Late()).step(
            WebhookWork(line_key(webhook_id, "call#c1"), scene.now), Deadline.after(60)
        )
        scene.run(minutes=5)
        assert scene.receiver.ids("call#c1") == ["c1-a"]
        assert scene.counted["WebhookEventsSkipped"] == 0

    def test_what_a_catch_up_finds_in_a_line_is_not_dropped_from_it_afterwards(self, scene: Scene) -> None:
        """A worker that halts between what is missed and its dropping, while somebody enables the webhook."""
        told(scene, "c1", "a")
        service, webhook_id = scene.service(), scene.row().id
        service.change(webhook_id, Changes(disable=True), by="test")

        class Halting:
            get = staticmethod(scene.lines.get)
            claim = staticmethod(scene.lines.claim)
            finish = staticmethod(scene.lines.finish)

            def drop(self, *line: Any, **how: Any) -> Line:
                service.enable(webhook_id, by="test")
                scene.run(minutes=2)
                return scene.lines.drop(*line, **how)

        work = WebhookWork(line_key(webhook_id, "call#c1"), scene.now)
        scene.worker(lines=Halting()).step(work, Deadline.after(60))
        scene.run(minutes=10)
        assert scene.receiver.ids("call#c1") == ["c1-a"]


class TestSwitchedOff:
    def test_who_failed_and_is_switched_off_by_request_is_probed_no_more(self, scene: Scene) -> None:
        disable(scene)
        scene.receiver.heard.clear()
        scene.receiver.answer = lambda _: TAKEN
        row = scene.service().change(scene.row().id, Changes(disable=True), by="test")
        scene.run(hours=5)
        assert (row.reason, row.due_at, scene.row().state) == ("request", None, State.DISABLED)
        assert scene.receiver.heard == []

    def test_a_probe_on_its_way_does_not_enable_what_is_switched_off_meanwhile(self, scene: Scene) -> None:
        disable(scene)

        def switched_off(one: Received) -> Outcome:
            scene.service().change(scene.row().id, Changes(disable=True), by="test")
            return TAKEN

        scene.receiver.answer = switched_off
        scene.jump(hours=1)
        scene.step_all()
        assert (scene.row().state, scene.row().reason) == (State.DISABLED, "request")
        assert scene.counted["WebhooksEnabled"] == 0

    def test_who_answers_a_probe_that_it_is_gone_is_probed_no_more(self, scene: Scene) -> None:
        disable(scene)
        scene.receiver.heard.clear()
        scene.receiver.answer = lambda _: GONE
        scene.run(hours=5)
        assert (scene.row().state, scene.row().reason, scene.row().due_at) == (State.DISABLED, "gone", None)
        assert len(scene.receiver.heard) == 1

    def test_who_answers_a_ping_that_it_is_gone_is_disabled(self, scene: Scene) -> None:
        scene.receiver.answer = lambda _: GONE
        assert not scene.service().ping(scene.row().id).delivered
        assert (scene.row().state, scene.row().reason, scene.row().due_at) == (State.DISABLED, "gone", None)

    def test_an_old_address_that_is_gone_disables_no_new_one(self, scene: Scene) -> None:
        def moved(one: Received) -> Outcome:
            scene.service().change(scene.row().id, Changes(target=f"{TARGET}/new"), by="test")
            return GONE

        scene.receiver.answer = moved
        scene.service().ping(scene.row().id)
        assert scene.row().state == State.ENABLED


class TestOneBadEvent:
    def test_a_refused_event_of_a_quiet_webhook_keeps_no_other_call_waiting(self, scene: Scene) -> None:
        scene.receiver.answer = lambda one: REFUSED if "bad" in one.id else TAKEN
        told(scene, "c1", "bad")
        scene.run(minutes=30)
        assert len(scene.receiver.heard) > model.PAUSE_AFTER
        ids = told(scene, "c2", "a", "b")
        scene.step_all()
        assert scene.receiver.ids("call#c2") == ids

    def test_a_refused_event_disables_nothing(self, scene: Scene) -> None:
        scene.receiver.answer = lambda _: REFUSED
        told(scene, "c1", "bad")
        scene.step_all()
        scene.jump(hours=25)
        scene.step_all()
        assert (scene.row().state, scene.row().failures) == (State.ENABLED, 0)

    def test_after_a_pause_others_come_before_the_event_that_failed(self, scene: Scene) -> None:
        scene.receiver.answer = lambda one: BROKEN if "bad" in one.id else TAKEN
        told(scene, "c1", "bad")
        while scene.row().failures < model.PAUSE_AFTER:
            scene.run(seconds=10)
        over = scene.row().paused_until
        assert over is not None
        ids = told(scene, "c2", "a")
        heard = len(scene.receiver.heard)
        scene.run(seconds=(over - scene.now).total_seconds() + 60)
        assert [one.id for one in scene.receiver.heard[heard:]] == ids


class TestLongLines:
    def test_what_is_put_off_for_want_of_time_is_gone_on_with_at_once(self, scene: Scene) -> None:
        told(scene, "c1", "a", "b")
        key = line_key(scene.row().id, "call#c1")
        moments = iter([0.0, 0.0, 6.0, 6.0])
        deadline = Deadline.after(20, monotonic=lambda: next(moments))
        scene.worker().step(WebhookWork(key, scene.now), deadline)
        assert scene.receiver.ids("call#c1") == ["c1-a"]
        assert [work.key for work in scene.queue.sent] == [key]

    def test_a_lag_is_ours_and_not_of_a_receiver_that_was_down(self, scene: Scene) -> None:
        scene.receiver.answer = lambda _: DOWN
        told(scene, "c1", "a", "b")
        told(scene, "c2", "a")
        scene.run(minutes=20)
        told(scene, "c3", "a")
        scene.step_all()
        scene.receiver.answer = lambda _: TAKEN
        scene.run(hours=1)
        assert len(scene.receiver.taken) == 4
        assert "WebhookDeliveryLag" not in scene.counted
        scene.counted["WebhookDeliveryLag"] = 0
        told(scene, "c1", "c")
        scene.jump(seconds=7)
        scene.step_all()
        assert scene.counted["WebhookDeliveryLag"] == 7


class TestReplays:
    def test_one_goes_on_at_a_time(self, scene: Scene) -> None:
        told(scene, "c1", "a")
        scene.run(minutes=1)
        service, webhook_id, start = scene.service(), scene.row().id, scene.now - timedelta(hours=1)
        first = service.replay(webhook_id, start, None, by="test", key="k1")
        with pytest.raises(ReplayRunning):
            service.replay(webhook_id, start, None, by="test", key="k2")
        assert service.replay(webhook_id, start, None, by="test", key="k1").id == first.id
        scene.run(minutes=1)
        service.replay(webhook_id, start, None, by="test", key="k2")
        scene.run(minutes=1)
        assert scene.receiver.ids("call#c1") == ["c1-a"] * 3

    def test_one_that_is_cut_short_says_so(self, scene: Scene) -> None:
        told(scene, "c1", "a")
        scene.run(minutes=1)
        service, webhook_id = scene.service(), scene.row().id
        row = service.replay(webhook_id, scene.now - timedelta(hours=1), None, by="test", key=None)
        service.change(webhook_id, Changes(disable=True), by="test")
        scene.step_all()
        ended = service.find_replay(webhook_id, row.id)
        assert (ended.ended, ended.due_at) == ("the webhook is disabled", None)
        assert scene.row().replaying is None

    def test_what_finds_a_line_full_is_counted_and_can_be_replayed(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replay, "MOST_IN_A_LINE", 3)
        ids = told(scene, "c1", "a", "b")
        scene.run(minutes=1)
        service, webhook_id, start = scene.service(), scene.row().id, scene.now - timedelta(hours=1)
        row = service.replay(webhook_id, start, None, by="test", key=None)
        scene.run(minutes=1)
        full = service.find_replay(webhook_id, row.id)
        assert (full.read, full.queued, full.skipped) == (2, 1, 1)
        assert scene.receiver.ids("call#c1") == [*ids, "c1-a"]

    def test_a_catch_up_that_finds_a_line_full_gives_up_what_is_beyond(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replay, "MOST_IN_A_LINE", 1)
        service, webhook_id = scene.service(), scene.row().id
        service.change(webhook_id, Changes(disable=True), by="test")
        told(scene, "c1", "a", "b")
        service.enable(webhook_id, by="test")
        scene.run(minutes=5)
        assert (scene.receiver.ids("call#c1"), scene.given_up()) == (["c1-a"], ["c1-b"])
