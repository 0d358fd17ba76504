"""Changing a binding that lives (axb.md §4): X stays, nobody stands twice, an interruption is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import APPLICATION, SETTLING_S, Desk, b_of, in_doubt, open_desk, within
from builders.dynamodb import moto_client, new_table
from builders.emulator import X1, A, B, C, D, RunningEmulator
from privatenumber.bindings.errors import (
    BindRefused,
    InvalidRequest,
    OrderConflict,
    PartyConflict,
    PlatformPaused,
    StateConflict,
)
from privatenumber.bindings.model import Binding, Reason, State


@pytest.fixture
def desk(emulator: RunningEmulator) -> Iterator[Desk]:
    with moto_client() as client:
        yield open_desk(new_table(client), emulator)


def change(desk: Desk, binding: Binding, **changes: Any) -> Binding:
    return desk.service.change(binding.id, deadline=within(), **changes)


class TestEnd:
    def test_a_later_end_within_the_margin_is_ours_alone(self, desk: Desk) -> None:
        """The platform ends half a margin later still: no request."""
        binding = desk.bind(ttl_seconds=600)
        later = binding.ends_at + timedelta(minutes=10)
        assert change(desk, binding, ends_at=later).due_at == later
        assert desk.calls("axb.modify") == 0

    def test_a_much_later_end_prolongs_the_platform(self, desk: Desk) -> None:
        """axb.md §4: duration restarts from the success of the modification."""
        binding = desk.bind(ttl_seconds=600)
        desk.advance(300)
        changed = change(desk, binding, ends_at=desk.clock() + timedelta(hours=5))
        (row,) = desk.emulator.admin.bindings()
        assert row["duration"] == 5 * 3600 + 3600
        assert changed.platform_ends_at == desk.clock() + timedelta(hours=6)

    def test_a_prolongation_that_the_platform_refuses_is_not_promised(self, desk: Desk) -> None:
        """axb.md §4 row 3: 1012102. Nothing of the binding's row tells a new end but its duration."""
        binding = desk.bind(ttl_seconds=600)
        desk.emulator.admin.number_status(binding.x, "9")
        with pytest.raises(BindRefused):
            change(desk, binding, ends_at=desk.clock() + timedelta(hours=5))
        kept = desk.service.get(binding.id)
        assert (kept.terms, kept.platform_ends_at, kept.pending) == (
            binding.terms,
            binding.platform_ends_at,
            None,
        )

    def test_an_earlier_end_releases_earlier(self, desk: Desk) -> None:
        binding = desk.bind()
        change(desk, binding, ends_at=desk.clock() + timedelta(seconds=60))
        desk.advance(60)
        desk.sweep()
        assert desk.service.get(binding.id).state is State.CLOSED

    @pytest.mark.parametrize("seconds", [59, 7_776_001])
    def test_an_end_too_near_or_too_far_is_refused(self, desk: Desk, seconds: int) -> None:
        binding = desk.bind()
        with pytest.raises(InvalidRequest) as refused:
            change(desk, binding, ends_at=desk.clock() + timedelta(seconds=seconds))
        assert refused.value.field == "ends_at"


class TestParty:
    def test_a_new_party_keeps_x_and_frees_the_old_one(self, desk: Desk) -> None:
        """users.md U-A05."""
        binding = desk.bind(x=X1)
        changed = change(desk, binding, b=C)
        assert (changed.x, b_of(changed), changed.subscription_id) == (X1, C, binding.subscription_id)
        desk.check()
        assert desk.bind("order-2", a=D, b=B, x=X1).x == X1

    def test_a_party_that_stands_there_is_refused_before_the_platform_is_asked(self, desk: Desk) -> None:
        binding = desk.bind("order-1", x=X1)
        desk.bind("order-2", a=C, b=D, x=X1)
        with pytest.raises(PartyConflict) as refused:
            change(desk, binding, b=C)
        assert refused.value.field == "b"
        assert desk.calls("axb.modify") == 0
        desk.check()

    def test_a_party_that_stands_there_at_the_platform_only_is_refused_and_undone(self, desk: Desk) -> None:
        """axb.md §4 row 5: 1012010."""
        binding = desk.bind()
        in_doubt(desk, "status", api="axb.modify", http_status=403, code="1012010")
        with pytest.raises(PartyConflict):
            change(desk, binding, a=C)
        assert desk.service.get(binding.id).a.number == A
        desk.check()

    def test_a_pair_that_the_order_has_already_is_refused(self, desk: Desk) -> None:
        binding, other = desk.bind(), desk.bind(b=C)
        with pytest.raises(OrderConflict) as refused:
            change(desk, binding, b=C)
        assert refused.value.binding_id == other.id
        desk.check()

    def test_the_parties_may_change_sides(self, desk: Desk) -> None:
        binding = desk.bind()
        changed = change(desk, binding, a=B, b=A)
        assert (changed.a.number, b_of(changed)) == (B, A)
        desk.check()

    def test_a_party_may_not_be_x_or_the_other_party(self, desk: Desk) -> None:
        binding = desk.bind()
        for changes in ({"a": binding.x}, {"a": B}):
            with pytest.raises(InvalidRequest):
                change(desk, binding, **changes)

    def test_the_new_party_finds_the_binding(self, desk: Desk) -> None:
        binding = desk.bind()
        change(desk, binding, b=C)
        assert desk.service.find(application=APPLICATION, number=C).bindings[0].id == binding.id
        assert desk.service.find(application=APPLICATION, number=B).bindings == ()


class TestOtherTerms:
    def test_direction_and_length_reach_the_platform(self, desk: Desk) -> None:
        binding = desk.bind()
        changed = change(desk, binding, direction=2, max_minutes=10)
        assert (changed.direction, changed.max_minutes) == (2, 10)
        (row,) = desk.emulator.admin.bindings()
        assert (row["direction"], row["max_duration"]) == (2, 10)

    def test_no_change_is_no_request(self, desk: Desk) -> None:
        binding = desk.bind(direction=1)
        assert change(desk, binding, direction=1, a="13800138001") == binding
        assert desk.calls("axb.modify") == 0


class TestStates:
    def test_a_closed_binding_cannot_change(self, desk: Desk) -> None:
        binding = desk.bind()
        desk.service.release(binding.id, deadline=within())
        with pytest.raises(StateConflict) as refused:
            change(desk, binding, direction=1)
        assert refused.value.retry_after_s is None

    def test_an_intent_cannot_change_yet(self, desk: Desk) -> None:
        in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
        binding = desk.bind()
        with pytest.raises(StateConflict) as refused:
            change(desk, binding, direction=1)
        assert refused.value.retry_after_s

    def test_a_binding_the_platform_has_lost_is_closed(self, desk: Desk) -> None:
        """axb.md §4 row 2: removed in the console, or X transferred."""
        binding = desk.bind(ttl_seconds=60)
        desk.emulator.admin.advance(60 + 3600)
        with pytest.raises(StateConflict):
            change(desk, binding, direction=1)
        closed = desk.service.get(binding.id)
        assert (closed.state, closed.reason) == (State.CLOSED, Reason.LOST)
        desk.check()


class TestInterrupted:
    def test_a_change_without_answer_is_finished_by_the_worker(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_after_success", api="axb.modify", times=4, drop=True)
        under_way = change(desk, binding, b=C)
        assert not under_way.settled
        desk.advance(SETTLING_S)
        desk.sweep()
        changed = desk.service.get(binding.id)
        assert (changed.settled, b_of(changed)) == (True, C)
        desk.check()

    def test_both_parties_keep_their_place_until_the_outcome_is_known(self, desk: Desk) -> None:
        """Neither the old nor the new party may be bound on this X meanwhile."""
        binding = desk.bind(x=X1)
        in_doubt(desk, "timeout_before", api="axb.modify", times=4, drop=True)
        change(desk, binding, b=C)
        for person in (B, C):
            with pytest.raises(PartyConflict):
                desk.bind("order-2", a=D, b=person, x=X1)

    def test_a_change_that_turns_out_refused_is_undone_when_it_was_not_carried_out(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_before", api="axb.modify", times=4, drop=True)
        change(desk, binding, b=C)
        in_doubt(desk, "status", api="axb.modify", http_status=403, code="1012102")
        desk.advance(SETTLING_S)
        desk.sweep()
        unchanged = desk.service.get(binding.id)
        assert (unchanged.settled, b_of(unchanged)) == (True, B)
        desk.check()

    def test_a_change_that_turns_out_refused_is_kept_when_it_was_carried_out(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_after_success", api="axb.modify", times=4, drop=True)
        change(desk, binding, b=C)
        in_doubt(desk, "status", api="axb.modify", http_status=403, code="1012102")
        desk.advance(SETTLING_S)
        desk.sweep()
        assert b_of(desk.service.get(binding.id)) == C
        desk.check()

    def test_a_release_in_the_middle_frees_old_and_new_party(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_before", api="axb.modify", times=4, drop=True)
        change(desk, binding, b=C)
        assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED
        desk.check()

    def test_a_prolongation_in_the_middle_outlives_the_old_end(self, desk: Desk) -> None:
        binding = desk.bind(ttl_seconds=120)
        in_doubt(desk, "timeout_before", api="axb.modify", times=4, drop=True)
        change(desk, binding, ends_at=desk.clock() + timedelta(hours=9))
        desk.advance(SETTLING_S)
        desk.sweep()
        assert desk.service.get(binding.id).state is State.ACTIVE
        desk.check()

    def test_a_pause_undoes_the_change_of_a_waiting_caller(self, desk: Desk) -> None:
        binding = desk.bind()
        desk.emulator.admin.arrears(frozen=True)
        with pytest.raises(PlatformPaused):
            change(desk, binding, b=C)
        desk.emulator.admin.arrears(frozen=False)
        assert b_of(desk.service.get(binding.id)) == B
        desk.check()

    def test_a_pause_postpones_the_change_that_nobody_waits_for(self, desk: Desk) -> None:
        binding = desk.bind()
        in_doubt(desk, "timeout_before", api="axb.modify", times=4, drop=True)
        change(desk, binding, b=C)
        desk.emulator.admin.arrears(frozen=True)
        desk.advance(SETTLING_S)
        desk.sweep()
        assert not desk.service.get(binding.id).settled
        desk.emulator.admin.arrears(frozen=False)
        desk.settle()
        assert b_of(desk.service.get(binding.id)) == C
        desk.check()

    def test_a_refusal_leaves_the_binding_as_it_was(self, desk: Desk) -> None:
        """axb.md §4 row 3."""
        binding = desk.bind()
        in_doubt(desk, "status", api="axb.modify", http_status=403, code="1012102")
        with pytest.raises(BindRefused) as refused:
            change(desk, binding, direction=1)
        assert refused.value.binding_id == binding.id
        assert desk.service.get(binding.id).direction == 0
        desk.check()
