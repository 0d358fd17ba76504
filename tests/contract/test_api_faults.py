"""Faults of API requests, as a client sees them: what was executed, what was answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from builders.emulator import APP_KEY, SECRET, X1, X2, A, B, C, D, RunningEmulator
from builders.platform_requests import AXB, EmulatedApi
from emulator.connections import ConnectionDroppedError
from emulator.faults import Fault
from privatenumber.signing import Scheme, new_nonce, sign


def order(api: EmulatedApi, kind: str, params: dict[str, Any] | None = None, **fields: Any) -> Fault:
    return api.emulator.faults.add(Fault(where="api", kind=kind, params=params or {}, **fields))


def live(api: EmulatedApi) -> int:
    return len(list(api.world.all_axb(api.now)))


# Inside this process


def test_status_answers_a_page_and_executes_nothing(api: EmulatedApi) -> None:
    order(api, "status", {"http_status": 503})
    answer = api.bind()
    assert answer.outcome == (503, None)
    assert answer.headers["content-type"].startswith("text/html")
    assert live(api) == 0


def test_status_with_a_code_answers_the_envelope(api: EmulatedApi) -> None:
    order(api, "status", {"http_status": 500, "code": "1023001"})
    answer = api.bind()
    assert answer.outcome == (500, "1023001")
    assert answer.json["resultdesc"] == "Internal error."


def test_status_may_come_after_the_execution(api: EmulatedApi) -> None:
    order(api, "status", {"http_status": 500, "code": "1023002", "execute": True})
    assert api.bind().outcome == (500, "1023002")
    assert live(api) == 1


@pytest.mark.parametrize("code", ["1010010", "1011006"])
def test_flow_control_refuses_in_both_forms(api: EmulatedApi, code: str) -> None:
    order(api, "flow_control", {"code": code})
    assert api.bind().outcome == (403, code)
    assert live(api) == 0


def test_garbage_is_a_success_nobody_can_read(api: EmulatedApi) -> None:
    order(api, "garbage")
    assert api.bind().outcome == (200, None)
    assert live(api) == 1


def test_a_delay_is_only_a_delay(api: EmulatedApi) -> None:
    order(api, "delay", {"delay_s": 0})
    assert api.bind().outcome == (200, "0")


def test_a_dropped_answer_after_success_leaves_the_binding(api: EmulatedApi) -> None:
    order(api, "timeout_after_success", {"drop": True})
    with pytest.raises(ConnectionDroppedError):
        api.bind()
    assert live(api) == 1


def test_a_dropped_answer_before_execution_leaves_nothing(api: EmulatedApi) -> None:
    order(api, "timeout_before", {"drop": True})
    with pytest.raises(ConnectionDroppedError):
        api.bind()
    assert live(api) == 0


@pytest.mark.parametrize(
    ("match", "refused"),
    [
        ({"api": "axb.bind"}, {"bind"}),
        ({"api": ["axb.unbind", "axb.query"]}, {"query", "unbind"}),
        ({"x": X2}, set()),
        ({"x": X1}, {"bind", "modify", "query", "unbind"}),
        ({"application": APP_KEY}, {"bind", "modify", "query", "unbind"}),
    ],
)
def test_faults_match_by_api_x_and_application(
    api: EmulatedApi, match: dict[str, Any], refused: set[str]
) -> None:
    """An X is known as well for requests that name only the binding."""
    bound = api.bound(A, B)
    order(api, "status", match=match, times=None)
    requests: dict[str, Callable[[], Any]] = {
        "bind": lambda: api.bind(C, D),
        "modify": lambda: api.modify(bound, duration=60),
        "query": lambda: api.query(subscriptionId=bound),
        "unbind": lambda: api.unbind(subscriptionId=bound),
    }
    assert {name for name, send in requests.items() if send().status == 500} == refused


def test_a_request_that_is_not_authenticated_takes_no_fault(api: EmulatedApi) -> None:
    order(api, "status", {"http_status": 503})
    assert api.send("GET", headers={}).status == 400
    assert api.bind().status == 503


def test_the_journal_knows_the_fault_and_the_request_it_hit(api: EmulatedApi) -> None:
    fault = order(api, "timeout_after_success", {"drop": True})
    with pytest.raises(ConnectionDroppedError):
        api.bind()
    journal = api.emulator.journal
    [acted] = journal.entries(kind="fault")
    assert (acted.fault, acted.text, acted.details["api"], acted.details["x"]) == (
        fault.id,
        "timeout_after_success",
        "axb.bind",
        X1,
    )
    [request] = journal.entries(kind="request")
    assert (request.fault, request.http_status, request.code) == (fault.id, None, None)
    assert journal.counts() == {"axb.bind": {"no answer": 1}}


# Over real connections


def send_bind(emulator: RunningEmulator, *, timeout: float = 5) -> httpx.Response:
    headers = sign(Scheme.AKSK, APP_KEY, SECRET, created=emulator.admin.now(), nonce=new_nonce())
    body = {"callerNum": A, "calleeNum": B, "relationNum": X1}
    with httpx.Client(trust_env=False, timeout=timeout) as client:
        return client.post(emulator.address + AXB, json=body, headers={**headers})


def test_a_dropped_connection_gives_no_answer_at_all(emulator: RunningEmulator) -> None:
    emulator.admin.fault("timeout_after_success", params={"drop": True})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        send_bind(emulator)
    assert len(emulator.admin.bindings(X1)) == 1


def test_a_held_connection_outlasts_the_clients_patience(emulator: RunningEmulator) -> None:
    emulator.admin.fault("timeout_before")
    with pytest.raises(httpx.ReadTimeout):
        send_bind(emulator, timeout=0.3)
    assert emulator.admin.bindings(X1) == []


def test_a_held_connection_ends_without_an_answer(emulator: RunningEmulator) -> None:
    emulator.admin.fault("timeout_after_success", params={"hold_s": 0.2})
    started = time.monotonic()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        send_bind(emulator)
    assert time.monotonic() - started >= 0.2


def test_a_real_answer_closes_the_connection(emulator: RunningEmulator) -> None:
    """auth.md §1: the server side closes."""
    answer = send_bind(emulator)
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json;charset=utf-8"


def test_a_held_connection_does_not_hold_up_others(emulator: RunningEmulator) -> None:
    emulator.admin.fault("timeout_before")
    with pytest.raises(httpx.ReadTimeout):
        send_bind(emulator, timeout=0.2)
    assert send_bind(emulator).status_code == 200
