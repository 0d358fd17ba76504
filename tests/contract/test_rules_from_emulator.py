"""Limits on calls of the emulated platform, ended as its events come: recording-and-call-stop.md §3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
import pytest

from builders.call_rules import Watch, bar
from builders.dynamodb import moto_client, new_table
from builders.emulated import APP_KEY, A, B
from builders.emulated_modes import ModePlatform
from builders.pushes import wire
from privatenumber.call_policy import CallPolicy
from privatenumber.calls.rules_followed import Stop
from privatenumber.deadline import Deadline
from privatenumber.platform.pushes import PushKind, parse_push
from privatenumber.settings import Application
from privatenumber.store.barred import BarredStore, Direction
from privatenumber.store.call_rules import Act

pytestmark = pytest.mark.anyio


@dataclass
class Scene:
    """An emulated AXB platform that is asked to end calls, and what follows its pushes."""

    watch: Watch
    platform: ModePlatform

    def follow(self, request: httpx.Request) -> httpx.Response:
        """Store a push and let follow what follows."""
        self.watch.now = self.platform.clock.now()
        body = self.platform.receiver.requests[-1].body
        if parse_push(wire(body)).kind is PushKind.EVENT:
            self.watch.follow(*self.watch.store(body))
        return httpx.Response(200)

    def stop(self, application: Application, session_id: str, until: Deadline) -> Stop:
        """What terminate call does; the call ends after the answer, as there."""
        if self.platform.engine.stoppable(APP_KEY, session_id) is None:
            return Stop(Act.ALREADY_ENDED)
        self.platform.clock.after(0, partial(self._end, session_id))
        return Stop(Act.STOPPED)

    async def _end(self, session_id: str) -> None:
        self.platform.engine.stop(APP_KEY, session_id)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with moto_client() as client:
        watch = Watch(new_table(client, "BillsTable"), new_table(client), CallPolicy(answers_per_day=2))
        made = Scene(watch, ModePlatform("AXB"))
        made.platform.receiver.answer = made.follow
        watch.stop = made.stop
        made.platform.bind()
        yield made


async def test_a_pair_speaks_as_often_as_it_may_on_a_day_and_again_on_the_next(scene: Scene) -> None:
    """The third call of the Beijing day does not reach its callee; the first of the next one does."""
    calls = [await scene.platform.call(caller, talk_s=60) for caller in (A, B, A)]
    assert [call.answered_at is not None for call in calls] == [True, True, False]
    assert scene.platform.cdr(calls[2])["ulFailReason"] in (7501, 7502)
    assert [(row["rule"], row["act"], row["counted"]) for row in scene.watch.acts()] == [
        ("answers_per_day", "stopped", 2)
    ]
    await scene.platform.clock.advance(timedelta(hours=15).total_seconds())
    assert (await scene.platform.call(A, talk_s=60)).answered_at is not None


async def test_a_caller_on_the_black_list_is_ended_before_it_rings(scene: Scene) -> None:
    scene.watch.policy = CallPolicy(black_list=True)
    store = BarredStore(scene.watch.bindings.client, scene.watch.bindings.name)
    store.put(bar(B, direction=Direction.CALLER))
    barred, other = await scene.platform.call(B, talk_s=60), await scene.platform.call(A, talk_s=60)
    assert (barred.alerting_at, other.talk_seconds) == (None, 60)
    assert scene.platform.cdr(barred)["ulFailReason"] == 7501
