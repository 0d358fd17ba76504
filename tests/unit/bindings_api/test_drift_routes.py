"""Drift runs and the release of a whole number through the handler: who asked, and what is never shown."""

from __future__ import annotations

import pytest

from builders.bindings_api import APPLICATION, TABLE, USER, X1, X2, A, Answer, B, BindingsApi, C, D
from privatenumber.settings import Mode
from privatenumber.store import clients
from privatenumber.store.items import decode

WHY = {"why": "returned to the carrier"}


def release(api: BindingsApi, x: str = X1, confirmation: str | None = None, **query: str) -> Answer:
    body = {} if confirmation is None else {"confirmation": confirmation}
    return api.call("POST /numbers/{x}/release-all", path={"x": x}, body=body, query=query)


def start(api: BindingsApi, **body: object) -> Answer:
    return api.call("POST /drift", body={"application": APPLICATION, **body})


def items(prefix: str) -> list[dict[str, object]]:
    found = clients.dynamodb().scan(TableName=TABLE)["Items"]
    return [item for item in map(decode, found) if str(item["pk"]).startswith(prefix)]


def test_a_run_carries_who_asked_for_it(api: BindingsApi) -> None:
    started = start(api, repair=False)
    assert (started.status, started.body["by"], started.body["repair"]) == (202, USER, False)
    assert started.headers["location"] == f"/drift/{started.body['id']}?application={APPLICATION}"


def test_a_run_that_is_open_is_answered_instead_of_another(api: BindingsApi) -> None:
    first = start(api)
    assert start(api, repair=False).body == first.body
    listed = api.call("GET /drift", query={"application": APPLICATION})
    assert listed.body == {"runs": [first.body]}


def test_a_run_can_be_read_before_it_is_taken_up(api: BindingsApi) -> None:
    run = start(api).body
    report = api.call("GET /drift/{run}", path={"run": run["id"]}, query={"application": APPLICATION})
    assert report.body == {**run, "differences": [], "next_cursor": None}


@pytest.mark.parametrize("run", ["", "none", "r2026-09-02", "r2026 09", "r" + "0" * 80])
def test_a_run_that_does_not_exist_is_404(api: BindingsApi, run: str) -> None:
    answer = api.call("GET /drift/{run}", path={"run": run}, query={"application": APPLICATION})
    assert (answer.status, answer.body["type"]) == (404, "urn:private-number:problem:run-not-found")


def test_a_cursor_of_something_else_is_refused(api: BindingsApi) -> None:
    run = start(api).body["id"]
    query = {"application": APPLICATION, "cursor": "MTIz"}
    assert api.call("GET /drift/{run}", path={"run": run}, query=query).status == 422


def test_an_application_that_is_not_configured_has_no_run(api: BindingsApi) -> None:
    assert start(api, application="other").status == 422
    assert items("DRIFT#") == []


def test_a_preview_changes_nothing_and_tells_no_number(api: BindingsApi) -> None:
    api.bind(x=X1)
    api.bind(C, D, order="order-2", x=X1)
    preview = release(api)
    assert preview.status == 200
    assert (preview.body["bindings"], preview.body["at_platform"], preview.body["beyond"]) == (2, 2, [])
    assert items("WHOLEX#") == []
    assert not [number for number in (A, B, C, D) if number[3:] in preview.text]


def test_a_confirmed_release_is_a_job_in_the_callers_name(api: BindingsApi) -> None:
    api.bind(x=X1)
    api.bind(C, D, order="order-2", x=X2)
    started = release(api, X1, release(api).body["confirmation"], **WHY)
    assert (started.status, started.body["bindings"], started.body["by"]) == (202, 1, USER)
    assert started.headers["location"] == f"/jobs/{started.body['job']}"
    job = api.call("GET /jobs/{job}", path={"job": started.body["job"]}).body
    assert (job["kind"], job["total"], job["created_by"], job["why"]) == ("release", 1, USER, WHY["why"])
    (record,) = items("WHOLEX#")
    assert (record["by"], record["why"], record["count"]) == (USER, WHY["why"], 1)


def test_a_release_without_a_reason_is_refused(api: BindingsApi) -> None:
    api.bind(x=X1)
    refused = release(api, X1, release(api).body["confirmation"])
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "why")


def test_what_came_since_the_preview_refuses_it(api: BindingsApi) -> None:
    api.bind(x=X1)
    confirmation = release(api).body["confirmation"]
    api.bind(C, D, order="order-2", x=X1)
    refused = release(api, X1, confirmation, **WHY)
    assert (refused.status, refused.body["type"]) == (409, "urn:private-number:problem:state-conflict")
    assert items("WHOLEX#") == []


def test_a_preview_that_is_too_old_refuses_it(api: BindingsApi) -> None:
    api.bind(x=X1)
    confirmation = release(api).body["confirmation"]
    api.pass_time(601)
    assert release(api, X1, confirmation, **WHY).status == 409


@pytest.mark.parametrize("x", ["170", "+8617010000009", "13800138001", "x"])
def test_a_number_that_is_not_ours_cannot_be_released(api: BindingsApi, x: str) -> None:
    answer = release(api, x)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "x")
    assert x not in answer.text or len(x) < 4


def test_in_x_mode_only_our_books_count(api: BindingsApi) -> None:
    api.furnish(Mode.X)
    bound = api.bind_in(Mode.X).body
    preview = release(api, bound["x"]).body
    assert (preview["bindings"], preview["at_platform"]) == (1, None)
