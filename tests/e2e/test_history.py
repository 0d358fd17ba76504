"""The history on the deployed stack: from a signed request over the table's stream to the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from builders.deployed import Company
from local.processes import wait_until


@pytest.fixture
def company(new_company: Callable[[], Company]) -> Company:
    """A tenant whose numbers nobody else moves."""
    return new_company()


def _history(company: Company, path: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (
        company.stack.api.request("GET", f"{path}/history").raise_for_status().json()["entries"]
    )
    return entries


def test_whoever_changes_a_number_is_found_in_its_history_with_his_reason(company: Company) -> None:
    """operations.md §16; the identity is the one that API Gateway has verified."""
    x = company.tenant.numbers[0]
    path = f"/numbers/{quote(x, safe='')}"
    company.stack.api.request(
        "PUT", path, query={"why": "complaints"}, body={"state": "locked"}
    ).raise_for_status()
    assert wait_until(lambda: len(_history(company, path)) >= 2, 30, every_s=0.3)
    last = _history(company, path)[0]
    assert (last["state"], last["why"], last["what"]) == ("locked", "complaints", ["state active -> locked"])
    assert last["by"].startswith("arn:")


def test_the_life_of_a_binding_is_told_version_by_version(company: Company) -> None:
    """Its own rows come by the same stream, and the history still ends with the binding."""
    made = company.stack.api.request(
        "POST",
        "/bindings",
        body={
            "application": company.tenant.id,
            "order": "order-history",
            "a": "13800138001",
            "b": "13800138002",
            "ttl_seconds": 3600,
        },
    ).raise_for_status()
    path = f"/bindings/{made.json()['id']}"
    company.stack.api.request("DELETE", path, query={"why": "ticket 4711"}).raise_for_status()
    assert wait_until(
        lambda: [e["state"] for e in _history(company, path)][:1] == ["CLOSED"], 30, every_s=0.3
    )
    told = _history(company, path)
    assert [entry["version"] for entry in told] == list(range(len(told), 0, -1))
    assert told[0]["why"] == "ticket 4711"
    assert told[-1]["state"] == "REQUESTED"
