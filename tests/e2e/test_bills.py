"""Bills on the deployed stack: a file is put by a signed link, a comparison asked for, a worker answers."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from local.processes import wait_until
from local.stack import Stack
from privatenumber.times import beijing_month, utc_now

BILL = b"Monat,Betrag\n2026-09,5.00\n"
"""A bill whose columns no mapping names."""


def ask(stack: Stack, method: str, path: str, **request: Any) -> Any:
    return stack.api.request(method, path, **request).raise_for_status().json()


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """The key of a bill that was put into the exchange bucket."""
    wanted = {
        "month": beijing_month(utc_now()),
        "layout": "bill",
        "sha256": hashlib.sha256(BILL).hexdigest(),
        "bytes": len(BILL),
    }
    link = ask(stack, "POST", "/uploads", body=wanted)
    httpx.put(link["url"], content=BILL, headers=link["headers"]).raise_for_status()
    return str(link["key"])


def test_a_file_that_was_put_by_a_link_lies_under_its_key(stack: Stack, key: str) -> None:
    bucket = stack.outputs["ExchangeBucket"]
    assert stack.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == BILL


def test_a_comparison_that_cannot_be_made_says_why(stack: Stack, key: str) -> None:
    """From the request over queue and worker to the row that is read again."""
    body = {"month": beijing_month(utc_now()), "files": {"bill": key, "calls": key}}
    run = ask(stack, "POST", "/reconciliations", body=body, headers={"Idempotency-Key": "e2e"})
    assert run["state"] == "requested"

    def ended() -> Any:
        told = ask(stack, "GET", f"/reconciliations/{run['id']}")
        return told if told["state"] not in ("requested", "running") else None

    told = wait_until(ended, 60, every_s=0.3)
    assert told
    assert (told["state"], told["differences"]) == ("refused", [])
    assert "headers found: Monat, Betrag" in told["problem"]
    again = ask(stack, "POST", "/reconciliations", body=body, headers={"Idempotency-Key": "e2e"})
    assert again["id"] == run["id"]


def test_prices_are_read_with_what_is_published(stack: Stack) -> None:
    assert "lists" in ask(stack, "GET", "/prices")
    assert ask(stack, "GET", "/disputes")["disputes"] == []
