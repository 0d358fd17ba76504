"""Which numbers connect too few calls (cause-codes.md §2, §3: connected is what was answered)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from builders.billing import V1, V2, V3, cdr
from privatenumber.bindings.quarantine import NORMAL, Call, Failing, calls_of, failing

NOON = datetime(2026, 9, 2, 4, 0, tzinfo=UTC)


def calls(x: str, outcomes: str, start: datetime = NOON) -> list[Call]:
    """Calls of a number, a minute apart: `+` connected, `-` not."""
    return [Call(x, start + timedelta(minutes=n), mark == "+") for n, mark in enumerate(outcomes)]


def test_a_number_whose_calls_fail_while_others_connect_is_found() -> None:
    told = calls(V1, "-" * 20) + calls(V2, "+-" * 10)
    assert failing(told, last=20, percent=10) == {V1: Failing(0, 20)}


def test_a_threshold_that_is_just_reached_holds_nothing_against_a_number() -> None:
    told = calls(V1, "++" + "-" * 18) + calls(V2, "+" * 20)
    assert failing(told, last=20, percent=10) == {}


def test_only_the_last_calls_count() -> None:
    told = calls(V1, "+" * 30 + "-" * 20) + calls(V2, "+" * 20)
    assert failing(told, last=20, percent=10) == {V1: Failing(0, 20)}


def test_a_number_with_few_calls_is_not_judged() -> None:
    assert failing(calls(V1, "-" * 19) + calls(V2, "+" * 20), last=20, percent=10) == {}


def test_when_no_number_connects_it_is_not_the_number() -> None:
    """The platform is down, or a campaign calls people who do not answer."""
    told = calls(V1, "-" * 20) + calls(V2, "-" * 40) + calls(V3, "+" + "-" * 19)
    assert failing(told, last=20, percent=10) == {}


def test_one_number_alone_has_nothing_to_be_compared_with() -> None:
    assert failing(calls(V1, "-" * 50), last=20, percent=10) == {}


def test_calls_that_were_held_against_a_number_once_do_not_count_again() -> None:
    told = calls(V1, "-" * 20) + calls(V2, "+" * 20)
    assert failing(told, last=20, percent=10, judged={V1: NOON + timedelta(minutes=19)}) == {}


def test_calls_that_the_caller_left_or_nobody_was_bound_for_tell_nothing_of_the_number() -> None:
    """7501 the caller gave up, 8014 a stranger, 8017 our own answer; 7504 is what a blocked number meets."""
    ended = "2026-09-02 01:00:00"
    facts = [cdr(None, ended, x=V1, teardown=code) for code in (7501, 8014, 8017, 7504)]
    facts += [cdr(ended, "2026-09-02 01:01:00", x=V1), cdr(None, ended, x=None), cdr(None, None, x=V1)]
    assert [call.connected for call in calls_of(facts)] == [False, True]


@given(
    st.dictionaries(st.sampled_from([V1, V2, V3]), st.text(alphabet="+-", max_size=60), min_size=1),
    st.integers(5, 20),
    st.integers(1, 30),
)
def test_the_order_in_which_records_come_decides_nothing(
    outcomes: dict[str, str], last: int, percent: int
) -> None:
    """Whatever is found connects less than the threshold, and the others three times as much."""
    told = [call for x, marks in outcomes.items() for call in calls(x, marks)]
    found = failing(told, last=last, percent=percent)
    assert failing(reversed(told), last=last, percent=percent) == found
    for x, its in found.items():
        others = [call.connected for call in told if call.x != x]
        assert its.connected * 100 < percent * its.of
        assert sum(others) * 100 >= NORMAL * percent * len(others)


@given(
    st.dictionaries(st.sampled_from([V1, V2, V3]), st.text(alphabet="+-", max_size=60), min_size=1),
    st.dictionaries(st.sampled_from([V1, V2, V3]), st.integers(0, 60)),
)
def test_what_was_judged_before_only_ever_acquits(outcomes: dict[str, str], minutes: dict[str, int]) -> None:
    """So only numbers that fail by all their calls have to be read."""
    told = [call for x, marks in outcomes.items() for call in calls(x, marks)]
    judged = {x: NOON + timedelta(minutes=n) for x, n in minutes.items()}
    by_all = failing(told, last=5, percent=20)
    assert failing(told, last=5, percent=20, judged=judged).items() <= by_all.items()
