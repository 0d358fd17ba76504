"""Bindings, and with them what they hold: every write of them (docs/data-model.md).

Each write of a binding names the version it has seen; what it holds stands in `store.holdings`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.binding_keys import (
    EXTENSION_PREFIX,
    PLACE_PREFIX,
    BindingRecord,
    binding_item,
    binding_key,
    idempotency_key,
    order_pair_key,
    pair_memory_key,
    party_partition,
    place_key,
)
from privatenumber.store.binding_private import ACTIVE
from privatenumber.store.holdings import IDEMPOTENCY, NO_MORE_ROOM, Holdings
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import number_key
from privatenumber.store.querying import every_row
from privatenumber.store.reading import read_items
from privatenumber.store.transactions import Action, Refused, Writer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BINDING: Final = "binding"
"""Name of a binding's own condition, as `Refused.action` tells it: somebody wrote it meanwhile."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a constraint: the binding, and for an Idempotency-Key the content it was used for."""

    binding_id: str
    content_hash: str | None = None


class BindingStore:
    """Bindings and what they hold. Every write raises Refused or Contended when it wrote nothing."""

    def __init__(self, client: DynamoDBClient, table_name: str, writer: Writer | None = None) -> None:
        self._client = client
        self._table = table_name
        self._writer = writer or Writer(client)
        self._held = Holdings(table_name)

    def get(self, binding_id: str) -> Mapping[str, Any] | None:
        """Attributes of one binding (strongly consistent)."""
        return self._read(binding_key(binding_id))

    def get_many(
        self, binding_ids: Sequence[str], *, consistent: bool = False
    ) -> dict[str, Mapping[str, Any]]:
        """Attributes of several bindings by id; what does not exist any more is missing. Raises Withheld."""
        keys = [binding_key(one) for one in dict.fromkeys(binding_ids)]
        items = read_items(self._client, {self._table: keys}, consistent=consistent)
        return {str(item["binding_id"]): item for item in items}

    def places_of(self, application: str, token: str, *, now: str) -> frozenset[str]:
        """The X numbers on which a person stands, or left so lately that he must not come back at ``now``.

        Strongly consistent.
        """
        items = self._under(party_partition(application, token), PLACE_PREFIX)
        return frozenset(
            str(item["sk"]).removeprefix(PLACE_PREFIX)
            for item in items
            if "binding_id" in item or str(item["cool_until"]) > now
        )

    def standing(self, application: str, token: str) -> dict[str, str]:
        """The X numbers on which a person stands now, each with its binding (strongly consistent)."""
        items = self._under(party_partition(application, token), PLACE_PREFIX)
        return {
            str(item["sk"]).removeprefix(PLACE_PREFIX): str(item["binding_id"])
            for item in items
            if "binding_id" in item
        }

    def of_order(self, application: str, order: str) -> frozenset[str]:
        """The bindings that hold a pair of an order (strongly consistent)."""
        items = self._under(order_pair_key(application, order, "", "")["pk"], "PAIR#")
        return frozenset(str(item["binding_id"]) for item in items)

    def extensions_on(self, x: str) -> frozenset[str]:
        """The extensions of an X that lead to somebody (strongly consistent)."""
        items = self._under(number_key(x)["pk"], EXTENSION_PREFIX)
        return frozenset(str(item["sk"]).removeprefix(EXTENSION_PREFIX) for item in items)

    def last_x(self, application: str, pair: str) -> str | None:
        """The X on which a pair was brought together last, as far as it was remembered."""
        item = self._read(pair_memory_key(application, pair))
        return str(item["x"]) if item else None

    def remember_x(self, application: str, pair: str, x: str, *, expires_at: int) -> None:
        """Remember on which X a pair was brought together, until ``expires_at`` (epoch seconds)."""
        item = {**pair_memory_key(application, pair), "x": x, "expires_at": expires_at}
        self._client.put_item(TableName=self._table, Item=encode(item))

    def holder_of_key(self, application: str, token: str, *, now: int) -> Holder | None:
        """The binding made under an Idempotency-Key that has not expired at ``now`` (epoch seconds)."""
        item = self._read(idempotency_key(application, token))
        if item is None or int(item["expires_at"]) <= now:
            return None
        return Holder(str(item["binding_id"]), str(item["content_hash"]))

    def holder_of_pair(self, application: str, order: str, mode: str, pair: str) -> Holder | None:
        """The live binding of an order's pair."""
        item = self._read(order_pair_key(application, order, mode, pair))
        return Holder(str(item["binding_id"])) if item else None

    def holder_of_place(self, application: str, token: str, x: str) -> Holder | None:
        """The binding through which a person stands on an X (strongly consistent)."""
        item = self._read(place_key(application, token, x))
        return Holder(str(item["binding_id"])) if item and "binding_id" in item else None

    def create(
        self,
        record: BindingRecord,
        *,
        now: int,
        key_expires_at: int,
        fills: bool = False,
        replaces: str | None = None,
    ) -> None:
        """Write a new binding with everything it holds; the Idempotency-Key until ``key_expires_at``.

        ``fills``: it is the last that its X takes. ``replaces``: a binding that gives the order's pair up to
        it.
        """
        self._writer.transact(
            [
                self._put_binding(record, seen=None),
                *self._held.put_idempotency(record, now, key_expires_at),
                *self._held.put_pairs(record, record.pairs, replaces),
                *self._held.put_on_x(record, fills=fills),
            ]
        )

    def create_stray(self, record: BindingRecord) -> None:
        """Write a binding that the platform made too late: it is counted on its X, but holds no place."""
        counted = [self._held.count_stray(record)] if record.x and record.counted else []
        self._writer.transact([self._put_binding(record, seen=None), *counted])

    def replace(self, record: BindingRecord, *, seen: int) -> None:
        """Write a binding over its version ``seen``; what it holds stays as it is."""
        request = self._put_binding(record, seen=seen).request["Put"]
        self._writer.put(BINDING, **request)

    def touch(self, binding_id: str, *, at: str) -> bool:
        """Note a call of a binding that ends when idle; says whether it was the latest known.

        Calls may be told late, twice and in any order. The due time stays: whoever finds the binding due sees
        the call. Writers who read the binding before are overtaken, so none of them forgets the call.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(binding_key(binding_id)),
                UpdateExpression="SET active_at = :at, version = version + :one",
                ConditionExpression=(
                    "#state = :active AND attribute_exists(idle_s) AND created_at <= :at"
                    " AND (attribute_not_exists(active_at) OR active_at < :at)"
                ),
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=encode({":at": at, ":one": 1, ":active": ACTIVE}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def move(
        self,
        record: BindingRecord,
        *,
        seen: int,
        old_x: str,
        old_extension: str | None = None,
        fills: bool = False,
    ) -> None:
        """Write a binding that goes from ``old_x`` to ``record.x`` with all it holds there; see `create`."""
        self._with_what_holds(
            [self._put_binding(record, seen=seen), *self._held.put_on_x(record, fills=fills)],
            [
                *self._held.delete_places(record, record.places, old_x),
                *self._held.delete_extension(record, old_x, old_extension),
                self._held.count_out(old_x),
            ],
        )

    def arrive(self, record: BindingRecord, *, seen: int) -> None:
        """Write a binding whose X the platform chose, with its places there, whosever they are by our books.

        The platform's word counts: it bound an X that we count as full, a person whose place still cools, or
        one whose other binding there has ended with it and not with us. Raises Refused also for `X_NUMBER`:
        it is to be counted and no number of its application.
        """
        counted = [self._held.count_stray(record)] if record.counted else []
        places = self._held.take_over(record)
        self._writer.transact([self._put_binding(record, seen=seen), *counted, *places])

    def take_out_when_full(self, x: str, capacity: int) -> None:
        """Take an X that carries ``capacity`` bindings out of those with room.

        Apart from what filled it: until then it is a candidate that whoever chooses finds full.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(number_key(x)),
                UpdateExpression=NO_MORE_ROOM,
                ConditionExpression="pairs >= :capacity",
                ExpressionAttributeValues=encode({":capacity": capacity}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def hold(
        self, record: BindingRecord, *, seen: int, places: Collection[str], pairs: Collection[str]
    ) -> None:
        """Write a binding that takes further places on its X and further pairs of its order."""
        self._writer.transact(
            [
                self._put_binding(record, seen=seen),
                *self._held.put_pairs(record, pairs),
                *self._held.put_places(record, places),
            ]
        )

    def let_go(
        self,
        record: BindingRecord,
        *,
        seen: int,
        places: Collection[str],
        pairs: Collection[str],
        cool_until: datetime | None = None,
    ) -> None:
        """Write a binding that gives up some places and pairs; nobody comes back before they cooled."""
        self._with_what_holds(
            [self._put_binding(record, seen=seen)],
            [*self._held.delete_pairs(record, pairs), *self._held.leave_places(record, places, cool_until)],
        )

    def close(
        self,
        record: BindingRecord,
        *,
        seen: int,
        places: Collection[str],
        pairs: Collection[str],
        forget_key: bool,
        cool_until: datetime | None = None,
    ) -> None:
        """Write a final state and free everything; ``forget_key`` also frees the Idempotency-Key.

        Until ``cool_until`` nobody comes back to a place that he left.
        """
        held = [
            *self._held.delete_pairs(record, pairs),
            *self._held.leave_places(record, places, cool_until),
            *self._held.delete_extension(record, record.x, record.extension),
            *([self._held.count_out(record.x)] if record.x and record.counted else []),
        ]
        if forget_key and record.idempotency:
            key = idempotency_key(record.application, record.idempotency)
            held.append(self._held.delete(IDEMPOTENCY, key, record.id))
        self._with_what_holds([self._put_binding(record, seen=seen)], held)

    def _with_what_holds(self, essential: Sequence[Action], held: Sequence[Action]) -> None:
        """Write what is essential and those of the others that can be: what somebody else holds stays his."""
        actions = [*essential, *held]
        while True:
            try:
                return self._writer.transact(actions)
            except Refused as refused:
                if refused.positions[0] < len(essential):
                    raise
                actions = [action for n, action in enumerate(actions) if n not in refused.positions]

    def _read(self, key: Mapping[str, str]) -> Mapping[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        item = answer.get("Item")
        return decode(item) if item else None

    def _under(self, partition: str, prefix: str) -> list[dict[str, Any]]:
        """Everything in a partition whose sort key has a prefix (strongly consistent)."""
        rows = every_row(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :partition AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=encode({":partition": partition, ":prefix": prefix}),
            ConsistentRead=True,
        )
        return list(rows)

    def _put_binding(self, record: BindingRecord, *, seen: int | None) -> Action:
        condition = (
            {"ConditionExpression": "attribute_not_exists(pk)"}
            if seen is None
            else {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":seen": seen}),
            }
        )
        put = {"TableName": self._table, "Item": encode(binding_item(record)), **condition}
        return Action(BINDING, {"Put": put})
