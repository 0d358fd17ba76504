"""How many X are missing, and how people crowd a pool (design of the pool's insight; axb.md §1)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.bindings.errors import PoolReason
from privatenumber.bindings.pool import Use, crowd_of
from privatenumber.bindings.refusals import numbers_needed
from privatenumber.store.numbers import NumberState
from privatenumber.store.refusals import RefusedCount


def count(reason: PoolReason, orders: int = 1, most: int = 0) -> RefusedCount:
    return RefusedCount("0755", reason.value, orders * 3, orders, most)


def use(**changes: int) -> Use:
    fields = {"with_room": 10, "bindings": 10, "places": 50_000, "bound": 10, "most_of_a_person": 1}
    return Use(states={NumberState.ACTIVE: changes.pop("active", 10)}, **{**fields, **changes})


def test_orders_without_a_place_need_as_many_numbers_as_carry_them() -> None:
    assert numbers_needed([count(PoolReason.FULL, 7)], 1) == 7
    assert numbers_needed([count(PoolReason.FULL, 7)], 5000) == 1
    assert numbers_needed([count(PoolReason.EMPTY, 3), count(PoolReason.SUSPENDED, 4)], 5) == 2


def test_people_who_stand_everywhere_need_a_number_for_each_order() -> None:
    """An X takes a person once, whatever room it has."""
    assert numbers_needed([count(PoolReason.CONFLICT, orders=40, most=6)], 5000) == 6


def test_a_person_at_his_limit_is_helped_by_no_number() -> None:
    """ax.md §1: five X a person."""
    assert numbers_needed([count(PoolReason.PERSON_LIMIT, 9)], 1) == 0


def test_nobody_refused_needs_nothing() -> None:
    assert numbers_needed([], 1) == 0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(6, 11)), min_size=1, max_size=40),
)
def test_so_many_numbers_do_serve_all_drivers_and_passengers(orders: list[tuple[int, int]]) -> None:
    """König: as many numbers as the busiest has orders, where nobody is both A and B."""
    degree = Counter(who for order in orders for who in order)
    needed = numbers_needed([count(PoolReason.CONFLICT, len(orders), max(degree.values()))], 5000)
    assert _coloured(orders, needed)
    assert needed == 1 or not _coloured(orders, needed - 1)


def _coloured(orders: list[tuple[int, int]], numbers: int) -> bool:
    """Put every order on one of the numbers, nobody twice on one, by augmenting paths."""
    on: dict[int, dict[int, int]] = {}
    for driver, passenger in orders:
        mine, his = on.setdefault(driver, {}), on.setdefault(passenger, {})
        free = [[x for x in range(numbers) if x not in where] for where in (mine, his)]
        if not free[0] or not free[1]:
            return False
        first, second = free[0][0], free[1][0]
        if first not in his:
            second = first
        else:
            _swap(on, passenger, first, second)
        mine[first], his[first] = passenger, driver
    return True


def _swap(on: dict[int, dict[int, int]], start: int, first: int, second: int) -> None:
    """Exchange two numbers along the path of orders that begins at a person."""
    path, who, x = [], start, first
    while x in on[who]:
        other = on[who][x]
        path.append((who, other, x))
        who, x = other, second if x == first else first
    for one, other, x in path:
        del on[one][x], on[other][x]
    for one, other, x in path:
        y = second if x == first else first
        on[one][y], on[other][y] = other, one


def test_a_pool_is_used_up_for_whoever_stands_on_every_number() -> None:
    """Ten X, 50,000 places, 10 bindings: nothing is left for a driver with ten orders."""
    crowded = use(most_of_a_person=10)
    assert (crowded.percent, crowded.left) == (100.0, 0)


def test_a_pool_is_used_up_by_its_places_too() -> None:
    assert use(places=10, bound=8, with_room=2).percent == 80.0


def test_without_an_active_number_all_of_a_pool_is_used_up() -> None:
    assert use(active=0, places=0, bound=0, with_room=0).percent == 100.0


def test_a_person_counts_once_when_everybody_was_looked_at() -> None:
    crowd = crowd_of([frozenset("ab"), frozenset("a"), frozenset()], {"a": "010", "b": "010"}, sampled=False)
    assert dict(crowd.people) == {1: 1.0, 2: 1.0}
    assert (crowd.most, dict(crowd.most_by_area)) == (2, {"010": 2})


def test_a_sample_weighs_people_by_how_easily_they_are_met() -> None:
    """Somebody on four X is met four times as easily, so he counts a quarter."""
    crowd = crowd_of([frozenset("abcd"), frozenset("a")], {}, sampled=True)
    assert dict(crowd.people) == {1: 1.0, 4: pytest.approx(0.25)}
