"""What the functions of the HTTP API share: one way to answer, one rule for a session id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.bindings_api import FakeContext
from functions.bindings.paths import session_id
from functions.recordings.answers import InvalidField, read_request
from privatenumber.http_api import Kind, answer, answer_file, answer_problem, is_session_id
from privatenumber.http_request import InvalidFields, read_event

SESSION = "1200_1001_4294967295_20260902010000@callenabler246.huaweicaas.com"


@pytest.mark.parametrize("text", [SESSION, "+8613800138001@x", "a" * 256])
def test_a_session_id_is_taken_as_the_platform_writes_it(text: str) -> None:
    """recording-and-call-stop.md §3: String(1-256), unchanged."""
    assert is_session_id(text)


@pytest.mark.parametrize(
    "text", ["", "a" * 257, "a b", " ", "a\n", "a\x00b", "a\u2028b", "a\u200bb", "a\u00a0b"]
)
def test_what_is_no_session_id_is_not_looked_up(text: str) -> None:
    assert not is_session_id(text)


@given(st.text(max_size=8) | st.just(SESSION))
def test_stopping_a_call_and_reading_its_recordings_take_the_same_sessions(text: str) -> None:
    event = {
        "pathParameters": {"session": quote(text)},
        "queryStringParameters": {"application": "ride"},
    }
    try:
        asked = read_request(event).session_id
    except InvalidField:
        with pytest.raises(InvalidFields):
            session_id(read_event(event, FakeContext(), datetime(2026, 9, 2, tzinfo=UTC)))
    else:
        assert asked == session_id(read_event(event, FakeContext(), datetime(2026, 9, 2, tzinfo=UTC))) == text


def test_an_answer_is_json_that_nobody_keeps() -> None:
    given_headers = answer(201, {"id": "b1", "名": "号"}, {"location": "/bindings/b1"})
    assert given_headers["statusCode"] == 201
    assert given_headers["headers"] == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "location": "/bindings/b1",
    }
    assert json.loads(given_headers["body"]) == {"id": "b1", "名": "号"}


def test_a_problem_has_the_words_of_its_kind_unless_told_otherwise_and_no_number() -> None:
    kind = Kind(503, "Too many writers", "Repeat the request.")
    usual = answer_problem("busy", kind, detail="+8613800138001 is busy", request_id="r")
    assert usual["headers"]["content-type"] == "application/problem+json"
    assert "13800138001" not in usual["body"]
    document = json.loads(usual["body"])
    assert (document["type"], document["status"], document["remedy"]) == (
        "urn:private-number:problem:busy",
        503,
        "Repeat the request.",
    )
    other = answer_problem(
        "busy", kind, detail="d", request_id="r", remedy="Wait.", retry_after_s=7, more={"n": 1}
    )
    assert other["headers"]["retry-after"] == "7"
    assert json.loads(other["body"])["remedy"] == "Wait."
    assert json.loads(other["body"])["n"] == 1


def test_a_file_is_kept_by_nobody_on_the_way_and_under_its_name() -> None:
    found = answer_file("a,b", media_type="text/csv; charset=utf-8", name="calls.csv")
    assert (found["statusCode"], found["body"]) == (200, "a,b")
    assert found["headers"] == {
        "content-type": "text/csv; charset=utf-8",
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="calls.csv"',
    }
