"""Releasing everything on an X: preview, confirmation, job, and a record of who did it (design.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from builders.bindings import Desk, in_doubt, open_desk, within
from builders.crashes import Fuse, Killed
from builders.drift import console_of
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, A, B, C, D, RunningEmulator
from builders.jobs import JobDesk, job_desk
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, StateConflict
from privatenumber.bindings.model import Reason, State
from privatenumber.bindings.whole_x import WholeX
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberState
from privatenumber.store.whole_x import WholeXStore
from privatenumber.times import iso

ACTOR, WHY = "arn:aws-cn:iam::123456789012:user/ops", "returned to the carrier"
OPEN = Callable[[Mode], JobDesk]


@pytest.fixture
def opened(table: Table, emulator: RunningEmulator) -> OPEN:
    """A desk of a mode, with jobs."""

    def open_one(mode: Mode) -> JobDesk:
        emulator.admin.reset(now=VIRTUAL_START.isoformat())
        emulator.admin.application(mode=mode.value, axe_digits=4)
        emulator.admin.numbers(X1, X2, X3)
        return job_desk(open_desk(table, emulator, mode=mode))

    return open_one


def whole_of(room: JobDesk, *, why: str | None = WHY, create: Callable[..., Any] | None = None) -> WholeX:
    desk = room.desk
    store = WholeXStore(desk.table.client, desk.table.name)
    return WholeX(desk.engine.acting(ACTOR, why), store, create or room.jobs.create)


def three_pairs(desk: Desk, x: str = X1) -> None:
    for n in range(3):
        desk.bind(f"order-{n}", a=f"+8613800140{n:03d}", b=f"+8613800150{n:03d}", x=x)


def records(desk: Desk) -> list[dict[str, Any]]:
    return [item for item in desk.items() if item["pk"].startswith("WHOLEX#")]


def test_a_preview_counts_and_writes_nothing(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    stranger = console_of(room.desk).bind(C, D, x=X1)
    before = room.desk.items()
    preview = whole_of(room, why=None).preview(X1, deadline=within())
    assert (preview.ours, preview.platform) == (3, 4)
    assert [(one.subscription_id, one.a, one.b) for one in preview.beyond] == [
        (stranger, "+86138****8003", "+86138****8004")
    ]
    assert room.desk.items() == before
    assert len(room.desk.platform_bindings()) == 4


def test_what_is_confirmed_is_released_one_by_one_and_nothing_else(opened: OPEN) -> None:
    """axb.md §3: never the platform's unbind by X, which would also take what is not ours."""
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    other = room.desk.bind("order-9", a=A, b=B, x=X2)
    stranger = console_of(room.desk).bind(C, D, x=X1)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    started = whole.confirm(X1, preview.confirmation, deadline=within())
    room.run(started.job.job.id)
    assert {row[0] for row in room.desk.platform_bindings()} == {stranger, other.subscription_id}
    ended = [one for one in room.desk.bindings() if one.x == X1]
    assert {(one.state, one.reason) for one in ended} == {(State.CLOSED, Reason.DELETED)}
    unbinds = room.desk.emulator.admin.requests(api="axb.unbind")
    assert len(unbinds) == 3
    assert not [one for one in unbinds if "relationNum" in str(one)]


def test_the_number_takes_no_other_binding_meanwhile_or_afterwards(opened: OPEN) -> None:
    """numbers.md §3 has no such state: only our own choice knows it."""
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    started = whole.confirm(X1, preview.confirmation, deadline=within())
    with pytest.raises(PoolEmpty):
        room.desk.bind("order-9", a=A, b=B, x=X1)
    room.run(started.job.job.id)
    number = room.desk.engine.numbers.get(X1)
    assert number
    assert (number.state, number.why, number.pairs) == (NumberState.DRAINING, WHY, 0)


def test_a_record_says_who_when_how_many_and_why(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    started = whole.confirm(X1, preview.confirmation, deadline=within())
    (record,) = records(room.desk)
    told = {name: record[name] for name in ("by", "why", "x", "count", "platform", "at")}
    assert told == {
        **{"by": ACTOR, "why": WHY, "x": X1, "count": 3, "platform": 3},
        "at": iso(room.desk.clock()),
    }
    assert sorted(record["binding_ids"]) == sorted(one.id for one in room.desk.bindings())
    job = started.job.job
    assert (job.created_by, job.reason, job.total) == (ACTOR, WHY, 3)


def test_the_same_confirmation_again_is_the_same_release(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    first = whole.confirm(X1, preview.confirmation, deadline=within())
    room.run(first.job.job.id)
    room.desk.advance(3600)
    again = whole.confirm(X1, preview.confirmation, deadline=within())
    assert (again.job.job.id, again.release) == (first.job.job.id, first.release)
    assert len(records(room.desk)) == 1


def test_a_preview_is_good_for_ten_minutes(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    room.desk.advance(600)
    with pytest.raises(StateConflict, match="older"):
        whole.confirm(X1, preview.confirmation, deadline=within())
    assert records(room.desk) == []
    assert len(room.desk.in_state(State.ACTIVE)) == 3


@pytest.mark.parametrize("change", ["bound", "released", "exchanged", "stranger"])
def test_what_has_changed_since_the_preview_refuses_it(opened: OPEN, change: str) -> None:
    room = opened(Mode.AXB)
    desk = room.desk
    three_pairs(desk)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    if change in ("released", "exchanged"):
        desk.service.release(desk.in_state(State.ACTIVE)[0].id, deadline=within())
    if change in ("bound", "exchanged"):
        desk.bind("order-9", a=A, b=B, x=X1)
    if change == "stranger":
        console_of(desk).bind(C, D, x=X1)
    living = len(desk.in_state(State.ACTIVE))
    with pytest.raises(StateConflict, match="something else"):
        whole.confirm(X1, preview.confirmation, deadline=within())
    assert records(desk) == []
    assert len(desk.in_state(State.ACTIVE)) == living


def test_a_confirmation_is_of_one_number(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    room.desk.bind("order-9", a=A, b=B, x=X2)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    with pytest.raises(StateConflict):
        whole.confirm(X2, preview.confirmation, deadline=within())


@pytest.mark.parametrize("made_up", ["", "x", "6a9.aaaaaaaaaaaaaaaaaaaaaaaaaa", "ffffffffff." + "a" * 26])
def test_a_confirmation_that_nobody_answered_is_refused(opened: OPEN, made_up: str) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    with pytest.raises((InvalidRequest, StateConflict)):
        whole_of(room).confirm(X1, made_up, deadline=within())
    assert records(room.desk) == []


def test_a_forged_end_of_validity_is_refused(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    whole = whole_of(room)
    head, _, mac = whole.preview(X1, deadline=within()).confirmation.partition(".")
    room.desk.advance(300)
    with pytest.raises(StateConflict):
        whole.confirm(X1, f"{int(head, 16) + 240:x}.{mac}", deadline=within())


@pytest.mark.parametrize("why", [None, "", "call 13800138001"])
def test_it_wants_a_reason_without_a_number(opened: OPEN, why: str | None) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    preview = whole_of(room).preview(X1, deadline=within())
    with pytest.raises(InvalidRequest) as refused:
        whole_of(room, why=why).confirm(X1, preview.confirmation, deadline=within())
    assert refused.value.field == "why"


def test_a_number_without_bindings_has_nothing_to_confirm(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    assert (preview.ours, preview.platform) == (0, 0)
    with pytest.raises(StateConflict, match="no binding"):
        whole.confirm(X1, preview.confirmation, deadline=within())


@pytest.mark.parametrize(
    ("mode", "listed"), [(Mode.AX, 1), (Mode.AXB, 1), (Mode.AXE, None), (Mode.AXYB, 1), (Mode.X, None)]
)
def test_every_mode_can_be_released(opened: OPEN, mode: Mode, listed: int | None) -> None:
    """axe.md §5: of AXE the platform lists nothing; in X mode it holds nothing."""
    room = opened(mode)
    binding = room.desk.bind()
    whole = whole_of(room)
    preview = whole.preview(binding.x, deadline=within())
    assert (preview.ours, preview.platform, preview.beyond) == (1, listed, ())
    room.run(whole.confirm(binding.x, preview.confirmation, deadline=within()).job.job.id)
    assert room.desk.service.get(binding.id).state is State.CLOSED
    room.desk.check()
    assert mode is Mode.X or room.desk.platform_bindings() == set()


def test_a_binding_of_unknown_outcome_is_released_too(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    in_doubt(room.desk, "timeout_after_success", api="axb.bind", drop=True)
    in_doubt(room.desk, "timeout_before", api="axb.query", times=4, drop=True)
    room.desk.bind("order-1", a=A, b=B, x=X1)
    assert room.desk.in_state(State.REQUESTED)
    room.desk.emulator.admin.clear_faults()
    whole = whole_of(room)
    preview = whole.preview(X1, deadline=within())
    assert (preview.ours, preview.beyond) == (1, ())
    room.run(whole.confirm(X1, preview.confirmation, deadline=within()).job.job.id)
    room.desk.settle()
    assert room.desk.platform_bindings() == set()
    room.desk.check()


def test_killed_between_record_and_job_the_repetition_makes_the_job(opened: OPEN) -> None:
    room = opened(Mode.AXB)
    three_pairs(room.desk)
    for at in count():
        fuse = Fuse(at)

        def create(*args: Any, fuse: Fuse = fuse, **named: Any) -> Any:
            fuse.boundary()
            made = room.jobs.create(*args, **named)
            fuse.boundary()
            return made

        preview = whole_of(room).preview(X1, deadline=within())
        try:
            whole_of(room, create=create).confirm(X1, preview.confirmation, deadline=within())
        except Killed:
            started = whole_of(room).confirm(X1, preview.confirmation, deadline=within())
            room.run(started.job.job.id)
            assert len(records(room.desk)) == at + 1
            assert room.desk.platform_bindings() == set()
            assert started.job.job.total == 3
            seen = room.desk.engine.numbers.get(X1)
            assert seen
            room.desk.engine.numbers.put(replace(seen, state=NumberState.ACTIVE), seen=seen)
            three_pairs(room.desk)
        else:
            assert at == 2
            return
