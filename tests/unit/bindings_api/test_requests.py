"""What the API takes for a request: media types, sizes, JSON, fields and headers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from builders.bindings_api import APPLICATION, COMPANIES, A, B, BindingsApi, C
from privatenumber.settings import Mode

GOOD: dict[str, Any] = {"application": APPLICATION, "order": "o-1", "a": A, "b": B, "ttl_seconds": 60}


def test_a_base64_body_is_decoded(api: BindingsApi) -> None:
    body = base64.b64encode(json.dumps(GOOD).encode()).decode()
    assert api.call("POST /bindings", body=body, encoded=True).status == 201


def test_broken_base64_is_400(api: BindingsApi) -> None:
    assert api.call("POST /bindings", body="%%%", encoded=True).status == 400


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_header_names_have_no_case(api: BindingsApi, name: str) -> None:
    wrong = api.call("POST /bindings", body=GOOD, headers={name: "text/plain"})
    assert (wrong.status, wrong.body["type"]) == (415, "urn:private-number:problem:media-type")
    right = api.call("POST /bindings", body=GOOD, headers={name: "Application/JSON; charset=utf-8"})
    assert right.status == 201


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "{'a': 1}", "\ufeff{}", None])
def test_what_is_no_json_object_is_400(api: BindingsApi, body: str | None) -> None:
    answer = api.call("POST /bindings", body=body)
    assert (answer.status, answer.body["type"]) == (400, "urn:private-number:problem:unreadable-body")


def test_a_body_beyond_64_kib_is_413(api: BindingsApi) -> None:
    answer = api.call("POST /bindings", body={**GOOD, "user_reference": "x" * 70_000})
    assert answer.status == 413


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"application": None}, "application", "must be a string"),
        ({"application": "a b"}, "application", "characters"),
        ({"order": ""}, "order", "characters"),
        ({"order": "订单"}, "order", "characters"),
        ({"order": "o" * 65}, "order", "characters"),
        ({"order": "trip-13800138001"}, "order", "phone number"),
        ({"mode": "AX"}, "mode", "1010040"),
        ({"mode": "axb"}, "mode", "must be one of 'AX', 'AXB', 'AXE', 'AXYB' or 'X'"),
        ({"a": 13800138001}, "a", "must be a string"),
        ({"a": "138001380"}, "a", "mainland"),
        ({"a": "+14155550100"}, "a", "mainland"),
        ({"b": "4001001380"}, "b", "mainland"),
        ({"b": "138 0013 8001"}, "b", "another number than a"),
        ({"x": "075520000001"}, "x", "X number"),
        ({"x": "+8617019999999"}, "x", "not an X number of this application"),
        ({"area": "755"}, "area", "characters"),
        ({"ttl_seconds": 59}, "ttl_seconds", "at least 60"),
        ({"ttl_seconds": 7_776_001}, "ttl_seconds", "60 to 7776000 (90 days)"),
        ({"ttl_seconds": 157_680_001}, "ttl_seconds", "at most 157680000"),
        ({"ttl_seconds": "60"}, "ttl_seconds", "whole number"),
        ({"ttl_seconds": 60.0}, "ttl_seconds", "whole number"),
        ({"ttl_seconds": None}, "ends_at", "either ends_at or ttl_seconds"),
        ({"ends_at": "2026-09-02T12:00:00Z"}, "ends_at", "either ends_at or ttl_seconds"),
        ({"ttl_seconds": None, "ends_at": "2026-09-02T12:00:00"}, "ends_at", "RFC 3339"),
        ({"ttl_seconds": None, "ends_at": "2026-09-02"}, "ends_at", "RFC 3339"),
        ({"ttl_seconds": None, "ends_at": "1788339600"}, "ends_at", "RFC 3339"),
        ({"ttl_seconds": None, "ends_at": 1788339600}, "ends_at", "RFC 3339"),
        ({"ttl_seconds": None, "ends_at": "9999-12-31T23:59:59-08:00"}, "ends_at", "RFC 3339"),
        ({"ttl_seconds": None, "ends_at": "2026-09-02T09:00:59Z"}, "ends_at", "60 seconds ahead"),
        ({"ttl_seconds": None, "ends_at": "2026-12-02T09:00:01Z"}, "ends_at", "90 days"),
        ({"direction": 3}, "direction", "at most 2"),
        ({"direction": True}, "direction", "whole number"),
        ({"max_minutes": 1441}, "max_minutes", "at most 1440"),
        ({"max_minutes": -1}, "max_minutes", "at least 0"),
        ({"record_hint_tone": "höre.wav"}, "record_hint_tone", "characters"),
        ({"user_reference": "{}"}, "user_reference", "characters"),
        ({"user_reference": "call 13800138001"}, "user_reference", "phone number"),
        ({"b": None}, "b", "required in mode AXB"),
        ({"anyone": True}, "anyone", "does not exist in mode AXB"),
        ({"anyone": "yes"}, "anyone", "true or false"),
        ({"extension": "0007"}, "extension", "does not exist in mode AXB"),
        ({"extension": "12345"}, "extension", "characters"),
        ({"extension": 7}, "extension", "must be a string"),
        ({"callback_number": C}, "callback_number", "does not exist in mode AXB"),
        ({"callback_tone": "tone.wav"}, "callback_tone", "does not exist in mode AXB"),
        ({"sms": "true"}, "sms", "true or false"),
        ({"caller_tone": "a b.wav"}, "caller_tone", "characters"),
        ({"callee_tone": ""}, "callee_tone", "characters"),
        ({"last_minute_tone": "t" * 129}, "last_minute_tone", "characters"),
        ({"fallback_areas": ["020"]}, "fallback_areas", "need an area"),
        ({"area": "0755", "fallback_areas": "020"}, "fallback_areas", "must be a list"),
        ({"area": "0755", "fallback_areas": ["any"] * 6}, "fallback_areas", "at most 5 elements"),
        ({"area": "0755", "fallback_areas": ["any", "755"]}, "fallback_areas.1", "characters"),
        ({"spread": "even"}, "spread", "must be one of"),
        ({"sticky": True}, "sticky", "must be one of"),
        ({"idle_seconds": 59}, "idle_seconds", "at least 60"),
        ({"idle_seconds": 7_776_001}, "idle_seconds", "60 to 7776000"),
        ({"fallback_any_area": 1}, "fallback_any_area", "true or false"),
        ({"colour": "red"}, "colour", "not a field"),
        ({"13800138001": "x"}, "(unknown field)", "not a field"),
    ],
)
def test_a_field_that_breaks_a_rule_is_422_with_field_and_rule(
    api: BindingsApi, changes: dict[str, Any], field: str, rule: str
) -> None:
    """U-P03, C-124, C-135; numbers.md §1.3, §7.4; axb.md §2; U-D19 for the reference."""
    answer = api.call("POST /bindings", body={**GOOD, **changes})
    assert (answer.status, answer.body["type"]) == (422, "urn:private-number:problem:invalid-fields")
    (error,) = answer.body["errors"]
    assert error["field"] == field
    assert rule in error["rule"]
    assert api.platform.requests == []


def test_all_broken_fields_are_told_at_once(api: BindingsApi) -> None:
    answer = api.call("POST /bindings", body={"application": APPLICATION, "direction": 7})
    assert {error["field"] for error in answer.body["errors"]} == {"order", "a", "direction"}


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "a\nb"])
def test_an_idempotency_key_is_printable_and_short(api: BindingsApi, key: str) -> None:
    answer = api.call("POST /bindings", body=GOOD, headers={"Idempotency-Key": key})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_a_change_names_something_to_change(api: BindingsApi) -> None:
    path = {"id": api.bind().body["id"]}
    for body in ({}, {"b": None}):
        answer = api.call("PATCH /bindings/{id}", path=path, body=body)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"application": APPLICATION}, "order"),
        ({"application": APPLICATION, "order": "o", "x": "17010000001"}, "order"),
        ({"order": "o"}, "application"),
        ({"application": APPLICATION, "number": "138,139"}, "number"),
        ({"application": APPLICATION, "number": "1" * 129}, "number"),
        ({"application": APPLICATION, "x": "170"}, "x"),
        ({"application": APPLICATION, "order": "o", "cursor": "../"}, "cursor"),
        ({"application": APPLICATION, "order": "o", "cursor": "AAAA"}, "cursor"),
        ({"application": APPLICATION, "order": "o", "limit": "101"}, "limit"),
    ],
)
def test_a_search_that_breaks_a_rule_is_422(api: BindingsApi, query: dict[str, str], field: str) -> None:
    answer = api.call("GET /bindings", query=query)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)


def test_a_release_takes_only_known_reasons(api: BindingsApi) -> None:
    path = {"id": api.bind().body["id"]}
    answer = api.call("DELETE /bindings/{id}", path=path, query={"reason": "13800138001"})
    assert (answer.status, answer.body["errors"][0]["rule"]) == (422, "must be one of deleted, expired")


def test_an_application_of_another_mode_is_named_as_such(api: BindingsApi) -> None:
    """C-120: the mode is checked before anything is sent."""
    answer = api.call("POST /bindings", body={**GOOD, "application": COMPANIES[Mode.AX], "mode": "AXB"})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "mode")
    assert answer.body["errors"][0]["rule"].startswith("must be AX, the mode of this application")
    assert answer.body["platform_code"] == "1010040"
    assert api.platform.requests == []
