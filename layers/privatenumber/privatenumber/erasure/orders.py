"""Bindings of an order or a person, read through the indexes: which there are, and which of them live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from privatenumber.erasure.kinds import ENDED
from privatenumber.store.binding_keys import (
    A_INDEX,
    B_INDEX,
    ORDER_INDEX,
    order_index_key,
    party_index_key,
)
from privatenumber.store.binding_search import BindingSearch, Position
from privatenumber.store.bindings import BindingStore

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of bindings, what the platform calls them, and the ids of those that live."""

    ids: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    living: frozenset[str] = frozenset()

    def __or__(self, other: Found) -> Found:
        return Found(
            self.ids | other.ids, self.subscriptions | other.subscriptions, self.living | other.living
        )


@dataclass(frozen=True, slots=True)
class OrderBindings:
    """Looks bindings up. An index may be a moment behind."""

    search: BindingSearch
    store: BindingStore

    def of(self, application: str, order: str) -> Found:
        """All bindings of an order."""
        return self._found(ORDER_INDEX, "order_key", order_index_key(application, order))

    def of_person(self, application: str, token: str) -> Found:
        """The bindings in which somebody is A or the first opposite, or that hold a place for him."""
        key = party_index_key(application, token)
        standing = frozenset(self.store.standing(application, token).values())
        held = Found(standing, living=standing)
        return held | self._found(A_INDEX, "a_key", key) | self._found(B_INDEX, "b_key", key)

    def _found(self, index: str, hash_name: str, hash_key: str) -> Found:
        found = Found()
        for items in self._items(index, hash_name, hash_key):
            for item in items:
                identity, subscription = str(item["binding_id"]), item.get("subscription_id")
                found |= Found(
                    frozenset({identity}),
                    frozenset({str(subscription)} if subscription else ()),
                    frozenset() if item["state"] in ENDED else frozenset({identity}),
                )
        return found

    def _items(self, index: str, hash_name: str, hash_key: str) -> Iterator[list[Mapping[str, Any]]]:
        before: Position | None = None
        while page := self.search.newest(index, hash_name, hash_key, limit=_PAGE, before=before):
            yield list(self.store.get_many([each.binding_id for each in page]).values())
            before = page[-1]
