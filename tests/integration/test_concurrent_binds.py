"""Many processes at once on Amazon's own engine and the emulated platform: nothing crosses, nothing leaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from builders.bindings import ASKED, Desk, command, open_desk, within
from builders.dynamodb import Table
from builders.emulator import X1, X2, X3, A, B, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.errors import BindingError, Busy, PoolEmpty, PoolReason
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.service import BindResult
from privatenumber.settings import Mode

pytestmark = pytest.mark.dynamodb_local

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 64
T = TypeVar("T")


@pytest.fixture
def desk(local_table: Table, emulator: RunningEmulator) -> Desk:
    return open_desk(local_table, emulator, patient=True)


def at_once(actions: Sequence[Callable[[], T]]) -> list[T | BindingError]:
    """Run all actions at the same moment; a refusal is an outcome like any other."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], T]) -> T | BindingError:
        barrier.wait()
        try:
            return action()
        except BindingError as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_one_person_bound_64_times_stands_on_no_x_twice(desk: Desk) -> None:
    """users.md U-N08: three X, so three of the orders get one and the others a reason."""
    outcomes = at_once(
        [
            lambda n=n: desk.bind(f"order-{n}", a=A, b=f"+86138001390{n:02d}")  # type: ignore[misc]
            for n in range(AT_ONCE)
        ]
    )
    bound = [one for one in outcomes if isinstance(one, Binding)]
    assert len(bound) == 3
    assert len({binding.x for binding in bound}) == 3
    refused = Counter(type(one) for one in outcomes if isinstance(one, BindingError))
    assert refused[PoolEmpty] + refused[Busy] == AT_ONCE - 3
    assert {one.reason for one in outcomes if isinstance(one, PoolEmpty)} == {PoolReason.CONFLICT}
    assert desk.calls("axb.bind") == 3
    desk.check()


@pytest.mark.parametrize("mode", list(Mode))
def test_in_no_mode_do_64_binds_of_few_people_cross(
    local_table: Table, emulator: RunningEmulator, mode: Mode
) -> None:
    """design.md §4: nobody on an X twice, no X and no extension beyond what its mode carries."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode=mode.value)
    emulator.admin.numbers(X1, X2, X3)
    desk = open_desk(local_table, emulator, mode=mode, patient=True)
    people = [f"+86138001390{n:02d}" for n in range(8)]
    wishes = [
        {"a": people[n % 8]} | ({"b": people[-n % 7]} if n % 8 != -n % 7 else {}) for n in range(AT_ONCE)
    ]
    if "b" not in ASKED[mode]:
        wishes = [{"a": wish["a"]} for wish in wishes]
    at_once([lambda n=n, wish=wish: desk.bind(f"order-{n}", **wish) for n, wish in enumerate(wishes)])  # type: ignore[misc]
    desk.settle()
    desk.check()
    # In AXYB they may have taken every number for an X, so that no Y was left and all gave up.
    assert desk.in_state(State.ACTIVE) or desk.bind("order-later").state is State.ACTIVE


def test_a_person_in_both_roles_stands_on_no_x_twice(desk: Desk) -> None:
    """axb.md §1: A-X-B and B-X-C may not coexist."""
    people = [f"+86138001390{n:02d}" for n in range(6)]
    pairs = [(a, b) for a in people for b in people if a != b][:AT_ONCE]
    at_once(
        [lambda n=n, a=a, b=b: desk.bind(f"order-{n}", a=a, b=b) for n, (a, b) in enumerate(pairs)]  # type: ignore[misc]
    )
    desk.check()
    assert desk.in_state(State.ACTIVE)


def test_the_same_request_64_times_is_one_binding(desk: Desk) -> None:
    """users.md U-S02: idempotent creation by key."""
    outcomes = at_once(
        [lambda: desk.service.bind(command(idempotency_key="key-1"), deadline=within())] * AT_ONCE
    )
    results = [one for one in outcomes if isinstance(one, BindResult)]
    assert len(results) == AT_ONCE
    assert sum(result.created for result in results) == 1
    assert len({result.binding.id for result in results}) == 1
    assert desk.calls("axb.bind") == 1
    desk.check()


def test_a_binding_released_by_many_is_closed_once(desk: Desk) -> None:
    binding = desk.bind()
    outcomes = at_once([lambda: desk.service.release(binding.id, deadline=within())] * 8)
    assert all(isinstance(one, Binding) for one in outcomes)
    desk.settle()
    assert desk.service.get(binding.id).state is State.CLOSED
    desk.check()


def test_a_message_delivered_to_many_workers_is_worked_on_without_harm(desk: Desk) -> None:
    binding = desk.bind(ttl_seconds=60)
    desk.advance(60)
    at_once([lambda: desk.service.step(binding.id, as_of=desk.clock(), deadline=within())] * 8)
    desk.settle()
    assert desk.service.get(binding.id).state is State.CLOSED
    desk.check()


def test_changes_binds_and_releases_of_the_same_people_cross_nothing(desk: Desk) -> None:
    first = [desk.bind(f"order-{n}", a=A, b=f"+86138001390{n:02d}") for n in range(3)]

    def change(n: int) -> Callable[[], object]:
        return lambda: desk.service.change(first[n % 3].id, b=f"+86138001391{n:02d}", deadline=within())

    def bind(n: int) -> Callable[[], object]:
        return lambda: desk.bind(f"new-{n}", a=f"+86138001391{n:02d}", b=B)

    def release(n: int) -> Callable[[], object]:
        return lambda: desk.service.release(first[n % 3].id, deadline=within())

    at_once([act(n) for n in range(6) for act in (change, bind, release)])
    desk.settle()
    desk.check()


def test_a_process_killed_between_the_platform_and_the_table_is_repaired(desk: Desk) -> None:
    """`kill -9` after the platform has bound and before ACTIVE is written."""
    table = desk.table
    endpoint = table.client.meta.endpoint_url
    command_line = [
        *(sys.executable, "-m", "builders.bind_and_hang"),
        *(endpoint, table.name, desk.emulator.address, desk.clock().isoformat()),
    ]
    paths = os.pathsep.join(str(ROOT / part) for part in ("layers/privatenumber", ".", "tests"))
    process = subprocess.Popen(
        command_line, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "BOUND\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(desk.platform_bindings()) == 1
    (left,) = desk.bindings()
    assert left.state is State.REQUESTED
    desk.settle()
    assert desk.service.get(left.id).state is State.ACTIVE
    assert desk.calls("axb.bind") == 1
    desk.check()
