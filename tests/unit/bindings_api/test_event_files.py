"""Every sample event of the bindings function goes through the handler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.bindings_api import APPLICATION, X1, X2, BindingsApi
from builders.events import case_of, event_files, function_of, read_event
from functions.bindings.app import ROUTES

FILES = {case_of(path): path for path in event_files() if function_of(path) == "BindingsFunction"}
STATUS = {
    "bindings-create": 201,
    "bindings-create-base64": 201,
    "bindings-create-named-x": 201,
    "bindings-create-invalid": 422,
    "bindings-create-malformed": 400,
    "bindings-read": 200,
    "bindings-find-order": 200,
    "bindings-find-number": 200,
    "bindings-find-x": 200,
    "bindings-change": 200,
    "bindings-release": 200,
    "bindings-numbers-list": 200,
    "bindings-numbers-put": 201,
    "bindings-numbers-import": 200,
    "bindings-numbers-import-dry-run": 200,
}


def prepared(api: BindingsApi, event: dict[str, Any]) -> dict[str, Any]:
    """Let an event that names a binding name one that exists."""
    if "id" not in event.get("pathParameters", {}):
        return event
    bound = api.bind(order="order-0001")
    return {**event, "pathParameters": {"id": bound.body["id"]}}


def test_every_file_has_its_expectation() -> None:
    assert set(FILES) == set(STATUS)


def test_every_route_has_a_file() -> None:
    assert {read_event(path)["routeKey"] for path in FILES.values()} == set(ROUTES)


@pytest.mark.parametrize("case", sorted(STATUS))
def test_the_event_is_answered_as_expected(api: BindingsApi, case: str) -> None:
    event = prepared(api, read_event(FILES[case]))
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
