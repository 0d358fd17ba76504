"""Counts and acts of rules in the table, on Amazon's own engine: users.md U-S09."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from builders.bills import rows
from builders.dynamodb import Table, local_client, new_table
from builders.pushes import SIGNED_AT
from privatenumber.store.call_counts import CallCounts, Counted
from privatenumber.store.call_rules import Act, CallRules
from privatenumber.store.facts import StoreUnavailable


@pytest.fixture(scope="module")
def bills(dynamodb_local: str) -> Table:
    return new_table(local_client(dynamodb_local), "BillsTable")


def call(number: int, subject: str) -> Counted:
    """The call of a minute."""
    return Counted("demo", subject, SIGNED_AT + timedelta(minutes=number), f"session-{number}")


def test_many_writers_of_the_same_calls_count_each_once(bills: Table) -> None:
    counts, calls = CallCounts(bills.client, bills.name), [call(number, "many") for number in range(6)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(counts.note, calls * 2))
    before = [len(counts.before(each, since=SIGNED_AT, most=50)) for each in calls]
    assert before == list(range(6))


def test_who_came_before_is_told_newest_first_within_its_bounds(bills: Table) -> None:
    """A call that was not noted itself is no different: the question is asked before anything is written."""
    counts = CallCounts(bills.client, bills.name)
    for number in range(6):
        counts.note(call(number, "bounded"))
    own, since = call(4, "bounded"), SIGNED_AT + timedelta(minutes=1)
    moments = [SIGNED_AT + timedelta(minutes=number) for number in (3, 2, 1)]
    assert counts.before(own, since=since, most=9) == tuple(moments)
    assert counts.before(own, since=since, most=2) == tuple(moments[:2])
    other = Counted("demo", "bounded", own.at, "session-0")
    assert counts.before(other, since=since, most=9) == tuple(moments), "of one moment the ids decide"
    assert counts.before(call(4, "nobody"), since=since, most=9) == ()


def test_what_cannot_be_read_in_time_is_not_taken_for_none(bills: Table) -> None:
    counts = CallCounts(bills.client, bills.name)
    with pytest.raises(StoreUnavailable):
        counts.before(call(1, "late"), since=SIGNED_AT, most=1, left=lambda: 0.0)
    with pytest.raises(StoreUnavailable):
        CallCounts(bills.client, "no-such-table").before(call(1, "late"), since=SIGNED_AT, most=1)


@pytest.mark.parametrize("order", list(permutations((Act.MISSED, Act.FAILED, Act.STOPPED))))
def test_what_ended_a_call_stays_in_whatever_order_acts_are_written(
    bills: Table, order: tuple[Act, ...]
) -> None:
    """Of one call and rule: ended, else refused, else too late."""
    rules, key = CallRules(bills.client, bills.name), f"CALL#demo#{'-'.join(order)}"
    evidence: dict[str, Any] = {"rule": "answers_per_day", "within": "application"}
    for act in order:
        rules.note(key, "demo", act, evidence, at=SIGNED_AT)
    assert [row["act"] for row in rows(bills) if row["pk"] == key] == ["stopped"]
    assert not rules.note(key, "demo", Act.MISSED, evidence, at=SIGNED_AT)
