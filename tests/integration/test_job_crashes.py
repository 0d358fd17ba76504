"""The worker of jobs dies at any step, messages come twice and in any order: every item exactly once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from builders.bindings import Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.dynamodb import Table, moto_client, new_table
from builders.emulator import X1, X2, X3, C, D, RunningEmulator
from builders.jobs import JOB_WRITES, JobDesk, bind_item, job_command, job_desk, person
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.jobs_model import JobState, Kind, Task
from privatenumber.bindings.jobs_outcomes import Done, Outcome, Wait
from privatenumber.bindings.jobs_run import MAX_ATTEMPTS
from privatenumber.bindings.model import State
from privatenumber.deadline import Deadline
from privatenumber.store.job_rows import LANES
from privatenumber.store.jobs import LaneLeft, LaneTaken

Prepare = Callable[[Desk], None]
Start = Callable[[JobDesk], str]


@contextmanager
def fragile_room(emulator: RunningEmulator, fuse: Fuse) -> Iterator[JobDesk]:
    """A new desk with jobs, at an emulator that knows nothing yet; everything has a boundary."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application()
    emulator.admin.numbers(X1, X2, X3)
    with moto_client() as client:
        desk = open_desk(
            new_table(client),
            emulator,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
            store=lambda store: fragile(store, WRITES, fuse),
        )
        room = job_desk(desk)
        room.wrapped = lambda store: fragile(store, JOB_WRITES, fuse)
        yield room


def deaths(
    emulator: RunningEmulator, prepare: Prepare, start: Start, *, step: int = 1
) -> Iterator[tuple[JobDesk, str]]:
    """Let a job's workers die once at each boundary (every ``step``-th), and go on to the job's end."""
    for at in count(0, step):
        fuse = Fuse()
        with fragile_room(emulator, fuse) as room:
            fuse.set(None)
            prepare(room.desk)
            fuse.set(at)
            job_id = None
            with suppress(Killed):
                job_id = start(room)
            # Whoever got no answer asks again.
            job_id = job_id or start(room)
            room.run(job_id)
            if not fuse.burnt:
                assert at > 1, "the job has no boundary at all"
                return
            fuse.set(None)
            yield room, job_id


def test_killed_while_binding(emulator: RunningEmulator) -> None:
    def start(room: JobDesk) -> str:
        return room.create(Kind.BIND, [bind_item(0, room.desk)]).job.id

    for room, job_id in deaths(emulator, lambda desk: None, start):
        room.check(job_id)
        assert room.outcomes(job_id) == {"done bound": 1}
        room.desk.check()
        assert len(room.desk.platform_bindings()) == len(room.desk.in_state(State.ACTIVE)) == 1


def test_killed_while_an_order_moves(emulator: RunningEmulator) -> None:
    """At no boundary has the order two numbers for good, or none."""

    def prepare(desk: Desk) -> None:
        desk.bind("o-1", a=person(1), b=person(2), x=X1)

    def start(room: JobDesk) -> str:
        return room.create(Kind.DRAIN_NUMBER, x=X1, move=True).job.id

    for room, job_id in deaths(emulator, prepare, start, step=3):
        room.check(job_id)
        assert room.outcomes(job_id) == {"done moved": 1}
        (living,) = room.desk.in_state(State.ACTIVE)
        assert (living.order, living.x == X1) == ("o-1", False)
        room.desk.check()


def test_killed_while_a_driver_is_replaced(emulator: RunningEmulator) -> None:
    def prepare(desk: Desk) -> None:
        desk.bind("o-1", a=C, b=person(2))

    def start(room: JobDesk) -> str:
        return room.create(Kind.REPLACE_PERSON, number=C, replacement=D).job.id

    for room, job_id in deaths(emulator, prepare, start, step=4):
        room.check(job_id)
        assert room.outcomes(job_id) == {"done changed": 1}
        room.desk.settle()
        assert [one.a.number for one in room.desk.in_state(State.ACTIVE)] == [D]
        room.desk.check()


def test_killed_while_a_job_is_cancelled(emulator: RunningEmulator) -> None:
    def start(room: JobDesk) -> str:
        job_id = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(3)]).job.id
        room.jobs.cancel(job_id)
        return job_id

    for room, job_id in deaths(emulator, lambda desk: None, start, step=4):
        room.check(job_id)
        assert room.jobs.get(job_id).state in (JobState.CANCELLED, JobState.FINISHED)
        done = room.outcomes(job_id)["done bound"]
        assert len(room.desk.in_state(State.ACTIVE)) == done
        room.desk.check()


def test_a_storm(local_table: Table, emulator: RunningEmulator) -> None:
    """A hundred binds; answers are lost, requests fail, messages come twice and shuffled, workers die."""
    desk_fuse = _Dice(random.Random(7), 0.01)
    desk = open_desk(
        local_table,
        emulator,
        wrapped=lambda api: fragile(api, PLATFORM_CALLS, desk_fuse),
        store=lambda store: fragile(store, WRITES, desk_fuse),
    )
    room = job_desk(desk, seed=5, doubled=0.4)
    room.wrapped = lambda store: fragile(store, JOB_WRITES, desk_fuse)
    items = [bind_item(n, desk) for n in range(100)]
    items[40] = {"order": "poisoned", "a": "nobody"}
    job_id = room.create(Kind.BIND, items).job.id
    for kind, params in (
        ("timeout_after_success", {"drop": True}),
        ("timeout_before", {"drop": True}),
        ("status", {"http_status": 500, "code": "1010001"}),
    ):
        emulator.admin.fault(kind, match={"api": "axb.bind"}, times=None, params=params, probability=0.04)
    desk_fuse.armed = True
    room.run(job_id)
    desk_fuse.armed = False
    emulator.admin.clear_faults()
    desk.settle()
    assert room.deaths > 5
    room.check(job_id)
    desk.check()
    outcomes = room.outcomes(job_id)
    assert outcomes["failed invalid-fields"] == 1
    # What the platform refused for good may fail; what is said to be bound is bound, once.
    assert outcomes["done bound"] >= 90
    orders = Counter(one.order for one in desk.in_state(State.ACTIVE))
    assert set(orders.values()) == {1}
    bound = {f"order-{row.n}" for row in room.rows(job_id) if row.state == "done"}
    assert orders.keys() == bound


class _Dice(Fuse):
    """Kills at any boundary with some probability, once armed."""

    def __init__(self, chance: random.Random, probability: float) -> None:
        super().__init__()
        self.armed = False
        self._chance, self._probability = chance, probability

    def boundary(self) -> None:
        if self.armed and self._chance.random() < self._probability:
            raise Killed


class TestAThousandItems:
    """The bookkeeping of a thousand items, under workers that die and messages that come twice."""

    def test_each_is_ended_once_and_counted_once(self, local_table: Table, emulator: RunningEmulator) -> None:
        room = job_desk(open_desk(local_table, emulator), seed=3, doubled=0.3)
        dice = _Dice(random.Random(11), 0.004)
        room.wrapped = lambda store: fragile(store, JOB_WRITES, dice)
        executed: Counter[int] = Counter()

        def act(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
            executed[task.row.n] += 1
            if task.row.n % 97 == 0 and executed[task.row.n] == 1:
                return Wait()
            return Done({"outcome": "bound", "n": task.content["n"]})

        room.act = act
        job_id = room.create(Kind.BIND, [{"n": n} for n in range(1000)]).job.id
        dice.armed = True
        room.run(job_id)
        dice.armed = False
        room.check(job_id)
        assert room.deaths > 3
        assert room.jobs.get(job_id).counts == {"pending": 0, "done": 1000, "failed": 0, "cancelled": 0}
        assert [row.result and row.result["n"] for row in room.rows(job_id)] == list(range(1000))
        # A death between an execution and its end repeats it; nothing else does.
        assert sum(executed.values()) <= 1000 + 11 + room.deaths


class TestPoison:
    def test_an_item_that_kills_its_workers_is_given_up_and_stops_no_other(
        self, local_table: Table, emulator: RunningEmulator
    ) -> None:
        room = job_desk(open_desk(local_table, emulator))
        killed: Counter[int] = Counter()

        def act(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
            killed[task.row.n] += 1
            if task.row.n == LANES:
                raise Killed
            return Done({"outcome": "bound"})

        room.act = act
        job_id = room.create(Kind.BIND, [{"n": n} for n in range(3 * LANES)]).job.id
        room.run(job_id)
        room.check(job_id)
        assert killed[LANES] == MAX_ATTEMPTS
        assert room.outcomes(job_id) == {"done bound": 3 * LANES - 1, "failed internal": 1}

    def test_an_error_that_nobody_foresaw_is_tried_again_and_then_given_up(
        self, local_table: Table, emulator: RunningEmulator
    ) -> None:
        room = job_desk(open_desk(local_table, emulator))

        def act(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
            if task.row.n == 0:
                raise ZeroDivisionError
            return Done({"outcome": "bound"})

        room.act = act
        job_id = room.create(Kind.BIND, [{"n": n} for n in range(2)]).job.id
        room.run(job_id)
        assert room.outcomes(job_id) == {"done bound": 1, "failed internal": 1}


class TestLanes:
    def test_one_worker_at_a_time_has_a_lane(self, local_table: Table, emulator: RunningEmulator) -> None:
        room = job_desk(open_desk(local_table, emulator))
        job_id = room.create(Kind.BIND, [bind_item(0, room.desk)]).job.id
        now = room.desk.clock()
        taken = room.store.take(job_id, 0, ticket=1, now=now, until=now.replace(minute=2))
        with pytest.raises(LaneTaken):
            room.store.take(job_id, 0, ticket=1, now=now, until=now.replace(minute=3))
        assert room.store.give_back(taken, due_at=now)
        with pytest.raises(LaneLeft):
            room.store.take(job_id, 0, ticket=1, now=now, until=now.replace(minute=3))
        assert not room.store.give_back(taken, due_at=None)

    def test_messages_that_are_all_lost_are_sent_again(
        self, local_table: Table, emulator: RunningEmulator
    ) -> None:
        room = job_desk(open_desk(local_table, emulator))
        job_id = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(3)]).job.id
        room.queue.waiting.clear()
        room.run(job_id)
        assert room.outcomes(job_id) == {"done bound": 3}

    def test_a_request_that_was_cut_off_goes_on_when_it_is_repeated(
        self, local_table: Table, emulator: RunningEmulator
    ) -> None:
        """Its rows are written in pieces; none twice, none left out."""
        fuse = Fuse()
        with fragile_room(emulator, fuse) as room:
            items = [{"binding_id": f"b{n}"} for n in range(200)]
            for at in (2, 3, 4, 5):
                fuse.set(at)
                with suppress(Killed):
                    room.jobs.create(job_command(Kind.RELEASE, items), deadline=within(60))
            fuse.set(None)
            job_id = room.create(Kind.RELEASE, items).job.id
            rows = room.rows(job_id)
            assert [row.n for row in rows] == list(range(200))


def test_a_pause_of_one_lane_is_not_a_failure_of_any(local_table: Table, emulator: RunningEmulator) -> None:
    """auth.md §11: flow control pauses the application for a minute."""
    room = job_desk(open_desk(local_table, emulator))
    in_doubt(room.desk, "flow_control", api="axb.bind", times=2)
    job_id = room.create(Kind.BIND, [bind_item(n, room.desk) for n in range(10)]).job.id
    room.run(job_id)
    room.check(job_id)
    assert room.outcomes(job_id) == {"done bound": 10}
