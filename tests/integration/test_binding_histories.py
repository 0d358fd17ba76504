"""Random histories: people, orders, faults, crashes, drift and time in any order; the books stay true."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from builders.bindings import APPLICATION, ASKED, Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.drift import console_of, drift_of, found_by
from builders.dynamodb import local_client, new_table
from builders.emulator import X1, X2, X3, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.commands import Chooser
from privatenumber.bindings.drift import IMPOSED
from privatenumber.bindings.drift_decision import Decision
from privatenumber.bindings.drift_model import Run, RunState
from privatenumber.bindings.drift_run import DriftWalk
from privatenumber.bindings.drift_service import DriftService
from privatenumber.bindings.errors import BindingError
from privatenumber.platform.errors import PlatformError
from privatenumber.settings import Mode
from privatenumber.store.drift import DriftStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

CHOOSING = (Mode.AX, Mode.AXB)
"""Modes in which what the platform chose and nobody heard of is found on its X by drift repair."""

PEOPLE = tuple(f"+861380013900{n}" for n in range(5))
people = st.sampled_from(PEOPLE)
orders = st.sampled_from(["order-1", "order-2", "order-3"])
boundaries = st.none() | st.integers(0, 9)
operations = st.sampled_from(["bind", "unbind", "modify", "query", "set_callee"])
faults = st.sampled_from(
    [
        ("timeout_after_success", {"drop": True}),
        ("timeout_before", {"drop": True}),
        ("garbage", {}),
        ("status", {"http_status": 500, "code": "1010001", "execute": True}),
        ("status", {"http_status": 503}),
        ("status", {"http_status": 403, "code": "1012102"}),
        ("status", {"http_status": 403, "code": "1010010"}),
        ("status", {"http_status": 403, "code": "1010029"}),
    ]
)

STRANGERS_EXTENSION = "0001"


class Histories(RuleBasedStateMachine):
    """One desk, a few people on three X numbers, and everything that can happen to them."""

    bindings = Bundle("bindings")

    streamed = False

    def __init__(self, client: DynamoDBClient, emulator: RunningEmulator, mode: Mode) -> None:
        super().__init__()
        self.client = client
        self.emulator = emulator
        self.mode = mode
        self.fuse = Fuse()
        self.desk: Desk | None = None
        self.strangers: set[str] = set()
        self.talking: list[datetime] = []

    @initialize()
    def open(self) -> None:
        admin = self.emulator.admin
        admin.reset(now=VIRTUAL_START.isoformat())
        admin.application(mode=self.mode.value)
        admin.numbers(X1, X2, X3)
        desk = open_desk(
            new_table(self.client, streamed=self.streamed),
            self.emulator,
            mode=self.mode,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, self.fuse),
            store=lambda store: fragile(store, WRITES, self.fuse),
        )
        self.desk = replace(desk, engine=replace(desk.engine, open_calls=self.open_calls))

    def open_calls(
        self, application: str, binding_id: str, *, since: datetime, until: datetime
    ) -> list[datetime]:
        return [at for at in self.talking if since <= at <= until]

    @property
    def service(self) -> Any:
        assert self.desk
        return self.desk.service

    def doing(self, act: Callable[[], Any], dies_at: int | None) -> Any:
        """Act, perhaps with the process dying in the middle; a refusal is a regular outcome."""
        self.fuse.set(dies_at)
        try:
            with suppress(Killed, BindingError):
                return act()
        finally:
            self.fuse.set(None)

    @rule(
        target=bindings,
        order=orders,
        a=people,
        b=people,
        key=st.none() | st.sampled_from(["k1", "k2"]),
        seconds=st.sampled_from([60, 600, 7200]),
        hurry=st.booleans(),
        leave_x=st.booleans(),
        dies_at=boundaries,
    )
    def bind(
        self,
        order: str,
        a: str,
        b: str,
        key: str | None,
        seconds: int,
        hurry: bool,
        leave_x: bool,
        dies_at: int | None,
    ) -> str | None:
        assert self.desk
        desk, patience = self.desk, 1.2 if hurry else 25.0
        wish: dict[str, Any] = {"a": a, "idempotency_key": key, "ttl_seconds": seconds}
        if "b" in ASKED[self.mode]:
            wish["b"] = b
        if leave_x and self.mode in CHOOSING:
            wish |= {"chosen_by": Chooser.PLATFORM, "area": "0755"}
        made = self.doing(lambda: desk.bind(order, seconds=patience, **wish), dies_at)
        return made.id if made else None

    @rule(binding=bindings, wait_s=st.none() | st.sampled_from([120, 3600]), dies_at=boundaries)
    def release(self, binding: str | None, wait_s: int | None, dies_at: int | None) -> None:
        if binding:
            self.doing(lambda: self.service.release(binding, wait_s=wait_s, deadline=within()), dies_at)

    @rule(begins=st.booleans())
    def people_talk(self, begins: bool) -> None:
        """A call begins on every binding, or all are over."""
        assert self.desk
        self.talking = [self.desk.clock()] if begins else []

    @rule(binding=bindings, person=people, dies_at=boundaries)
    def change_party(self, binding: str | None, person: str, dies_at: int | None) -> None:
        if binding:
            self.doing(lambda: self.service.change(binding, b=person, deadline=within()), dies_at)

    @rule(binding=bindings, hours=st.integers(1, 12), dies_at=boundaries)
    def prolong(self, binding: str | None, hours: int, dies_at: int | None) -> None:
        assert self.desk
        if binding:
            later = self.desk.clock() + timedelta(hours=hours)
            self.doing(lambda: self.service.change(binding, ends_at=later, deadline=within()), dies_at)

    @rule(minutes=st.sampled_from([1, 2, 5, 30]), dies_at=boundaries)
    def sweep_later(self, minutes: int, dies_at: int | None) -> None:
        assert self.desk
        self.desk.advance(60 * minutes)
        self.doing(self.desk.sweep, dies_at)

    @rule(binding=bindings, person=people, dies_at=boundaries)
    def add_partner(self, binding: str | None, person: str, dies_at: int | None) -> None:
        if binding:
            self.doing(lambda: self.service.add_partner(binding, person, deadline=within()), dies_at)

    @rule(binding=bindings, which=st.integers(0, 2), dies_at=boundaries)
    def remove_partner(self, binding: str | None, which: int, dies_at: int | None) -> None:
        partners = self.service.get(binding).partners if binding else ()
        if which < len(partners):
            gone = partners[which].id
            self.doing(lambda: self.service.remove_partner(binding, gone, deadline=within()), dies_at)

    @rule(binding=bindings, person=people, dies_at=boundaries)
    def set_callee(self, binding: str | None, person: str, dies_at: int | None) -> None:
        if binding:
            self.doing(lambda: self.service.set_callee(binding, person, deadline=within()), dies_at)

    @rule(caller=people, x=st.sampled_from([X1, X2, X3]))
    def somebody_calls(self, caller: str, x: str) -> None:
        """In AXYB the platform may allocate a Y to him (axyb.md §1)."""
        self.emulator.admin.call(caller, x, wait=False)

    @rule(binding=bindings)
    def console_unbinds(self, binding: str | None) -> None:
        """Ours only: somebody ends it behind our back."""
        known = self.service.get(binding).subscription_id if binding else None
        if self.desk and known and self.mode is not Mode.X:
            with suppress(PlatformError):
                console_of(self.desk).unbind(known)

    @rule(a=people, b=people, x=st.sampled_from([X1, X2, X3]))
    def console_binds(self, a: str, b: str, x: str) -> None:
        """The platform's only: somebody puts people on an X of ours."""
        if self.desk and self.mode is not Mode.X and a != b:
            with suppress(PlatformError):
                self.strangers.add(console_of(self.desk).bind(a, b, x=x, extension=STRANGERS_EXTENSION))

    @rule(binding=bindings, minutes=st.integers(1, 9), person=st.none() | people)
    def console_changes(self, binding: str | None, minutes: int, person: str | None) -> None:
        """Different: other terms can be repaired, another person is a decision."""
        known = self.service.get(binding).subscription_id if binding else None
        if self.desk and known and self.mode in IMPOSED:
            other = {"b": person} if person and self.mode is Mode.AXB else {}
            with suppress(PlatformError, ValueError):
                console_of(self.desk).modify(known, max_duration=minutes, **other)

    @rule(dies_at=boundaries)
    def drift_goes_on(self, dies_at: int | None) -> None:
        assert self.desk
        drift = drift_of(self.desk)
        drift.start(APPLICATION, actor="somebody", repair=True)
        self.doing(lambda: drift.tick([APPLICATION], left=lambda: 250.0), dies_at)

    @rule(fault=faults, operation=operations, times=st.integers(1, 5))
    def platform_misbehaves(self, fault: tuple[str, dict[str, Any]], operation: str, times: int) -> None:
        assert self.desk
        api = f"{self.mode.value.lower()}.{operation}"
        in_doubt(self.desk, fault[0], api=api, times=times, **fault[1])

    @rule(frozen=st.booleans())
    def arrears(self, frozen: bool) -> None:
        self.emulator.admin.arrears(frozen=frozen)

    def teardown(self) -> None:
        if self.desk:
            self.emulator.admin.clear_faults()
            self.emulator.admin.arrears(frozen=False)
            self.talking = []
            self.desk.settle()
            if self.mode is not Mode.X:
                self.compare(self.desk)
            self.desk.check()
            self.client.delete_table(TableName=self.desk.table.name)

    def compare(self, desk: Desk) -> None:
        """Let drift repair do what it may, and people decide the rest."""
        engine = desk.engine.acting("somebody", "nobody knows it")
        store = DriftStore(desk.table.client, desk.table.name)
        drift, walk = DriftService(engine, store), DriftWalk(engine, store, lambda: 250.0)
        for run in drift.runs(APPLICATION, limit=1):
            self.finish(desk, walk, run)
        run = self.finish(desk, walk, drift.start(APPLICATION, actor="somebody", repair=True))
        listed = [one for one in found_by(drift, run) if one["state"] == "listed"] if run.counts else []
        for one in listed:
            if one.get("binding_id"):
                desk.service.release(one["binding_id"], deadline=within())
            elif one.get("subscription_id"):
                identity = one["difference_id"]
                drift.decide(APPLICATION, run.id, identity, Decision.UNBIND, deadline=within())
        if self.mode is Mode.AXE:
            # No list of the platform names them (axe.md §5); after arrears it takes ten minutes to listen.
            desk.advance(601)
            ours = {one.subscription_id for one in desk.bindings()}
            # Also whom the console bound without hearing of it.
            unheard = {held[0] for held in desk.platform_bindings() if STRANGERS_EXTENSION in held}
            for stranger in (self.strangers | unheard) - ours:
                with suppress(PlatformError):
                    console_of(desk).unbind(stranger)
        if run.counts:
            desk.settle()

    def finish(self, desk: Desk, walk: DriftWalk, run: Run) -> Run:
        for _ in range(50):
            if run.state is RunState.DONE:
                return run
            desk.advance(max((run.due_at - desk.clock()).total_seconds(), 0.0))
            desk.sweep()
            run = walk.advance(run)
        raise AssertionError("the run does not end")


@pytest.mark.dynamodb_local
@pytest.mark.parametrize("mode", sorted(Mode))
def test_after_any_history_our_books_equal_the_platforms(
    dynamodb_local: str, emulator: RunningEmulator, mode: Mode
) -> None:
    """design.md §4, the invariants; users.md U-D02 to U-D04: 300 histories on Amazon's own engine."""
    client = local_client(dynamodb_local)
    # Typed as a class, documented as a factory.
    factory: Any = lambda: Histories(client, emulator, mode)  # noqa: E731
    run_state_machine_as_test(
        factory,
        settings=settings(
            max_examples=60,
            stateful_step_count=13,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
