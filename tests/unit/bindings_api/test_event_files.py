"""Every sample event of the bindings function goes through the handler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.bindings_api import APPLICATION, X1, X2, BindingsApi
from builders.events import case_of, event_files, function_of, read_event
from functions.bindings.app import ROUTES
from privatenumber.settings import Mode

FILES = {case_of(path): path for path in event_files() if function_of(path) == "BindingsFunction"}
STATUS = {
    "bindings-create": 201,
    "bindings-create-base64": 201,
    "bindings-create-named-x": 201,
    "bindings-create-invalid": 422,
    "bindings-create-malformed": 400,
    "bindings-create-ax": 201,
    "bindings-create-axe": 201,
    "bindings-create-axyb": 201,
    "bindings-create-x": 201,
    "bindings-create-x-anyone": 201,
    "bindings-callee": 200,
    "bindings-call": 200,
    "bindings-partner-add": 201,
    "bindings-partner-remove": 200,
    "bindings-call-stop": 200,
    "bindings-read": 200,
    "bindings-find-order": 200,
    "bindings-find-number": 200,
    "bindings-find-x": 200,
    "bindings-change": 200,
    "bindings-release": 200,
    "bindings-release-why": 200,
    "bindings-history": 200,
    "bindings-numbers-history": 200,
    "bindings-job-create": 202,
    "bindings-job-create-lines": 202,
    "bindings-job-create-invalid": 422,
    "bindings-job-read": 404,
    "bindings-job-items": 404,
    "bindings-job-cancel": 404,
    "bindings-numbers-list": 200,
    "bindings-numbers-put": 201,
    "bindings-numbers-import": 200,
    "bindings-numbers-import-dry-run": 200,
    "bindings-numbers-import-xlsx": 200,
    "bindings-pool": 200,
    "bindings-pool-forecast": 200,
    "bindings-drift-list": 200,
    "bindings-drift-start": 202,
    "bindings-drift-read": 404,
    "bindings-drift-decide": 404,
    "bindings-release-all-preview": 200,
    "bindings-release-all-too-late": 409,
}


MODES = {
    "bindings-create-ax": Mode.AX,
    "bindings-create-axe": Mode.AXE,
    "bindings-create-axyb": Mode.AXYB,
    "bindings-create-x": Mode.X,
    "bindings-create-x-anyone": Mode.X,
    "bindings-callee": Mode.AX,
    "bindings-call": Mode.AX,
    "bindings-partner-add": Mode.AXYB,
    "bindings-partner-remove": Mode.AXYB,
}
"""Mode of the binding that an event makes or names, where it must be another than AXB."""


def prepared(api: BindingsApi, case: str, event: dict[str, Any]) -> dict[str, Any]:
    """Let an event that names a binding name one that exists."""
    path = event.get("pathParameters", {})
    if "id" not in path:
        return event
    bound = api.bind_in(MODES.get(case, Mode.AXB), order="order-0001").body
    partner = {"partner": bound["partners"][0]["id"]} if "partner" in path else {}
    return {**event, "pathParameters": {"id": bound["id"], **partner}}


def test_every_file_has_its_expectation() -> None:
    assert set(FILES) == set(STATUS)


def test_every_mode_has_a_bind() -> None:
    good = [case for case in STATUS if case.startswith("bindings-create") and STATUS[case] == 201]
    events = [read_event(FILES[case]) for case in good if not case.endswith("base64")]
    named = {json.loads(event["body"]).get("mode", "AXB") for event in events}
    assert named == set(Mode)


def test_every_route_has_a_file() -> None:
    assert {read_event(path)["routeKey"] for path in FILES.values()} == set(ROUTES)


@pytest.mark.parametrize("case", sorted(STATUS))
def test_the_event_is_answered_as_expected(api: BindingsApi, case: str) -> None:
    if case in MODES:
        api.furnish(MODES[case])
    event = prepared(api, case, read_event(FILES[case]))
    answer = api.send(event)
    assert answer.status == STATUS[case], answer.text


def test_the_events_are_consistent_in_themselves() -> None:
    for path in FILES.values():
        event = read_event(path)
        assert event["requestContext"]["routeKey"] == event["routeKey"]
        assert event["requestContext"]["http"]["path"] == event["rawPath"]
        assert event["version"] == "2.0"


def test_the_imported_numbers_are_those_of_the_examples(api: BindingsApi) -> None:
    api.send(read_event(FILES["bindings-numbers-import"]))
    numbers = api.call("GET /numbers", query={"application": APPLICATION}).body["numbers"]
    assert {X1, X2} < {number["x"] for number in numbers}


def test_no_event_names_anything_but_documentation_numbers() -> None:
    for path in FILES.values():
        text = json.dumps(read_event(path))
        assert "AKIAEXAMPLE" in text
