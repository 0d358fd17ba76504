"""State of the platform: bindings by X, party and moment (axb.md §1, §6.4; C-041)."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.world import AxbBinding, Number, NumberStatus, World

START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
X, X2 = "+8617010000001", "+8617010000002"
A, B, C, D = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_world() -> World:
    world = World(random.Random(1))
    for x in (X, X2):
        world.put_number(Number(x=x, app_key="app"), START)
    return world


def bind(world: World, a: str = A, b: str = B, *, x: str = X, **fields: Any) -> AxbBinding:
    wanted = {"app_key": "app", "started_at": START, **fields}
    return world.add_axb(AxbBinding(subscription_id=world.new_id(), x=x, a=a, b=b, **wanted))


def test_ids_are_lower_case_uuids_that_a_seed_repeats() -> None:
    first, second = World(random.Random(7)), World(random.Random(7))
    ids = [first.new_id() for _ in range(3)]
    assert ids == [second.new_id() for _ in range(3)]
    assert all(str(uuid.UUID(one)) == one for one in ids)


def test_a_party_is_found_in_either_role() -> None:
    world = a_world()
    bound = bind(world)
    assert world.axb_of(X, A, START) == bound
    assert world.axb_of(X, B, START) == bound
    assert world.axb_of(X, C, START) is None
    assert world.axb_of(X2, A, START) is None
    assert (bound.other(A), bound.other(B)) == (B, A)


def test_bindings_of_an_x_come_oldest_first() -> None:
    world = a_world()
    first, second = bind(world), bind(world, C, D)
    assert world.axb_on(X, START) == [first, second]
    assert world.axb_load(X, START) == 2


def test_a_binding_lives_exactly_its_duration() -> None:
    """Until the second before the end it is there, from the exact second on it is gone (decision 158)."""
    world = a_world()
    bound = bind(world, duration=60)
    assert world.axb(bound.subscription_id, after(59.999999)) == bound
    assert world.axb(bound.subscription_id, after(60)) is None
    assert world.axb_of(X, A, after(60)) is None
    assert world.axb_on(X, after(60)) == []


def test_a_binding_without_duration_lives_for_ever() -> None:
    world = a_world()
    bound = bind(world)
    assert bound.expires_at is None
    assert world.axb(bound.subscription_id, after(10**9)) == bound


def test_an_expired_binding_is_kept_with_the_moment_of_its_end() -> None:
    world = a_world()
    bind(world, duration=60)
    world.settle_expiries(after(500))
    [ended] = world.axb_ended
    assert (ended.ended_at, ended.end_reason) == (after(60), "expired")


def test_a_party_is_free_again_at_the_moment_of_expiry() -> None:
    """C-041: X is reusable for the same numbers."""
    world = a_world()
    bind(world, duration=60)
    assert world.axb_of(X, A, after(60)) is None
    again = bind(world, started_at=after(60))
    assert world.axb_of(X, A, after(60)) == again


def test_a_prolonged_binding_survives_its_first_end() -> None:
    world = a_world()
    bound = bind(world, duration=60)
    world.change_axb(replace(bound, duration=60, started_at=after(50)))
    assert world.axb(bound.subscription_id, after(109)) is not None
    assert world.axb(bound.subscription_id, after(110)) is None


def test_a_shortened_binding_ends_at_its_new_end() -> None:
    world = a_world()
    bound = bind(world, duration=3600)
    world.change_axb(replace(bound, duration=10, started_at=after(5)))
    assert world.axb(bound.subscription_id, after(15)) is None


def test_a_changed_party_gives_its_place_back() -> None:
    world = a_world()
    bound = bind(world)
    changed = world.change_axb(replace(bound, b=C))
    assert world.axb_of(X, B, START) is None
    assert world.axb_of(X, C, START) == changed


def test_a_binding_held_by_a_call_keeps_its_values() -> None:
    """Running calls keep the values they started with (axb.md §4)."""
    world = a_world()
    held = bind(world, max_duration=5)
    world.change_axb(replace(held, max_duration=9, b=C))
    assert (held.max_duration, held.b) == (5, B)


def test_ending_a_binding_frees_both_parties() -> None:
    world = a_world()
    bound = bind(world)
    ended = world.end_axb(bound.subscription_id, after(5))
    assert ended is not None
    assert ended.ended_at == after(5)
    assert world.axb_of(X, A, after(5)) is None
    assert world.end_axb(bound.subscription_id, after(6)) is None


def test_ending_everything_on_an_x_leaves_other_numbers_alone() -> None:
    world = a_world()
    bind(world)
    bind(world, C, D)
    kept = bind(world, x=X2)
    assert world.end_all(X, START, "unbound_with_x") == 2
    assert list(world.all_axb(START)) == [kept]


def test_a_number_that_changes_hands_loses_its_bindings() -> None:
    """numbers.md §3: transfer of X to another application."""
    world = a_world()
    bind(world)
    world.put_number(Number(x=X, app_key="another"), after(5))
    assert world.axb_on(X, after(5)) == []
    assert world.axb_ended[0].end_reason == "number_withdrawn"


def test_a_deleted_number_loses_its_bindings() -> None:
    world = a_world()
    bind(world)
    world.set_number_status(X, NumberStatus.UNAVAILABLE, "1", after(5))
    assert world.numbers[X].deleted
    assert world.axb_on(X, after(5)) == []


@pytest.mark.parametrize(("status", "cause"), [("9", None), ("10", "3"), ("11", None), ("5", None)])
def test_other_states_keep_the_bindings(status: str, cause: str | None) -> None:
    world = a_world()
    bound = bind(world)
    world.set_number_status(X, NumberStatus(status), cause, after(5))
    assert world.axb_on(X, after(5)) == [bound]


def test_binds_are_counted_by_number_and_day() -> None:
    world = a_world()
    world.count_binds(date(2026, 9, 2), (A, B))
    world.count_binds(date(2026, 9, 2), (A, C))
    assert world.binds_on(date(2026, 9, 2), A) == 2
    assert world.binds_on(date(2026, 9, 3), A) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100), st.integers(0, 100)), max_size=60))
def test_occupancy_never_disagrees_with_the_live_bindings(steps: list[tuple[int, int, int]]) -> None:
    """Whatever is bound, changed, ended or expires, places and bindings tell the same (C-041)."""
    world, now = a_world(), START
    people = [f"+861380013{number:04d}" for number in range(8)]
    for kind, first, second in steps:
        a, b = people[first % 8], people[second % 8]
        live = world.axb_on(X, now)
        if kind <= 2 and a != b and not world.axb_of(X, a, now) and not world.axb_of(X, b, now):
            bind(world, a, b, started_at=now, duration=kind * 40)
        elif kind == 3 and live:
            world.end_axb(live[first % len(live)].subscription_id, now)
        elif kind == 4 and live:
            world.change_axb(replace(live[0], duration=second, started_at=now))
        now += timedelta(seconds=first)
        live = world.axb_on(X, now)
        parties = [party for binding in live for party in (binding.a, binding.b)]
        assert len(parties) == len(set(parties))
        assert all(binding.live(now) for binding in live)
        for person in people:
            holder = world.axb_of(X, person, now)
            assert (holder is not None) == (person in parties)
            assert holder is None or person in (holder.a, holder.b)
