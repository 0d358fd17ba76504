"""A day that is longer than a run: parts that whoever comes next goes on with (users.md U-S18)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from builders import counted
from builders.counted import APPLICATION, DAY, NINE, SECOND, X1, X2, Books, answered, message, milestone
from builders.dynamodb import moto_client
from privatenumber.calls import counting
from privatenumber.calls.counting_parts import PartForgotten
from privatenumber.calls.statistics import Group
from privatenumber.store.due import Overtaken
from privatenumber.store.milestones import Step
from privatenumber.store.statistics import StatisticsStore
from privatenumber.times import day_bounds

START, END = day_bounds(DAY)
LATER = END + timedelta(hours=1)


class Time:
    """So many rows of time."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def left(self) -> float:
        self.rows -= 1
        return float(self.rows)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One for all tests: their tables have names of their own."""
    with moto_client() as found:
        yield found


@pytest.fixture
def books(client: Any) -> Books:
    found = Books(client)
    chance = Random(11)
    calls = [
        answered(chance.randrange(1, 300), f"c{n}", NINE + chance.randrange(-60, 900) * SECOND, x=x)
        for n, x in enumerate([X1, X2] * 5)
    ]
    texts = [message(f"s{n}", NINE + n * SECOND) for n in range(3)]
    counted.keep(found.bills, *calls, *texts, answered(3600, "before", START - 10 * SECOND))
    counted.keep_milestones(found.bindings, milestone(Step.BOUND), milestone(Step.RELEASED))
    return found


def lines(books: Books) -> dict[str, Any]:
    return {group.value: books.stored(group) for group in Group}


def in_runs(books: Books, rows: int) -> int:
    """Count the day in runs of so many rows each; how many runs it took."""
    for runs in range(1, 100):
        found = books.counting.count(APPLICATION, DAY, as_of=LATER, left=Time(rows).left)
        if found:
            return runs
    raise AssertionError("it never ends")


@pytest.mark.parametrize("rows", [3, 11])
def test_a_day_comes_to_the_same_in_however_many_runs(books: Books, rows: int) -> None:
    """C-121: calls at once too, though they lie in different parts."""
    whole = books.count(as_of=LATER - SECOND)
    expected = lines(books)
    assert whole.rows == 15
    assert max(counts["peak"] for _, _, counts in expected["x"]) > 2
    assert in_runs(books, rows) > 1
    assert lines(books) == expected
    head = books.store.head(APPLICATION, DAY)
    assert head
    assert (head.as_of, head.rows) == (LATER, 15)


def test_nothing_is_told_of_a_day_before_its_last_part(books: Books) -> None:
    assert books.counting.count(APPLICATION, DAY, as_of=LATER, left=Time(5).left) is None
    assert books.store.head(APPLICATION, DAY) is None


def test_a_run_that_dies_is_gone_on_with_at_its_last_part(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is noted down every so many rows, not only when the time is over."""
    monkeypatch.setattr(counting, "PART_ROWS", 4)
    put, kept = StatisticsStore.put_part, list[int]()

    def dies_at_the_third(store: StatisticsStore, *about: Any, **more: Any) -> None:
        if len(kept) == 2:
            raise ConnectionError
        put(store, *about, **more)
        kept.append(more["rows"])

    with monkeypatch.context() as crash:
        crash.setattr(StatisticsStore, "put_part", dies_at_the_third)
        with pytest.raises(ConnectionError):
            books.count(as_of=LATER)
    assert kept == [4, 4]
    reads = Time(1000)
    found = books.counting.count(APPLICATION, DAY, as_of=LATER, left=reads.left)
    assert found
    assert found.rows == 15
    assert 1000 - reads.rows < 15
    expected = lines(books)
    books.count(as_of=LATER + SECOND)
    assert lines(books) == expected


def test_of_two_who_work_on_one_count_one_stops(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that came twice: parts of both together would count rows twice, or not at all."""
    inside = list[Any]()

    def the_other_runs() -> float:
        if not inside:
            inside.append(None)
            assert books.counting.count(APPLICATION, DAY, as_of=LATER, left=Time(9).left) is None
        return 0.0

    with pytest.raises(Overtaken):
        books.counting.count(APPLICATION, DAY, as_of=LATER, left=the_other_runs)
    assert in_runs(books, 9) > 1
    expected = lines(books)
    books.count(as_of=LATER + SECOND)
    assert lines(books) == expected


def test_a_later_count_begins_anew(books: Books) -> None:
    """What came since is in it."""
    assert books.counting.count(APPLICATION, DAY, as_of=LATER, left=Time(12).left) is None
    counted.keep(books.bills, answered(5, "late", NINE - SECOND))
    assert books.count(as_of=LATER + SECOND).rows == 16


def test_a_count_whose_part_is_forgotten_is_not_told(books: Books) -> None:
    """Less than there was would look like all."""
    assert books.counting.count(APPLICATION, DAY, as_of=LATER, left=Time(5).left) is None
    page = next(item for item in books.items() if item["sk"].startswith("PAGE#total#"))
    key = {"pk": {"S": page["pk"]}, "sk": {"S": page["sk"]}}
    books.bills.client.delete_item(TableName=books.bills.name, Key=key)
    with pytest.raises(PartForgotten):
        in_runs(books, 9)
    assert books.store.head(APPLICATION, DAY) is None
