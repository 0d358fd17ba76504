"""Random histories: people, orders, faults, crashes and time in any order; the books stay true."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from builders.bindings import ASKED, Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.dynamodb import local_client, new_table
from builders.emulator import X1, X2, X3, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.errors import BindingError
from privatenumber.settings import Mode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

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


class Histories(RuleBasedStateMachine):
    """One desk, a few people on three X numbers, and everything that can happen to them."""

    bindings = Bundle("bindings")

    def __init__(self, client: DynamoDBClient, emulator: RunningEmulator, mode: Mode) -> None:
        super().__init__()
        self.client = client
        self.emulator = emulator
        self.mode = mode
        self.fuse = Fuse()
        self.desk: Desk | None = None

    @initialize()
    def open(self) -> None:
        admin = self.emulator.admin
        admin.reset(now=VIRTUAL_START.isoformat())
        admin.application(mode=self.mode.value)
        admin.numbers(X1, X2, X3)
        self.desk = open_desk(
            new_table(self.client),
            self.emulator,
            mode=self.mode,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, self.fuse),
            store=lambda store: fragile(store, WRITES, self.fuse),
        )

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
        dies_at=boundaries,
    )
    def bind(
        self, order: str, a: str, b: str, key: str | None, seconds: int, hurry: bool, dies_at: int | None
    ) -> str | None:
        assert self.desk
        desk, patience = self.desk, 1.2 if hurry else 25.0
        wish = {"a": a, "idempotency_key": key, "ttl_seconds": seconds}
        if "b" in ASKED[self.mode]:
            wish["b"] = b
        made = self.doing(lambda: desk.bind(order, seconds=patience, **wish), dies_at)
        return made.id if made else None

    @rule(binding=bindings, dies_at=boundaries)
    def release(self, binding: str | None, dies_at: int | None) -> None:
        if binding:
            self.doing(lambda: self.service.release(binding, deadline=within()), dies_at)

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
            self.desk.settle()
            self.desk.check()
            self.client.delete_table(TableName=self.desk.table.name)


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
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
