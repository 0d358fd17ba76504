"""The tap of the tables sees what a request has done, also twice; what it misses is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from storm.tables import Key, Tables, Written

NOW = datetime(2026, 9, 14, tzinfo=UTC)
TABLE = "BindingsTable"


@dataclass
class Table:
    """A table that counts: each update adds one; what is put stands there; two rows fill a page.

    It answers a batch of reads with the keys.
    """

    items: dict[Key, dict[str, Any]] = field(default_factory=dict)
    batches: list[Mapping[str, Any]] = field(default_factory=list)

    def _make_api_call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "Scan":
            start = int(request.get("ExclusiveStartKey", {"at": "0"})["at"])
            page = list(self.items.values())[start : start + 2]
            more = {"LastEvaluatedKey": {"at": str(start + 2)}} if start + 2 < len(self.items) else {}
            return {"Items": page, **more}
        if operation == "BatchGetItem":
            self.batches.append(request["RequestItems"])
            return {"Responses": {table: asked["Keys"] for table, asked in request["RequestItems"].items()}}
        given = request.get("Item") or request["Key"]
        key = given["pk"]["S"], given["sk"]["S"]
        if operation == "PutItem":
            self.items[key] = dict(given)
        elif operation == "UpdateItem":
            row = self.items.setdefault(key, {**given, "orders": {"N": "0"}})
            self.items[key] = {**row, "orders": {"N": str(int(row["orders"]["N"]) + 1)}}
        return {"Item": self.items[key]} if key in self.items else {}


@dataclass
class Weather:
    """Loses the first answers; leaves these keys of every batch unread."""

    lost: int = 0
    left: Mapping[str, Any] = field(default_factory=dict)

    def before(self, operation: str, request: Mapping[str, Any]) -> None:
        """Nothing happens."""

    def withheld(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.left if operation == "BatchGetItem" else {}

    def after(self, operation: str, request: Mapping[str, Any]) -> bool:
        self.lost -= 1
        return self.lost >= 0


def tapped(table: Any, weather: Weather) -> tuple[Tables, Any]:
    tables = Tables(lambda: NOW)
    return tables, tables.tap(table, weather)


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"REFUSALS#{number}"}, "sk": {"S": "*"}}


def test_a_count_whose_answer_got_lost_is_seen_at_both_its_values() -> None:
    tables, client = tapped(Table(), Weather(lost=1))
    heard: list[Written] = []
    tables.listeners.append(heard.append)
    client._make_api_call("UpdateItem", {"TableName": TABLE, "Key": key(1)})
    assert [one.new and one.new["orders"] for one in heard] == [1, 2]
    assert tables.compare([TABLE]) == []


def test_a_row_that_is_put_twice_has_changed_once() -> None:
    tables, client = tapped(Table(), Weather(lost=1))
    heard: list[Written] = []
    tables.listeners.append(heard.append)
    client._make_api_call("PutItem", {"TableName": TABLE, "Item": key(1)})
    assert len(heard) == 1


def test_a_batch_of_reads_is_answered_in_part() -> None:
    table, left = Table(), {"BillsTable": {"Keys": [key(2)], "ConsistentRead": True}}
    _, client = tapped(table, Weather(left=left))
    asked = {"BindingsTable": {"Keys": [key(1)]}, "BillsTable": {"Keys": [key(2), key(3)]}}
    answer = client._make_api_call("BatchGetItem", {"RequestItems": asked})
    assert answer == {
        "Responses": {"BindingsTable": [key(1)], "BillsTable": [key(3)]},
        "UnprocessedKeys": left,
    }


def test_of_a_batch_that_is_left_unread_the_table_is_asked_nothing() -> None:
    table, asked = Table(), {TABLE: {"Keys": [key(1)]}}
    _, client = tapped(table, Weather(left=asked))
    answer = client._make_api_call("BatchGetItem", {"RequestItems": asked})
    assert answer == {"Responses": {}, "UnprocessedKeys": asked}
    assert table.batches == []


@pytest.mark.parametrize("rows", [1, 5])
def test_a_write_that_nobody_saw_is_found(rows: int) -> None:
    table = Table()
    tables, client = tapped(table, Weather())
    for number in range(rows):
        client._make_api_call("PutItem", {"TableName": TABLE, "Item": key(number)})
    assert tables.compare([TABLE]) == []
    table.items["REFUSALS#7", "*"] = key(7)
    table.items["REFUSALS#0", "*"] = {**key(0), "orders": {"N": "3"}}
    assert tables.compare([TABLE]) == [f"{TABLE}: REFUSALS *", f"{TABLE}: REFUSALS *"]


def test_a_row_that_is_gone_from_the_table_is_found() -> None:
    table = Table()
    tables, client = tapped(table, Weather())
    client._make_api_call("PutItem", {"TableName": TABLE, "Item": key(1)})
    table.items.clear()
    assert tables.compare([TABLE]) == [f"{TABLE}: REFUSALS *"]
