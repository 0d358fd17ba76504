"""What the platform knows: accounts, applications, X numbers and bindings. Pure state, no transport.

Every question about bindings names the moment it is asked for: an expired binding is found by nobody
(axb.md §6.4).
"""

from __future__ import annotations

import heapq
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from emulator.ax import AxBook
from emulator.axe import AxeBook
from emulator.axyb import AxybBook
from emulator.book import EndReason
from emulator.inventory import (
    Account,
    Application,
    ConsoleState,
    Mode,
    Number,
    NumberStatus,
    NumberType,
    PushUrls,
)

__all__ = [
    "Account",
    "Application",
    "AxbBinding",
    "ConsoleState",
    "Mode",
    "Number",
    "NumberStatus",
    "NumberType",
    "PushUrls",
    "World",
]


@dataclass(frozen=True, slots=True)
class AxbBinding:
    """One pair on an X, as values: a call keeps the ones it started with.

    ``duration`` in seconds from ``started_at`` (0 = for ever), ``max_duration`` in minutes (0 = no limit).
    ``started_at`` moves when a modification restarts the life, ``bound_at`` does not (None: the same).
    """

    subscription_id: str
    app_key: str
    x: str
    a: str
    b: str
    started_at: datetime
    direction: int = 0
    duration: int = 0
    max_duration: int = 0
    record: bool = False
    record_hint_tone: str | None = None
    last_min_voice: str | None = None
    private_sms: bool = True
    caller_hint_tone: str | None = None
    callee_hint_tone: str | None = None
    user_data: str | None = None
    bound_at: datetime | None = None
    changed_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def expires_at(self) -> datetime | None:
        """The exact moment the life ends, None = never."""
        return self.started_at + timedelta(seconds=self.duration) if self.duration else None

    def live(self, at: datetime) -> bool:
        """Whether the binding is in force at that moment."""
        return self.ended_at is None and (self.expires_at is None or at < self.expires_at)

    def other(self, user: str) -> str:
        """Return the party opposite to ``user``."""
        return self.b if user == self.a else self.a


@dataclass(slots=True)
class _Place:
    """What stands on one X: bindings in order of creation, party -> binding, and when which life ends."""

    bindings: dict[str, None] = field(default_factory=dict)
    parties: dict[str, str] = field(default_factory=dict)
    ends: list[tuple[datetime, str]] = field(default_factory=list)


class World:
    """All state of the platform. Ids come from the given random source, so a seed repeats a run."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.accounts: dict[str, Account] = {"default": Account()}
        self.applications: dict[str, Application] = {}
        self.numbers: dict[str, Number] = {}
        self.ax = AxBook()
        self.axe = AxeBook()
        self.axyb = AxybBook()
        self.axb_ended: list[AxbBinding] = []
        self._axb: dict[str, AxbBinding] = {}
        self._places: dict[str, _Place] = {}
        self._binds_of_day: dict[tuple[date, str], int] = {}

    def new_id(self) -> str:
        """Return a lower-case UUID of the seeded sequence."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def put_application(self, application: Application) -> None:
        """Register an application or replace its settings; its account appears with it."""
        self.applications[application.app_key] = application
        self.accounts.setdefault(application.account, Account(application.account))

    def account_of(self, app_key: str) -> Account:
        """Return the account that owns an application. KeyError when the application is unknown."""
        return self.accounts[self.applications[app_key].account]

    def put_number(self, number: Number, at: datetime) -> None:
        """Issue a number or change it. One that changes hands or is gone for good loses its bindings."""
        before = self.numbers.get(number.x)
        self.numbers[number.x] = number
        leaves = number.deleted or number.console is ConsoleState.TRANSFERRING
        if before is not None and (before.app_key != number.app_key or leaves):
            self.end_all(number.x, at, "number_withdrawn")
            for book in (self.ax, self.axe, self.axyb):
                book.end_all(number.x, at, "number_withdrawn")

    def set_number_status(self, x: str, status: NumberStatus, cause: str | None, at: datetime) -> Number:
        """Change the state of a number and return it. KeyError when the number is unknown."""
        number = replace(self.numbers[x], status=status, cause=cause)
        self.put_number(number, at)
        return number

    def x_of(self, subscription_id: str, at: datetime) -> str | None:
        """Return the X of a live binding of any mode."""
        found = self.axb(subscription_id, at) or next(
            filter(None, (book.by_id(subscription_id, at) for book in (self.ax, self.axe, self.axyb))), None
        )
        return found.x if found is not None else None

    def numbers_of(self, app_key: str) -> list[Number]:
        """Return the numbers of an application, in order of issue; deleted ones included."""
        return [number for number in self.numbers.values() if number.app_key == app_key]

    # AXB bindings

    def add_axb(self, binding: AxbBinding) -> AxbBinding:
        """Store a new pair. The caller has checked that both parties are free on the X."""
        place = self._places.setdefault(binding.x, _Place())
        self._axb[binding.subscription_id] = binding
        place.bindings[binding.subscription_id] = None
        self._take_places(place, binding)
        return binding

    def change_axb(self, changed: AxbBinding) -> AxbBinding:
        """Replace a binding by its changed form, same id and same X. KeyError when it does not exist."""
        before = self._axb[changed.subscription_id]
        place = self._places[before.x]
        for party in (before.a, before.b):
            place.parties.pop(party, None)
        self._axb[changed.subscription_id] = changed
        self._take_places(place, changed)
        return changed

    def end_axb(self, subscription_id: str, at: datetime, reason: EndReason = "unbound") -> AxbBinding | None:
        """End a live binding and return it as it ended; None when nothing live has that id."""
        binding = self.axb(subscription_id, at)
        return self._remove(binding, at, reason) if binding is not None else None

    def end_all(self, x: str, at: datetime, reason: EndReason) -> int:
        """End every live binding of an X; return how many there were."""
        ended = [self._remove(binding, at, reason) for binding in self.axb_on(x, at)]
        return len(ended)

    def axb(self, subscription_id: str, at: datetime) -> AxbBinding | None:
        """Return the live binding with that id."""
        binding = self._axb.get(subscription_id)
        if binding is None:
            return None
        self._expire(binding.x, at)
        return self._axb.get(subscription_id)

    def axb_of(self, x: str, user: str, at: datetime) -> AxbBinding | None:
        """Return the live binding on X in which ``user`` stands, as A or as B."""
        self._expire(x, at)
        place = self._places.get(x)
        found = place.parties.get(user) if place else None
        return self._axb[found] if found else None

    def axb_on(self, x: str, at: datetime) -> list[AxbBinding]:
        """Return the live bindings of an X, oldest first."""
        self._expire(x, at)
        place = self._places.get(x)
        return [self._axb[found] for found in place.bindings] if place else []

    def axb_load(self, x: str, at: datetime) -> int:
        """Return how many live pairs an X carries."""
        self._expire(x, at)
        place = self._places.get(x)
        return len(place.bindings) if place else 0

    def all_axb(self, at: datetime) -> Iterator[AxbBinding]:
        """Yield every live binding of every X."""
        for x in list(self._places):
            yield from self.axb_on(x, at)

    def settle_expiries(self, at: datetime) -> None:
        """Move whatever expired up to that moment to `axb_ended`, for books and statistics."""
        for x in list(self._places):
            self._expire(x, at)
        for book in (self.ax, self.axe, self.axyb):
            book.expire(at)

    # binds per number and day (1020178)

    def binds_on(self, day: date, user: str) -> int:
        """Return how many binds named ``user`` on that Beijing day."""
        return self._binds_of_day.get((day, user), 0)

    def count_binds(self, day: date, users: Iterable[str]) -> None:
        """Count one bind for each of the users on that Beijing day."""
        for user in users:
            self._binds_of_day[day, user] = self.binds_on(day, user) + 1

    def _take_places(self, place: _Place, binding: AxbBinding) -> None:
        for party in (binding.a, binding.b):
            place.parties[party] = binding.subscription_id
        if binding.expires_at is not None:
            heapq.heappush(place.ends, (binding.expires_at, binding.subscription_id))

    def _expire(self, x: str, at: datetime) -> None:
        place = self._places.get(x)
        while place and place.ends and place.ends[0][0] <= at:
            moment, subscription_id = heapq.heappop(place.ends)
            binding = self._axb.get(subscription_id)
            # a modification leaves the old end in the heap; only the end in force counts
            if binding is not None and binding.expires_at == moment:
                self._remove(binding, moment, "expired")

    def _remove(self, binding: AxbBinding, at: datetime, reason: EndReason) -> AxbBinding:
        place = self._places[binding.x]
        del self._axb[binding.subscription_id]
        place.bindings.pop(binding.subscription_id, None)
        for party in (binding.a, binding.b):
            if place.parties.get(party) == binding.subscription_id:
                del place.parties[party]
        ended = replace(binding, ended_at=at, end_reason=reason)
        self.axb_ended.append(ended)
        return ended
