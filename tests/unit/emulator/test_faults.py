"""The fault plan: matching, counting, chance from a seed (notifications.md §11)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from emulator.faults import Fault, FaultPlan

X = "+8617010000002"


def plan(seed: int = 1) -> FaultPlan:
    return FaultPlan(random.Random(seed))


def a_fault(**fields: Any) -> Fault:
    return Fault(**{"where": "api", "kind": "status", **fields})


def test_a_fault_acts_once_by_default() -> None:
    faults = plan()
    faults.add(a_fault())
    assert faults.take("api", api="axb.bind") is not None
    assert faults.take("api", api="axb.bind") is None


def test_times_are_counted_down() -> None:
    faults = plan()
    faults.add(a_fault(times=3))
    assert [faults.take("api") is not None for _ in range(5)] == [True, True, True, False, False]


def test_a_fault_without_times_acts_for_ever() -> None:
    faults = plan()
    faults.add(a_fault(times=None))
    assert all(faults.take("api") for _ in range(100))


@pytest.mark.parametrize(
    ("match", "acts"),
    [
        ({}, True),
        ({"api": "axb.bind"}, True),
        ({"api": "axb.unbind"}, False),
        ({"api": ["axb.unbind", "axb.bind"]}, True),
        ({"api": "axb.bind", "x": X}, True),
        ({"api": "axb.bind", "x": "+8617010000009"}, False),
        ({"unheard_of": "value"}, False),
        ({"icids": "second"}, True),
        ({"icids": "third"}, False),
    ],
)
def test_a_fault_waits_for_its_occasion(match: dict[str, Any], acts: bool) -> None:
    faults = plan()
    faults.add(a_fault(match=match))
    taken = faults.take("api", api="axb.bind", x=X, icids=["first", "second"])
    assert (taken is not None) is acts


def test_nth_lets_the_first_occasions_pass() -> None:
    faults = plan()
    faults.add(a_fault(nth=3))
    assert [faults.take("api") is not None for _ in range(4)] == [False, False, True, False]


def test_places_are_kept_apart() -> None:
    faults = plan()
    faults.add(a_fault(where="push", kind="lose"))
    assert faults.take("api") is None
    assert faults.take("push") is not None


def test_the_first_fault_that_fits_acts_alone() -> None:
    faults = plan()
    first = faults.add(a_fault())
    faults.add(a_fault(kind="delay"))
    taken = faults.take("api")
    assert taken is not None
    assert taken.id == first.id
    assert [fault.taken for fault in faults.all()] == [1, 0]


def test_chance_comes_from_the_seed() -> None:
    def storm(seed: int) -> list[bool]:
        faults = plan(seed)
        faults.add(a_fault(times=None, probability=0.3))
        return [faults.take("api") is not None for _ in range(200)]

    assert storm(1) == storm(1)
    assert storm(1) != storm(2)
    assert 30 < sum(storm(1)) < 90


def test_every_fault_that_acts_is_told() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    faults = FaultPlan(random.Random(1))
    faults.listeners.append(lambda fault, facts: told.append((fault.id, facts)))
    fault = faults.add(a_fault())
    faults.take("api", api="axb.bind")
    assert told == [(fault.id, {"api": "axb.bind"})]


def test_a_removed_fault_does_not_act() -> None:
    faults = plan()
    fault = faults.add(a_fault())
    assert faults.remove(fault.id)
    assert not faults.remove(fault.id)
    assert faults.take("api") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": "api", "kind": "lose"},
        {"where": "push", "kind": "flow_control"},
        {"where": "api", "kind": "status", "probability": 1.5},
        {"where": "api", "kind": "status", "nth": 0},
        {"where": "api", "kind": "status", "unknown": 1},
    ],
)
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault(**wrong)


@pytest.mark.parametrize(
    ("where", "kind", "params"),
    [
        ("api", "status", {"http_status": "abc"}),
        ("api", "status", {"http_status": 99}),
        ("api", "status", {"http_status": 600}),
        ("api", "status", {"http_status": 204}),
        ("api", "status", {"code": {}}),
        ("api", "status", {"hold_s": 1}),
        ("api", "flow_control", {"code": "1010001"}),
        ("api", "delay", {"delay_s": "x"}),
        ("api", "delay", {"delay_s": -5}),
        ("api", "delay", {"delay_s": 1e18}),
        ("api", "garbage", {"body": 5}),
        ("api", "timeout_before", {"hold_s": "x"}),
        ("api", "timeout_after_success", {"drop": "x"}),
        ("push", "lose", {"copies": 1}),
        ("push", "duplicate", {"copies": 10**9}),
        ("push", "delay", {"hold_s": float("nan")}),
        ("push", "reorder", {"window_s": []}),
        ("push", "old_created", {"age_s": 1e12}),
        ("push", "wsse", {"attempts": -1}),
        ("push", "drop_subscription_id", {"empty": 7}),
    ],
)
def test_params_that_do_not_fit_the_kind_are_refused_when_ordered(
    where: str, kind: str, params: dict[str, Any]
) -> None:
    """And not when the fault acts, in the middle of somebody's request."""
    with pytest.raises(ValidationError):
        a_fault(where=where, kind=kind, params=params)


def test_params_are_kept_as_given_in_their_forms_and_no_other() -> None:
    assert a_fault(params={"http_status": "503"}).params == {"http_status": 503}
    assert a_fault(kind="delay", params={"delay_s": 2}).params == {"delay_s": 2.0}
    assert a_fault(where="push", kind="wsse").params == {}
