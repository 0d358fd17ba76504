"""What every step of a binding's life works with: store, pool, platform, keys, clock and chance."""

from __future__ import annotations

import random as chance
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from privatenumber.bindings.errors import BindingNotFound, Busy
from privatenumber.bindings.gateway import Gateway
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.records import from_item, to_record
from privatenumber.bindings.rules import RULES
from privatenumber.deadline import Deadline
from privatenumber.privacy import Keyring
from privatenumber.store.authors import SYSTEM, Author
from privatenumber.store.binding_keys import BindingRecord
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BINDING, BindingStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.transactions import Contended, Refused
from privatenumber.times import Clock

IN_FLIGHT_MARGIN_S = 60
"""A request may reach the platform this long after its caller gave up waiting."""


class Overtaken(Exception):
    """Somebody else wrote the binding since it was read; read it again and decide again."""


def new_id(letter: str) -> str:
    """An unguessable id; the leading letter keeps its digits from ever looking like a phone number."""
    return f"{letter}{secrets.token_hex(16)}"


def _count_nothing(name: str, value: float) -> None:
    pass


class OpenCalls(Protocol):
    """Tells the calls of a binding that are under way by what the platform has pushed."""

    def __call__(
        self, application: str, binding_id: str, *, since: datetime, until: datetime
    ) -> Iterable[datetime]:
        """When those began by our clock whose end is not known, of those between two moments of the
        platform's.
        """
        ...


def _no_calls(application: str, binding_id: str, *, since: datetime, until: datetime) -> Iterable[datetime]:
    return ()


@dataclass(frozen=True, slots=True)
class Engine:
    """The tools of the trade; ``count`` receives what is worth a metric."""

    store: BindingStore
    search: BindingSearch
    numbers: NumberStore
    platforms: Callable[[str], Gateway]
    """The platform of an application; raises InvalidRequest for one that is not configured."""
    keyring: Keyring
    clock: Clock
    random: chance.Random = field(default_factory=chance.SystemRandom)
    margin_s: int = 3600
    new_id: Callable[[str], str] = new_id
    """Makes an id of its first letter: b for bindings, p for partners."""
    count: Callable[[str, float], None] = _count_nothing
    open_calls: OpenCalls = _no_calls
    actor: str = SYSTEM
    """Who writes: it stands in what is written, and from there in the audit (`bindings.audit`)."""
    why: str | None = None
    """The actor's reason, as he gave it."""

    def at(self, as_of: datetime) -> Engine:
        """The same, with a clock that shows ``as_of`` at least."""
        clock = self.clock
        return replace(self, clock=lambda: max(as_of, clock()))

    def acting(self, actor: str, why: str | None = None) -> Engine:
        """The same in somebody's name; see `store.authors`."""
        return replace(self, actor=actor, why=why)

    @property
    def author(self) -> Author:
        """Who acts, as the store writes it."""
        return Author(self.actor, self.why)

    def record(self, binding: Binding) -> BindingRecord:
        """What the store writes of a binding, in the name of who acts."""
        return to_record(binding, self.keyring, by=self.actor, why=self.why)

    def load(self, binding_id: str) -> Binding:
        """Read a binding; raises BindingNotFound, SealBroken for a key that the keyring does not have."""
        item = self.store.get(binding_id)
        if item is None:
            raise BindingNotFound
        return from_item(item, self.keyring)

    def save(self, before: Binding, after: Binding) -> Binding:
        """Write ``after`` if nobody wrote since ``before``; raises Overtaken, Busy."""
        with told():
            self.store.replace(self.record(after), seen=before.version)
        return after

    def close(self, before: Binding, after: Binding, *, forget_key: bool) -> Binding:
        """Write a final state and free everything the binding holds; raises Overtaken, Busy."""
        with told():
            self.store.close(
                self.record(after),
                seen=before.version,
                places=before.places,
                pairs=before.pairs,
                forget_key=forget_key,
                cool_until=self.cool_until(after) if after.state is State.CLOSED else None,
            )
        return after

    def cool_until(self, binding: Binding) -> datetime | None:
        """Until when people who leave its X now must not meet it again; None: at once (users.md U-S06)."""
        seconds = self.platforms(binding.application).application.cool_off_s
        return self.clock() + timedelta(seconds=seconds) if seconds else None

    def in_flight_until(self, deadline: Deadline) -> datetime:
        """Until when a request that is sent within ``deadline`` may still take effect at the platform."""
        return self.clock() + timedelta(seconds=max(0.0, deadline.remaining()) + IN_FLIGHT_MARGIN_S)


def life_s(engine: Engine, binding: Binding, ends_at: datetime | None = None) -> int | None:
    """Seconds that the platform is told for a binding to live, None where it never ends one by itself."""
    life = RULES[binding.mode].life
    return life.seconds(engine.clock(), ends_at or binding.ends_at, engine.margin_s) if life else None


def names_x(binding: Binding) -> bool:
    """Tell whether we choose its X, so that a bind of unknown outcome can be looked up."""
    return RULES[binding.mode].names_x and not binding.platform_chooses


def platform_end(now: datetime, seconds: int | None) -> datetime | None:
    """When the platform ends what it is told now to let live for so long; None = never."""
    return None if seconds is None else now + timedelta(seconds=seconds)


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
