"""The process dies at any step of what only some modes have: two-step binds, partners, callees, extensions.

Each act is repeated with the process dying before and after every write and platform call it makes. The next
sweeps put it right: our books equal the platform's (`Desk.check`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from builders.bindings import SETTLING_S, Desk, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.dynamodb import moto_client, new_table
from builders.emulator import X1, X2, X3, C, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.model import Binding, PartnerState, Reason, State
from privatenumber.settings import Mode

MODES = sorted(Mode)
Act = Callable[[Desk, Binding], object]


@contextmanager
def fragile_desk(emulator: RunningEmulator, mode: Mode, fuse: Fuse) -> Iterator[Desk]:
    """A new desk at an emulator that knows nothing yet."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode=mode.value)
    emulator.admin.numbers(X1, X2, X3)
    with moto_client() as client:
        yield open_desk(
            new_table(client),
            emulator,
            mode=mode,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
            store=lambda store: fragile(store, WRITES, fuse),
        )


def deaths(emulator: RunningEmulator, mode: Mode, act: Act, *, first: bool = True) -> Iterator[Desk]:
    """Let an act die at every boundary it has, each time on a desk of its own with one binding on it."""
    for at in count():
        fuse = Fuse()
        with fragile_desk(emulator, mode, fuse) as desk:
            fuse.set(None)
            binding = desk.bind() if first else None
            fuse.set(at)
            with suppress(Killed):
                act(desk, binding)  # type: ignore[arg-type]
            if not fuse.burnt:
                assert at > 1, "the act has no boundary at all"
                return
            fuse.set(None)
            desk.settle()
            yield desk


@pytest.mark.parametrize("mode", MODES)
def test_killed_while_binding(emulator: RunningEmulator, mode: Mode) -> None:
    def bind(desk: Desk, _: object) -> None:
        desk.bind(idempotency_key="key-1")

    for desk in deaths(emulator, mode, bind, first=False):
        desk.check()
        again = desk.bind(idempotency_key="key-1")
        assert (again.state, again.settled) == (State.ACTIVE, True)
        desk.check()


@pytest.mark.parametrize("mode", MODES)
def test_killed_while_releasing(emulator: RunningEmulator, mode: Mode) -> None:
    def release(desk: Desk, binding: Binding) -> None:
        desk.service.release(binding.id, deadline=within())

    for desk in deaths(emulator, mode, release):
        desk.check()


@pytest.mark.parametrize("mode", [Mode.AX, Mode.X])
def test_killed_while_changing_a(emulator: RunningEmulator, mode: Mode) -> None:
    def change(desk: Desk, binding: Binding) -> None:
        desk.service.change(binding.id, a=C, deadline=within())

    for desk in deaths(emulator, mode, change):
        desk.check()


@pytest.mark.parametrize("mode", [Mode.AX, Mode.X])
def test_killed_while_setting_the_callee(emulator: RunningEmulator, mode: Mode) -> None:
    def set_callee(desk: Desk, binding: Binding) -> None:
        desk.service.set_callee(binding.id, C, deadline=within())

    for desk in deaths(emulator, mode, set_callee):
        desk.check()
        (binding,) = desk.in_state(State.ACTIVE)
        assert desk.service.set_callee(binding.id, C, deadline=within()).callee


@pytest.mark.parametrize("mode", [Mode.AXYB, Mode.X])
def test_killed_while_adding_a_partner(emulator: RunningEmulator, mode: Mode) -> None:
    def add(desk: Desk, binding: Binding) -> None:
        desk.service.add_partner(binding.id, C, deadline=within())

    for desk in deaths(emulator, mode, add):
        desk.check()
        (binding,) = desk.in_state(State.ACTIVE)
        added = desk.service.add_partner(binding.id, C, deadline=within()).binding
        assert [one.state for one in added.partners] == [PartnerState.HELD] * 2
        desk.check()


@pytest.mark.parametrize("mode", [Mode.AXYB, Mode.X])
def test_killed_while_removing_a_partner(emulator: RunningEmulator, mode: Mode) -> None:
    def remove(desk: Desk, binding: Binding) -> None:
        desk.service.remove_partner(binding.id, binding.partners[0].id, deadline=within())

    for desk in deaths(emulator, mode, remove):
        desk.check()


def test_killed_while_the_worker_finishes_a_partner(emulator: RunningEmulator) -> None:
    def resume(desk: Desk, binding: Binding) -> None:
        in_doubt(desk, "timeout_before", api="axyb.bind", drop=True)
        desk.service.add_partner(binding.id, C, deadline=within(1.2))
        desk.advance(SETTLING_S)
        desk.sweep()

    for desk in deaths(emulator, Mode.AXYB, resume):
        desk.check()


def test_killed_while_giving_up_an_ax_whose_b_got_no_y(emulator: RunningEmulator) -> None:
    """axyb.md §6: when YB fails finally, the AX is unbound again."""

    def refused(desk: Desk, _: object) -> None:
        for x in (X2, X3):
            desk.emulator.admin.number_status(x, "9")
        with suppress(Exception):
            desk.bind()

    for desk in deaths(emulator, Mode.AXYB, refused, first=False):
        assert {one.reason for one in desk.bindings()} <= {None, Reason.REFUSED}
        desk.check()


def test_killed_while_moving_to_another_x_with_other_digits(emulator: RunningEmulator) -> None:
    """1012102 on an X that our books hold for good."""

    def moved(desk: Desk, _: object) -> None:
        in_doubt(desk, "status", api="axe.bind", http_status=403, code="1012102")
        desk.bind()

    for desk in deaths(emulator, Mode.AXE, moved, first=False):
        desk.check()
