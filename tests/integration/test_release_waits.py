"""A release that waits while a call of the binding is under way, and never for ever (C-133, C-046)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders.bindings import Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.drift import run_now
from builders.dynamodb import moto_client, new_table
from builders.emulator import C, RunningEmulator
from builders.jobs import job_desk
from privatenumber.bindings.errors import InvalidRequest, StateConflict
from privatenumber.bindings.jobs_model import Kind
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.bindings.waiting import LONGEST_WAIT_S

HOUR = 3600
WAIT = 900


@dataclass
class Calls:
    """Calls under way, by when they began; a test says what the platform has pushed."""

    begun: list[datetime] = field(default_factory=list)
    asked: int = 0

    def __call__(
        self, application: str, binding_id: str, *, since: datetime, until: datetime
    ) -> list[datetime]:
        self.asked += 1
        return [at for at in self.begun if since <= at <= until]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def fuse() -> Fuse:
    return Fuse()


@pytest.fixture
def desk(emulator: RunningEmulator, calls: Calls, fuse: Fuse) -> Iterator[Desk]:
    with moto_client() as client:
        desk = open_desk(
            new_table(client),
            emulator,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
            store=lambda store: fragile(store, WRITES, fuse),
        )
        yield replace(desk, engine=replace(desk.engine, open_calls=calls))


def release(desk: Desk, binding: Binding, **how: Any) -> Binding:
    return desk.service.release(binding.id, deadline=within(), **how)


def look(desk: Desk, seconds: float = 61) -> None:
    desk.advance(seconds)
    desk.sweep()


class TestDelete:
    def test_it_is_released_when_the_call_is_over(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        waiting = release(desk, binding, wait_s=WAIT)
        assert (waiting.state, waiting.reason) == (State.ACTIVE, Reason.DELETED)
        assert desk.calls("axb.unbind") == 0
        look(desk)
        assert desk.service.get(binding.id).state is State.ACTIVE
        calls.begun = []
        look(desk)
        assert desk.service.get(binding.id).state is State.CLOSED
        desk.check()

    def test_without_a_call_it_is_released_at_once(self, desk: Desk) -> None:
        assert release(desk, desk.bind(), wait_s=WAIT).state is State.CLOSED

    def test_who_does_not_ask_for_it_waits_for_nobody(self, desk: Desk, calls: Calls) -> None:
        """C-046: the call goes on."""
        binding = desk.bind()
        calls.begun = [desk.clock()]
        assert release(desk, binding).state is State.CLOSED
        assert calls.asked == 0

    def test_a_call_whose_end_nobody_tells_keeps_it_until_the_wait_is_over(
        self, desk: Desk, calls: Calls
    ) -> None:
        binding = desk.bind(ttl_seconds=20 * HOUR)
        calls.begun = [desk.clock()]
        asked = desk.clock()
        release(desk, binding, wait_s=LONGEST_WAIT_S)
        while desk.service.get(binding.id).state is State.ACTIVE:
            due = desk.service.get(binding.id).due_at
            assert due
            assert due > desk.clock()
            look(desk, (due - desk.clock()).total_seconds())
        assert desk.clock() == asked + timedelta(seconds=LONGEST_WAIT_S)
        assert calls.asked < 70
        desk.check()

    def test_no_call_is_believed_longer_than_it_may_last(self, desk: Desk, calls: Calls) -> None:
        """axb.md §2: maxDuration counts from the answer."""
        binding = desk.bind(max_minutes=2)
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        look(desk, 400)
        assert desk.service.get(binding.id).state is State.ACTIVE
        look(desk, 101)
        assert desk.service.get(binding.id).state is State.CLOSED

    def test_a_call_that_begins_afterwards_keeps_nothing(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        desk.advance(30)
        calls.begun = [desk.clock()]
        look(desk, 31)
        assert desk.service.get(binding.id).state is State.CLOSED

    def test_the_same_request_again_changes_nothing_and_begins_no_new_wait(
        self, desk: Desk, calls: Calls
    ) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        first = release(desk, binding, wait_s=WAIT)
        assert release(desk, binding, wait_s=WAIT) == first
        look(desk, 600)
        again = release(desk, binding, wait_s=WAIT)
        assert again.waits_until == first.waits_until

    def test_a_shorter_wait_ends_it_sooner_and_none_at_once(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        shorter = release(desk, binding, wait_s=60)
        assert shorter.waits_until == desk.clock() + timedelta(seconds=60)
        assert release(desk, binding, wait_s=0).state is State.CLOSED

    def test_none_ends_it_at_once_within_a_second_too(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        desk.advance(0.4)
        assert release(desk, binding, wait_s=0).state is State.CLOSED
        desk.check()

    def test_while_it_waits_nothing_can_be_changed(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        with pytest.raises(StateConflict):
            desk.service.change(binding.id, b=C, deadline=within())
        with pytest.raises(StateConflict):
            desk.service.change(binding.id, ends_at=desk.clock() + timedelta(hours=9), deadline=within())

    def test_its_order_is_not_bound_again_before_it_has_ended(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        with pytest.raises(StateConflict, match="about to end"):
            desk.bind()

    def test_after_a_grace_it_waits_too(self, desk: Desk, calls: Calls) -> None:
        """users.md U-N10."""
        binding = desk.bind()
        calls.begun = [desk.clock()]
        later = release(desk, binding, grace_s=600, wait_s=WAIT)
        assert (later.ends_at, later.waits_until) == (
            desk.clock() + timedelta(seconds=600),
            desk.clock() + timedelta(seconds=600 + WAIT),
        )
        look(desk, 601)
        assert desk.service.get(binding.id).state is State.ACTIVE
        look(desk, WAIT)
        assert desk.service.get(binding.id).state is State.CLOSED

    def test_a_change_under_way_does_not_bring_a_later_end_back(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_after_success", api="axb.modify", times=None, drop=True)
        later = desk.clock() + timedelta(hours=9)
        changing = desk.service.change(binding.id, ends_at=later, deadline=within(1.2))
        assert changing.pending
        desk.emulator.admin.clear_faults()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=WAIT)
        look(desk, 200)
        assert desk.service.get(binding.id).state is State.ACTIVE
        calls.begun = []
        look(desk, 301)
        assert desk.service.get(binding.id).state is State.CLOSED
        desk.check()

    @pytest.mark.parametrize("wait", [-1, LONGEST_WAIT_S + 1])
    def test_a_wait_has_bounds(self, desk: Desk, wait: int) -> None:
        with pytest.raises(InvalidRequest, match="wait_seconds"):
            release(desk, desk.bind(), wait_s=wait)
        with pytest.raises(InvalidRequest, match="release_wait_seconds"):
            desk.bind("order-2", release_wait_seconds=wait)

    @pytest.mark.parametrize("dies_at", range(10))
    def test_a_crash_anywhere_leaves_it_due(self, desk: Desk, calls: Calls, fuse: Fuse, dies_at: int) -> None:
        """Repeated or not, it is released in the end, and not while the call is under way."""
        binding = desk.bind()
        calls.begun = [desk.clock()]
        fuse.set(dies_at)
        with suppress(Killed):
            release(desk, binding, wait_s=WAIT)
            calls.begun = []
            look(desk)
        fuse.set(None)
        release(desk, binding, wait_s=WAIT)
        calls.begun = []
        desk.settle()
        look(desk, 61)
        desk.settle()
        assert desk.service.get(binding.id).state is State.CLOSED
        desk.check()


class TestPolicy:
    def test_a_scheduled_end_waits_as_agreed_at_the_bind(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind(release_wait_seconds=WAIT)
        calls.begun = [desk.clock() + timedelta(seconds=HOUR - 10)]
        look(desk, HOUR + 1)
        waiting = desk.service.get(binding.id)
        assert (waiting.state, waiting.reason) == (State.ACTIVE, None)
        calls.begun = []
        look(desk)
        ended = desk.service.get(binding.id)
        assert (ended.state, ended.reason) == (State.CLOSED, Reason.EXPIRED)

    def test_while_an_expired_one_waits_its_order_is_not_told_that_it_lives(
        self, desk: Desk, calls: Calls
    ) -> None:
        desk.bind(release_wait_seconds=WAIT)
        calls.begun = [desk.clock()]
        look(desk, HOUR + 1)
        with pytest.raises(StateConflict, match="about to end"):
            desk.bind(release_wait_seconds=WAIT)

    def test_an_idle_end_is_called_off_when_the_call_proves_to_be_one(self, desk: Desk, calls: Calls) -> None:
        """The hang-up of a call that was longer than the idle time counts as activity."""
        binding = desk.bind(idle_seconds=600, release_wait_seconds=WAIT, ttl_seconds=5 * HOUR)
        calls.begun = [desk.clock() + timedelta(seconds=300)]
        look(desk, 601)
        assert desk.service.get(binding.id).state is State.ACTIVE
        hung_up = (desk.clock() + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        desk.engine.store.touch(binding.id, at=hung_up)
        calls.begun = []
        look(desk)
        alive = desk.service.get(binding.id)
        assert (alive.state, alive.reason) == (State.ACTIVE, None)
        assert alive.due_at == alive.rests_until > desk.clock()

    def test_a_delete_without_a_word_waits_as_agreed(self, desk: Desk, calls: Calls) -> None:
        binding = desk.bind(release_wait_seconds=WAIT)
        calls.begun = [desk.clock()]
        assert release(desk, binding).is_waiting(desk.clock())
        assert release(desk, binding, wait_s=0).state is State.CLOSED

    def test_a_job_is_done_with_what_waits(self, desk: Desk, calls: Calls) -> None:
        """Its worker goes on: an item is not kept open for hours."""
        room = job_desk(desk)
        binding = desk.bind()
        calls.begun = [desk.clock()]
        job = room.create(Kind.RELEASE, [{"binding_id": binding.id}], wait_seconds=WAIT).job
        room.run(job.id)
        assert room.outcomes(job.id) == {"done ending": 1}
        assert desk.service.get(binding.id).is_waiting(desk.clock())

    def test_drift_repair_leaves_what_waits_alone(self, desk: Desk, calls: Calls) -> None:
        """Something is under way with it: its own worker ends it."""
        binding = desk.bind()
        calls.begun = [desk.clock()]
        release(desk, binding, wait_s=LONGEST_WAIT_S)
        assert run_now(desk) == []
        assert desk.service.get(binding.id).state is State.ACTIVE
