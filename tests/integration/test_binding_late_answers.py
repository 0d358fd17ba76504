"""The answer to a bind comes when the world has moved on: adopted, given up or withdrawn meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from builders.bindings import SETTLING_S, Desk, in_doubt, open_desk, within
from builders.dynamodb import moto_client, new_table
from builders.emulator import RunningEmulator
from privatenumber.bindings.model import Reason, State, advanced


class Meanwhile:
    """A platform client during whose first bind something else happens, before or after the platform acts."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self.before: Callable[[], object] | None = None
        self.after: Callable[[], object] | None = None

    def bind(self, *args: Any, **named: Any) -> Any:
        before, self.before = self.before, None
        after, self.after = self.after, None
        if before:
            before()
        bound = self._api.bind(*args, **named)
        if after:
            after()
        return bound

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


@pytest.fixture
def meanwhile() -> list[Meanwhile]:
    return []


@pytest.fixture
def desk(emulator: RunningEmulator, meanwhile: list[Meanwhile]) -> Iterator[Desk]:
    def wrapped(api: Any) -> Any:
        meanwhile.append(Meanwhile(api))
        return meanwhile[0]

    with moto_client() as client:
        yield open_desk(new_table(client), emulator, wrapped=wrapped)


def later_sweeps(desk: Desk, sweeps: int = 1) -> Callable[[], object]:
    def run() -> None:
        for _ in range(sweeps):
            desk.advance(SETTLING_S)
            desk.sweep()

    return run


def test_an_answer_after_the_worker_adopted_changes_nothing(desk: Desk, meanwhile: list[Meanwhile]) -> None:
    meanwhile[0].after = later_sweeps(desk)
    binding = desk.bind()
    assert (binding.state, desk.calls("axb.bind"), desk.calls("axb.unbind")) == (State.ACTIVE, 1, 0)
    assert desk.counted["StrayBindings"] == 0
    desk.check()


def test_a_bind_that_takes_effect_after_it_was_given_up_is_released(
    desk: Desk, meanwhile: list[Meanwhile]
) -> None:
    """Slower than any deadline and margin: the binding gets a record of its own, and its end."""
    in_doubt(desk, "timeout_before", api="axb.bind", times=2, drop=True)
    meanwhile[0].before = later_sweeps(desk, 4)
    assert desk.bind().state is State.FAILED
    assert desk.counted["StrayBindings"] == 1
    assert [(one.reason, one.subscription_id is not None) for one in desk.in_state(State.CLOSED)] == [
        (Reason.LOST, True)
    ]
    desk.check()


def test_a_stray_whose_release_fails_is_released_by_the_sweep(desk: Desk, meanwhile: list[Meanwhile]) -> None:
    in_doubt(desk, "timeout_before", api="axb.bind", times=2, drop=True)
    in_doubt(desk, "status", api="axb.unbind", http_status=403, code="1012102")
    meanwhile[0].before = later_sweeps(desk, 4)
    desk.bind()
    assert len(desk.platform_bindings()) == 1
    desk.settle()
    desk.check()


def test_a_bind_withdrawn_on_its_way_is_released_when_it_arrives(
    desk: Desk, meanwhile: list[Meanwhile]
) -> None:
    meanwhile[0].before = lambda: desk.service.release(desk.bindings()[0].id, deadline=within())
    binding = desk.bind()
    assert (binding.state, binding.reason) == (State.CLOSED, Reason.DELETED)
    desk.check()


def test_a_bind_withdrawn_on_its_way_and_refused_ends_as_failed(
    desk: Desk, meanwhile: list[Meanwhile]
) -> None:
    in_doubt(desk, "status", api="axb.bind", http_status=403, code="1010002")
    meanwhile[0].before = lambda: desk.service.release(desk.bindings()[0].id, deadline=within())
    assert desk.bind().state is State.REQUESTED
    desk.settle()
    assert len(desk.in_state(State.FAILED)) == 1
    desk.check()


def test_a_worker_that_comes_early_looks_but_does_not_bind(desk: Desk) -> None:
    """The first request may still be on its way: a second one could bind what is then given up."""
    in_doubt(desk, "timeout_before", api="axb.bind", drop=True)
    binding = desk.bind()
    desk.engine.save(binding, advanced(binding, desk.clock(), due_at=desk.clock()))
    assert desk.sweep() == 1
    waiting = desk.service.get(binding.id)
    assert (waiting.state, waiting.due_at) == (State.REQUESTED, waiting.in_flight_until)
    assert desk.calls("axb.bind") == 1
    desk.settle()
    assert desk.service.get(binding.id).state is State.ACTIVE
