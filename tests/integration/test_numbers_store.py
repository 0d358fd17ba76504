"""X numbers in the table: conditional writes, pages and the walk round the pool."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from builders.dynamodb import Table
from builders.records import record
from builders.requests_made import log_requests
from privatenumber.store import numbers, reading, room
from privatenumber.store.bindings import BindingStore
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import (
    NumberPage,
    NumberState,
    NumberStore,
    NumberType,
    StaleNumberError,
    XNumber,
    number_key,
    rank_of,
)
from privatenumber.store.transactions import Action, Contended, Refused, Writer

RIDE, FOOD = "ride", "food"


def number(n: int = 1, **changes: Any) -> XNumber:
    fields = {"application": RIDE, "area_code": "0755", "number_type": NumberType.VIRTUAL, **changes}
    return XNumber(x=f"+861701000{n:04d}", **fields)


def stored(store: NumberStore, n: int = 1) -> XNumber:
    found = store.get(number(n).x)
    assert found is not None
    return found


def count_pair(table: Table, x: str, step: int = 1) -> None:
    """What a bind or a release does to a number in its transaction."""
    update = {
        "TableName": table.name,
        "Key": encode(number_key(x)),
        "UpdateExpression": "SET pairs = pairs + :step",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": encode({":step": step}),
    }
    Writer(table.client).transact([Action("x", {"Update": update})])


def filled(store: NumberStore, numbers: Sequence[XNumber]) -> None:
    assert all(store.put_many([(one, None) for one in numbers]))


def walk(store: NumberStore, start: str = "00000000", area: str | None = None) -> list[str]:
    return [one.x for page in store.room.walk(RIDE, area_code=area, start=start) for one in page]


def all_pages(store: NumberStore, limit: int, **query: Any) -> list[NumberPage]:
    pages = [store.page(RIDE, limit=limit, **query)]
    while pages[-1].next_rank:
        pages.append(store.page(RIDE, limit=limit, after=pages[-1].next_rank, **query))
    return pages


@pytest.fixture
def store(table: Table, monkeypatch: pytest.MonkeyPatch) -> NumberStore:
    """The store with requests of ten items, so that few numbers need several."""
    for limit in ("_WRITES_PER_TRANSACTION", "_EVALUATED_PER_QUERY"):
        monkeypatch.setattr(numbers, limit, 10)
    monkeypatch.setattr(reading, "_KEYS_PER_READ", 10)
    monkeypatch.setattr(room, "_PER_QUERY", 10)
    return NumberStore(table.client, table.name)


def test_a_number_is_read_as_it_was_written(store: NumberStore) -> None:
    written = number(
        number_type=NumberType.CARRIER,
        state=NumberState.RETIRED,
        issued_on=date(2026, 9, 1),
        unsubscribed_on=date(2026, 9, 20),
    )
    store.put(written, seen=None)
    assert stored(store) == replace(written, pairs=0, revision=1)


def test_a_number_nobody_registered_is_none(store: NumberStore) -> None:
    assert store.get(number().x) is None


def test_a_number_is_created_once(store: NumberStore) -> None:
    store.put(number(), seen=None)
    with pytest.raises(StaleNumberError):
        store.put(number(state=NumberState.LOCKED), seen=None)
    assert stored(store).state is NumberState.ACTIVE


def test_of_two_writers_who_saw_the_same_one_loses(store: NumberStore) -> None:
    store.put(number(), seen=None)
    seen = stored(store)
    store.put(replace(seen, state=NumberState.LOCKED), seen=seen)
    with pytest.raises(StaleNumberError):
        store.put(replace(seen, state=NumberState.ACTIVE), seen=seen)
    assert stored(store).state is NumberState.LOCKED


def test_a_change_never_loses_pairs_counted_meanwhile(table: Table, store: NumberStore) -> None:
    """The counter belongs to binds and releases."""
    store.put(number(), seen=None)
    seen = stored(store)
    count_pair(table, seen.x)
    count_pair(table, seen.x)
    store.put(replace(seen, state=NumberState.DRAINING), seen=seen)
    assert (stored(store).pairs, stored(store).state) == (2, NumberState.DRAINING)


def test_a_cleared_date_is_gone_from_the_item(table: Table, store: NumberStore) -> None:
    store.put(number(issued_on=date(2026, 9, 1)), seen=None)
    seen = stored(store)
    store.put(replace(seen, issued_on=None), seen=seen)
    item = table.client.get_item(TableName=table.name, Key=encode(number_key(seen.x)))["Item"]
    assert "issued_on" not in decode(item)


def test_a_number_moves_to_another_application_only_without_pairs(table: Table, store: NumberStore) -> None:
    store.put(number(), seen=None)
    seen = stored(store)
    count_pair(table, seen.x)
    with pytest.raises(StaleNumberError):
        store.put(replace(seen, application=FOOD), seen=seen)
    count_pair(table, seen.x, -1)
    store.put(replace(seen, application=FOOD), seen=seen)
    assert store.page(RIDE, limit=10).numbers == ()
    assert [one.x for one in store.page(FOOD, area_code="0755", limit=10).numbers] == [seen.x]


def test_one_stale_write_of_many_does_not_keep_the_others_back(store: NumberStore) -> None:
    store.put(number(2), seen=None)
    written = store.put_many([(number(n), None) for n in range(1, 5)])
    assert written == (True, False, True, True)
    assert store.get(number(4).x) is not None


def test_many_writes_share_requests(table: Table, store: NumberStore) -> None:
    log = log_requests(table.client)
    filled(store, [number(n) for n in range(25)])
    assert log.operations == ["TransactWriteItems"] * 3


def test_many_reads_share_requests(table: Table, store: NumberStore) -> None:
    filled(store, [number(n) for n in range(15)])
    log = log_requests(table.client)
    found = store.get_many([number(n).x for n in [*range(14, -1, -1), 7, 999]])
    assert len(found) == 15
    assert log.operations == ["BatchGetItem"] * 2


def test_a_request_never_exceeds_what_dynamodb_takes() -> None:
    """BatchGetItem and TransactWriteItems take a hundred."""
    assert reading._KEYS_PER_READ == numbers._WRITES_PER_TRANSACTION == 100


def test_a_rank_follows_from_the_number_alone() -> None:
    assert rank_of("+8617010000001") == rank_of("+8617010000001") == number().rank
    assert rank_of("+8617010000001").endswith("#+8617010000001")


def test_a_list_has_every_number_once_in_the_order_of_rank(store: NumberStore) -> None:
    pool = [number(n) for n in range(23)]
    filled(store, pool)
    pages = all_pages(store, limit=5)
    assert [len(page.numbers) for page in pages] == [5, 5, 5, 5, 3]
    listed = [one.x for page in pages for one in page.numbers]
    assert listed == [one.x for one in sorted(pool, key=lambda one: one.rank)]


def test_a_list_of_a_state_reads_on_past_others_and_its_pages_join(store: NumberStore) -> None:
    rare = {number(n).x for n in (3, 17, 31)}
    states = (NumberState.LOCKED, NumberState.ACTIVE)
    filled(store, [number(n, state=states[number(n).x not in rare]) for n in range(35)])
    pages = all_pages(store, limit=2, state=NumberState.LOCKED)
    assert {one.x for page in pages for one in page.numbers} == rare
    assert sum(len(page.numbers) for page in pages) == 3


def test_a_city_holds_only_its_own_numbers(store: NumberStore) -> None:
    filled(store, [number(n, area_code="0755" if n % 2 else "010") for n in range(10)])
    listed = store.page(RIDE, area_code="010", limit=100).numbers
    assert {one.x for one in listed} == {number(n).x for n in range(0, 10, 2)}


@pytest.mark.parametrize("start", ["00000000", "7fffffff", "ffffffff"])
def test_a_walk_round_the_pool_meets_every_number_once(store: NumberStore, start: str) -> None:
    """users.md U-D05: the choice covers all numbers and none outside."""
    pool = [number(n) for n in range(30)]
    filled(store, pool)
    store.put(number(99, application=FOOD), seen=None)
    met = walk(store, start)
    assert sorted(met) == [one.x for one in pool]
    assert met[0] == min(pool, key=lambda one: (one.rank <= start, one.rank)).x


def test_a_walk_that_begins_on_a_number_meets_it_last(store: NumberStore) -> None:
    filled(store, [number(n) for n in range(5)])
    assert walk(store, number(3).rank)[-1] == number(3).x
    assert len(walk(store, number(3).rank)) == 5


def test_a_walk_passes_by_numbers_that_take_no_binding(table: Table, store: NumberStore) -> None:
    """operations.md §6; the limit of pairs: axb.md §1."""
    states = [state for state in NumberState if state is not NumberState.ACTIVE]
    filled(store, [number(n, state=state) for n, state in enumerate(states)])
    filled(store, [number(100)])
    assert walk(store) == [number(100).x]


@pytest.mark.parametrize("area", [None, "0755"])
def test_a_full_number_is_not_met_until_somebody_leaves(
    table: Table, store: NumberStore, area: str | None
) -> None:
    """ax.md §1: one A per X, so the first bind fills it."""
    filled(store, [number(1), number(2)])
    bindings = BindingStore(table.client, table.name)
    one = record(x=number(1).x, application=RIDE, capacity=1)
    bindings.create(one, now=0, key_expires_at=1, fills=True)
    assert (walk(store, area=area), stored(store).has_room) == ([number(2).x], False)
    bindings.close(replace(one, version=2), seen=1, places=one.places, pairs=one.pairs, forget_key=True)
    assert (sorted(walk(store, area=area)), stored(store).pairs) == ([number(1).x, number(2).x], 0)


@pytest.mark.parametrize("fills", [False, True])
def test_whoever_saw_another_counter_takes_no_place(table: Table, store: NumberStore, *, fills: bool) -> None:
    """Only who knows that it is the last place takes it, so that no full number stays in the walk."""
    filled(store, [number(1)])
    count_pair(table, number(1).x, 0 if fills else 1)
    one = record(x=number(1).x, application=RIDE, capacity=2)
    with pytest.raises(Refused):
        BindingStore(table.client, table.name).create(one, now=0, key_expires_at=1, fills=fills)
    assert len(walk(store)) == 1


def test_a_description_changes_without_giving_a_full_number_room(table: Table, store: NumberStore) -> None:
    filled(store, [number(1)])
    one = record(x=number(1).x, application=RIDE, capacity=1)
    seen = stored(store)
    BindingStore(table.client, table.name).create(one, now=0, key_expires_at=1, fills=True)
    with pytest.raises(StaleNumberError):
        store.put(replace(seen, area_code="010"), seen=seen)
    store.put(replace(stored(store), area_code="010"), seen=stored(store))
    assert walk(store) == walk(store, area="010") == []


def test_a_walk_in_a_city_stays_there(store: NumberStore) -> None:
    filled(store, [number(1), number(2, area_code="010")])
    assert walk(store, area="010") == [number(2).x]


def test_a_walk_reads_only_as_far_as_it_is_followed(table: Table, store: NumberStore) -> None:
    """The first suitable number ends the cost, however large the pool."""
    filled(store, [number(n) for n in range(25)])
    log = log_requests(table.client)
    next(iter(store.room.walk(RIDE, area_code=None, start="00000000")))
    assert log.operations == ["Query"]


def test_no_key_of_a_number_holds_anything_but_the_companys_number(table: Table, store: NumberStore) -> None:
    store.put(number(), seen=None)
    (item,) = map(decode, table.client.scan(TableName=table.name)["Items"])
    assert (item["pk"], item["sk"]) == ("X#+8617010000001", "NUMBER")
    assert (item["pool_key"], item["city_key"]) == (RIDE, f"{RIDE}#0755")


def change_ten_times(store: NumberStore) -> None:
    done = 0
    while done < 10:
        seen = stored(store)
        with suppress(StaleNumberError):
            store.put(replace(seen, issued_on=date(2026, 9, seen.revision % 28 + 1)), seen=seen)
            done += 1


def bind_ten_times(table: Table) -> None:
    done = 0
    while done < 10:
        with suppress(Contended):
            count_pair(table, number().x)
            done += 1


@pytest.mark.dynamodb_local
def test_changes_and_binds_at_once_lose_neither(local_table: Table) -> None:
    """Descriptions change while pairs are counted: afterwards both are as they should be."""
    store = NumberStore(local_table.client, local_table.name)
    store.put(number(), seen=None)
    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(change_ten_times, store) for _ in range(4)]
        work += [threads.submit(bind_ten_times, local_table) for _ in range(4)]
    assert [one.exception() for one in work] == [None] * 8
    assert (stored(store).pairs, stored(store).revision) == (40, 41)
