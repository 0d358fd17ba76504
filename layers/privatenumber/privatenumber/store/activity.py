"""Calls and texts of bindings, noted where a binding ends when there are none (users.md U-S03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privatenumber.store.bindings import BindingStore
from privatenumber.store.orders import OrderStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Activity:
    """Notes calls and texts; a binding that ends at a fixed time costs one look-up of its index at most."""

    def __init__(self, client: DynamoDBClient, bindings_table: str) -> None:
        self._client = client
        self._table = bindings_table
        self._bindings = BindingStore(client, bindings_table)

    def of_binding(self, binding_id: str, at: str) -> bool:
        """Note a call or text of a binding at a moment; says whether it postponed its end."""
        return self._bindings.touch(binding_id, at=at)

    def of_call(self, application: str, subscription_id: str, at: str) -> bool:
        """Note a call or text whose binding the platform names; says whether it postponed its end."""
        found = OrderStore(self._client, self._table).find(application, subscription_id)
        return found is not None and found.ends_when_idle and self._bindings.touch(found.binding_id, at=at)
