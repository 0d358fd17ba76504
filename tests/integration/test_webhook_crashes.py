"""A worker that dies anywhere, and many at once: every event is delivered, in order; users.md U-S13, U-D25.

A fuse burns before and after each step; after one is before the next, so every second boundary is tried.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from builders.crashes import Fuse, Killed, fragile
from builders.dynamodb import local_client, moto_client, new_table
from builders.webhooks import APPLICATION, DOWN, TAKEN, Received, Scene, announcement, outbox_of
from privatenumber.store.webhook_events import Noted
from privatenumber.store.webhook_outbox import write
from privatenumber.store.webhooks import State

CALLS: dict[str, tuple[str, ...]] = {
    "lines": ("claim", "delivered", "drop", "put_off", "finish", "append"),
    "webhooks": ("change",),
    "attempts": ("add",),
    "replays": ("replace", "add"),
    "events": ("give_up",),
}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with moto_client() as client:
        yield Scene(new_table(client, "BillsTable"))


def told(scene: Scene, *names: str, about: str = "call#c1") -> None:
    for name in names:
        scene.tell(announcement("call.changed", id=name, about=about, at=scene.now))


def die_at(scene: Scene, fuse: Fuse) -> None:
    """What is due is done once, by a worker that dies at a boundary of its writes or of its sending."""
    stores: dict[str, Any] = {
        name: fragile(getattr(scene, name), calls, fuse) for name, calls in CALLS.items()
    }
    stores["channel"] = fragile(scene.channel(), ("tell",), fuse)
    try:
        scene.step_all(**stores)
    except Killed:
        assert fuse.burnt


def in_order(received: list[str], expected: list[str]) -> None:
    """Everything, in order; what was sent again under its id came at once, before the next one."""
    assert list(dict.fromkeys(received)) == expected
    assert received == sorted(received, key=expected.index)


@pytest.mark.parametrize("at", range(1, 16, 2))
def test_a_worker_that_dies_at_any_step_of_a_delivery_loses_nothing(scene: Scene, at: int) -> None:
    """Claim, send, mark, log, twice, and give back: before and after each of them."""
    scene.create()
    told(scene, "e1", "e2")
    fuse = Fuse(at)
    die_at(scene, fuse)
    assert fuse.burnt
    scene.run(minutes=10)
    in_order(scene.receiver.ids("call#c1"), ["e1", "e2"])
    line = scene.lines.get(("LINE#" + scene.row().id + "#call#c1", "LINE"))
    assert line is not None
    assert (line.waiting, line.due_at) == ((), None)


def test_the_boundaries_of_a_delivery_are_all_there_are(scene: Scene) -> None:
    scene.create()
    told(scene, "e1", "e2")
    fuse = Fuse(None)
    die_at(scene, fuse)
    # Sending and marking happen per event, so does the log of attempts.
    assert fuse.passed == 2 * (1 + 2 * 3 + 1)


@pytest.mark.parametrize("at", range(1, 12, 2))
def test_a_worker_that_dies_while_it_disables_and_gives_up_leaves_nothing_untold(
    scene: Scene, at: int
) -> None:
    scene.create()
    scene.receiver.answer = lambda _: DOWN
    told(scene, "e1")
    scene.step_all()
    scene.jump(hours=24)
    die_at(scene, Fuse(at))
    scene.receiver.answer = lambda _: TAKEN
    told(scene, "e2")
    scene.run(hours=1, minutes=30)
    if scene.row().state == State.DISABLED:
        scene.run(hours=1)
    if scene.given_up() and not scene.counted["WebhooksEnabled"]:
        scene.service().replay(
            scene.row().id, scene.now - timedelta(days=2), scene.now - timedelta(hours=23), by="t", key=None
        )
        scene.run(minutes=1)
    assert set(scene.receiver.ids("call#c1")) == {"e1", "e2"}


@pytest.mark.parametrize("at", range(1, 12, 2))
def test_a_worker_that_dies_anywhere_in_a_replay_replays_each_event_once(scene: Scene, at: int) -> None:
    shown = scene.create()
    told(scene, "e1", "e2")
    told(scene, "e3", about="call#c2")
    scene.run(minutes=1)
    scene.jump(hours=1)
    scene.service().replay(shown.row.id, scene.now - timedelta(hours=2), None, by="test", key=None)
    die_at(scene, Fuse(at))
    scene.run(minutes=10)
    assert scene.receiver.ids("call#c1") == ["e1", "e2", "e1", "e2"]
    assert scene.receiver.ids("call#c2") == ["e3", "e3"]


@pytest.mark.parametrize("at", range(3))
def test_what_was_half_announced_is_completed_by_the_same_record_again(scene: Scene, at: int) -> None:
    """Log first, then lines: a line never speaks of what cannot be read."""
    scene.create()
    scene.create()
    announcements = [announcement("call.ended", id="e1", about="call#c1", at=scene.now)]
    told_now = outbox_of(scene.table).of(announcements, Noted(scene.now, "1"))
    assert len(told_now.updates) == 3
    write(scene.table.client, told_now.updates[:at])
    scene.run(minutes=1)
    write(scene.table.client, told_now.updates)
    scene.run(minutes=1)
    assert scene.receiver.ids("call#c1") == ["e1", "e1"]  # once for each of the two webhooks


class TestTogether:
    @pytest.fixture
    def scene(self, dynamodb_local: str) -> Scene:
        return Scene(new_table(local_client(dynamodb_local), "BillsTable"))

    @pytest.mark.dynamodb_local
    def test_many_workers_tell_each_event_once_and_in_order(self, scene: Scene) -> None:
        scene.create()
        lock = threading.Lock()
        answer = scene.receiver.answer

        def one_at_a_time(one: Received) -> Any:
            with lock:
                return answer(one)

        scene.receiver.answer = one_at_a_time
        calls = [f"call#c{n}" for n in range(4)]
        for name in "ab":
            for call in calls:
                told(scene, f"{call}-{name}", about=call)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: scene.step_all(), range(4)))
        assert {call: scene.receiver.ids(call) for call in calls} == {
            call: [f"{call}-{name}" for name in "ab"] for call in calls
        }

    @pytest.mark.dynamodb_local
    def test_what_is_announced_while_workers_finish_is_never_left_behind(self, scene: Scene) -> None:
        """A line that is given back, and an event that comes into it at the same moment."""
        scene.create()
        sent = [f"e{n:02d}" for n in range(12)]
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                scene.step_all()

        with ThreadPoolExecutor(3) as pool:
            workers = [pool.submit(work) for _ in range(3)]
            for name in sent:
                told(scene, name)
            over.set()
            for worker in workers:
                worker.result()
        scene.step_all()
        assert scene.receiver.ids("call#c1") == sent

    @pytest.mark.dynamodb_local
    def test_of_eleven_that_are_made_at_once_ten_are_made(self, scene: Scene) -> None:
        def make(n: int) -> bool:
            try:
                scene.create(f"https://hooks.example.com/{n}")
            except Exception as error:
                return type(error).__name__ != "TooMany"
            return True

        with ThreadPoolExecutor(11) as pool:
            made = sum(pool.map(make, range(11)))
        assert (made, len(scene.webhooks.of_application(APPLICATION))) == (10, 10)
