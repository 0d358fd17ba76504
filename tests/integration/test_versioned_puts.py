"""A put leaves alone what somebody else wrote; sent twice, it does not take its own item for a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from builders.dynamodb import Table, moto_client, new_table
from builders.unheard import Unheard
from privatenumber.store.items import decode, encode
from privatenumber.store.versioned import put_new, put_over

KEY = {"pk": "CASE#1", "sk": "*"}
FIRST = {**KEY, "version": 1, "state": "open", "amount": Decimal("1.50"), "gone": None}
SECOND = {**FIRST, "version": 2, "state": "done"}
OTHER = {**FIRST, "version": 2, "state": "dismissed"}


@pytest.fixture
def table() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


def stands(table: Table) -> dict[str, Any]:
    return decode(table.client.get_item(TableName=table.name, Key=encode(KEY))["Item"])


def test_an_item_is_new_once(table: Table) -> None:
    assert put_new(table.client, table.name, FIRST)
    assert not put_new(table.client, table.name, {**FIRST, "state": "other"})
    assert stands(table)["state"] == "open"


def test_a_version_that_was_seen_is_replaced_and_no_other(table: Table) -> None:
    put_new(table.client, table.name, FIRST)
    assert put_over(table.client, table.name, SECOND, seen=1)
    assert not put_over(table.client, table.name, OTHER, seen=1)
    assert stands(table)["state"] == "done"


def test_nothing_is_put_over_what_is_not_there(table: Table) -> None:
    assert not put_over(table.client, table.name, SECOND, seen=1)
    assert "Item" not in table.client.get_item(TableName=table.name, Key=encode(KEY))


def test_a_put_whose_answer_was_lost_has_been_done(table: Table) -> None:
    deaf = Unheard(table.client).as_client()
    assert put_new(deaf, table.name, FIRST)
    assert put_over(deaf, table.name, SECOND, seen=1)
    assert stands(table)["state"] == "done"
