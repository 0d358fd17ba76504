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


@pytest.fixture
def company(new_company: Callable[[], Company]) -> Company:
    """A tenant that nobody else binds for."""
    return new_company()


def test_what_happens_to_a_binding_arrives_in_order_signed_and_masked(company: Company) -> None:
    server = HookServer()
    with running(server):
        made = company.stack.api.request(
            "POST",
            "/webhooks",
            body={"application": company.tenant.id, "target": server.address, "events": ["binding.*"]},
        ).raise_for_status()
        bound = company.stack.api.request(
            "POST",
            "/bindings",
            body={
                "application": company.tenant.id,
                "order": "order-webhook",
                "a": "13800138001",
                "b": "13800138002",
                "ttl_seconds": 3600,
            },
        ).raise_for_status()
        path = f"/bindings/{bound.json()['id']}"
        company.stack.api.request("DELETE", path).raise_for_status()
        assert wait_until(lambda: "binding.released" in types(server), 60, every_s=0.3)
    assert list(dict.fromkeys(types(server))) == [
        "binding.requested",
        "binding.active",
        "binding.releasing",
        "binding.released",
    ]
    (secret,) = made.json()["secrets"]
    now = datetime.now(UTC)
    assert all(verify(secret["secret"], heard.headers, heard.body, now=now) for heard in server.heard)
    assert json.loads(server.heard[0].body)["data"]["numbers"] == {
        "a": "+86138****8001",
        "b": "+86138****8002",
    }


def types(server: HookServer) -> list[str]:
    """What was told, in the order in which it came."""
    return [json.loads(heard.body)["type"] for heard in server.heard]
