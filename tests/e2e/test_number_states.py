"""States of numbers on the deployed stack: from the push over the table's stream to the pool."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from builders.deployed import Company
from builders.pushes import number_status_body, wire
from local.processes import wait_until


@pytest.fixture
def company(new_company: Callable[[], Company]) -> Company:
    """A tenant whose numbers nobody else moves."""
    return new_company()


def _state(company: Company, x: str) -> str:
    answer = company.stack.api.request("GET", "/numbers", query={"application": company.tenant.id})
    states: dict[str, str] = {
        number["x"]: number["state"] for number in answer.raise_for_status().json()["numbers"]
    }
    return states[x]


def _becomes(company: Company, x: str, state: str) -> bool:
    return wait_until(lambda: _state(company, x) == state, 20, every_s=0.2)


def test_a_frozen_number_takes_no_binding_until_it_is_normal_again(company: Company) -> None:
    """C-097; numbers.md §3: 11 stops new bindings, 5 brings the number back."""
    first, *others = company.tenant.numbers
    for pushed, state in (("11", "frozen"), ("5", "active"), ("9", "suspended"), ("10", "unavailable")):
        body = number_status_body({"number": first, "status": pushed})
        assert company.push(wire(body), route="number").status_code == 200
        assert _becomes(company, first, state)
    assert {_state(company, x) for x in others} == {"active"}
