"""The process dies at any step of a bind, a change, a release or a repair: the next sweeps put it right.

Every boundary before and after a write or a platform call is tried. Afterwards our books equal the
platform's, no place is leaked and the counters of X are right (`Desk.check`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from builders.bindings import SETTLING_S, Desk, b_of, in_doubt, open_desk, within
from builders.crashes import PLATFORM_CALLS, WRITES, Fuse, Killed, fragile
from builders.dynamodb import moto_client, new_table
from builders.emulator import C, RunningEmulator
from privatenumber.bindings.model import Binding, State

# write the intent, bind, write ACTIVE
BIND = 3 * 2
# write RELEASING, unbind, write CLOSED
RELEASE = 3 * 2
# take the new place, modify, free the old one
CHANGE = 3 * 2
# claim, look up, write the attempt, bind, write ACTIVE
SETTLE = 5 * 2
# write the intent, bind, look up, move, bind, write ACTIVE
MOVE = 6 * 2


@pytest.fixture
def fuse() -> Fuse:
    return Fuse()


@pytest.fixture
def desk(emulator: RunningEmulator, fuse: Fuse) -> Iterator[Desk]:
    with moto_client() as client:
        yield open_desk(
            new_table(client),
            emulator,
            wrapped=lambda api: fragile(api, PLATFORM_CALLS, fuse),
            store=lambda store: fragile(store, WRITES, fuse),
        )


def die(desk: Desk, fuse: Fuse, at: int, act: str, binding: Binding | None = None) -> None:
    """Do something and be killed at boundary `at`."""
    fuse.set(at)
    with suppress(Killed):
        if act == "bind":
            desk.bind(idempotency_key="key-1")
        elif act == "sweep":
            desk.sweep()
        elif act == "release" and binding:
            desk.service.release(binding.id, deadline=within())
        elif act == "change" and binding:
            desk.service.change(binding.id, b=C, deadline=within())
    assert fuse.burnt, f"{act} has no boundary {at}"
    fuse.set(None)


@pytest.mark.parametrize("at", range(BIND))
def test_killed_while_binding(desk: Desk, fuse: Fuse, at: int) -> None:
    die(desk, fuse, at, "bind")
    desk.settle()
    desk.check()
    again = desk.bind(idempotency_key="key-1")
    assert again.state is State.ACTIVE
    assert len(desk.platform_bindings()) == 1
    desk.check()


@pytest.mark.parametrize("at", range(RELEASE))
def test_killed_while_releasing(desk: Desk, fuse: Fuse, at: int) -> None:
    binding = desk.bind()
    die(desk, fuse, at, "release", binding)
    desk.settle()
    desk.check()
    # The first boundary lies before anything was written: nobody knows of the wish to release.
    wanted = State.ACTIVE if at == 0 else State.CLOSED
    assert desk.service.get(binding.id).state is wanted


@pytest.mark.parametrize("at", range(RELEASE))
def test_killed_while_expiring(desk: Desk, fuse: Fuse, at: int) -> None:
    binding = desk.bind(ttl_seconds=60)
    desk.advance(60)
    die(desk, fuse, at, "sweep")
    desk.settle()
    desk.check()
    assert desk.service.get(binding.id).state is State.CLOSED


@pytest.mark.parametrize("at", range(CHANGE))
def test_killed_while_changing_a_party(desk: Desk, fuse: Fuse, at: int) -> None:
    binding = desk.bind()
    die(desk, fuse, at, "change", binding)
    desk.settle()
    desk.check()
    changed = desk.service.get(binding.id)
    assert (b_of(changed) == C) is (at > 0)


@pytest.mark.parametrize("at", range(SETTLE))
def test_killed_while_repairing(desk: Desk, fuse: Fuse, at: int) -> None:
    """A bind that was lost on its way, and a worker that dies while it binds again."""
    in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
    binding = desk.bind()
    desk.advance(SETTLING_S)
    die(desk, fuse, at, "sweep")
    desk.settle()
    desk.check()
    assert desk.service.get(binding.id).state is State.ACTIVE


@pytest.mark.parametrize("at", range(MOVE))
def test_killed_while_moving_to_another_x(desk: Desk, fuse: Fuse, at: int) -> None:
    """1012102 on an X that our books hold for good."""
    in_doubt(desk, "status", api="axb.bind", http_status=403, code="1012102")
    die(desk, fuse, at, "bind")
    desk.settle()
    desk.check()


@pytest.mark.parametrize("second", range(4))
@pytest.mark.parametrize("first", range(BIND))
def test_killed_again_while_being_repaired(desk: Desk, fuse: Fuse, first: int, second: int) -> None:
    die(desk, fuse, first, "bind")
    desk.advance(SETTLING_S)
    fuse.set(second)
    with suppress(Killed):
        desk.sweep()
    fuse.set(None)
    desk.settle()
    desk.check()


def test_every_boundary_of_a_bind_a_change_and_a_release_is_tried(desk: Desk, fuse: Fuse) -> None:
    fuse.set(None)
    binding = desk.bind()
    assert fuse.passed == BIND
    fuse.set(None)
    desk.service.change(binding.id, b=C, deadline=within())
    assert fuse.passed == CHANGE
    fuse.set(None)
    desk.service.release(binding.id, deadline=within())
    assert fuse.passed == RELEASE


def test_every_boundary_of_a_repair_is_tried(desk: Desk, fuse: Fuse) -> None:
    in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
    desk.bind()
    desk.advance(SETTLING_S)
    fuse.set(None)
    desk.sweep()
    assert fuse.passed == SETTLE


def test_every_boundary_of_a_move_is_tried(desk: Desk, fuse: Fuse) -> None:
    in_doubt(desk, "status", api="axb.bind", http_status=403, code="1012102")
    fuse.set(None)
    desk.bind()
    assert fuse.passed == MOVE
