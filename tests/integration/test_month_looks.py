"""The last look at a closed month: of two at once none takes back what the other has seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from builders.billing import utc
from builders.books import account_books
from privatenumber.store.month_looks import NEVER, Look, LookStore

MONTH = "2026-09"
NOON = utc("2026-10-05 04:00:00")
NEXT_YEAR = NOON + timedelta(days=300)


@pytest.fixture
def looks() -> Iterator[LookStore]:
    with account_books() as books:
        yield books.ledger().looks


def look(looks: LookStore, late: bool, terms: str = "terms") -> None:
    """One that nobody disturbs."""
    looks.note(MONTH, terms, late=late, at=NOON, last=looks.last(MONTH))


def test_a_slow_look_takes_nothing_back_that_another_one_has_seen(looks: LookStore) -> None:
    begun = looks.last(MONTH)
    look(looks, late=True)
    looks.note(MONTH, "other", late=False, at=NOON + timedelta(days=1), last=begun)
    assert looks.last(MONTH) == Look("terms", late_since=NOON)


def test_not_even_where_the_other_one_left_what_stood_there(looks: LookStore) -> None:
    look(looks, late=True)
    begun = looks.last(MONTH)
    look(looks, late=True)
    looks.note(MONTH, "terms", late=False, at=NOON, last=begun)
    assert looks.last(MONTH).late_since == NOON


def test_what_a_slow_look_has_seen_to_be_late_is_late(looks: LookStore) -> None:
    begun = looks.last(MONTH)
    look(looks, late=False)
    looks.note(MONTH, "other", late=True, at=NOON - timedelta(hours=1), last=begun)
    assert looks.last(MONTH) == Look("terms", late_since=NOON - timedelta(hours=1))


def test_a_look_that_is_slower_still_does_not_take_that_back(looks: LookStore) -> None:
    begun = looks.last(MONTH)
    look(looks, late=False)
    between = looks.last(MONTH)
    looks.note(MONTH, "terms", late=True, at=NOON, last=begun)
    looks.note(MONTH, "terms", late=False, at=NOON, last=between)
    assert looks.last(MONTH).late_since == NOON


def test_one_for_a_moment_to_come_stands_in_nobodys_way(looks: LookStore) -> None:
    """Time may be moved forward: the moment that a look is for is not the one at which it is done."""
    looks.note(MONTH, "terms", late=True, at=NEXT_YEAR, last=NEVER)
    look(looks, late=True)
    assert looks.last(MONTH).late_since == NOON
    look(looks, late=False, terms="newer")
    assert looks.last(MONTH) == Look("newer")


def test_a_month_is_expected_until_it_is_looked_at(looks: LookStore) -> None:
    looks.expect(MONTH)
    assert looks.all() == {MONTH: NEVER}
    look(looks, late=False)
    looks.expect(MONTH)
    assert looks.all() == {MONTH: Look("terms")}
