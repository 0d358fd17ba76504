"""A look at everything in a Bills table."""

from __future__ import annotations

from typing import Any

from builders.dynamodb import Table
from privatenumber.store.items import decode

ICID = "ICID#"
#: What differs between two deliveries of one fact: when it came and under which nonce it was sealed.
OF_THE_MOMENT = frozenset({"received_at", "sealed", "expires_at"})


def rows(table: Table) -> list[dict[str, Any]]:
    """Every row of the table but those of icids, decoded, in key order."""
    return [row for row in every_row(table) if not row["pk"].startswith(ICID)]


def icids(table: Table) -> dict[str, tuple[str, str]]:
    """Where the CDR of each icid stands."""
    found = (row for row in every_row(table) if row["pk"].startswith(ICID))
    return {row["pk"].removeprefix(ICID): (row["fact_pk"], row["fact_sk"]) for row in found}


def every_row(table: Table) -> list[dict[str, Any]]:
    """Every row of the table, decoded, in key order."""
    pages = table.client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    found = [decode(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda row: (row["pk"], row["sk"]))


def facts(table: Table) -> list[dict[str, Any]]:
    """Every row without what differs between two deliveries of one fact."""
    return [{name: value for name, value in row.items() if name not in OF_THE_MOMENT} for row in rows(table)]
