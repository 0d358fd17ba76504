"""Calls on the deployed stack: pushed, followed, listed, told, counted and exported (C-148, users.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from builders.deployed import Company
from local.processes import wait_until
from privatenumber.times import beijing_day, from_iso, utc_now


@pytest.fixture(scope="module")
def company(new_company: Callable[[], Company]) -> Company:
    """A tenant with one order and one answered call that is settled."""
    company = new_company()
    bound = company.bind("order-told", 1, 2).raise_for_status().json()
    script = {"caller": company.person(1), "called": bound["x"], "talk_s": 61, "wait": True}
    company.stack.platform.send("POST", "calls", script)
    assert wait_until(lambda: [one for one in calls(company) if one["state"] == "settled"], 60, every_s=0.3)
    return company


def ask(company: Company, method: str, path: str, **asked: Any) -> httpx.Response:
    application = {"application": company.tenant.id}
    if method == "POST":
        return company.stack.api.request(method, path, body=application | asked)
    return company.stack.api.request(method, path, query=application | asked)


def calls(company: Company) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(company, "GET", "/calls", order="order-told").json()["calls"]
    return found


def test_a_call_is_found_by_its_order_and_told_as_a_story(company: Company) -> None:
    (call,) = calls(company)
    told = ask(company, "GET", f"/calls/{call['id']}").raise_for_status().json()
    assert (told["call"]["talk_seconds"], told["call"]["connected"]) == (61, True)
    assert {"event.callin", "event.disconnect", "cdr"} <= {line["what"] for line in told["story"]}


def day_of_call(company: Company) -> str:
    """The platform's clock, which other tests have moved ahead."""
    return beijing_day(from_iso(calls(company)[0]["started_at"])).isoformat()


def counted(company: Company, day: str) -> dict[str, Any]:
    document: dict[str, Any] = ask(
        company, "GET", "/statistics", **{"from": day, "to": day, "by": "day"}
    ).json()
    return document


def test_it_is_counted(company: Company) -> None:
    """At the platform's time: the machine's may be of the day before, which is all that it has to count."""
    day, now = day_of_call(company), company.stack.platform.get("clock")["now"]
    event = {"action": "count", "application": company.tenant.id, "day": day, "scheduled_time": now}
    assert company.stack.aws.invoke(company.stack.outputs["ReportsSweepFunctionName"], event)["sent"] == 1
    assert wait_until(lambda: counted(company, day)["lines"], 60, every_s=0.5)
    (line,) = counted(company, day)["lines"]
    assert (line["attempts"], line["connected"], line["billed_minutes"]) == (1, 1, 2)


def test_a_day_is_counted_when_somebody_asks(company: Company) -> None:
    """Today as the machine has it; the worker says as of when it counted."""
    asked_at = utc_now()
    day = beijing_day(asked_at).isoformat()
    assert ask(company, "POST", "/statistics/count", day=day).status_code == 202
    (found,) = wait_until(lambda: counted(company, day)["days"], 60, every_s=0.5) or [None]
    assert found
    assert from_iso(found["as_of"]) >= asked_at.replace(microsecond=0)


def test_it_is_exported_with_people_masked(company: Company) -> None:
    day = day_of_call(company)
    asked = {"from": day, "to": day, "kind": "calls", "format": "csv"}
    export = ask(company, "POST", "/exports", **asked).raise_for_status().json()

    def link() -> str | None:
        found: dict[str, Any] = ask(company, "GET", f"/exports/{export['id']}").json()
        return found.get("url")

    url = wait_until(link, 60, every_s=0.5)
    assert url
    text = httpx.get(url).raise_for_status().content.decode("utf-8-sig")
    assert len(text.splitlines()) == 2
    assert "order-told" in text
    assert company.person(1)[3:] not in text
