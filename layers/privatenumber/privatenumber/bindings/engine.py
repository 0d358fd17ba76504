"""What every step of a binding's life works with: store, pool, platform, keys, clock and chance."""

from __future__ import annotations

import random as chance
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from privatenumber.bindings.errors import BindingNotFound, Busy
from privatenumber.bindings.model import Binding
from privatenumber.bindings.records import from_item, to_record
from privatenumber.platform.transport import Deadline
from privatenumber.privacy import Keyring
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BINDING, BindingStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.transactions import Contended, Refused
from privatenumber.times import Clock

if TYPE_CHECKING:
    from privatenumber.platform.axb import AxbBind, AxbBound, AxbModify, AxbRow

IN_FLIGHT_MARGIN_S = 60
"""A request may reach the platform this long after its caller gave up waiting."""


class AxbApi(Protocol):
    """What the life of a binding asks of the platform (axb.md §2 to §5)."""

    def bind_axb(self, bind: AxbBind, *, deadline: Deadline) -> AxbBound:
        """Bind; never repeated by the client after an unknown outcome."""
        ...

    def unbind_axb(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Unbind one binding; NotFound when it is gone."""
        ...

    def modify_axb(self, modify: AxbModify, *, deadline: Deadline) -> None:
        """Change one binding."""
        ...

    def find_axb(self, x: str, a: str, b: str, *, deadline: Deadline) -> AxbRow | None:
        """Find the binding of A and B on X; None when there is none."""
        ...


class Overtaken(Exception):
    """Somebody else wrote the binding since it was read; read it again and decide again."""


def new_binding_id() -> str:
    """An unguessable id; the leading letter keeps its digits from ever looking like a phone number."""
    return f"b{secrets.token_hex(16)}"


def _count_nothing(name: str, value: float) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Engine:
    """The tools of the trade; ``count`` receives what is worth a metric."""

    store: BindingStore
    search: BindingSearch
    numbers: NumberStore
    platforms: Callable[[str], AxbApi]
    keyring: Keyring
    clock: Clock
    random: chance.Random = field(default_factory=chance.SystemRandom)
    margin_s: int = 3600
    new_id: Callable[[], str] = new_binding_id
    count: Callable[[str, float], None] = _count_nothing

    def at(self, as_of: datetime) -> Engine:
        """The same, with a clock that shows ``as_of`` at least."""
        clock = self.clock
        return replace(self, clock=lambda: max(as_of, clock()))

    def load(self, binding_id: str) -> Binding:
        """Read a binding; raises BindingNotFound, SealBroken for a key that the keyring does not have."""
        item = self.store.get(binding_id)
        if item is None:
            raise BindingNotFound
        return from_item(item, self.keyring)

    def save(self, before: Binding, after: Binding) -> Binding:
        """Write ``after`` if nobody wrote since ``before``; raises Overtaken, Busy."""
        with told():
            self.store.replace(to_record(after, self.keyring), seen=before.version)
        return after

    def close(self, before: Binding, after: Binding, *, forget_key: bool) -> Binding:
        """Write a final state and free everything the binding holds; raises Overtaken, Busy."""
        with told():
            self.store.close(
                to_record(after, self.keyring),
                seen=before.version,
                places=before.places,
                pairs=before.pairs,
                forget_key=forget_key,
            )
        return after

    def in_flight_until(self, deadline: Deadline) -> datetime:
        """Until when a request that is sent within ``deadline`` may still take effect at the platform."""
        return self.clock() + timedelta(seconds=max(0.0, deadline.remaining()) + IN_FLIGHT_MARGIN_S)


@contextmanager
def told() -> Iterator[None]:
    """Turn the store's "version is another" and "too many writers" into our words."""
    try:
        yield
    except Refused as refused:
        if refused.action == BINDING:
            raise Overtaken from None
        raise
    except Contended:
        raise Busy from None
