"""A webhook on the deployed stack: a binding is told to a receiver over real HTTP; users.md U-S13, U-N14."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from builders.deployed import Company
from builders.hooks import HookServer, running
from builders.webhooks import verify
from local.processes import wait_until
from privatenumber.privacy import mask


@pytest.fixture
def company(new_company: Callable[[], Company]) -> Company:
    """A tenant that nobody else binds for."""
    return new_company()


def test_what_happens_to_a_binding_and_its_call_arrives_in_order_signed_and_masked(company: Company) -> None:
    server = HookServer()
    with running(server):
        wanted = {"target": server.address, "events": ["binding.*", "call.*"]}
        made = company.stack.api.request(
            "POST", "/webhooks", body={"application": company.tenant.id, **wanted}
        ).raise_for_status()
        bound = company.bind("order-webhook", 1, 2).raise_for_status().json()
        script = {"caller": company.person(1), "called": bound["x"], "talk_s": 5, "wait": True}
        company.stack.platform.send("POST", "calls", script)
        company.stack.api.request("DELETE", f"/bindings/{bound['id']}").raise_for_status()
        last = {"binding.released", "call.recorded"}
        assert wait_until(lambda: last <= set(types(server, "")), 90, every_s=0.3)
    assert types(server, "binding#") == [
        "binding.requested",
        "binding.active",
        "binding.releasing",
        "binding.released",
    ]
    assert [one for one in types(server, "call#") if one != "call.changed"] == [
        "call.started",
        "call.answered",
        "call.ended",
        "call.recorded",
    ]
    (secret,) = made.json()["secrets"]
    now = datetime.now(UTC)
    assert all(verify(secret["secret"], heard.headers, heard.body, now=now) for heard in server.heard)
    sent = b"".join(heard.body for heard in server.heard)
    assert mask(company.person(1)).encode() in sent
    assert not any(company.person(n).encode() in sent for n in (1, 2))


def types(server: HookServer, subject: str) -> list[str]:
    """What was told about such subjects, each event once, in the order in which it came."""
    events = {event["id"]: event for event in map(json.loads, [heard.body for heard in server.heard])}
    return [event["type"] for event in events.values() if event["subject"].startswith(subject)]
