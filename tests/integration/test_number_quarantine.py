"""Numbers in and out of quarantine, on moto and DynamoDB Local (design.md §4, notifications.md §7)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from builders import bindings
from builders.billing import cdr
from builders.bindings import APPLICATION, active_number, demo_application, open_desk
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, RunningEmulator
from privatenumber.bindings.errors import PoolEmpty
from privatenumber.bindings.numbers import NumberChange, NumberInventory
from privatenumber.bindings.quarantine import Move, QuarantineLoop
from privatenumber.store.authors import WATCH
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.facts import FactStore
from privatenumber.store.items import decode, encode
from privatenumber.store.number_quarantine import NumberQuarantine
from privatenumber.store.number_states import Effect, NumberStates
from privatenumber.store.numbers import NumberState, NumberStore, XNumber, number_key
from privatenumber.times import from_iso, platform_time

AT = from_iso("2026-09-02T04:00:00.000Z")
LATER = AT + timedelta(hours=24)
X4, X5, X6 = "+8617010000004", "+8617010000005", "+8617010000006"


class Calls:
    """Calls of numbers, as the Bills table would tell them."""

    def __init__(self) -> None:
        self.facts: list[CdrFact] = []

    def ended(self, x: str, *, connected: bool, at: datetime, times: int = 20) -> None:
        for n in range(times):
            moment = platform_time(at - timedelta(minutes=n))
            self.facts.append(
                cdr(moment if connected else None, moment, x=x, teardown=0 if connected else 7504)
            )

    def cdrs_between(self, application: str, since: datetime, until: datetime) -> Iterator[CdrFact]:
        return (fact for fact in self.facts if fact.ended_at and since <= fact.ended_at <= until)


class Pool:
    """Some numbers, their calls, and the hourly look at them."""

    def __init__(self, table: Table, numbers: tuple[str, ...] = (X1, X2, X3), **application: Any) -> None:
        self.table = table
        self.store = NumberStore(table.client, table.name)
        self.quarantine = NumberQuarantine(table.client, table.name)
        self.states = NumberStates(table.client, table.name)
        self.calls, self.clock = Calls(), bindings.TestClock(AT)
        self.application = demo_application("https://platform.example.com", **application)
        for x in numbers:
            self.store.put(active_number(x), seen=None)

    def watch(self) -> list[tuple[str, Move]]:
        facts = cast(FactStore, self.calls)
        return QuarantineLoop(self.store, self.quarantine, facts, self.clock).run(self.application)

    def of(self, x: str) -> XNumber:
        number = self.store.get(x)
        assert number
        return number

    def item(self, x: str) -> dict[str, Any]:
        answer = self.table.client.get_item(TableName=self.table.name, Key=encode(number_key(x)))
        return decode(answer["Item"])

    def said(self, x: str, state: NumberState, at: str = "2026-09-02T05:00:00.000Z#1") -> Effect:
        return self.states.apply(x, application=APPLICATION, state=state, status_at=at).effect


@pytest.fixture
def pool(table: Table) -> Pool:
    return Pool(table)


def failed(pool: Pool, x: str = X1, at: datetime = AT) -> None:
    """Let a number's calls fail while those of another connect."""
    pool.calls.ended(x, connected=False, at=at)
    pool.calls.ended(X2, connected=True, at=at)


def test_a_failing_number_is_quarantined_with_time_and_reason(pool: Pool) -> None:
    failed(pool)
    assert pool.watch() == [(X1, Move.BEGUN)]
    number, item = pool.of(X1), pool.item(X1)
    assert (number.state, number.quarantined_until) == (NumberState.QUARANTINED, LATER)
    assert (item["by"], number.why) == (WATCH, "connected 0 of its last 20 calls")


def test_a_repeated_look_changes_nothing_more(pool: Pool) -> None:
    failed(pool)
    pool.watch()
    before = pool.item(X1)
    assert pool.watch() == []
    assert pool.item(X1) == before


def test_it_comes_back_after_a_clean_probe_and_old_calls_do_not_count_again(pool: Pool) -> None:
    failed(pool)
    pool.watch()
    pool.clock.now = LATER - timedelta(seconds=1)
    assert pool.watch() == []
    pool.clock.now = LATER
    assert pool.watch() == [(X1, Move.ENDED)]
    assert (pool.of(X1).state, pool.of(X1).quarantined_until) == (NumberState.ACTIVE, None)


def test_it_stays_when_its_calls_went_on_failing(pool: Pool) -> None:
    failed(pool)
    pool.watch()
    failed(pool, at=LATER)
    pool.clock.now = LATER
    assert pool.watch() == [(X1, Move.PROLONGED)]
    assert pool.of(X1).quarantined_until == LATER + timedelta(hours=24)


def test_a_number_that_people_gave_back_is_not_taken_for_the_same_calls(pool: Pool) -> None:
    failed(pool)
    pool.watch()
    inventory = NumberInventory(pool.store, lambda: {APPLICATION: pool.application})
    inventory.put(X1, NumberChange(state=NumberState.ACTIVE))
    assert pool.watch() == []
    assert (pool.of(X1).state, pool.of(X1).quarantined_until) == (NumberState.ACTIVE, None)


def test_a_quarantine_that_people_began_is_theirs_to_end(pool: Pool) -> None:
    inventory = NumberInventory(pool.store, lambda: {APPLICATION: pool.application})
    inventory.put(X1, NumberChange(state=NumberState.QUARANTINED))
    pool.clock.now = AT + timedelta(days=30)
    assert pool.watch() == []
    assert pool.of(X1).state is NumberState.QUARANTINED


def test_never_more_than_a_part_of_the_pool_goes_at_a_time(table: Table) -> None:
    pool = Pool(table, (X1, X2, X3, X4, X5, X6))
    for x in (X1, X3, X4):
        failed(pool, x)
    moves = dict(pool.watch())
    assert sorted(moves.values()) == [Move.POSTPONED, Move.POSTPONED, Move.BEGUN]


def test_an_application_may_do_without(table: Table) -> None:
    pool = Pool(table, connect_percent=0)
    failed(pool)
    assert pool.watch() == []


@pytest.mark.parametrize("state", [NumberState.LOCKED, NumberState.RESERVED, NumberState.DRAINING])
def test_what_people_set_is_left_alone(pool: Pool, state: NumberState) -> None:
    pool.store.put(replace(pool.of(X1), state=state), seen=pool.of(X1))
    failed(pool)
    assert pool.watch() == []
    assert pool.of(X1).state is state


def test_a_decision_on_what_somebody_else_has_changed_does_nothing(pool: Pool) -> None:
    seen = pool.of(X1)
    pool.store.put(replace(seen, area_code="010"), seen=seen)
    assert not pool.quarantine.begin(seen, at=AT, until=LATER, why="late")
    assert pool.of(X1).state is NumberState.ACTIVE


def test_a_lost_answer_and_its_repetition_are_one_quarantine(pool: Pool) -> None:
    seen = pool.of(X1)
    assert pool.quarantine.begin(seen, at=AT, until=LATER, why="failed")
    assert pool.quarantine.begin(seen, at=AT, until=LATER, why="failed")
    assert pool.of(X1).revision == seen.revision + 1


def test_the_platform_calling_it_normal_ends_no_quarantine(pool: Pool) -> None:
    """notifications.md §7: the last word counts, and an older one does not come after it."""
    failed(pool)
    pool.watch()
    assert pool.said(X1, NumberState.ACTIVE, "2026-09-02T06:00:00.000Z#2") is Effect.KEPT
    assert pool.said(X1, NumberState.SUSPENDED, "2026-09-02T05:00:00.000Z#1") is Effect.KEPT
    assert pool.of(X1).state is NumberState.QUARANTINED


def test_the_platform_suspending_it_is_worse_than_a_quarantine(pool: Pool) -> None:
    failed(pool)
    pool.watch()
    assert pool.said(X1, NumberState.SUSPENDED) is Effect.MOVED
    assert (pool.of(X1).state, pool.of(X1).quarantined_until) == (NumberState.SUSPENDED, None)
    assert pool.watch() == []


def test_a_new_number_waits_until_its_intake_is_over(table: Table) -> None:
    pool = Pool(table, numbers=(), intake_hours=24)
    inventory = NumberInventory(pool.store, lambda: {APPLICATION: pool.application}, clock=pool.clock)
    new = NumberChange(application=APPLICATION, area_code="0755", number_type=active_number(X1).number_type)
    assert inventory.put(X1, new).number.state is NumberState.QUARANTINED
    assert inventory.put(X1, new).outcome == "unchanged"
    assert inventory.put(X2, replace(new, state=NumberState.ACTIVE)).number.state is NumberState.ACTIVE
    assert pool.watch() == []
    pool.clock.now += timedelta(hours=24)
    assert pool.watch() == [(X1, Move.ENDED)]


def test_a_quarantined_number_is_bound_no_more_and_keeps_its_bindings(
    table: Table, emulator: RunningEmulator
) -> None:
    """Out of selection at once: the transaction that takes the place asks for the state."""
    desk = open_desk(table, emulator, numbers=(X1,))
    bound = desk.bind()
    number = desk.engine.numbers.get(X1)
    assert number
    NumberQuarantine(table.client, table.name).begin(number, at=AT, until=LATER, why="failed")
    with pytest.raises(PoolEmpty):
        desk.bind("order-1002", b="13900000009")
    assert desk.service.get(bound.id).state == "ACTIVE"
    assert desk.pairs(X1) == 1


@pytest.mark.dynamodb_local
def test_of_many_looks_at_the_same_time_one_quarantines(local_table: Table) -> None:
    pool = Pool(local_table)
    seen = pool.of(X1)
    with ThreadPoolExecutor(16) as threads:
        whys = [f"look {n}" for n in range(16)]
        begun = threads.map(lambda why: pool.quarantine.begin(seen, at=AT, until=LATER, why=why), whys)
        assert sum(begun) == 1
    assert pool.of(X1).revision == seen.revision + 1
