"""What a binding holds beside itself: the actions that take it and give it up again (docs/data-model.md).

A constraint is an item whose key is the constraint; it is written in the transaction that needs it and
carries the id of the binding it was written for. What somebody else holds is never given up for him.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from privatenumber.store.binding_keys import (
    ANYONE,
    BindingRecord,
    extension_key,
    idempotency_key,
    order_pair_key,
    place_key,
)
from privatenumber.store.items import encode
from privatenumber.store.numbers import NumberState, number_key
from privatenumber.store.room import ROOM_KEYS
from privatenumber.store.transactions import Action
from privatenumber.times import iso

IDEMPOTENCY: Final = "idempotency"
PAIR: Final = "pair"
PLACE: Final = "place"
EXTENSION: Final = "extension"
X_NUMBER: Final = "x"
"""Names of the conditions, as `Refused.action` tells them."""

NO_MORE_ROOM: Final = f"REMOVE {', '.join(ROOM_KEYS)}"
"""Takes a number out of `store.room`."""


class Holdings:
    """Makes actions on one table."""

    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def put_idempotency(self, record: BindingRecord, now: int, expires_at: int) -> Iterable[Action]:
        """Take the Idempotency-Key of a binding, until ``expires_at`` (epoch seconds)."""
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

    def put_pairs(
        self, record: BindingRecord, pairs: Collection[str], replaces: str | None = None
    ) -> Iterable[Action]:
        """Take pairs of the binding's order; one that gives up its place is ``replaces``."""
        for pair in sorted(pairs):
            key = order_pair_key(record.application, record.order, record.mode, pair)
            action = self._put_new(PAIR, key, record.id)
            if replaces:
                condition = "attribute_not_exists(pk) OR binding_id = :replaced"
                values = encode({":replaced": replaces})
                more = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
                action = Action(PAIR, {"Put": {**action.request["Put"], **more}})
            yield action

    def put_places(self, record: BindingRecord, tokens: Collection[str]) -> Iterable[Action]:
        """Take places on the binding's X."""
        for token in sorted(tokens):
            yield self._put_place(record, token)

    def take_over(self, record: BindingRecord) -> Iterable[Action]:
        """Take all places of a binding on its X, and its extension, from whoever has them."""
        keys = [(PLACE, place_key(record.application, token, record.x)) for token in sorted(record.places)]
        if record.extension:
            keys.append((EXTENSION, extension_key(record.x, record.extension)))
        for name, key in keys:
            item = encode({**key, "binding_id": record.id})
            yield Action(name, {"Put": {"TableName": self._table, "Item": item}})

    def put_on_x(self, record: BindingRecord, *, fills: bool) -> Iterable[Action]:
        """Take everything that a binding holds on its X; nothing while no X is known."""
        yield from self.put_places(record, record.places)
        if record.x and record.extension:
            yield self._put_new(EXTENSION, extension_key(record.x, record.extension), record.id)
        if record.x:
            yield self.count_in(record, fills=fills)

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

    def delete_pairs(self, record: BindingRecord, pairs: Collection[str]) -> Iterable[Action]:
        """Free pairs of the binding's order."""
        for pair in sorted(pairs):
            key = order_pair_key(record.application, record.order, record.mode, pair)
            yield self.delete(PAIR, key, record.id)

    def delete_places(self, record: BindingRecord, tokens: Collection[str], x: str) -> Iterable[Action]:
        """Free places on an X at once."""
        for token in sorted(tokens):
            yield self.delete(PLACE, place_key(record.application, token, x), record.id)

    def leave_places(
        self, record: BindingRecord, tokens: Collection[str], cool_until: datetime | None
    ) -> Iterable[Action]:
        """Free places on the binding's X, those of persons only once they have cooled."""
        cooling = frozenset(tokens) - {ANYONE} if cool_until else frozenset[str]()
        yield from self.delete_places(record, frozenset(tokens) - cooling, record.x)
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

    def delete_extension(self, record: BindingRecord, x: str, extension: str | None) -> Iterable[Action]:
        """Free the digits of a binding on an X."""
        if x and extension:
            yield self.delete(EXTENSION, extension_key(x, extension), record.id)

    def delete(self, name: str, key: Mapping[str, str], binding_id: str) -> Action:
        """Free a constraint that is a binding's, if it is still there."""
        delete = {
            "TableName": self._table,
            "Key": encode(key),
            "ConditionExpression": "attribute_not_exists(pk) OR binding_id = :binding",
            "ExpressionAttributeValues": encode({":binding": binding_id}),
        }
        return Action(name, {"Delete": delete})

    def count_in(self, record: BindingRecord, *, fills: bool) -> Action:
        """Count a binding on its X; the one that fills it also takes it out of `store.room`."""
        update = {
            "TableName": self._table,
            "Key": encode(number_key(record.x)),
            "UpdateExpression": f"SET pairs = pairs + :one{' ' + NO_MORE_ROOM if fills else ''}",
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

    def count_stray(self, record: BindingRecord) -> Action:
        """Count a binding on an X that was not chosen by us, whatever it carries."""
        update = {
            "TableName": self._table,
            "Key": encode(number_key(record.x)),
            "UpdateExpression": "SET pairs = pairs + :one",
            "ConditionExpression": "application = :application",
            "ExpressionAttributeValues": encode({":one": 1, ":application": record.application}),
        }
        return Action(X_NUMBER, {"Update": update})

    def count_out(self, x: str) -> Action:
        """Count a binding off its X: where one left there is room, whatever the capacity."""
        update = {
            "TableName": self._table,
            "Key": encode(number_key(x)),
            "UpdateExpression": "SET pairs = pairs - :one, room_key = pool_key, room_city = city_key",
            "ConditionExpression": "pairs > :none",
            "ExpressionAttributeValues": encode({":one": 1, ":none": 0}),
        }
        return Action(X_NUMBER, {"Update": update})
