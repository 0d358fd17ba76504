"""The Bills table for tests, and a look at everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from builders.deployment import table_request
from privatenumber.store.items import decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

TABLE = "bills"
#: What differs between two deliveries of one fact: when it came and under which nonce it was sealed.
OF_THE_MOMENT = frozenset({"received_at", "sealed", "expires_at"})


def create_bills_table(client: DynamoDBClient, name: str = TABLE) -> str:
    """Create the table as template.yaml describes it and wait for it."""
    client.create_table(**_request(), TableName=name)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


@cache
def _request() -> dict[str, Any]:
    # Reading the template takes longer than most tests here.
    request = table_request("BillsTable", TABLE)
    del request["TableName"]
    return request


def rows(client: DynamoDBClient, table: str = TABLE) -> list[dict[str, Any]]:
    """Every row of the table, decoded, in key order."""
    return sorted(_scan(client, table), key=lambda row: (row["pk"], row["sk"]))


def facts(client: DynamoDBClient, table: str = TABLE) -> list[dict[str, Any]]:
    """Every row without what differs between two deliveries of one fact."""
    return [
        {name: value for name, value in row.items() if name not in OF_THE_MOMENT}
        for row in rows(client, table)
    ]


def _scan(client: DynamoDBClient, table: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(decode, page["Items"])
