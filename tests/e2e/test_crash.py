"""A function is killed (SIGKILL) while the platform has its request: the sweeps repair what it left.

Issue: "kill -9 of a function process at any step of a bind or release is repaired by the next sweeps". The
integration tests crash at every step; here real processes of the deployed functions die.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx

from builders.deployed import Company, kill_function
from builders.pushes import event_body, wire
from local.processes import wait_until
from privatenumber.times import utc_now

HELD_S = 1.5
"""How long the platform keeps a request before it acts on it; the process is killed meanwhile."""

IN_FLIGHT = timedelta(minutes=3)
"""After this a request that nobody answered is certainly over, and the sweep may look."""


def kill_while_held(company: Company, output: str, request: Any) -> Any:
    """Start `request`, kill the function once the platform has its request, return what the caller gets."""
    before = company.faults_taken()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(request)
        assert wait_until(lambda: company.faults_taken() > before, 20, every_s=0.02), "nothing was sent"
        assert kill_function(company.stack, output) >= 1
        return answer.result(timeout=30)


def sweep_until(company: Company, binding_id: str, state: str, moment: datetime) -> dict[str, Any]:
    assert company.sweep(moment)["sent"] >= 1
    return company.await_state(binding_id, state)


def assert_both_sides_agree(company: Company) -> None:
    """What we hold is what the platform holds, nobody stands on an X twice, every X counts its pairs."""
    ours = {
        (item["subscription_id"], item["x"])
        for item in company.bindings_items()
        if item["sk"] == "BINDING" and item["state"] not in ("CLOSED", "FAILED")
    }
    held = company.at_platform()
    assert ours == {(binding["subscription_id"], binding["x"]) for binding in held}
    standing = [(who, binding["x"]) for binding in held for who in (binding["a"], binding["b"])]
    assert len(standing) == len(set(standing))
    counted = {item["pk"]: item["pairs"] for item in company.bindings_items() if item["sk"] == "NUMBER"}
    assert counted == {f"X#{x}": sum(binding["x"] == x for binding in held) for x in company.tenant.numbers}
    places = [item for item in company.bindings_items() if item["pk"].startswith("PARTY#")]
    assert len(places) == 2 * len(held)


def test_a_bind_killed_before_its_answer_is_adopted_by_the_sweep(company: Company) -> None:
    """U-N03, C-041: the platform bound, nobody wrote it down; the sweep finds it and binds nothing twice."""
    company.order_fault("axb.bind", "delay", delay_s=HELD_S)
    answer = kill_while_held(company, "BindingsFunctionName", lambda: company.bind("crash-1", 1, 2))
    assert answer.status_code >= 500
    [left] = company.find(order="crash-1")
    assert left["state"] == "REQUESTED"
    assert left["x"] is None

    assert wait_until(company.at_platform, 10), "the platform goes on without its caller"
    [held] = company.at_platform()
    sent = company.stack.platform.get("requests", kind="request", api="axb.bind")["entries"]
    repaired = sweep_until(company, left["id"], "ACTIVE", utc_now() + IN_FLIGHT)

    assert repaired["x"] == held["x"]
    assert company.stack.platform.get("requests", kind="request", api="axb.bind")["entries"] == sent
    assert_both_sides_agree(company)


def test_a_bind_killed_before_the_platform_acted_is_bound_by_the_sweep(company: Company) -> None:
    """U-N03: the request came to nothing; the same binding is bound once, on the X that it holds."""
    company.order_fault("axb.bind", "timeout_before")
    answer = kill_while_held(company, "BindingsFunctionName", lambda: company.bind("crash-2", 3, 4))
    assert answer.status_code >= 500
    [left] = company.find(order="crash-2")

    repaired = sweep_until(company, left["id"], "ACTIVE", utc_now() + IN_FLIGHT)

    assert [binding["x"] for binding in company.at_platform() if binding["a"] == company.person(3)] == [
        repaired["x"]
    ]
    assert_both_sides_agree(company)


def test_a_repeated_request_after_the_crash_is_the_same_binding(company: Company) -> None:
    """U-S02: the caller that got an error asks again and gets what the killed process began."""
    company.order_fault("axb.bind", "delay", delay_s=HELD_S)
    headers = {"idempotency-key": "crash-3"}
    answer = kill_while_held(
        company, "BindingsFunctionName", lambda: company.bind("crash-3", 5, 6, headers=headers)
    )
    assert answer.status_code >= 500

    again = company.bind("crash-3", 5, 6, headers=headers)

    [only] = company.find(order="crash-3")
    assert again.json()["id"] == only["id"]
    sweep_until(company, only["id"], "ACTIVE", utc_now() + IN_FLIGHT)
    assert_both_sides_agree(company)


def bound(company: Company, order: str, a: int, b: int, *, ttl_seconds: int = 3600) -> dict[str, Any]:
    answer = company.bind(order, a, b, ttl_seconds=ttl_seconds)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_release_killed_before_its_answer_is_finished_by_the_sweep(company: Company) -> None:
    """U-D03, U-P08: RELEASING until the platform confirmed; "gone" is the end."""
    binding = bound(company, "crash-4", 7, 8)
    company.order_fault("axb.unbind", "delay", delay_s=HELD_S)
    path = f"/bindings/{binding['id']}"
    answer: httpx.Response = kill_while_held(
        company, "BindingsFunctionName", lambda: company.stack.api.request("DELETE", path)
    )
    assert answer.status_code >= 500
    assert company.read(binding["id"])["state"] == "RELEASING"

    sweep_until(company, binding["id"], "CLOSED", utc_now() + IN_FLIGHT)

    assert_both_sides_agree(company)


def test_a_worker_killed_while_it_releases_is_replaced_by_the_next_sweep(company: Company) -> None:
    """U-D03, U-P08: the order's end is kept although the first worker died over it."""
    binding = bound(company, "crash-5", 9, 10, ttl_seconds=600)
    company.order_fault("axb.unbind", "timeout_before")
    ends_at = datetime.fromisoformat(binding["ends_at"]) + timedelta(minutes=1)
    kill_while_held(company, "UnbindWorkerFunctionName", lambda: company.sweep(ends_at))
    assert company.read(binding["id"])["state"] == "RELEASING"

    closed = sweep_until(company, binding["id"], "CLOSED", ends_at + IN_FLIGHT)

    assert closed["reason"] == "expired"
    assert_both_sides_agree(company)


def kill_in(company: Company, delay_s: float, request: Callable[[], httpx.Response]) -> None:
    """Send a request to a warm process and kill it after a moment, wherever it is by then."""
    company.find(order="none")
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(request)
        time.sleep(delay_s)
        kill_function(company.stack, "BindingsFunctionName")
        answer.result(timeout=30)


def settle(company: Company) -> Counter[str]:
    """Sweep until nothing is under way any more; return how many bindings are in each state."""

    def states() -> Counter[str]:
        return Counter(item["state"] for item in company.bindings_items() if item["sk"] == "BINDING")

    def settled() -> bool:
        return not {"REQUESTED", "RELEASING"} & states().keys()

    for minutes in (3, 6, 12, 24):
        if not settled():
            company.sweep(utc_now() + timedelta(minutes=minutes))
            wait_until(settled, 10)
    assert settled(), states()
    return states()


def test_kills_at_any_moment_are_repaired(new_company: Callable[[], Company]) -> None:
    """Issue: "at any step of a bind or release": processes die after some milliseconds of their work."""
    company = new_company()
    moments = (0.02, 0.05, 0.09)
    for n, moment in enumerate(moments):
        kill_in(company, moment, partial(company.bind, f"storm-{n}", 2 * n, 2 * n + 1))
    assert settle(company).keys() <= {"ACTIVE"}
    assert_both_sides_agree(company)

    for n in range(len(moments)):
        company.bind(f"storm-{n}", 2 * n, 2 * n + 1).raise_for_status()
    for binding, moment in zip(company.at_platform(), moments, strict=True):
        [ours] = company.find(number=binding["a"])
        kill_in(company, moment, partial(company.stack.api.request, "DELETE", f"/bindings/{ours['id']}"))
    settle(company)
    assert_both_sides_agree(company)


def test_a_push_whose_process_is_killed_is_not_acknowledged_and_stored_once(
    new_company: Callable[[], Company],
) -> None:
    """F5, U-D12: no 200 without the fact; the platform's repetition brings it, once."""
    company = new_company()
    body = wire(event_body())
    company.push(body, token="warms-a-process-up-and-nothing-else")
    kill_function(company.stack, "CallbacksFunctionName", signal.SIGSTOP)
    with ThreadPoolExecutor(1) as platform:
        answer = platform.submit(company.push, body)
        while not answer.done():
            kill_function(company.stack, "CallbacksFunctionName")
            time.sleep(0.05)
    assert answer.result().status_code >= 500
    assert company.bills_items() == []

    assert company.push(body).status_code == 200
    assert company.facts() == ["event"]
