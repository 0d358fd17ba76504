"""The binding engine over a real table and the emulated platform, on one clock that a test moves."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from builders.dynamodb import Table
from builders.emulator import APP_KEY, SECRET, X1, X2, X3, A, B, RunningEmulator
from builders.keyrings import KEYRING
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.gateway import Gateway, gateway_to
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.records import from_item, party
from privatenumber.bindings.service import BindCommand, BindingService
from privatenumber.deadline import Deadline
from privatenumber.platform.client import MemoryPauses, PlatformClient, Urllib3Transport
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.items import decode
from privatenumber.store.numbers import NumberState, NumberStore, NumberType, XNumber
from privatenumber.store.transactions import Writer
from privatenumber.times import iso

APPLICATION = "ride"
SETTLING_S = 200
"""Longer than any request of these tests can be in flight."""


@dataclass
class TestClock:
    """Stands still until it is moved."""

    now: datetime = VIRTUAL_START

    def __call__(self) -> datetime:
        return self.now


def demo_application(base_url: str, mode: Mode = Mode.AXB, **changes: Any) -> Application:
    application = Application(
        APPLICATION, APP_KEY, (SECRET,), mode, base_url, Scheme.AKSK, "callback-token-0001"
    )
    return replace(application, **changes)


ASKED: Mapping[Mode, Mapping[str, Any]] = {
    Mode.AX: {},
    Mode.AXB: {"b": B},
    Mode.AXE: {},
    Mode.AXYB: {"b": B, "area": "0755"},
    Mode.X: {"b": B},
}
"""What a bind of A names beside A, in each mode."""


def command(order: str = "order-1001", mode: Mode = Mode.AXB, **changes: Any) -> BindCommand:
    """A bind of A, and B where the mode has one, for an hour, unless told otherwise."""
    fields: dict[str, Any] = {"application": APPLICATION, "order": order, "a": A, "ttl_seconds": 3600}
    if "ends_at" in changes:
        del fields["ttl_seconds"]
    return BindCommand(**{**fields, **ASKED[mode], **changes})


def within(seconds: float = 25.0) -> Deadline:
    return Deadline.after(seconds)


def active_number(x: str, **changes: Any) -> XNumber:
    """An X number ready to be bound."""
    return XNumber(
        **{
            "x": x,
            "application": APPLICATION,
            "area_code": "0755",
            "number_type": NumberType.VIRTUAL,
            "state": NumberState.ACTIVE,
            **changes,
        }
    )


@dataclass
class Desk:
    """Everything one test needs: engine and service, clock, table, platform and what was counted."""

    engine: Engine
    table: Table
    emulator: RunningEmulator
    clock: TestClock
    pauses: MemoryPauses
    counted: Counter[str] = field(default_factory=Counter)
    mode: Mode = Mode.AXB

    @property
    def service(self) -> BindingService:
        return BindingService(self.engine)

    def bind(self, order: str = "order-1001", *, seconds: float = 25.0, **changes: Any) -> Binding:
        return self.service.bind(command(order, self.mode, **changes), deadline=within(seconds)).binding

    def advance(self, seconds: float) -> None:
        """Let time pass here and at the platform."""
        self.clock.now += timedelta(seconds=seconds)
        self.emulator.admin.advance(seconds)

    def sweep(self) -> int:
        """Do what the sweep and its workers do in a minute; returns how many steps."""
        due = list(self.engine.search.due(until=iso(self.clock()), limit=400))
        for row in due:
            self.service.step(row.binding_id, as_of=self.clock(), deadline=within())
        return len(due)

    def settle(self, sweeps: int = 100) -> None:
        """Let sweeps pass, from one due time to the next, until nothing but living bindings is left."""
        for _ in range(sweeps):
            due = [one.due_at for one in self.bindings() if one.due_at and not self._at_rest(one)]
            if not due:
                return
            wait = min(due) - self.clock()
            self.advance(max(wait.total_seconds(), 1.0))
            self.sweep()
        raise AssertionError("bindings do not come to rest")

    def _at_rest(self, binding: Binding) -> bool:
        return binding.state is State.ACTIVE and binding.settled and binding.ends_at > self.clock()

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self.table.client.get_paginator("scan").paginate(
            TableName=self.table.name, ConsistentRead=True
        ):
            found += [decode(item) for item in page["Items"]]
        return found

    def bindings(self) -> list[Binding]:
        return [from_item(item, KEYRING) for item in self.items() if item["sk"] == "BINDING"]

    def in_state(self, state: State) -> list[Binding]:
        return [binding for binding in self.bindings() if binding.state is state]

    def platform_bindings(self) -> set[tuple[Any, ...]]:
        """What the platform holds: subscriptionId, X, A, and what else names a binding of the mode."""
        return {held for row in self.emulator.admin.bindings() for held in _held(self.mode, row)}

    def calls(self, api: str) -> int:
        """How often an API was asked."""
        return sum(self.emulator.admin.counts().get(api, {}).values())

    def pairs(self, x: str) -> int:
        number = self.engine.numbers.get(x)
        assert number
        return number.pairs

    def _brought_by_calls(self) -> set[tuple[Any, ...]]:
        """AXYB: the YB that the platform made by itself when somebody called an X (axyb.md §1)."""
        rows = self.emulator.admin.bindings()
        return {held for row in rows for held in _held(self.mode, row, automatic_only=True)}

    def _check_platform(self, ours: set[tuple[Any, ...]], *, strands: bool) -> None:
        """Assert that the platform holds what we know, and of AXYB nothing else but an AX that nobody uses.

        An AX whose answer was lost cannot be found again; it ends by its own life (axyb.md §4, §6).
        ``strands``: so it is with all bindings whose X the platform chose.
        """
        held = self.platform_bindings() - (self._brought_by_calls() - ours)
        lost = {row for row in held - ours if strands or (self.mode is Mode.AXYB and row[3] is None)}
        known = {one.subscription_id for one in self.bindings()}
        assert held - lost == ours
        assert not {row[0] for row in lost} & known

    def check(self, *, strands: bool = False) -> None:
        """Assert that our books are true: what we say lives, lives; nobody else stands anywhere."""
        items, living = self.items(), [one for one in self.bindings() if not one.state.final]
        assert all(one.state is State.ACTIVE for one in living), "something is still under way"
        if self.mode is not Mode.X:
            self._check_platform({row for one in living for row in _rows(one)}, strands=strands)
        standing = [(one.x, token) for one in living for token in one.places]
        assert len(standing) == len(set(standing)), "a party stands twice on one X"
        assert _keys(items, "PARTY#") == {
            (f"PARTY#{APPLICATION}#{token}", f"PLACE#{x}") for x, token in standing
        }
        assert _keys(items, "ORDER#") == {
            (f"ORDER#{one.application}#{one.order}", f"PAIR#{self.mode.value}#{pair}")
            for one in living
            for pair in one.pairs
        }
        extensions = {(one.x, one.extension) for one in living if one.extension}
        assert {
            (item["pk"].removeprefix("X#"), item["sk"].removeprefix("EXTENSION#"))
            for item in items
            if item["sk"].startswith("EXTENSION#")
        } == extensions
        counted = Counter(one.x for one in living if not one.uncounted)
        for item in items:
            if item["sk"] == "NUMBER":
                assert item["pairs"] == counted[item["x"]], "the counter of an X is wrong"


def _rows(binding: Binding) -> Iterator[tuple[Any, ...]]:
    """What the platform must hold of a binding; of AXYB the AX itself, and each YB."""
    head = (binding.subscription_id, binding.x, binding.a.number)
    if binding.mode is not Mode.AXYB:
        yield (*head, binding.b.number if binding.b else binding.extension)
    for partner in binding.partners:
        yield (*head, partner.party.number, partner.y)
    if binding.mode is Mode.AXYB:
        yield (*head, None, None)


def _held(mode: Mode, row: Mapping[str, Any], *, automatic_only: bool = False) -> Iterator[tuple[Any, ...]]:
    """The same of a binding that the platform shows."""
    head = (row["subscription_id"], row["x"], row["a"])
    if mode is not Mode.AXYB:
        yield from () if automatic_only else [(*head, row.get("b") or row.get("extension"))]
        return
    for pair in row.get("pairs") or []:
        if pair["automatic"] or not automatic_only:
            yield (*head, pair["b"], pair["y"])
    if not automatic_only:
        yield (*head, None, None)


def open_platform(
    address: str, clock: TestClock, pauses: MemoryPauses | None = None, mode: Mode = Mode.AXB, **changes: Any
) -> Gateway:
    """The platform that the emulator is, through the real client, which never waits between repetitions."""
    client = PlatformClient(
        demo_application(address, mode, **changes),
        transport=Urllib3Transport(),
        pauses=pauses or MemoryPauses(clock),
        clock=clock,
        sleep=lambda seconds: None,
        random=random.Random(1).random,
    )
    return gateway_to(client)


def open_desk(
    table: Table,
    emulator: RunningEmulator,
    *,
    numbers: tuple[str, ...] = (X1, X2, X3),
    wrapped: Callable[[Gateway], Gateway] = lambda api: api,
    store: Callable[[BindingStore], BindingStore] = lambda store: store,
    clock: TestClock | None = None,
    patient: bool = False,
    seed: int = 1,
    mode: Mode = Mode.AXB,
    **application: Any,
) -> Desk:
    """Compose the engine as the functions do, with the clock and chance of a test, for one application.

    ``patient``: a write that meets others really waits before it is repeated, as among many threads it must.
    """
    clock = clock or TestClock()
    chance = random.Random(seed)
    pauses = MemoryPauses(clock)
    api = wrapped(open_platform(emulator.address, clock, pauses, mode, **application))
    counted: Counter[str] = Counter()
    ids = itertools.count(1)
    writer = Writer(table.client) if patient else Writer(table.client, sleep=lambda seconds: None)
    engine = Engine(
        store=store(BindingStore(table.client, table.name, writer)),
        search=BindingSearch(table.client, table.name),
        numbers=NumberStore(table.client, table.name),
        platforms=lambda application: api,
        keyring=KEYRING,
        clock=clock,
        random=chance,
        margin_s=3600,
        new_id=lambda letter: f"{letter}{seed:04d}{next(ids):028d}",
        count=lambda name, value: counted.update({name: int(value)}),
    )
    for x in numbers:
        if engine.numbers.get(x) is None:
            engine.numbers.put(active_number(x), seen=None)
    return Desk(engine, table, emulator, clock, pauses, counted, mode)


def in_doubt(desk: Desk, kind: str, *, api: str, times: int | None = 1, **params: Any) -> None:
    """Order a fault of one API."""
    desk.emulator.admin.fault(kind, match={"api": api}, times=times, params=params)


def b_of(binding: Binding) -> str:
    """The number of party B."""
    assert binding.b
    return binding.b.number


def token_of(number: str) -> str:
    return party(KEYRING, number).token


def _keys(items: list[Mapping[str, Any]] | list[dict[str, Any]], prefix: str) -> set[tuple[str, str]]:
    """Keys of a kind that somebody holds: a place that cools is nobody's."""
    held = (item for item in items if item["pk"].startswith(prefix) and "binding_id" in item)
    return {(item["pk"], item["sk"]) for item in held}
