"""Statistics of a day out of the table's rows (users.md U-S18, operations.md §14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from builders import counted
from builders.counted import (
    APPLICATION,
    DAY,
    NINE,
    SECOND,
    WHERE,
    X1,
    X2,
    Books,
    answered,
    call,
    message,
    milestone,
)
from builders.dynamodb import moto_client
from privatenumber.calls.counting import FINAL_AFTER, KEPT, KEPT_UNTIL_FINAL, NotCountable
from privatenumber.calls.statistics import Group, Statistics
from privatenumber.store.milestones import Step
from privatenumber.store.statistics import StatisticsStore
from privatenumber.times import day_bounds

START, END = day_bounds(DAY)
LATER = NINE + timedelta(hours=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One for all tests: their tables have names of their own."""
    with moto_client() as found:
        yield found


@pytest.fixture
def books(client: Any) -> Books:
    return Books(client)


def test_a_day_is_counted_out_of_calls_texts_and_steps_of_bindings(books: Books) -> None:
    counted.keep(books.bills, answered(61, "c1"), call("c2", x=X2), message("s1"))
    counted.keep_milestones(books.bindings, milestone(Step.BOUND), milestone(Step.RELEASED))
    assert books.count(as_of=LATER).rows == 5
    ((value, hour, counts),) = books.stored()
    assert (value, hour) == ("", 9)
    names = ("attempts", "connected", "duration_s", "sms_sends", "binds", "auto_unbinds")
    assert [counts[name] for name in names] == [2, 1, 61, 1, 1, 1]
    assert [(value, counts["attempts"]) for value, _, counts in books.stored(Group.CITY)] == [
        ("010", 1),
        ("0755", 1),
    ]


def test_the_days_of_beijing_are_kept_apart_to_the_second(books: Books) -> None:
    """U-D24: 16:00 UTC is midnight there."""
    for at, identity in ((START - SECOND, "c1"), (START, "c2"), (END - SECOND, "c3"), (END, "c4")):
        counted.keep(books.bills, call(identity, at), message(identity, at))
    assert books.count(as_of=END).rows == 4
    assert [(hour, counts["attempts"]) for _, hour, counts in books.stored()] == [(0, 1), (23, 1)]


def test_a_call_that_began_the_day_before_counts_for_calls_at_once_alone(books: Books) -> None:
    """C-121."""
    counted.keep(books.bills, answered(3600, "c1", START - 10 * SECOND), answered(60, "c2", START))
    books.count(as_of=LATER)
    ((x, hour, counts),) = books.stored(Group.X)
    assert (x, hour, counts["attempts"], counts["peak"]) == (X1, 0, 1, 2)


def test_many_rows_are_counted_once_each_in_the_order_of_time(books: Books) -> None:
    """More than one read, spread over all shards."""
    chance = Random(3)
    calls = [call(f"c{n}", START + chance.randrange(86_400) * SECOND) for n in range(130)]
    counted.keep(books.bills, *calls)
    direct = Statistics()
    for each in calls:
        direct.add_call(each, WHERE)
    assert books.count(as_of=END).rows == 130
    for group in Group:
        stored = {(value, hour): counts for value, hour, counts in books.stored(group)}
        for cell, counts in direct.cells.items():
            if cell.group is group:
                assert counts <= Counter(stored[cell.value, cell.hour])


def test_counting_again_writes_the_same_and_a_late_fact_makes_more(books: Books) -> None:
    counted.keep(books.bills, call("c1"))
    books.count(as_of=LATER)
    before = books.items()
    books.count(as_of=LATER)
    assert books.items() == before
    counted.keep(books.bills, call("c2"))
    books.count(as_of=LATER + SECOND)
    assert [counts["attempts"] for _, _, counts in books.stored()] == [2]


def test_who_read_earlier_never_replaces_who_read_later(books: Books) -> None:
    """A slow run that comes to its end after a fast one that began after it."""
    counted.keep(books.bills, call("c1"), call("c2"))
    assert books.count(as_of=LATER + SECOND).replaced
    slow = {"total": [("", 9, {"attempts": 1})]}
    assert not books.store.put(APPLICATION, DAY, slow, rows=1, as_of=LATER, expires_at=END + KEPT)
    assert [counts["attempts"] for _, _, counts in books.stored()] == [2]


def test_a_crash_before_the_head_leaves_what_stood_there(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages alone are seen by nobody; the next run writes them again."""
    counted.keep(books.bills, call("c1"))
    books.count(as_of=LATER)
    counted.keep(books.bills, call("c2"))
    put = StatisticsStore._put

    def dies_at_the_head(store: StatisticsStore, item: Any, *rest: Any) -> bool:
        if item["sk"] == "HEAD":
            raise ConnectionError
        return put(store, item, *rest)

    with monkeypatch.context() as crash:
        crash.setattr(StatisticsStore, "_put", dies_at_the_head)
        with pytest.raises(ConnectionError):
            books.count(as_of=LATER + SECOND)
    assert [counts["attempts"] for _, _, counts in books.stored()] == [1]
    books.count(as_of=LATER + 2 * SECOND)
    assert [counts["attempts"] for _, _, counts in books.stored()] == [2]


def test_what_is_counted_for_good_is_kept_as_long_as_the_console_keeps_it(books: Books) -> None:
    """operations.md §13; a shorter life never comes after a longer one."""
    counted.keep(books.bills, call("c1"))
    books.count(as_of=LATER)
    assert {int(item["expires_at"]) for item in books.items()} == {
        int((LATER + KEPT_UNTIL_FINAL).timestamp())
    }
    books.count(as_of=END + FINAL_AFTER)
    kept = {int((END + KEPT).timestamp())}
    assert {int(item["expires_at"]) for item in books.items()} == kept


def test_lines_of_any_number_stand_in_pages_that_an_item_can_hold(books: Books) -> None:
    chance = Random(5)
    lines = [
        (f"+86170{n:08d}", 9, {f"{chance.random()}": chance.randrange(10**9) for _ in range(5)})
        for n in range(6000)
    ]
    books.store.put(APPLICATION, DAY, {"x": lines}, rows=1, as_of=LATER, expires_at=END)
    assert books.stored(Group.X) == lines
    head = books.store.head(APPLICATION, DAY)
    assert head
    assert list(books.store.lines(head, "x", lines[4321][0]) or ()) == [lines[4321]]
    assert list(books.store.lines(head, "x", lines[4321][0][:-1]) or ()) == []
    sizes = [len(item["lines"]) for item in books.items() if "lines" in item]
    assert len(sizes) > 2
    assert max(sizes) < 390_000


@pytest.mark.parametrize("days", [-1, 391])
def test_a_day_that_has_not_begun_or_may_be_forgotten_is_not_counted(books: Books, days: int) -> None:
    """What was counted before would lose what the table has lost."""
    with pytest.raises(NotCountable):
        books.count(as_of=datetime(2026, 3, 2, 4, tzinfo=UTC) + timedelta(days))


def test_another_application_is_another_day(books: Books) -> None:
    counted.keep(books.bills, call("c1"))
    assert books.count("shop", as_of=LATER).rows == 0


def test_tables_hold_no_person(books: Books) -> None:
    """Only X numbers, cities, codes and authors are told apart."""
    counted.keep(books.bills, call("c1", caller="token-of-a", callee="token-of-b", order="order-1"))
    books.count(as_of=LATER)
    lines = str([books.stored(group) for group in Group])
    assert not [secret for secret in ("token-of-a", "token-of-b", "order-1") if secret in lines]
