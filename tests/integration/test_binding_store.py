"""Bindings and their constraints in the table, on moto and on Amazon's own engine."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from builders.bindings import APPLICATION, active_number
from builders.dynamodb import Table
from builders.emulator import X1, X2
from builders.records import MORNING, record
from privatenumber.bindings.rules import AXB_PAIRS
from privatenumber.store.binding_keys import BindingRecord
from privatenumber.store.binding_search import BindingSearch, Position
from privatenumber.store.bindings import BINDING, BindingStore
from privatenumber.store.holdings import IDEMPOTENCY, PAIR, PLACE, X_NUMBER
from privatenumber.store.items import decode
from privatenumber.store.numbers import NumberState, NumberStore
from privatenumber.store.transactions import Contended, Refused

NOW, LATER = 1_788_224_400, 1_788_829_200


def other(binding_id: str = "b2", **changes: Any) -> BindingRecord:
    """A binding that collides with `record()` in nothing."""
    mine = record(
        binding_id,
        order="order-2",
        a_token="cid",
        b_token="dot",
        places=frozenset({"cid", "dot"}),
        pairs=frozenset({"cid+dot"}),
        idempotency="key-2",
    )
    return replace(mine, **changes)


@pytest.fixture
def store(table: Table) -> BindingStore:
    numbers = NumberStore(table.client, table.name)
    for x in (X1, X2):
        numbers.put(active_number(x), seen=None)
    return BindingStore(table.client, table.name)


@pytest.fixture
def search(table: Table) -> BindingSearch:
    return BindingSearch(table.client, table.name)


def create(store: BindingStore, new: BindingRecord) -> None:
    store.create(new, now=NOW, key_expires_at=LATER)


def pairs(table: Table, x: str = X1) -> int:
    number = NumberStore(table.client, table.name).get(x)
    assert number
    return number.pairs


def everything(table: Table) -> list[Mapping[str, Any]]:
    return [decode(item) for item in table.client.scan(TableName=table.name, ConsistentRead=True)["Items"]]


def held_by(table: Table, binding_id: str) -> set[str]:
    """First words of the keys of what a binding holds."""
    return {
        item["pk"].partition("#")[0]
        for item in everything(table)
        if item.get("binding_id") == binding_id and item["sk"] != "BINDING"
    }


class TestCreate:
    def test_everything_is_written_together(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        item = store.get("b1")
        assert item
        assert (item["state"], item["version"], item["x_key"]) == ("REQUESTED", 1, X1)
        assert held_by(table, "b1") == {"IDEMPOTENCY", "ORDER", "PARTY"}
        assert pairs(table) == 1

    @pytest.mark.parametrize(
        ("collision", "action", "changes"),
        [
            ("same id", BINDING, {"id": "b1"}),
            ("same key", IDEMPOTENCY, {"idempotency": "key-1"}),
            ("same order and pair", PAIR, {"order": "order-1", "pairs": frozenset({"ann+bob"})}),
            ("same person on the same x", PLACE, {"places": frozenset({"ann", "dot"})}),
            ("number of another application", X_NUMBER, {"application": "other"}),
            ("number unknown", X_NUMBER, {"x": "+8617010000099"}),
        ],
    )
    def test_a_collision_is_named_and_nothing_is_written(
        self, table: Table, store: BindingStore, collision: str, action: str, changes: Mapping[str, Any]
    ) -> None:
        create(store, record())
        before = sorted(map(repr, everything(table)))
        with pytest.raises(Refused) as refused:
            create(store, other(**{"binding_id": "b2", **changes}) if "id" not in changes else other("b1"))
        assert refused.value.action == action
        assert sorted(map(repr, everything(table))) == before

    def test_the_holder_of_a_key_is_told(self, store: BindingStore) -> None:
        create(store, record())
        with pytest.raises(Refused) as refused:
            create(store, other(idempotency="key-1"))
        assert refused.value.found
        assert refused.value.found["binding_id"] == "b1"

    def test_a_person_may_stand_on_two_numbers(self, store: BindingStore) -> None:
        create(store, record())
        create(store, other(x=X2, places=frozenset({"ann", "dot"})))
        assert store.places_of(APPLICATION, "ann", now=MORNING) == {X1, X2}
        assert store.places_of(APPLICATION, "dot", now=MORNING) == {X2}

    def test_a_full_number_takes_no_more(self, table: Table, store: BindingStore) -> None:
        """axb.md §1: 5000 pairs."""
        table.client.update_item(
            TableName=table.name,
            Key={"pk": {"S": f"X#{X1}"}, "sk": {"S": "NUMBER"}},
            UpdateExpression="SET pairs = :most",
            ExpressionAttributeValues={":most": {"N": str(AXB_PAIRS - 1)}},
        )
        store.create(record(), now=NOW, key_expires_at=LATER, fills=True)
        for fills in (False, True):
            with pytest.raises(Refused) as refused:
                store.create(other(), now=NOW, key_expires_at=LATER, fills=fills)
            assert refused.value.action == X_NUMBER

    def test_a_number_that_is_not_active_takes_none(self, table: Table, store: BindingStore) -> None:
        numbers = NumberStore(table.client, table.name)
        number = numbers.get(X1)
        assert number
        numbers.put(replace(number, state=NumberState.DRAINING), seen=number)
        with pytest.raises(Refused) as refused:
            create(store, record())
        assert refused.value.action == X_NUMBER

    def test_an_expired_key_that_still_lies_there_is_free(self, store: BindingStore) -> None:
        create(store, record())
        assert store.holder_of_key(APPLICATION, "key-1", now=LATER) is None
        store.create(other(idempotency="key-1"), now=LATER, key_expires_at=LATER + 1)


class TestReplace:
    def test_a_write_names_the_version_it_has_seen(self, store: BindingStore) -> None:
        create(store, record())
        store.replace(record(version=2, state="ACTIVE", subscription_id="s1"), seen=1)
        with pytest.raises(Refused) as refused:
            store.replace(record(version=2, state="FAILED"), seen=1)
        assert refused.value.action == BINDING
        item = store.get("b1")
        assert item
        assert (item["state"], item["subscription_key"]) == ("ACTIVE", f"{APPLICATION}#s1")

    def test_a_final_state_leaves_the_due_index(self, store: BindingStore, search: BindingSearch) -> None:
        create(store, record())
        assert [row.binding_id for row in search.due(until="2026-09-02T01:01:00.000Z", limit=40)] == ["b1"]
        store.replace(record(version=2, state="CLOSED", due_at=None), seen=1)
        assert list(search.due(until="2027-09-02T01:01:00.000Z", limit=40)) == []

    def test_the_same_write_twice_is_one(self, table: Table, store: BindingStore) -> None:
        """The SDK repeats a request whose answer was lost."""
        create(store, record())
        again = record(version=2, state="ACTIVE")
        store.replace(again, seen=1)
        store.replace(again, seen=1)


class TestMove:
    def test_all_places_go_to_the_new_number(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        store.move(record(version=2, x=X2), seen=1, old_x=X1)
        assert (
            store.places_of(APPLICATION, "ann", now=MORNING)
            == store.places_of(APPLICATION, "bob", now=MORNING)
            == {X2}
        )
        assert (pairs(table, X1), pairs(table, X2)) == (0, 1)

    def test_a_taken_place_stops_it(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        create(store, other(x=X2, places=frozenset({"ann", "dot"})))
        with pytest.raises(Refused) as refused:
            store.move(record(version=2, x=X2), seen=1, old_x=X1)
        assert refused.value.action == PLACE
        assert (pairs(table, X1), pairs(table, X2)) == (1, 1)


class TestChange:
    def test_a_further_place_is_taken_and_given_up(self, store: BindingStore) -> None:
        create(store, record())
        store.hold(record(version=2), seen=1, places={"eve"}, pairs={"ann+eve"})
        assert store.places_of(APPLICATION, "eve", now=MORNING) == {X1}
        assert store.holder_of_pair(APPLICATION, "order-1", "AXB", "ann+eve")
        store.let_go(record(version=3), seen=2, places={"bob"}, pairs={"ann+bob"})
        assert store.places_of(APPLICATION, "bob", now=MORNING) == frozenset()
        assert store.holder_of_pair(APPLICATION, "order-1", "AXB", "ann+bob") is None

    def test_a_taken_place_stops_it(self, store: BindingStore) -> None:
        create(store, record())
        create(store, other())
        with pytest.raises(Refused) as refused:
            store.hold(record(version=2), seen=1, places={"cid"}, pairs=set())
        assert refused.value.action == PLACE


class TestClose:
    def close(self, store: BindingStore, *, forget_key: bool = False, seen: int = 1) -> None:
        closed = record(version=2, state="CLOSED", due_at=None)
        store.close(closed, seen=seen, places=closed.places, pairs=closed.pairs, forget_key=forget_key)

    def test_everything_but_the_key_is_free(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        self.close(store)
        assert held_by(table, "b1") == {"IDEMPOTENCY"}
        assert pairs(table) == 0

    def test_a_failure_forgets_the_key_too(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        self.close(store, forget_key=True)
        assert held_by(table, "b1") == set()

    def test_twice_is_refused_and_counts_once(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        self.close(store)
        with pytest.raises(Refused) as refused:
            self.close(store)
        assert refused.value.action == BINDING
        assert pairs(table) == 0

    def test_what_others_hold_stays_theirs_and_keeps_nobody_from_closing(
        self, table: Table, store: BindingStore
    ) -> None:
        """Books that were wrong before do not block a release for ever."""
        create(store, record())
        table.client.update_item(
            TableName=table.name,
            Key={"pk": {"S": f"PARTY#{APPLICATION}#ann"}, "sk": {"S": f"PLACE#{X1}"}},
            UpdateExpression="SET binding_id = :other",
            ExpressionAttributeValues={":other": {"S": "b9"}},
        )
        table.client.delete_item(TableName=table.name, Key={"pk": {"S": f"X#{X1}"}, "sk": {"S": "NUMBER"}})
        self.close(store)
        assert held_by(table, "b9") == {"PARTY"}
        assert held_by(table, "b1") == {"IDEMPOTENCY"}

    def test_a_stray_holds_nothing_but_a_pair(self, table: Table, store: BindingStore) -> None:
        create(store, record())
        store.create_stray(record("b7", state="RELEASING", idempotency=None))
        assert pairs(table) == 2
        closed = record("b7", version=2, state="CLOSED", due_at=None, idempotency=None)
        store.close(closed, seen=1, places=closed.places, pairs=closed.pairs, forget_key=False)
        assert held_by(table, "b1") == {"IDEMPOTENCY", "ORDER", "PARTY"}
        assert pairs(table) == 1


class TestSearch:
    def test_what_is_due_comes_by_shard_and_never_more_than_asked(
        self, store: BindingStore, search: BindingSearch
    ) -> None:
        for n in range(12):
            person = {f"p{n}"}
            create(
                store,
                other(
                    f"b{n:02d}",
                    places=frozenset(person),
                    pairs=frozenset(person),
                    idempotency=None,
                    due_at=f"2026-09-02T01:{n:02d}:00.000Z",
                ),
            )
        due = list(search.due(until="2026-09-02T01:05:00.000Z", limit=400))
        assert {row.binding_id for row in due} == {f"b{n:02d}" for n in range(6)}
        assert {row.due_at[14:16] for row in due} == {f"{n:02d}" for n in range(6)}
        assert len(list(search.due(until="2026-09-02T02:00:00.000Z", limit=4))) == 4
        assert len(list(search.due(until="2026-09-02T02:00:00.000Z", limit=1))) == 1

    def test_pages_of_a_search_meet_without_gap_or_repetition(
        self, store: BindingStore, search: BindingSearch
    ) -> None:
        for n in range(5):
            person = {f"p{n}"}
            create(
                store,
                other(
                    f"b{n}",
                    places=frozenset(person),
                    pairs=frozenset(person),
                    idempotency=None,
                    created_at=f"2026-09-02T01:0{n // 2}:00.000Z",
                ),
            )
        found: list[Position] = []
        while True:
            page = search.newest(
                "by_order",
                "order_key",
                f"{APPLICATION}#order-2",
                limit=2,
                before=found[-1] if found else None,
            )
            if not page:
                break
            found += page
        assert len(found) == len(set(found)) == 5
        assert [one.created_at for one in found] == sorted((one.created_at for one in found), reverse=True)


@pytest.mark.dynamodb_local
class TestAtOnce:
    """Atomicity across threads: DynamoDB Local only."""

    THREADS = 16

    @pytest.fixture
    def table(self, local_table: Table) -> Table:
        return local_table

    def outcomes(self, store: BindingStore, new: list[BindingRecord]) -> list[str]:
        barrier = Barrier(len(new))

        def attempt(one: BindingRecord) -> str:
            barrier.wait()
            try:
                create(store, one)
            except Refused as refused:
                return refused.action
            except Contended:
                return "contended"
            return "written"

        with ThreadPoolExecutor(len(new)) as pool:
            return list(pool.map(attempt, new))

    def test_one_of_many_gets_the_place(self, table: Table, store: BindingStore) -> None:
        """users.md U-N08."""
        rivals = [
            other(f"b{n}", places=frozenset({"ann", f"p{n}"}), pairs=frozenset({str(n)}), idempotency=None)
            for n in range(self.THREADS)
        ]
        assert self.outcomes(store, rivals).count("written") == 1
        assert pairs(table) == 1

    def test_one_of_many_gets_the_order(self, table: Table, store: BindingStore) -> None:
        rivals = [
            other(f"b{n}", places=frozenset({f"p{n}"}), idempotency=None, x=(X1, X2)[n % 2])
            for n in range(self.THREADS)
        ]
        assert self.outcomes(store, rivals).count("written") == 1
        assert pairs(table, X1) + pairs(table, X2) == 1

    def test_a_number_never_carries_more_than_its_pairs(self, table: Table, store: BindingStore) -> None:
        """users.md U-D04."""
        table.client.update_item(
            TableName=table.name,
            Key={"pk": {"S": f"X#{X1}"}, "sk": {"S": "NUMBER"}},
            UpdateExpression="SET pairs = :most",
            ExpressionAttributeValues={":most": {"N": str(AXB_PAIRS - 3)}},
        )
        rivals = [
            other(f"b{n}", places=frozenset({f"p{n}"}), pairs=frozenset({str(n)}), idempotency=None)
            for n in range(self.THREADS)
        ]
        written = self.outcomes(store, rivals).count("written")
        assert 0 < written <= 3
        assert pairs(table) == AXB_PAIRS - 3 + written
