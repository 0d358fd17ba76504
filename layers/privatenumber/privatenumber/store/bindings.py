"""Bindings, places, order pairs and idempotency keys: every write of them (docs/data-model.md).

A constraint is an item whose key is the constraint; it is written in the transaction that needs it and
carries the id of the binding it was written for. Each write of a binding names the version it has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.binding_keys import (
    ANYONE,
    EXTENSION_PREFIX,
    PLACE_PREFIX,
    BindingRecord,
    binding_item,
    binding_key,
    extension_key,
    idempotency_key,
    order_pair_key,
    pair_memory_key,
    party_partition,
    place_key,
)
from privatenumber.store.binding_private import ACTIVE
from privatenumber.store.items import decode, encode
from privatenumber.store.numbers import NumberState, number_key
from privatenumber.store.reading import read_items
from privatenumber.store.room import ROOM_KEYS
from privatenumber.store.transactions import Action, Refused, Writer
from privatenumber.times import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BINDING: Final = "binding"
IDEMPOTENCY: Final = "idempotency"
PAIR: Final = "pair"
PLACE: Final = "place"
EXTENSION: Final = "extension"
X_NUMBER: Final = "x"
"""Names of the conditions, as `Refused.action` tells them; `binding`: somebody wrote it meanwhile."""

_NO_MORE_ROOM: Final = f" REMOVE {', '.join(ROOM_KEYS)}"


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
                *self._put_idempotency(record, now, key_expires_at),
                *self._put_pairs(record, record.pairs, replaces),
                *self._put_on_x(record, fills=fills),
            ]
        )

    def create_stray(self, record: BindingRecord) -> None:
        """Write a binding that the platform made too late: it is counted on its X, but holds no place."""
        counted = [self._count_stray(record.x)] if record.x else []
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
        self._writer.transact(
            [
                self._put_binding(record, seen=seen),
                *self._put_on_x(record, fills=fills),
                *self._delete_places(record, record.places, old_x),
                *self._delete_extension(record, old_x, old_extension),
                self._count_out(old_x),
            ]
        )

    def arrive(self, record: BindingRecord, *, seen: int) -> None:
        """Write a binding whose X the platform chose; what our books cannot hold there is left open.

        The platform's word counts: an X that we never registered, or that we count as full, is bound all the
        same.
        """
        held = [*self._put_places(record, record.places), self._count_stray(record.x)]
        self._with_what_holds(self._put_binding(record, seen=seen), held)

    def hold(
        self, record: BindingRecord, *, seen: int, places: Collection[str], pairs: Collection[str]
    ) -> None:
        """Write a binding that takes further places on its X and further pairs of its order."""
        self._writer.transact(
            [
                self._put_binding(record, seen=seen),
                *self._put_pairs(record, pairs),
                *self._put_places(record, places),
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
            self._put_binding(record, seen=seen),
            [*self._delete_pairs(record, pairs), *self._leave_places(record, places, cool_until)],
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
            *self._delete_pairs(record, pairs),
            *self._leave_places(record, places, cool_until),
            *self._delete_extension(record, record.x, record.extension),
            *([self._count_out(record.x)] if record.x else []),
        ]
        if forget_key and record.idempotency:
            key = idempotency_key(record.application, record.idempotency)
            held.append(self._delete(IDEMPOTENCY, key, record.id))
        self._with_what_holds(self._put_binding(record, seen=seen), held)

    def _with_what_holds(self, binding: Action, held: Sequence[Action]) -> None:
        """Write the binding and those of the actions that can be: what somebody else holds stays his."""
        actions = [binding, *held]
        while True:
            try:
                return self._writer.transact(actions)
            except Refused as refused:
                if 0 in refused.positions:
                    raise
                actions = [action for n, action in enumerate(actions) if n not in refused.positions]

    def _read(self, key: Mapping[str, str]) -> Mapping[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(key), ConsistentRead=True)
        item = answer.get("Item")
        return decode(item) if item else None

    def _under(self, partition: str, prefix: str) -> list[dict[str, Any]]:
        """Everything in a partition whose sort key has a prefix (strongly consistent)."""
        found: list[dict[str, Any]] = []
        request: dict[str, Any] = {}
        while True:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :partition AND begins_with(sk, :prefix)",
                ExpressionAttributeValues=encode({":partition": partition, ":prefix": prefix}),
                ConsistentRead=True,
                **request,
            )
            found += map(decode, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return found
            request = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

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

    def _put_idempotency(self, record: BindingRecord, now: int, expires_at: int) -> Iterable[Action]:
        if not record.idempotency:
            return
        item = {
            **idempotency_key(record.application, record.idempotency),
            "binding_id": record.id,
            "content_hash": record.content_hash,
            "expires_at": expires_at,
        }
        # TTL deletes within days, so an expired key may still lie there.
        put = {
            "TableName": self._table,
            "Item": encode(item),
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": encode({":now": now}),
        }
        yield Action(IDEMPOTENCY, {"Put": put})

    def _put_pairs(
        self, record: BindingRecord, pairs: Collection[str], replaces: str | None = None
    ) -> Iterable[Action]:
        for pair in sorted(pairs):
            key = order_pair_key(record.application, record.order, record.mode, pair)
            action = self._put_new(PAIR, key, record.id)
            if replaces:
                condition = "attribute_not_exists(pk) OR binding_id = :replaced"
                values = encode({":replaced": replaces})
                more = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
                action = Action(PAIR, {"Put": {**action.request["Put"], **more}})
            yield action

    def _put_places(self, record: BindingRecord, tokens: Collection[str]) -> Iterable[Action]:
        for token in sorted(tokens):
            yield self._put_place(record, token)

    def _put_on_x(self, record: BindingRecord, *, fills: bool) -> Iterable[Action]:
        """Take everything that a binding holds on its X; nothing while no X is known."""
        yield from self._put_places(record, record.places)
        if record.x and record.extension:
            yield self._put_new(EXTENSION, extension_key(record.x, record.extension), record.id)
        if record.x:
            yield self._count_in(record, fills=fills)

    def _put_place(self, record: BindingRecord, token: str) -> Action:
        # TTL deletes within days, so a place that has cooled may still lie there. The binding itself may have
        # somebody back before.
        put = {
            "TableName": self._table,
            "Item": encode({**place_key(record.application, token, record.x), "binding_id": record.id}),
            "ConditionExpression": "attribute_not_exists(pk) OR cool_until <= :now OR left_by = :binding",
            "ExpressionAttributeValues": encode({":now": record.updated_at, ":binding": record.id}),
        }
        return Action(PLACE, {"Put": put})

    def _put_new(self, name: str, key: Mapping[str, str], binding_id: str) -> Action:
        item = encode({**key, "binding_id": binding_id})
        put = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return Action(name, {"Put": put})

    def _delete_pairs(self, record: BindingRecord, pairs: Collection[str]) -> Iterable[Action]:
        for pair in sorted(pairs):
            key = order_pair_key(record.application, record.order, record.mode, pair)
            yield self._delete(PAIR, key, record.id)

    def _delete_places(self, record: BindingRecord, tokens: Collection[str], x: str) -> Iterable[Action]:
        for token in sorted(tokens):
            yield self._delete(PLACE, place_key(record.application, token, x), record.id)

    def _leave_places(
        self, record: BindingRecord, tokens: Collection[str], cool_until: datetime | None
    ) -> Iterable[Action]:
        """Free places on the binding's X, those of persons only once they have cooled."""
        cooling = frozenset(tokens) - {ANYONE} if cool_until else frozenset[str]()
        yield from self._delete_places(record, frozenset(tokens) - cooling, record.x)
        for token in sorted(cooling):
            yield self._cool(record, token, cool_until)

    def _cool(self, record: BindingRecord, token: str, until: datetime | None) -> Action:
        if until is None:
            raise ValueError("a place cools until a moment")
        update = {
            "TableName": self._table,
            "Key": encode(place_key(record.application, token, record.x)),
            "UpdateExpression": (
                "SET cool_until = :until, expires_at = :epoch, left_by = :binding REMOVE binding_id"
            ),
            "ConditionExpression": "binding_id = :binding",
            "ExpressionAttributeValues": encode(
                {":until": iso(until), ":epoch": int(until.timestamp()), ":binding": record.id}
            ),
        }
        return Action(PLACE, {"Update": update})

    def _delete_extension(self, record: BindingRecord, x: str, extension: str | None) -> Iterable[Action]:
        if x and extension:
            yield self._delete(EXTENSION, extension_key(x, extension), record.id)

    def _delete(self, name: str, key: Mapping[str, str], binding_id: str) -> Action:
        delete = {
            "TableName": self._table,
            "Key": encode(key),
            "ConditionExpression": "attribute_not_exists(pk) OR binding_id = :binding",
            "ExpressionAttributeValues": encode({":binding": binding_id}),
        }
        return Action(name, {"Delete": delete})

    def _count_in(self, record: BindingRecord, *, fills: bool) -> Action:
        """Count a binding on its X; the one that fills it also takes it out of `store.room`."""
        update = {
            "TableName": self._table,
            "Key": encode(number_key(record.x)),
            "UpdateExpression": f"SET pairs = pairs + :one{_NO_MORE_ROOM if fills else ''}",
            "ConditionExpression": (
                f"#state = :active AND application = :application AND pairs {'=' if fills else '<'} :last"
            ),
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": encode(
                {
                    ":one": 1,
                    ":active": NumberState.ACTIVE.value,
                    ":last": record.capacity - 1,
                    ":application": record.application,
                }
            ),
        }
        return Action(X_NUMBER, {"Update": update})

    def _count_stray(self, x: str) -> Action:
        return self._count(x, 1, "attribute_exists(pk)")

    def _count_out(self, x: str) -> Action:
        # Where one left there is room, whatever the capacity.
        return self._count(x, -1, "pairs > :none", ", room_key = pool_key, room_city = city_key")

    def _count(self, x: str, step: int, condition: str, also: str = "") -> Action:
        values = {":step": step, ":none": 0} if ":none" in condition else {":step": step}
        update = {
            "TableName": self._table,
            "Key": encode(number_key(x)),
            "UpdateExpression": f"SET pairs = pairs + :step{also}",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
        }
        return Action(X_NUMBER, {"Update": update})
