"""How many X a pool needs, from what was (axb.md §1, numbers.md §4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from privatenumber.bindings.forecast import Forecast, Past, forecast, grown

NOON = datetime(2026, 9, 2, 4, 0, tzinfo=UTC)
CITY = "0755"


def past(begins: int, lasts: int, *people: str, area: str = CITY) -> Past:
    start = NOON + timedelta(minutes=begins)
    return Past(area, start, start + timedelta(minutes=lasts), people)


def of_city(history: list[Past], **how: float) -> Forecast:
    capacity = int(how.pop("capacity", 5000))
    return forecast(history, capacity=capacity, **how)[CITY]  # type: ignore[arg-type] # a seed is no float


histories = st.lists(
    st.builds(
        lambda begins, lasts, a, b: past(begins, lasts, f"a{a}", f"b{b}"),
        st.integers(0, 200),
        st.integers(1, 90),
        st.integers(0, 6),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=60,
)
capacities = st.sampled_from([1, 2, 5, 5000])


def test_a_driver_needs_a_number_for_each_order_he_has_at_a_time() -> None:
    told = of_city([past(0, 60, "driver", f"passenger-{n}") for n in range(8)])
    assert (told.busiest, told.least, told.numbers) == (8, 8, 8)


def test_strangers_share_one_number() -> None:
    told = of_city([past(0, 60, f"a{n}", f"b{n}") for n in range(100)])
    assert (told.at_a_time, told.numbers, told.most) == (100, 1, 1)


def test_an_ax_takes_a_number_alone() -> None:
    told = of_city([past(0, 60, f"a{n}") for n in range(7)], capacity=1)
    assert (told.least, told.numbers) == (7, 7)


def test_a_number_is_free_again_when_a_binding_has_ended() -> None:
    told = of_city([past(n * 60, 60, "driver", f"passenger-{n}") for n in range(8)])
    assert told.numbers == 1


def test_some_refusals_save_numbers() -> None:
    """One hour of the day has ten orders, the other nineteen have two."""
    history = [past(n * 60, 60, "driver", f"p{n}-{i}") for n in range(20) for i in range(10 if n == 0 else 2)]
    assert of_city(history).numbers == 10
    assert of_city(history, refusals=0.2).numbers == 2


def test_cities_are_told_apart() -> None:
    told = forecast([past(0, 60, "a"), past(0, 60, "b", area="010")], capacity=1)
    assert {area: its.numbers for area, its in told.items()} == {CITY: 1, "010": 1}


def test_nothing_was_and_nothing_is_needed() -> None:
    assert forecast([past(0, 0, "a"), past(0, 60)], capacity=1) == {}


def test_twice_as_many_orders_of_the_same_drivers_need_more_numbers() -> None:
    history = [past(0, 60, "driver", f"passenger-{n}") for n in range(8)]
    assert of_city(history, growth=2.0).numbers == 16
    assert of_city(history, growth=0.5).bindings < 8


@given(histories, capacities, st.sampled_from([0.0, 0.05, 0.3]))
def test_what_is_told_lies_between_what_must_be_and_what_always_does(
    history: list[Past], capacity: int, refusals: float
) -> None:
    """Never fewer than live at a time, unless refusals are allowed; never more than do whatever happens."""
    told = of_city(history, capacity=capacity, refusals=refusals)
    assert told.least <= told.most
    assert 1 <= told.numbers <= told.most
    if refusals * len(history) < 1:
        assert told.numbers >= told.least


@given(histories, capacities)
def test_more_bindings_never_need_fewer(history: list[Past], capacity: int) -> None:
    """Of the two bounds it is certain; a single replay may be lucky."""
    fewer, more = of_city(history[:-1] or history, capacity=capacity), of_city(history, capacity=capacity)
    assert (fewer.least, fewer.most) <= (more.least, more.most)
    assert fewer.least <= more.least
    assert fewer.most <= more.most


@given(histories, capacities)
def test_fewer_refusals_never_need_fewer_numbers(history: list[Past], capacity: int) -> None:
    needed = [of_city(history, capacity=capacity, refusals=share).numbers for share in (0.3, 0.1, 0.02)]
    assert needed == sorted(needed)


@given(histories, st.randoms(use_true_random=False))
def test_the_same_seed_tells_the_same_in_whatever_order_history_comes(
    history: list[Past], random: object
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis types its randoms loosely
    assert of_city(shuffled, growth=1.7) == of_city(history, growth=1.7)


@given(histories, st.floats(0.1, 4.0))
def test_growth_multiplies_bindings_and_keeps_who_they_are_of(history: list[Past], growth: float) -> None:
    more = grown(history, growth)
    assert abs(len(more) - growth * len(history)) <= len(history)
    assert {one.people[0] for one in more} <= {one.people[0] for one in history}
    lasting = {one.ends_at - one.starts_at for one in history}
    assert {one.ends_at - one.starts_at for one in more} <= lasting


def test_no_growth_is_no_change() -> None:
    history = [past(n, 30, "a", f"b{n}") for n in range(5)]
    assert grown([replace(one) for one in history], 1.0) == history
