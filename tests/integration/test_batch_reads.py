"""Reading many items: a part is never taken for all, whoever reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from builders.dynamodb import Table
from builders.withholding import Withholding
from privatenumber.store.binding_keys import binding_key
from privatenumber.store.bindings import BindingStore
from privatenumber.store.items import encode
from privatenumber.store.pauses import DynamoPauses
from privatenumber.store.reading import ATTEMPTS, Withheld, read_items
from privatenumber.store.refusals import Refusal, RefusalStore

NOW = datetime(2026, 9, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


def key(n: int) -> dict[str, str]:
    return {"pk": f"THING#{n}", "sk": "THING"}


def fill(table: Table, count: int) -> None:
    for n in range(count):
        table.client.put_item(TableName=table.name, Item=encode({**key(n), "n": n}))


class Waits:
    """A clock that runs while somebody sleeps."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.waited: list[float] = []

    def left(self) -> float:
        return self.seconds - sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


def read(client: Withholding, table: Table, count: int, **how: Any) -> list[int]:
    wanted = {table.name: [key(n) for n in range(count)]}
    items = read_items(client.as_client(), wanted, consistent=True, **how)
    return sorted(int(item["n"]) for item in items)


def test_more_keys_than_one_request_takes_are_all_read(table: Table) -> None:
    fill(table, 130)
    client = Withholding(table.client, times=0)
    assert read(client, table, 140) == list(range(130))
    assert client.batches == [100, 40]


def test_what_is_withheld_is_asked_for_again_after_longer_and_longer_waits(table: Table) -> None:
    fill(table, 6)
    client, waits = Withholding(table.client, times=ATTEMPTS - 1), Waits()
    assert read(client, table, 6, sleep=waits.sleep) == list(range(6))
    assert client.batches == [6, 5, 4, 3, 2]
    assert waits.waited == sorted(waits.waited)
    assert 0 < sum(waits.waited) < 0.5


def test_a_table_that_goes_on_to_withhold_is_no_empty_answer(table: Table) -> None:
    fill(table, 9)
    with pytest.raises(Withheld, match="unprocessed keys"):
        read(Withholding(table.client, times=99), table, 9, sleep=Waits().sleep)


def test_a_deadline_ends_the_asking(table: Table) -> None:
    fill(table, 3)
    client, waits = Withholding(table.client, times=99), Waits(seconds=0.005)
    with pytest.raises(Withheld, match="out of time"):
        read(client, table, 3, sleep=waits.sleep, left=waits.left)
    assert client.batches == [3]
    assert waits.left() == pytest.approx(0)


def test_a_running_pause_is_seen_though_the_table_withholds_its_key_at_first(table: Table) -> None:
    """A pause that is missed lets a locked address ask again (auth.md §5)."""
    DynamoPauses(table.client, table.name, clock=lambda: NOW).pause("ride", LATER, "flow")
    client = Withholding(table.client, times=1).as_client()
    pauses = DynamoPauses(client, table.name, clock=lambda: NOW, sleep=Waits().sleep)
    assert pauses.paused_until("*", "key#ride", "ride") == LATER


def test_a_table_that_withholds_pauses_leaves_what_was_known(table: Table) -> None:
    seconds = [0.0]
    client = Withholding(table.client, times=0)
    pauses = DynamoPauses(
        client.as_client(),
        table.name,
        clock=lambda: NOW,
        monotonic=lambda: seconds[0],
        sleep=Waits().sleep,
    )
    pauses.pause("ride", LATER, "flow")
    seconds[0], client.times = 60.0, 99
    scopes = [f"scope-{n}" for n in range(8)]
    assert pauses.paused_until(*scopes, "ride") == LATER


def test_bindings_that_are_withheld_are_read_again(table: Table) -> None:
    for n in range(3):
        item = {**binding_key(f"b{n}"), "binding_id": f"b{n}"}
        table.client.put_item(TableName=table.name, Item=encode(item))
    store = BindingStore(Withholding(table.client, times=1).as_client(), table.name)
    assert store.get_many(["b0", "b1", "b2"]).keys() == {"b0", "b1", "b2"}


def test_refusals_that_are_withheld_are_counted(table: Table) -> None:
    for n in range(8):
        refusal = Refusal("ride", date(2026, 9, 2), "0755", "full", f"request-{n}")
        RefusalStore(table.client, table.name).note(refusal)
    store = RefusalStore(Withholding(table.client, times=1).as_client(), table.name)
    (count,) = store.of_area("ride", "0755", [date(2026, 9, 2)])
    assert count.orders == 8
