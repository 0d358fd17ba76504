"""Whether an order could have had a number is told by who stood where at that moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.book import Kept
from storm.judges.pools import NumberWatch, PoolUse, living, no_x_and_y, pool_use, stood_on
from storm.tables import Written

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO, THREE = "+8617004000001", "+8617004000002", "+8617004000003"
NUMBERS = {ONE, TWO, THREE}


def written(state: str | None, before: str | None = None) -> Written:
    def row(of: str | None) -> dict[str, Any] | None:
        return {"x": ONE, "state": of} if of else None

    return Written("BindingsTable", (f"X#{ONE}", "NUMBER"), row(before), row(state), {})


def watched(*states: str | None) -> NumberWatch:
    """A number that has each of these states for an hour, from noon on; None: it is in no pool any more."""
    now = [NOON]
    watch = NumberWatch(lambda: now[0])
    before: str | None = None
    for state in states:
        watch.hear(written(state, before))
        now[0], before = now[0] + HOUR, state
    return watch


def test_a_number_is_usable_while_its_row_says_that_it_is_active() -> None:
    watch = watched("active", "suspended", "active")
    minute = timedelta(minutes=1)
    assert [watch.active(ONE, NOON + n * HOUR + minute) for n in range(3)] == [True, False, True]


def test_at_the_moment_of_a_change_a_number_was_usable() -> None:
    watch = watched("active", "suspended", "active")
    assert watch.active(ONE, NOON + HOUR)
    assert watch.active(ONE, NOON + 2 * HOUR)


def test_a_number_that_left_the_pool_or_never_was_in_it_is_not_usable() -> None:
    watch = watched("active", None)
    assert not watch.active(ONE, NOON + 2 * HOUR)
    assert not watch.active(ONE, NOON - HOUR)
    assert not watch.active(TWO, NOON)


def test_an_x_is_taken_for_those_who_stand_on_it() -> None:
    held = [("AXB", ONE, [(NOON, frozenset({"a", "b"})), (NOON + HOUR, frozenset[str]())])]
    assert stood_on(held, "AXB", NOON, {"b", "c"}) == {ONE}
    assert stood_on(held, "AXB", NOON, {"c"}) == set()
    assert stood_on(held, "AXB", NOON + HOUR, {"b"}) == set()
    assert stood_on(held, "AXE", NOON, {"b"}) == set()


def test_where_x_is_one_persons_anybody_takes_it() -> None:
    held = [("AX", ONE, [(NOON, frozenset({"a"})), (NOON + HOUR, frozenset[str]())])]
    assert stood_on(held, "AX", NOON, set()) == {ONE}
    assert stood_on(held, "AX", NOON + HOUR, set()) == set()


def test_a_binding_stands_at_the_platform_from_its_bind_until_its_end() -> None:
    ended = Kept("s1", "app", ONE, NOON, ended_at=NOON + HOUR)
    open_end = Kept("s2", "app", TWO, NOON + HOUR)
    moments = [NOON - HOUR, NOON, NOON + HOUR]
    assert [[one.x for one in living([ended, open_end], at)] for at in moments] == [[], [ONE], [TWO]]


@pytest.mark.parametrize(
    ("xs", "ys", "full"),
    [
        (set(), set(), False),
        ({ONE}, {TWO}, False),
        ({ONE}, {TWO, THREE}, True),
        (set(), {ONE, TWO, THREE}, True),
        ({ONE, TWO}, set(), True),
        ({ONE, TWO, THREE}, set(), True),
    ],
    ids=["empty", "one is neither", "none is neither", "strangers have all", "no Y beside it", "all are X"],
)
def test_an_axyb_needs_a_number_that_is_neither_x_nor_y_and_another_that_is_no_x(
    xs: set[str], ys: set[str], *, full: bool
) -> None:
    assert no_x_and_y(NUMBERS, xs, ys) is full


def number(x: str, state: str = "active") -> dict[str, Any]:
    return {"x": x, "state": state}


def binding(x: str, a: str, b: str, state: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    return {"mode": "AXB", "x": x, "a_token": a, "b_token": b, "state": state, **more}


ALL = [number(ONE), number(TWO), number(THREE)]


def test_a_pool_is_used_up_for_whoever_stands_on_most_of_it() -> None:
    driver = [binding(ONE, "ann", "bob"), binding(TWO, "ann", "cid"), binding(ONE, "dan", "eva")]
    assert pool_use(ALL, driver, 1000) == PoolUse(66.7, 1)


def test_a_pool_is_used_up_by_its_places() -> None:
    assert pool_use(ALL, [binding(ONE, "ann", "bob"), binding(TWO, "cid", "dan")], 1) == PoolUse(66.7, 0)


def test_what_is_over_or_not_bound_yet_uses_nothing() -> None:
    over = [binding(ONE, "ann", "bob", "CLOSED"), binding(TWO, "ann", "bob", "FAILED")]
    unbound = binding(ONE, "ann", "bob", "REQUESTED") | {"x": None}
    assert pool_use(ALL, [*over, unbound], 1) == PoolUse(0.0, 3)


def test_a_number_that_is_not_active_is_no_room_and_its_people_still_stand_on_it() -> None:
    numbers = [number(ONE), number(TWO), number(THREE, "suspended")]
    held = [binding(ONE, "ann", "bob"), binding(THREE, "ann", "cid")]
    assert pool_use(numbers, held, 1000) == PoolUse(100.0, 0)


def test_without_an_active_number_a_pool_is_used_up() -> None:
    assert pool_use([number(ONE, "suspended")], [], 1) == PoolUse(100.0, 0)
    assert pool_use([], [], 1) == PoolUse(100.0, 0)


def test_an_x_that_leads_to_anybody_makes_nobody_busy() -> None:
    held = [binding(x, person, "bob" + x, anyone=True) for x, person in ((ONE, "ann"), (TWO, "cid"))]
    assert pool_use(ALL, held, 1000) == PoolUse(33.3, 2)
