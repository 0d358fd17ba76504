"""Reading what may explain a call or a text: its facts, the states of its X, bindings around it, pauses.

Every read is bounded, whatever the tables hold: a diagnosis is asked for by people, one at a time, and must
cost the same for a busy X as for a quiet one. Indexes are eventually consistent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.audit import AuditReader, Entry, Kind
from privatenumber.store.binding_keys import (
    A_INDEX,
    B_INDEX,
    X_INDEX,
    binding_key,
    extension_key,
    party_index_key,
)
from privatenumber.store.call_search import CallSearch, Index
from privatenumber.store.call_search import Kind as Found
from privatenumber.store.calls import Call, read_call
from privatenumber.store.fact_rows import number_key
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import number_key as pool_key
from privatenumber.store.orders import SUBSCRIPTION_INDEX
from privatenumber.store.reading import read_items
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

FACTS: Final = 200
"""Rows of one call or text: a call has at most six events, a CDR and what was kept beside them."""
BINDINGS: Final = 10
"""Of a person, and of an X: those made last before the moment."""
EXTENDED: Final = 50
"""Of an X with extensions, which carries many bindings at once (axe.md §1)."""
LATER: Final = 3
"""Of a person, and of an X: those made first after the moment."""
VERSIONS: Final = 40
"""Entries of the audit of one binding."""
NEIGHBOURS: Final = 10

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose bindings are looked for: by the caller's token, the number, the platform's or our own ids.

    Those made nearest to ``at`` are, and none that was made after ``until``. ``extended``: X has extensions,
    and ``extension`` is the one that was typed.
    """

    application: str
    at: datetime
    until: datetime
    person: str | None = None
    x: str | None = None
    subscription_id: str | None = None
    ids: tuple[str, ...] = ()
    extended: bool = False
    extension: str | None = None


class EvidenceStore:
    """Reads both tables. Raises botocore's errors and Withheld."""

    def __init__(self, client: DynamoDBClient, bindings_table: str, bills_table: str) -> None:
        self._client = client
        self._bindings = bindings_table
        self._bills = bills_table
        self._audit = AuditReader(client, bindings_table)
        self._calls = CallSearch(client, bills_table)

    def partition(self, pk: str) -> list[dict[str, Any]]:
        """The rows of one call or text, in key order, at most `FACTS`."""
        return self._query(self._bills, "pk = :pk", {":pk": pk}, limit=FACTS)

    def states(self, application: str, x: str, at: datetime) -> tuple[Item | None, Item | None]:
        """The last state of X that had come by a moment, and the first that came after it."""
        key, moment = number_key(application, x), f"{iso(at)}#~"
        values = {":pk": key, ":at": moment}
        before = self._query(self._bills, "pk = :pk AND sk <= :at", values, limit=1, forward=False)
        after = self._query(self._bills, "pk = :pk AND sk > :at", values, limit=1)
        return (before[0] if before else None), (after[0] if after else None)

    def bindings(self, asked: Asked) -> list[dict[str, Any]]:
        """Bindings that may concern a call, each once: at most four dozen, with extensions twice as many."""
        keys = list(asked.ids)
        sources = [
            (X_INDEX, "x_key", asked.x),
            *(
                (index, name, party_index_key(asked.application, asked.person))
                for index, name in ((A_INDEX, "a_key"), (B_INDEX, "b_key"))
                if asked.person
            ),
        ]
        for index, name, value in sources:
            if value:
                many = EXTENDED if asked.extended and index == X_INDEX else BINDINGS
                keys += self._around(index, name, value, asked, many)
        if asked.subscription_id:
            keys += self._of_subscription(asked.application, asked.subscription_id)
        if asked.x and asked.extension:
            keys += self._behind(asked.x, asked.extension)
        wanted = [binding_key(binding_id) for binding_id in dict.fromkeys(keys)]
        items = read_items(self._client, {self._bindings: wanted}, consistent=False) if wanted else ()
        return [item for item in items if item["application"] == asked.application]

    def versions(self, binding_id: str) -> Sequence[Entry]:
        """Who did what to a binding, the newest entries first."""
        return self._audit.page(Kind.BINDING, binding_id, limit=VERSIONS).entries

    def is_ours(self, x: str) -> bool:
        """Whether a number stands in our pool."""
        keys = {self._bindings: [pool_key(x)]}
        return any(True for _ in read_items(self._client, keys, consistent=False))

    def pauses(self, scopes: Iterable[str]) -> list[tuple[str, datetime]]:
        """Reason and end of the pauses of these scopes that are remembered (`pauses`)."""
        keys = [{"pk": f"PAUSE#{scope}", "sk": "PAUSE"} for scope in scopes]
        items = read_items(self._client, {self._bindings: keys}, consistent=False)
        return [(item["reason"], from_iso(item["until"])) for item in items]

    def calls_of(
        self, application: str, caller: str, *, since: datetime, until: datetime
    ) -> tuple[Call, ...]:
        """Calls of one caller in a stretch of time, the newest first, at most `NEIGHBOURS`."""
        places = self._calls.newest(
            Found.CALL, application, (Index.CALLER,), caller, since=since, until=until, limit=NEIGHBOURS
        )
        return tuple(read_call(item).says for item in self._calls.rows(places))

    def _around(self, index: str, name: str, value: str, asked: Asked, many: int) -> list[str]:
        """Ids of bindings in an index: the last made by the moment, and the first made after it."""
        by_name: dict[str, Any] = {"IndexName": index, "ExpressionAttributeNames": {"#hash": name}}
        by_then = self._query(
            self._bindings,
            "#hash = :hash AND created_at <= :at",
            {":hash": value, ":at": iso(asked.at)},
            limit=many,
            forward=False,
            **by_name,
        )
        later = self._query(
            self._bindings,
            "#hash = :hash AND created_at BETWEEN :after AND :until",
            {
                ":hash": value,
                ":after": iso(asked.at + timedelta(milliseconds=1)),
                ":until": iso(asked.until),
            },
            limit=LATER,
            **by_name,
        )
        return [str(row["pk"]).partition("#")[2] for row in (*by_then, *later)]

    def _of_subscription(self, application: str, subscription_id: str) -> list[str]:
        rows = self._query(
            self._bindings,
            "subscription_key = :key",
            {":key": f"{application}#{subscription_id}"},
            limit=BINDINGS,
            IndexName=SUBSCRIPTION_INDEX,
        )
        return [str(row["binding_id"]) for row in rows]

    def _behind(self, x: str, extension: str) -> list[str]:
        keys = {self._bindings: [extension_key(x, extension)]}
        rows = read_items(self._client, keys, consistent=False)
        return [str(row["binding_id"]) for row in rows if "binding_id" in row]

    def _query(
        self,
        table: str,
        condition: str,
        values: Mapping[str, Any],
        *,
        limit: int,
        forward: bool = True,
        **more: Any,
    ) -> list[dict[str, Any]]:
        answer = self._client.query(
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ScanIndexForward=forward,
            Limit=limit,
            **more,
        )
        return [decode(item) for item in answer["Items"]]
