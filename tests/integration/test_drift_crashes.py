"""A drift run that dies at any step, or meets a bind, a release or a change at any step.

Each scenario is repeated with the event before and after every write and platform request there is. Whatever
happens, the run goes on and ends, the report is right, and our books equal the platform's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from builders.bindings import APPLICATION, SETTLING_S, Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.drift import console_of, drift_of, finish, found_by
from builders.dynamodb import Table, moto_client, new_table
from builders.emulator import X1, X2, X3, C, D, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.drift_service import DriftService
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.settings import Mode
from privatenumber.store.drift import DriftStore

X4 = "+8617010000004"
RUN_WRITES = frozenset({"put_run", "put_difference"})
LOOKS = frozenset({"standing_on", "standing_of", "standing_behind"})
Plant = Callable[[Desk, Binding], None]
Act = Callable[[Desk, Binding], object]


def lose(desk: Desk, binding: Binding) -> None:
    console_of(desk).unbind(binding.subscription_id or "")


def bend(desk: Desk, binding: Binding) -> None:
    console_of(desk).modify(binding.subscription_id or "", direction=2)


def keep(desk: Desk, binding: Binding) -> None:
    """The platform says that it has no such binding, and keeps it."""
    in_doubt(desk, "status", api="axb.unbind", http_status=403, code="1012007")
    assert desk.service.release(binding.id, deadline=within()).state is State.CLOSED


PLANTS: dict[str, tuple[Plant, str, str]] = {
    "lost": (lose, "ours_only", "close_as_lost"),
    "bent": (bend, "different", "bring_to_our_terms"),
    "kept": (keep, "platform_only", "unbind_again"),
}


@dataclass
class Interruption(Fuse):
    """Something else happens at boundary `at`, and the process goes on."""

    act: Callable[[], object] = field(default=lambda: None)

    def boundary(self) -> None:
        here, self.passed = self.passed, self.passed + 1
        if here == self.at:
            self.burnt = True
            self.act()


NUMBERS = {Mode.AX: (X1, X2), Mode.AXYB: (X1, X2, X3, X4)}
"""Where one X does not do for two bindings; each B of AXYB takes one more for his Y."""


@contextmanager
def world(emulator: RunningEmulator, fuse: Fuse, mode: Mode = Mode.AXB) -> Iterator[tuple[Desk, Desk, Any]]:
    """A desk as it is, the same with boundaries, and the fragile store of its runs."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode=mode.value)
    numbers = NUMBERS.get(mode, (X1,))
    emulator.admin.numbers(*numbers)
    with moto_client() as client:
        table = new_table(client)
        desk = open_desk(table, emulator, mode=mode, numbers=numbers)
        yield desk, fragile_twin(desk, table, fuse), fragile(DriftStore(client, table.name), RUN_WRITES, fuse)


def fragile_twin(desk: Desk, table: Table, fuse: Fuse) -> Desk:
    """Another process over the same table and platform, which the fuse can end."""
    return open_desk(
        table,
        desk.emulator,
        mode=desk.mode,
        numbers=(),
        clock=desk.clock,
        seed=2,
        wrapped=lambda api: fragile(api, PLATFORM_CALLS | LOOKS, fuse),
        store=lambda store: fragile(store, WRITES, fuse),
    )


def direction_there(desk: Desk, binding: Binding) -> int:
    page = console_of(desk).client.axb.query(subscription_id=binding.subscription_id or "", deadline=within())
    return page.rows[0].direction


@pytest.mark.parametrize("planted", sorted(PLANTS))
def test_killed_at_any_step(emulator: RunningEmulator, planted: str) -> None:
    plant, kind, action = PLANTS[planted]
    for at in count():
        fuse = Fuse()
        with world(emulator, fuse) as (desk, twin, store):
            other, binding = desk.bind("order-1", a=C, b=D, x=X1), desk.bind("order-2", x=X1)
            plant(desk, binding)
            drift = drift_of(twin, store)
            fuse.set(at)
            with suppress(Killed):
                finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
            burnt = fuse.burnt
            fuse.set(None)
            again = drift_of(desk)
            begun = again.runs(APPLICATION, limit=1) or [again.start(APPLICATION, actor="a", repair=True)]
            run = finish(desk, again, begun[0])
            (found,) = found_by(again, run)
            assert (found["kind"], found["action"], found["state"]) == (kind, action, "repaired"), at
            assert (run.numbers, run.counts) == (1, {f"{kind}.repaired": 1}), at
            assert desk.service.get(other.id).state is State.ACTIVE
            desk.settle()
            desk.check()
            if planted == "bent":
                assert direction_there(desk, binding) == 0
            if planted == "lost":
                assert desk.service.get(binding.id).reason is Reason.LOST
        if not burnt:
            assert at > 10
            return


ACTS: dict[str, Act] = {
    "released": lambda desk, binding: desk.service.release(binding.id, deadline=within()),
    "bound": lambda desk, binding: desk.bind("order-9", a="+8613800138011", b="+8613800138012", x=X1),
}


@pytest.mark.parametrize(("planted", "act"), [("bent", "released"), ("lost", "released"), ("lost", "bound")])
def test_a_bind_or_release_meets_a_run_at_any_step(emulator: RunningEmulator, planted: str, act: str) -> None:
    for at in count():
        fuse = Interruption()
        with world(emulator, fuse) as (desk, twin, store):
            binding = desk.bind("order-2", x=X1)
            PLANTS[planted][0](desk, binding)
            made: list[object] = []

            def happen(desk: Desk = desk, binding: Binding = binding, made: list[object] = made) -> None:
                made.append(ACTS[act](desk, binding))

            fuse.act = happen
            fuse.set(at)
            drift = drift_of(twin, store)
            run = finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
            burnt = fuse.burnt
            fuse.set(None)
            desk.settle()
            desk.check()
            lasting = [one for one in found_by(drift, run) if one["state"] != "gone"]
            assert all(one["binding_id"] == binding.id for one in lasting), at
            if act == "released" and burnt:
                assert desk.service.get(binding.id).state is State.CLOSED
            if act == "bound" and burnt:
                assert isinstance(made[0], Binding)
                assert desk.service.get(made[0].id).state is State.ACTIVE
                assert made[0].subscription_id in {row[0] for row in desk.platform_bindings()}
        if not burnt:
            assert at > 10
            return


def test_a_change_meets_a_run_at_any_step(emulator: RunningEmulator) -> None:
    """A change that was accepted is in force at the end, here and there."""
    for at in count():
        fuse = Interruption()
        with world(emulator, fuse) as (desk, twin, store):
            binding = desk.bind("order-2", x=X1)
            bend(desk, binding)
            accepted: list[Binding] = []

            def change(
                desk: Desk = desk, binding: Binding = binding, accepted: list[Binding] = accepted
            ) -> None:
                with suppress(Exception):
                    accepted.append(desk.service.change(binding.id, direction=1, deadline=within()))

            fuse.act = change
            fuse.set(at)
            drift = drift_of(twin, store)
            finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
            burnt = fuse.burnt
            fuse.set(None)
            desk.settle()
            desk.check()
            expected = 1 if accepted else 0
            assert desk.service.get(binding.id).direction == expected
            assert direction_there(desk, binding) == expected, at
        if not burnt:
            assert at > 10
            return


def bind_another(desk: Desk, _: Binding) -> Binding:
    """Bind C, and D where the mode has a B or takes one at once."""
    opposite: dict[str, Any] = {} if desk.mode in (Mode.AX, Mode.AXE) else {"b": D}
    return desk.bind("order-7", a=C, **opposite)


MOVES: dict[str, Act] = {
    "bind": bind_another,
    "release": lambda desk, binding: desk.service.release(binding.id, deadline=within()),
}


@pytest.mark.parametrize("move", sorted(MOVES))
@pytest.mark.parametrize("mode", [Mode.AX, Mode.AXB, Mode.AXE, Mode.AXYB])
def test_a_run_that_looks_in_the_middle_of_a_bind_or_release_finds_nothing(
    emulator: RunningEmulator, mode: Mode, move: str
) -> None:
    """All numbers are compared at every step of the other one; what is found then is gone when it counts."""
    for at in count():
        fuse = Interruption()
        with world(emulator, fuse, mode) as (desk, twin, _):
            binding = desk.bind()
            drift = drift_of(desk)
            run = drift.start(APPLICATION, actor="tester", repair=True)

            def compare(drift: DriftService = drift) -> None:
                drift.tick([APPLICATION], left=lambda: 250.0)

            fuse.act = compare
            fuse.set(at)
            MOVES[move](twin, binding)
            burnt = fuse.burnt
            fuse.set(None)
            done = finish(desk, drift, run)
            assert [one for one in found_by(drift, run) if one["state"] != "gone"] == [], at
            assert done.numbers == len(NUMBERS.get(mode, (X1,)))
            desk.advance(SETTLING_S)
            desk.settle()
            desk.check()
        if not burnt:
            assert at > 1
            return


def test_two_invocations_at_one_run_do_its_work_once(emulator: RunningEmulator) -> None:
    """The second is started at every step of the first."""
    for at in count():
        fuse = Interruption()
        with world(emulator, fuse) as (desk, twin, store):
            binding = desk.bind("order-2", x=X1)
            lose(desk, binding)
            second = drift_of(desk)

            def tick(second: DriftService = second) -> None:
                second.tick([APPLICATION], left=lambda: 250.0)

            fuse.act = tick
            fuse.set(at)
            drift = drift_of(twin, store)
            run = finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=True))
            burnt = fuse.burnt
            fuse.set(None)
            assert (run.numbers, run.counts) == (1, {"ours_only.repaired": 1}), at
            desk.settle()
            desk.check()
        if not burnt:
            assert at > 10
            return
