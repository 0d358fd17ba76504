"""Looking at every row of a table, and changing one so that nothing but the erasure changes it.

A row is changed only while it is as it was read, attribute by attribute of what changes, and is counted in
the same transaction: a repetition after a crash neither changes nor counts it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.erasures import counting
from privatenumber.store.items import decode, encode
from privatenumber.store.querying import every_row
from privatenumber.store.transactions import Action, Refused, Writer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = Mapping[str, Any]
PAGE: Final = 2000
"""Rows of one request at most; the table ends it after 1 MB."""

_KEYS: Final = ("pk", "sk")


class Changed(Exception):
    """The row is not as it was read."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Which rows are worth being looked at: any text of theirs holds one of ``texts``, or their partition key
    begins with one of ``prefixes``. Decoding all the others would be most of the work.
    """

    texts: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __or__(self, other: Hints) -> Hints:
        return Hints(self.texts | other.texts, tuple(dict.fromkeys(self.prefixes + other.prefixes)))

    def meets(self, item: Mapping[str, Any]) -> bool:
        """Whether an item, as the table hands it out, is worth it."""
        if item["pk"]["S"].startswith(self.prefixes):
            return True
        text = "\0".join(_texts(item))
        return any(hint in text for hint in self.texts)


@dataclass(frozen=True, slots=True)
class TablePage:
    """Rows that meet the hints, in the order of the table; ``cursor`` opens the next page, None: the last."""

    rows: Sequence[Item] = field(repr=False)
    cursor: Mapping[str, str] | None


class Eraser:
    """Reads tables whole and erases from their rows; counts stand in the Bindings table ``counts``."""

    def __init__(self, client: DynamoDBClient, counts: str, writer: Writer | None = None) -> None:
        self._client = client
        self._counts = counts
        self._writer = writer or Writer(client)

    def page(self, table: str, cursor: Mapping[str, str] | None, hints: Hints) -> TablePage:
        """A page of a table, strongly consistent."""
        start: dict[str, Any] = {"ExclusiveStartKey": encode(cursor)} if cursor else {}
        answer = self._client.scan(TableName=table, ConsistentRead=True, Limit=PAGE, **start)
        last = answer.get("LastEvaluatedKey")
        rows = [decode(item) for item in answer["Items"] if hints.meets(item)]
        return TablePage(rows, decode(last) if last else None)

    def partition(self, table: str, pk: str, prefix: str = "") -> Iterator[Item]:
        """The rows of a partition whose sort key begins so, strongly consistent."""
        condition, values = "pk = :pk", {":pk": pk}
        if prefix:
            condition, values = "pk = :pk AND begins_with(sk, :sk)", {":pk": pk, ":sk": prefix}
        return every_row(
            self._client.query,
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ConsistentRead=True,
        )

    def get(self, table: str, row: Item) -> Item | None:
        """A row as it is now."""
        key = encode({name: row[name] for name in _KEYS})
        item = self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return decode(item) if item else None

    def replace(
        self,
        table: str,
        before: Item,
        after: Item | None,
        *,
        erasure: str,
        kind: str,
        also: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Change a row, or remove it (None), remove what is named after it, and count it. Raises Changed."""
        action = _update(table, before, after) if after else _delete(table, before)
        others = [Action("also", {"Delete": {"TableName": table, "Key": encode(key)}}) for key in also]
        try:
            self._writer.transact([action, *others, counting(self._counts, erasure, {kind: 1})])
        except Refused:
            raise Changed from None

    def counted(self, erasure: str, kind: str, number: int) -> Action:
        """A count, to stand in somebody else's transaction."""
        return counting(self._counts, erasure, {kind: number})


def _texts(value: Mapping[str, Any]) -> Iterator[str]:
    """Every text of an item that is not decoded, at any depth; names of members of maps too."""
    for name, typed in value.items():
        yield name
        for kind, content in typed.items():
            if kind == "S":
                yield content
            elif kind == "SS":
                yield from content
            elif kind == "M":
                yield from _texts(content)
            elif kind == "L":
                for member in content:
                    yield from _texts({"": member})


def _update(table: str, before: Item, after: Item) -> Action:
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    kept = [name for name in changed if after.get(name) is not None]
    gone = [name for name in changed if after.get(name) is None]
    names = {f"#a{n}": name for n, name in enumerate(changed)}
    alias = {name: short for short, name in names.items()}
    parts = ["SET " + ", ".join(f"{alias[name]} = :n{alias[name][2:]}" for name in kept)] if kept else []
    parts += ["REMOVE " + ", ".join(alias[name] for name in gone)] if gone else []
    new = {f":n{alias[name][2:]}": after[name] for name in kept}
    condition, old = _as_read(before, alias)
    update = {
        "TableName": table,
        "Key": encode({name: before[name] for name in _KEYS}),
        "UpdateExpression": " ".join(parts),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": encode({**new, **old}),
    }
    return Action("row", {"Update": update})


def _delete(table: str, before: Item) -> Action:
    names = {f"#a{n}": name for n, name in enumerate(name for name in before if name not in _KEYS)}
    alias = {name: short for short, name in names.items()}
    condition, old = _as_read(before, alias)
    delete: dict[str, Any] = {
        "TableName": table,
        "Key": encode({name: before[name] for name in _KEYS}),
        "ConditionExpression": condition,
    }
    if names:
        delete |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": encode(old)}
    return Action("row", {"Delete": delete})


def _as_read(before: Item, alias: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The condition that these attributes are what they were."""
    conditions, values = ["attribute_exists(pk)"], dict[str, Any]()
    for name, short in alias.items():
        if name in before:
            conditions.append(f"{short} = :o{short[2:]}")
            values[f":o{short[2:]}"] = before[name]
        else:
            conditions.append(f"attribute_not_exists({short})")
    return " AND ".join(conditions), values
