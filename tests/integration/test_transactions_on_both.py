"""A transaction that fails leaves nothing, on Amazon's engine and on the tables in memory."""

from __future__ import annotations

from typing import Any

import pytest

from builders.dynamodb import Table

KEY: dict[str, Any] = {"pk": {"S": "p"}, "sk": {"S": "changed"}}
ITEM: dict[str, Any] = {**KEY, "n": {"N": "1"}, "list": {"L": [{"S": "first"}]}}
DELETED: dict[str, Any] = {"pk": {"S": "p"}, "sk": {"S": "deleted"}, "n": {"N": "7"}}
WRITTEN: list[dict[str, Any]] = [
    {
        "Update": {
            "Key": KEY,
            "UpdateExpression": "SET n = n + :one, #l = list_append(#l, :more)",
            "ExpressionAttributeNames": {"#l": "list"},
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":more": {"L": [{"S": "second"}]}},
        }
    },
    {"Delete": {"Key": {"pk": {"S": "p"}, "sk": {"S": "deleted"}}}},
    {"Put": {"Item": {"pk": {"S": "q"}, "sk": {"S": "new"}}}},
]
REFUSED = {
    "ConditionCheck": {
        "Key": {"pk": {"S": "p"}, "sk": {"S": "absent"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
}


@pytest.fixture
def filled(table: Table) -> Table:
    for item in (ITEM, DELETED):
        table.client.put_item(TableName=table.name, Item=item)
    return table


def transact(table: Table, *operations: dict[str, Any]) -> None:
    table.client.transact_write_items(
        TransactItems=[
            {kind: {"TableName": table.name, **asked} for kind, asked in operation.items()}  # type: ignore[misc]
            for operation in operations
        ]
    )


def items(table: Table) -> list[dict[str, Any]]:
    return sorted(table.client.scan(TableName=table.name)["Items"], key=lambda item: str(item["sk"]))


@pytest.mark.parametrize("place", range(4))
def test_a_transaction_that_is_refused_at_any_place_changes_nothing(filled: Table, place: int) -> None:
    with pytest.raises(filled.client.exceptions.TransactionCanceledException) as refused:
        transact(filled, *WRITTEN[:place], REFUSED, *WRITTEN[place:])
    codes = [reason["Code"] for reason in refused.value.response["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed" if at == place else "None" for at in range(4)]
    assert items(filled) == [ITEM, DELETED]


def test_a_transaction_that_names_an_item_twice_changes_nothing(filled: Table) -> None:
    with pytest.raises(filled.client.exceptions.ClientError, match="multiple operations on one item"):
        transact(filled, *WRITTEN, WRITTEN[1])
    assert items(filled) == [ITEM, DELETED]


def test_a_transaction_that_is_done_is_done_whole(filled: Table) -> None:
    transact(filled, *WRITTEN)
    changed = {**ITEM, "n": {"N": "2"}, "list": {"L": [{"S": "first"}, {"S": "second"}]}}
    assert items(filled) == [changed, {"pk": {"S": "q"}, "sk": {"S": "new"}}]
