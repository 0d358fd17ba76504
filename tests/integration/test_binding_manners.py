"""How people meet and part on an X: cool-off, stickiness, grace, and ends that move with their calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from builders.bindings import Desk, open_desk, token_of, within
from builders.dynamodb import Table
from builders.emulator import X1, X2, A, B, C, RunningEmulator
from privatenumber.bindings.commands import Sticky
from privatenumber.bindings.engine import Overtaken
from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, StateConflict
from privatenumber.bindings.model import Reason, State, advanced
from privatenumber.store.activity import Activity
from privatenumber.times import iso

OPEN = Callable[..., Desk]
HOUR = 3600


@pytest.fixture
def desk_of(table: Table, emulator: RunningEmulator) -> OPEN:
    """Open a desk whose application has these settings."""
    return lambda **settings: open_desk(table, emulator, **{"numbers": (X1, X2), **settings})


class TestCoolOff:
    """users.md U-S06: late return calls reach no stranger."""

    def test_nobody_comes_back_to_an_x_before_he_cooled(self, desk_of: OPEN) -> None:
        desk = desk_of(numbers=(X1,), cool_off_s=HOUR)
        desk.service.release(desk.bind().id, deadline=within())
        for a, b in ((A, C), (C, B)):
            with pytest.raises(PoolEmpty):
                desk.bind("order-2", a=a, b=b)
        desk.advance(HOUR + 1)
        assert desk.bind("order-2", a=A, b=C).x == X1
        desk.check()

    def test_others_may_have_the_x_at_once(self, desk_of: OPEN) -> None:
        desk = desk_of(numbers=(X1,), cool_off_s=HOUR)
        desk.service.release(desk.bind().id, deadline=within())
        assert desk.bind("order-2", a=C, b="+8613800138005").x == X1

    def test_another_x_is_chosen_meanwhile(self, desk_of: OPEN) -> None:
        desk = desk_of(cool_off_s=HOUR)
        first = desk.bind()
        desk.service.release(first.id, deadline=within())
        assert {desk.bind("order-2").x, first.x} == {X1, X2}

    def test_a_party_that_was_replaced_cools_too(self, desk_of: OPEN) -> None:
        desk = desk_of(numbers=(X1,), cool_off_s=HOUR)
        binding = desk.bind()
        desk.service.change(binding.id, b=C, deadline=within())
        with pytest.raises(PoolEmpty):
            desk.bind("order-2", a="+8613800138005", b=B)

    def test_a_bind_that_failed_leaves_nobody_cooling(self, desk_of: OPEN) -> None:
        desk = desk_of(numbers=(X1,), cool_off_s=HOUR)
        desk.emulator.admin.fault(
            "status", match={"api": "axb.bind"}, times=1, params={"http_status": 403, "code": "1010002"}
        )
        with pytest.raises(Exception, match="1010002"):
            desk.bind()
        assert desk.bind().state is State.ACTIVE

    def test_without_a_setting_nothing_cools(self, desk_of: OPEN) -> None:
        desk = desk_of(numbers=(X1,))
        desk.service.release(desk.bind().id, deadline=within())
        assert desk.bind("order-2").x == X1

    def test_a_cooled_place_is_no_place(self, desk_of: OPEN) -> None:
        desk = desk_of(cool_off_s=HOUR)
        binding = desk.bind()
        desk.service.release(binding.id, deadline=within())
        now, later = (iso(desk.clock() + timedelta(seconds=s)) for s in (0, HOUR + 1))
        places = desk.engine.store.places_of
        assert places("ride", token_of(A), now=now) == {binding.x}
        assert places("ride", token_of(A), now=later) == frozenset()


class TestSticky:
    """users.md U-S04."""

    def meet(self, desk: Desk, order: str, sticky: Sticky) -> str:
        binding = desk.bind(order, sticky=sticky)
        desk.service.release(binding.id, deadline=within())
        return binding.x

    def test_who_prefers_it_meets_where_he_met(self, desk_of: OPEN) -> None:
        desk = desk_of()
        first = self.meet(desk, "order-0", Sticky.PREFER)
        assert {self.meet(desk, f"order-{n}", Sticky.PREFER) for n in range(1, 8)} == {first}

    def test_who_avoids_it_meets_elsewhere(self, desk_of: OPEN) -> None:
        desk = desk_of()
        met = [self.meet(desk, f"order-{n}", Sticky.AVOID) for n in range(6)]
        assert all(one != next_one for one, next_one in pairwise(met))

    def test_it_is_a_wish_and_no_condition(self, desk_of: OPEN) -> None:
        alone = desk_of(numbers=(X1,))
        assert {self.meet(alone, f"order-{n}", Sticky.AVOID) for n in range(3)} == {X1}


class TestGrace:
    """users.md U-N10: after the end of the order the binding lives on for a time."""

    def test_a_return_call_still_reaches_somebody(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = desk.bind()
        ending = desk.service.release(binding.id, deadline=within(), grace_s=600)
        assert (ending.state, ending.reason) == (State.ACTIVE, Reason.DELETED)
        assert ending.ends_at == desk.clock() + timedelta(seconds=600)
        assert desk.emulator.admin.call(B, binding.x, wait=False)
        desk.advance(601)
        desk.sweep()
        closed = desk.service.get(binding.id)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.DELETED)
        desk.check()

    def test_an_end_that_comes_earlier_stays(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = desk.bind(ttl_seconds=300)
        ending = desk.service.release(binding.id, deadline=within(), grace_s=600)
        assert (ending.ends_at, ending.reason) == (binding.ends_at, Reason.DELETED)

    def test_a_second_delete_does_not_prolong_it_and_one_without_grace_ends_it(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = desk.bind()
        first = desk.service.release(binding.id, deadline=within(), grace_s=600)
        desk.advance(60)
        assert desk.service.release(binding.id, deadline=within(), grace_s=600).ends_at == first.ends_at
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED

    def test_what_is_about_to_end_cannot_be_changed(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = desk.bind()
        desk.service.release(binding.id, deadline=within(), grace_s=600)
        with pytest.raises(StateConflict, match="about to end"):
            desk.service.change(binding.id, direction=1, deadline=within())

    @pytest.mark.parametrize("grace_s", [-1, 86_401])
    def test_a_grace_has_bounds(self, desk_of: OPEN, grace_s: int) -> None:
        desk = desk_of()
        with pytest.raises(InvalidRequest, match="grace_seconds"):
            desk.service.release(desk.bind().id, deadline=within(), grace_s=grace_s)


def touch(desk: Desk, binding_id: str, at: datetime) -> bool:
    """What follows a call event or a decision of ours."""
    return Activity(desk.table.client, desk.table.name).of_binding(binding_id, iso(at))


class TestIdle:
    """users.md U-S03: extended by each call, up to an absolute end."""

    def idle(self, desk: Desk, **changes: Any) -> str:
        return desk.bind(idle_seconds=600, ttl_seconds=HOUR, **changes).id

    def test_it_ends_when_nobody_calls(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        desk.advance(601)
        desk.sweep()
        closed = desk.service.get(binding)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.IDLE)
        desk.check()

    def test_each_call_postpones_its_end(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        for _ in range(3):
            desk.advance(500)
            touch(desk, binding, desk.clock())
            desk.sweep()
        assert desk.service.get(binding).state is State.ACTIVE
        desk.advance(601)
        desk.sweep()
        assert desk.service.get(binding).reason is Reason.IDLE

    def test_never_beyond_its_absolute_end(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        for _ in range(8):
            desk.advance(500)
            touch(desk, binding, desk.clock())
            desk.sweep()
        closed = desk.service.get(binding)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.EXPIRED)

    def test_calls_may_be_told_late_twice_and_in_any_order(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        start = desk.clock()
        desk.advance(400)
        for minute in (5, 2, 5, 1):
            touch(desk, binding, start + timedelta(minutes=minute))
        known = desk.service.get(binding)
        assert known.active_at == start + timedelta(minutes=5)
        assert known.rests_until == start + timedelta(minutes=15)

    def test_a_call_from_before_it_began_is_none_of_its_calls(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        touch(desk, binding, desk.clock() - timedelta(seconds=1))
        assert desk.service.get(binding).active_at is None

    def test_what_has_begun_to_end_is_not_called_back(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        desk.service.release(binding, deadline=within())
        before = desk.service.get(binding)
        touch(desk, binding, desk.clock() + timedelta(seconds=1))
        assert desk.service.get(binding) == before

    def test_a_binding_without_such_an_end_is_not_written(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = desk.bind()
        touch(desk, binding.id, desk.clock() + timedelta(seconds=1))
        assert replace(desk.service.get(binding.id)).version == binding.version

    def test_a_call_is_found_by_the_platforms_id(self, desk_of: OPEN) -> None:
        desk = desk_of()
        idle, fixed = desk.service.get(self.idle(desk)), desk.bind("order-2", a=C, b="+8613800138005")
        activity = Activity(desk.table.client, desk.table.name)
        later = iso(desk.clock() + timedelta(seconds=1))
        touched = [activity.of_call("ride", one.subscription_id or "", later) for one in (idle, fixed)]
        assert touched == [True, False]
        assert not activity.of_call("ride", "nobody's", later)

    def test_who_read_it_before_a_call_does_not_forget_the_call(self, desk_of: OPEN) -> None:
        desk = desk_of()
        binding = self.idle(desk)
        before = desk.service.get(binding)
        touch(desk, binding, desk.clock() + timedelta(seconds=1))
        with pytest.raises(Overtaken):
            desk.engine.save(before, advanced(before, desk.clock()))

    def test_idle_times_have_bounds(self, desk_of: OPEN) -> None:
        with pytest.raises(InvalidRequest, match="idle_seconds"):
            desk_of().bind(idle_seconds=59)
