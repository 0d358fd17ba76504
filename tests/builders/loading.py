"""Tables of DynamoDB Local with more items than it can be sent: its file is written while it is stopped.

It takes about a thousand items a second into a small table, and a few dozen into a large one. The file is
SQLite: a row per item, with its keys, those of its indexes, and the item as JSON. Who measures reads and
writes through the engine.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from builders.dynamodb import Table, local_client, new_table, running_dynamodb_local
from builders.metering import Meter
from privatenumber.store.items import encode

_COLUMNS = ("hashKey", "rangeKey", "hashValue", "rangeValue", "itemSize", "ObjectJSON", "hashRangeValue")
_INDEX = re.compile(r'CREATE INDEX "[^"]*[*](?P<name>[a-z_]+)" ON "[^"]*" [(](?P<columns>[^)]*)[)]')


@contextmanager
def loaded(items: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Table, Meter]]:
    """The Bindings table with these items, and a meter on its client. Keys are texts."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        with running_dynamodb_local(Path(folder), data) as endpoint:
            table = new_table(local_client(endpoint))
            described = table.client.describe_table(TableName=table.name)["Table"]
            keys = {
                index["IndexName"]: [one["AttributeName"] for one in index["KeySchema"]]
                for index in described["GlobalSecondaryIndexes"]
            }
        (file,) = data.glob("*.db")
        with closing(sqlite3.connect(file)) as database:
            _write(database, table.name, keys, items)
        with running_dynamodb_local(Path(folder), data) as endpoint:
            client = local_client(endpoint)
            yield Table(client, table.name), Meter(client)


def _write(
    database: sqlite3.Connection,
    table: str,
    keys: Mapping[str, list[str]],
    items: Iterable[Mapping[str, Any]],
) -> None:
    """Write rows without their indexes, which are made anew afterwards."""
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -400000")
    made = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    indexes = made.fetchall()
    columns = _columns([sql for _, sql in indexes], keys)
    for name, _ in indexes:
        database.execute(f'DROP INDEX "{name}"')
    names = ", ".join((*_COLUMNS, *columns))
    marks = ", ".join("?" * (len(_COLUMNS) + len(columns)))
    rows = (_row(item, list(columns.values())) for item in items)
    database.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)
    for _, sql in indexes:
        database.execute(sql)
    database.commit()


def _columns(indexes: Iterable[str], keys: Mapping[str, list[str]]) -> dict[str, str]:
    """Column of each attribute that an index has as a key."""
    columns: dict[str, str] = {}
    for sql in indexes:
        found = _INDEX.fullmatch(sql)
        if found and found["name"] in keys:
            columns |= zip(found["columns"].split(", "), keys[found["name"]], strict=False)
    return columns


def _row(item: Mapping[str, Any], indexed: list[str]) -> tuple[Any, ...]:
    pk, sk = str(item["pk"]).encode(), str(item["sk"]).encode()
    document = json.dumps(encode(item), separators=(",", ":")).encode()
    held = (str(item[name]).encode() if name in item else None for name in indexed)
    return (pk, sk, _digest(pk), _digest(sk), len(document), document, _digest(pk + sk), *held)


def _digest(key: bytes) -> bytes:
    return hashlib.sha1(key, usedforsecurity=False).digest()
