"""The routes of bulk jobs, through the handler."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from builders.bindings_api import APPLICATION, X1, A, Answer, B, BindingsApi, C
from functions.bindings import job_requests
from privatenumber.store import clients

KEY = {"Idempotency-Key": "tour-7"}
ITEMS = [{"order": "o-1", "a": A, "b": B, "ttl_seconds": 7200}, {"order": "o-2", "a": A}]


def create(api: BindingsApi, query: dict[str, str] | None = None, **body: Any) -> Answer:
    asked = {"kind": "bind", "application": APPLICATION, **body}
    return api.call("POST /jobs", body=asked, headers=KEY, query=query)


def sent() -> list[dict[str, Any]]:
    url = clients.sqs().get_queue_url(QueueName="jobs")["QueueUrl"]
    found = clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_a_job_is_accepted_with_its_place_and_begins(api: BindingsApi) -> None:
    answer = create(api, items=ITEMS, query={"why": "evening-tour"})
    assert (answer.status, answer.headers["location"]) == (202, f"/jobs/{answer.body['id']}")
    assert (answer.body["state"], answer.body["total"], answer.body["why"]) == ("running", 2, "evening-tour")
    assert answer.body["created_by"] == api.user
    assert sorted(message["lane"] for message in sent()) == [0, 1]


def test_the_same_request_again_is_marked_as_such(api: BindingsApi) -> None:
    first, again = create(api, items=ITEMS), create(api, items=ITEMS)
    assert again.body["id"] == first.body["id"]
    assert again.headers["idempotent-replay"] == "true"
    assert create(api, items=ITEMS[:1]).body["type"].endswith(":idempotency-mismatch")


def test_lines_are_a_job_too(api: BindingsApi) -> None:
    lines = [json.dumps({"kind": "bind", "application": APPLICATION}), *map(json.dumps, ITEMS), "", "{broken"]
    headers = {**KEY, "Content-Type": "application/x-ndjson; charset=utf-8"}
    answer = api.call("POST /jobs", body="\n".join(lines), headers=headers)
    assert (answer.status, answer.body["total"]) == (202, 3)


def test_without_a_key_there_is_no_job(api: BindingsApi) -> None:
    """A caller that lost its answer could only hand the job in once more."""
    answer = api.call("POST /jobs", body={"kind": "bind", "application": APPLICATION, "items": []})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "erase", "items": []}, "kind"),
        ({"items": [], "color": "red"}, "color"),
        ({"items": "all"}, "items"),
        ({"kind": "release", "items": [], "release_reason": "lost"}, "release_reason"),
        ({"kind": "release", "items": [], "grace_seconds": 86401}, "grace_seconds"),
        ({"kind": "drain_number", "x": X1, "application": "none"}, "application"),
        ({"items": [{}] * 5001}, "items"),
    ],
)
def test_what_breaks_a_rule_is_refused(api: BindingsApi, body: dict[str, Any], field: str) -> None:
    answer = create(api, **body)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)
    assert sent() == []


def test_too_much_at_once_is_refused(api: BindingsApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_requests, "JOB_LIMIT", 100)
    assert create(api, items=ITEMS).status == 413


def test_items_are_paged_by_state(api: BindingsApi) -> None:
    job = create(api, items=ITEMS * 3).body["id"]
    first = api.call("GET /jobs/{job}/items", path={"job": job}, query={"limit": "4", "state": "pending"})
    assert [item["n"] for item in first.body["items"]] == [0, 1, 2, 3]
    cursor = first.body["next_cursor"]
    rest = api.call("GET /jobs/{job}/items", path={"job": job}, query={"cursor": cursor})
    assert [item["n"] for item in rest.body["items"]] == [4, 5]
    assert rest.body["next_cursor"] is None


def test_a_job_is_cancelled(api: BindingsApi) -> None:
    job = create(api, items=ITEMS).body["id"]
    answer = api.call("POST /jobs/{job}/cancel", path={"job": job})
    assert (answer.status, answer.body["state"]) == (202, "cancelling")


def test_an_unknown_job_is_told_from_an_unknown_route(api: BindingsApi) -> None:
    for identity in ("jabc", "JOB#1", ""):
        answer = api.call("GET /jobs/{job}", path={"job": identity})
        assert answer.body["type"].endswith(":job-not-found")


def test_neither_answers_nor_log_lines_show_a_number(api: BindingsApi, log_lines: io.StringIO) -> None:
    create(api, items=[*ITEMS, {"order": A, "a": "bad", C: 1}])
    headers = {"Idempotency-Key": "driver"}
    body = {"kind": "replace_person", "application": APPLICATION, "number": A, "replacement": A}
    api.call("POST /jobs", body=body, headers=headers)
    api.call("POST /jobs", body={**body, "replacement": C}, headers=headers)
    shown = log_lines.getvalue() + "".join(answer.text for answer in api.answers)
    assert [number for number in (A, B, C) if number[3:] in shown] == []
