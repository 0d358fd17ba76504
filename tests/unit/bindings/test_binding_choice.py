"""Choosing X: bounded, fair, and with a reason when there is none (users.md U-N08, U-D05, U-P01)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.bindings.choose import ANY, ENOUGH, MAX_PAGES, PROVINCE, Wish, choose
from privatenumber.bindings.errors import InvalidRequest, PoolEmpty, PoolReason
from privatenumber.bindings.model import Spread
from privatenumber.bindings.rules import AXB_PAIRS
from privatenumber.store.numbers import NumberPage, NumberState, NumberStore, NumberType, XNumber
from privatenumber.store.room import Candidate

PAGE = 5


def number(n: int, **changes: Any) -> XNumber:
    fields: dict[str, Any] = {
        "x": f"+86170100{n:05d}",
        "application": "ride",
        "area_code": "0755",
        "number_type": NumberType.VIRTUAL,
    }
    return XNumber(**{**fields, **changes})


def full(n: int) -> XNumber:
    return number(n, pairs=AXB_PAIRS, has_room=False)


class Pool:
    """Numbers in memory, walked round as the store walks its index; counts the pages read."""

    def __init__(self, numbers: Sequence[XNumber]) -> None:
        self.numbers = sorted(numbers, key=lambda one: one.rank)
        self.pages = 0

    def get(self, x: str) -> XNumber | None:
        return next((one for one in self.numbers if one.x == x), None)

    def get_many(self, numbers: Sequence[str]) -> dict[str, XNumber]:
        return {one.x: one for one in self.numbers if one.x in numbers}

    @property
    def room(self) -> Pool:
        return self

    def walk(self, application: str, *, area_code: str | None, start: str) -> Iterator[tuple[Candidate, ...]]:
        mine = [one for one in self.numbers if self._in(one, application, area_code) and one.has_room]
        walk = [one for one in mine if one.rank > start] + [one for one in mine if one.rank <= start]
        for first in range(0, len(walk), PAGE):
            self.pages += 1
            page = walk[first : first + PAGE]
            yield tuple(Candidate(one.x, one.area_code) for one in page if one.state is NumberState.ACTIVE)

    def page(
        self,
        application: str,
        *,
        area_code: str | None = None,
        state: NumberState | None = None,
        limit: int,
        after: str | None = None,
    ) -> NumberPage:
        found = [
            one
            for one in self.numbers
            if self._in(one, application, area_code) and state in (None, one.state)
        ]
        return NumberPage(tuple(found[:limit]), None)

    def _in(self, one: XNumber, application: str, area_code: str | None) -> bool:
        return one.application == application and area_code in (None, one.area_code)


def chosen(pool: Pool, wish: Wish | None = None, *, taken: Sequence[str] = (), seed: int = 1) -> XNumber:
    store = cast(NumberStore, pool)
    return choose(store, wish or Wish("ride"), taken=frozenset(taken), random=random.Random(seed))


def why(pool: Pool, wish: Wish | None = None, *, taken: Sequence[str] = ()) -> PoolReason:
    with pytest.raises(PoolEmpty) as refused:
        chosen(pool, wish, taken=taken)
    return refused.value.reason


def test_a_small_pool_is_used_evenly() -> None:
    pool = Pool([number(n) for n in range(3)])
    counts = Counter(chosen(pool, seed=seed).x for seed in range(300))
    assert len(counts) == 3
    assert min(counts.values()) > 70


def test_a_large_pool_is_reached_everywhere() -> None:
    pool = Pool([number(n) for n in range(100)])
    assert len({chosen(pool, seed=seed).x for seed in range(1200)}) > 95


@pytest.mark.parametrize("size", [100, 1000, 5000])
def test_the_cost_does_not_grow_with_the_pool(size: int) -> None:
    pool = Pool([number(n) for n in range(size)])
    chosen(pool)
    assert pool.pages <= ENOUGH // PAGE + 1


def test_a_person_who_stands_almost_everywhere_costs_a_bounded_number_of_pages() -> None:
    pool = Pool([number(n) for n in range(1000)])
    assert why(pool, taken=[one.x for one in pool.numbers]) is PoolReason.CONFLICT
    assert pool.pages == MAX_PAGES


@given(taken=st.sets(st.integers(0, 9)), seed=st.integers(0, 1000))
def test_nobody_gets_a_taken_x(taken: set[int], seed: int) -> None:
    pool = Pool([number(n) for n in range(10)])
    try:
        got = chosen(pool, taken=[number(n).x for n in taken], seed=seed)
    except PoolEmpty:
        assert len(taken) == 10
    else:
        assert got.x not in {number(n).x for n in taken}


def test_a_city_is_kept_to() -> None:
    pool = Pool([number(1), number(2, area_code="010")])
    assert chosen(pool, Wish("ride", area="010")).area_code == "010"


def test_another_city_only_when_allowed() -> None:
    pool = Pool([number(1)])
    assert why(pool, Wish("ride", area="010")) is PoolReason.CITY
    assert chosen(pool, Wish("ride", area="010", cities=(ANY,))).area_code == "0755"


def test_fallback_cities_are_asked_in_turn() -> None:
    """users.md U-S05."""
    pool = Pool([number(1), number(2, area_code="021")])
    assert chosen(pool, Wish("ride", area="010", cities=("021", "0755"))).area_code == "021"
    assert chosen(pool, Wish("ride", area="010", cities=("0769", "0755"))).area_code == "0755"
    assert why(pool, Wish("ride", area="010", cities=("0769",))) is PoolReason.CITY


def test_a_province_is_its_other_cities() -> None:
    """numbers.md §2: 0755 and 0769 lie in Guangdong."""
    pool = Pool([number(1, area_code="0769"), number(2, area_code="010")])
    assert chosen(pool, Wish("ride", area="0755", cities=(PROVINCE,))).area_code == "0769"
    assert why(pool, Wish("ride", area="021", cities=(PROVINCE,))) is PoolReason.CITY


def test_the_least_loaded_of_a_few_is_taken() -> None:
    pool = Pool([number(n, pairs=n) for n in range(5)])
    for seed in range(20):
        assert chosen(pool, Wish("ride", spread=Spread.LEAST_LOADED), seed=seed).x == number(0).x


def test_a_preferred_x_is_taken_if_it_has_room() -> None:
    """users.md U-S04."""
    pool = Pool([number(n) for n in range(9)])
    assert chosen(pool, Wish("ride", prefer=number(7).x)).x == number(7).x
    assert chosen(pool, Wish("ride", prefer=number(7).x), taken=[number(7).x]).x != number(7).x


def test_what_the_index_says_is_read_again() -> None:
    """An index is a moment behind: a number that filled meanwhile is passed by."""
    pool = Pool([number(1, pairs=AXB_PAIRS, has_room=True), number(2)])
    assert {chosen(pool, seed=seed).x for seed in range(20)} == {number(2).x}


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([], PoolReason.EMPTY),
        ([number(1, application="other")], PoolReason.EMPTY),
        ([number(1, state=NumberState.SUSPENDED)], PoolReason.SUSPENDED),
        ([number(1, state=NumberState.DRAINING)], PoolReason.SUSPENDED),
        ([full(1)], PoolReason.FULL),
        ([full(1), number(2, state=NumberState.LOCKED)], PoolReason.FULL),
    ],
)
def test_the_reason_is_told(numbers: list[XNumber], reason: PoolReason) -> None:
    """users.md U-A09, U-P01."""
    assert why(Pool(numbers)) is reason


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (number(1, state=NumberState.UNAVAILABLE), PoolReason.SUSPENDED),
        (full(1), PoolReason.FULL),
    ],
)
def test_a_named_number_that_cannot_be_used(named: XNumber, reason: PoolReason) -> None:
    assert why(Pool([named]), Wish("ride", x=named.x)) is reason


def test_a_named_number_of_somebody_else() -> None:
    for pool in (Pool([]), Pool([number(1, application="other")])):
        with pytest.raises(InvalidRequest):
            chosen(pool, Wish("ride", x=number(1).x))
