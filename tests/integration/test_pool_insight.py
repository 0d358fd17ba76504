"""What is counted of refusals and told of a pool, on moto and DynamoDB Local (axb.md §1, numbers.md §4)."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.bindings import APPLICATION, Desk, open_desk, within
from builders.direct_dynamodb import events_of
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, A, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings import pool
from privatenumber.bindings.errors import Needed, PoolEmpty, PoolReason
from privatenumber.bindings.pool import PoolInsight, PoolReport
from privatenumber.settings import Mode
from privatenumber.store.refusals import Refusal, RefusalStore, RefusedCount

DAY = date(2026, 9, 2)


def refusal(
    request: str = "r1", *people: str, reason: str = "conflict", area: str | None = "0755"
) -> Refusal:
    return Refusal(APPLICATION, DAY, area, reason, request, people)


def report(desk: Desk) -> PoolReport:
    application = desk.engine.platforms(APPLICATION).application
    insight = PoolInsight(
        desk.engine.numbers,
        desk.engine.store,
        desk.engine.search,
        lambda: {APPLICATION: application},
        desk.clock,
    )
    return insight.report(APPLICATION, deadline=within())


@pytest.fixture
def refusals(table: Table) -> RefusalStore:
    return RefusalStore(table.client, table.name)


def test_orders_are_counted_once_and_attempts_each_time(refusals: RefusalStore) -> None:
    for _ in range(3):
        refusals.note(refusal("r1", "ann", "bob"))
    refusals.note(refusal("r2", "ann", "cid"))
    assert refusals.of_day(APPLICATION, DAY) == [RefusedCount("0755", "conflict", 4, 2, 2)]


def test_cities_and_reasons_are_counted_apart(refusals: RefusalStore) -> None:
    refusals.note(refusal("r1", reason="full"))
    refusals.note(refusal("r2", reason="person_limit"))
    refusals.note(refusal("r3", reason="empty", area=None))
    assert refusals.of_day(APPLICATION, DAY) == [
        RefusedCount(None, "empty", 1, 1),
        RefusedCount("0755", "full", 1, 1),
        RefusedCount("0755", "person_limit", 1, 1),
    ]
    assert refusals.of_area(APPLICATION, None, [DAY]) == [RefusedCount(None, "empty", 1, 1)]


def test_a_day_of_another_application_is_another(refusals: RefusalStore) -> None:
    refusals.note(refusal())
    assert refusals.of_day("other", DAY) == refusals.of_day(APPLICATION, date(2026, 9, 3)) == []


def test_a_table_that_does_not_answer_costs_the_count_and_nothing_else(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RefusalStore(table.client, table.name)

    def silent(**request: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")

    monkeypatch.setattr(table.client, "put_item", silent)
    monkeypatch.setattr(table.client, "batch_get_item", silent)
    store.note(refusal())
    assert store.of_area(APPLICATION, "0755", [DAY]) == []


@pytest.mark.dynamodb_local
def test_no_count_is_lost_among_many_writers(local_table: Table) -> None:
    """Forty orders of one driver, each asked twice, at the same time."""
    store = RefusalStore(local_table.client, local_table.name)
    asked = [refusal(f"r{n % 40}", "driver", f"p{n % 40}") for n in range(80)]
    random.Random(1).shuffle(asked)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(store.note, asked))
    assert store.of_day(APPLICATION, DAY) == [RefusedCount("0755", "conflict", 80, 40, 40)]


@pytest.fixture
def desk_of(table: Table, emulator: RunningEmulator) -> Callable[..., Desk]:
    """Open a desk with three numbers for an application of a mode, at the emulator too."""

    def opened(mode: Mode) -> Desk:
        emulator.admin.reset(now=VIRTUAL_START.isoformat())
        emulator.admin.application(mode=mode.value, axe_digits=4)
        emulator.admin.numbers(X1, X2, X3)
        return open_desk(table, emulator, mode=mode)

    return opened


def person(n: int) -> str:
    return f"139000000{n:02d}"


def test_a_pool_of_ax_is_used_up_by_one_person_a_number(desk_of: Callable[..., Desk]) -> None:
    """numbers.md §4: an AX takes the whole X."""
    desk = desk_of(Mode.AX)
    for n in range(3):
        desk.bind(f"order-{n}", a=person(n))
    told = report(desk)
    assert (told.total.percent, told.total.left, told.total.with_room, told.total.places) == (100.0, 0, 0, 3)
    with pytest.raises(PoolEmpty) as empty:
        desk.bind("order-9", a=person(9))
    assert (empty.value.reason, empty.value.needed) == (PoolReason.FULL, Needed(1, 1))


def test_each_order_that_no_ax_was_left_for_needs_a_number(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(Mode.AX)
    needed = []
    for n in range(6):
        try:
            desk.bind(f"order-{n}", a=person(n))
        except PoolEmpty as empty:
            needed.append(empty.needed)
    assert needed == [Needed(1, 1), Needed(1, 2), Needed(1, 3)]
    assert report(desk).needed == {None: 3}


@pytest.mark.parametrize("mode", [Mode.AXB, Mode.X])
def test_people_crowd_a_pool_in_modes_of_two(desk_of: Callable[..., Desk], mode: Mode) -> None:
    """A stands on an X once, whoever is opposite; strangers still find all three numbers."""
    desk = desk_of(mode)
    for n in range(3):
        desk.bind(f"order-{n}", b=person(n))
    told = report(desk)
    assert (told.total.percent, told.total.left, told.total.with_room) == (100.0, 0, 3)
    assert dict(told.crowd.people) == {1: 3.0, 3: 1.0}
    assert not told.crowd.sampled
    assert desk.bind("order-8", a=person(8), b=person(9)).x in (X1, X2, X3)


def test_who_holds_all_numbers_that_a_person_may_have_is_helped_by_no_number(
    table: Table, emulator: RunningEmulator
) -> None:
    """ax.md §1: five X a person."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode="AX")
    six = tuple(f"+861701000000{n}" for n in range(1, 7))
    emulator.admin.numbers(*six)
    desk = open_desk(table, emulator, mode=Mode.AX, numbers=six)
    for n in range(5):
        desk.bind(f"order-{n}")
    with pytest.raises(PoolEmpty) as empty:
        desk.bind("order-6")
    assert (empty.value.reason, empty.value.needed) == (PoolReason.PERSON_LIMIT, Needed(0, 0))


def test_a_person_who_is_kept_from_numbers_he_left_crowds_them_still(
    table: Table, emulator: RunningEmulator
) -> None:
    """users.md U-S06: a number that cools is as good as taken for him."""
    desk = open_desk(table, emulator, cool_off_s=3600)
    bound = desk.bind()
    desk.bind("order-2", a=person(1), b=A)
    desk.service.release(bound.id, deadline=within())
    assert report(desk).crowd.most == 2


def test_a_report_reads_no_more_for_more_bindings_than_its_sample(
    table: Table, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_SAMPLED_PEOPLE", 10)
    desk = open_desk(table, emulator)
    reads = []
    for n in range(40):
        desk.bind(f"order-{n}", a=person(n), b=person(n + 50))
        if n in (19, 39):
            assert all(desk.pairs(x) for x in (X1, X2, X3))
            reads.append(_reads(table, desk))
            assert report(desk).crowd.sampled
    assert reads[0] == reads[1]


def _reads(table: Table, desk: Desk) -> int:
    made: list[str] = []
    events_of(table.client).register(
        "before-call.dynamodb.*", lambda model, **_: made.append(model.name), unique_id="reads"
    )
    try:
        report(desk)
    finally:
        table.client.meta.events.unregister("before-call.dynamodb.*", unique_id="reads")
    return len(made)
