"""One log line and one metric per answer: who asked what with which result, and nothing of the request."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from builders.bindings_api import APPLICATION, USER, X1, A, B, BindingsApi, FakeContext, http_event
from builders.keyrings import add_data_key
from functions.bindings import app
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.settings import Settings


def lines(log_lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_lines.getvalue().splitlines()]


def answered(log_lines: io.StringIO) -> list[dict[str, Any]]:
    return [line for line in lines(log_lines) if line["message"] == "answered"]


def test_an_answer_leaves_one_line_with_caller_route_and_result(
    api: BindingsApi, log_lines: io.StringIO
) -> None:
    bound = api.bind()
    (line,) = answered(log_lines)
    assert line["actor"] == USER
    assert (line["route"], line["status"], line["request_id"]) == ("POST /bindings", 201, "api-request-1")
    assert line["binding"] == f"/bindings/{bound.body['id']}"


def test_a_change_and_a_release_name_their_binding(api: BindingsApi, log_lines: io.StringIO) -> None:
    """The line is the audit record of who ended what."""
    identity = api.bind().body["id"]
    api.call("DELETE /bindings/{id}", path={"id": identity})
    assert [line["binding"] for line in answered(log_lines)] == [f"/bindings/{identity}"] * 2


def test_a_problem_is_named_in_the_line(api: BindingsApi, log_lines: io.StringIO) -> None:
    api.bind(a="bad")
    assert answered(log_lines)[0]["problem"] == "invalid-fields"


def test_nothing_of_a_request_is_logged(api: BindingsApi, log_lines: io.StringIO) -> None:
    """U-D15: neither path parameters nor query nor body."""
    api.bind(user_reference="courier/7")
    api.call("GET /bindings", query={"application": APPLICATION, "number": A})
    api.call("GET /bindings", query={"application": APPLICATION, "number": "0755-20000001"})
    api.put_number(X1, state="locked")
    api.call("GET /bindings/{id}", path={"id": B})
    api.call("GET " + A)
    logged = log_lines.getvalue()
    for text in ("13800138001", "13800138002", "20000001", "17010000001", "courier/7", "order-1001"):
        assert text not in logged


def test_an_unknown_route_is_not_repeated_in_the_line(api: BindingsApi, log_lines: io.StringIO) -> None:
    api.call("GET /secret-path")
    assert answered(log_lines)[0]["route"] == "(unknown)"


def test_an_answer_counts_one_metric(api: BindingsApi, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    api.bind(area="010")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [metric["PoolEmpty"] for metric in metrics if "Refusals" not in metric] == [[1.0]]


def test_a_caller_without_iam_identity_is_answered_too(api: BindingsApi, log_lines: io.StringIO) -> None:
    """Only the template decides who may call; the handler merely reports."""
    event = http_event("GET /numbers", query={"application": APPLICATION})
    event["requestContext"] = {}
    assert api.send(event).status == 200
    (line,) = answered(log_lines)
    assert (line.get("actor"), line["request_id"]) == ("unknown", "request-0000")


def test_a_binding_under_a_newer_key_is_read_after_the_keyring_is(
    api: BindingsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment added a data key since ours read the keyring."""
    ours = app.rooms()
    assert ours.service  # reads the keyring
    add_data_key(ours._keyrings)
    another = Rooms(ours._settings, transport=lambda proxy: api.platform, clock=lambda: api.now)
    monkeypatch.setattr(app, "rooms", lambda: another)
    identity = api.bind().body["id"]
    monkeypatch.setattr(app, "rooms", lambda: ours)
    assert api.call("GET /bindings/{id}", path={"id": identity}).status == 200


def test_settings_that_are_missing_are_an_internal_error(
    api: BindingsApi, monkeypatch: pytest.MonkeyPatch, log_lines: io.StringIO
) -> None:
    monkeypatch.setattr(app, "rooms", lambda: Rooms(Settings({})))
    response = app.handler(http_event("GET /numbers", query={"application": "x"}), FakeContext())
    assert response["statusCode"] == 500
    assert "BINDINGS_TABLE" not in response["body"]
    assert "BINDINGS_TABLE" in log_lines.getvalue()
