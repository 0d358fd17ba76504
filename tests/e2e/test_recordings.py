"""A recorded call on the deployed stack: stream, queue, worker, bucket, link to the file (C-009, U-N15)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from builders.deployed import Company
from emulator.recordings import content
from local.processes import wait_until
from local.stack import Stack


@pytest.fixture(scope="module")
def call(company: Company) -> dict[str, Any]:
    """A recorded call of half a minute that has ended."""
    asked = {"application": company.tenant.id, "order": "recorded-1", "ttl_seconds": 3600}
    people = {"a": company.person(1), "b": company.person(2), "record_hint_tone": "hint.wav"}
    bound = company.stack.api.request("POST", "/bindings", body=asked | people).raise_for_status().json()
    script = {"caller": company.person(1), "called": bound["x"], "talk_s": 30, "wait": True}
    ended: dict[str, Any] = company.stack.platform.send("POST", "calls", script)
    return ended


def recordings(company: Company, session: str) -> httpx.Response:
    path = f"/recordings/{quote(session, safe='')}"
    return company.stack.api.request("GET", path, query={"application": company.tenant.id})


def test_a_recording_is_archived_by_itself_and_can_be_fetched(company: Company, call: dict[str, Any]) -> None:
    def archived() -> bool:
        answer = recordings(company, call["session_id"])
        return answer.is_success and "archived" in [one["state"] for one in answer.json()["recordings"]]

    wait_until(archived, 30, every_s=0.5)
    (one,) = recordings(company, call["session_id"]).json()["recordings"]
    assert (one["state"], one["seconds"]) == ("archived", 30)
    assert httpx.get(one["url"]).content == b"".join(content(30))


def test_a_recording_wants_a_signed_request(stack: Stack) -> None:
    assert httpx.get(f"{stack.api_url}/recordings/a?application=courier-10").status_code == 403


def test_a_call_that_nobody_knows_is_404(company: Company) -> None:
    answer = recordings(company, "nobody@callenabler246.huaweicaas.com")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("call-not-found")


def test_the_sweep_may_ask_and_send(company: Company) -> None:
    """Its permissions, under which nothing is due now."""
    answer = company.stack.aws.invoke(company.stack.outputs["RecordingsSweepFunctionName"], {})
    assert answer["due"] == answer["sent"] == 0


def test_a_link_without_its_signature_opens_nothing(company: Company, call: dict[str, Any]) -> None:
    found = recordings(company, call["session_id"]).json()["recordings"]
    for one in found:
        assert httpx.get(one["url"].partition("?")[0]).status_code == 403
