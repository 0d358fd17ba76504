"""What may be asked for, and what is refused before anything is looked up (users.md U-S12)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from builders.pushes import SIGNED_AT
from functions.erasure.requests import read_id, read_key, read_request
from privatenumber.deadline import Deadline
from privatenumber.erasure.model import ErasureNotFound, InvalidRequest, Subject
from privatenumber.http_request import InvalidFields, Request

EMPTY = Request(
    route="POST /erasures", id="request-1", at=SIGNED_AT, actor="arn:aws:iam::1:user/ann", path={}, query={},
    headers={}, raw_body="", encoded=False, deadline=Deadline.after(10),
)  # fmt: skip


def asked(**body: Any) -> Request:
    return replace(EMPTY, raw_body=json.dumps({"reason": "ticket 4711", **body}))


def test_a_person_is_all_his_numbers_in_global_form() -> None:
    wanted = read_request(asked(numbers=["138 0013 8001", "+8613800138001", "010-12345678"]))
    assert wanted.subject is Subject.PERSON
    assert wanted.numbers == {"+8613800138001", "+861012345678"}
    assert wanted.by == "arn:aws:iam::1:user/ann"


def test_an_order_and_an_age_are_subjects_too() -> None:
    assert read_request(asked(order="order-1", application="demo")).subject is Subject.ORDER
    assert read_request(asked(older_than_days=90)).older_than_days == 90


@pytest.mark.parametrize(
    "body", [{}, {"order": "order-1", "older_than_days": 90}, {"numbers": ["13800138001"], "order": "o"}]
)
def test_exactly_one_subject_is_given(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        read_request(asked(**body))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"numbers": []}, "numbers"),
        ({"numbers": ["12"]}, "numbers"),
        ({"numbers": "13800138001"}, "numbers"),
        ({"numbers": ["13800138001"] * 101}, "numbers"),
        ({"order": "with blank"}, "order"),
        ({"older_than_days": True}, "older_than_days"),
        ({"older_than_days": 0}, "older_than_days"),
        ({"older_than_days": 90, "dry_run": "yes"}, "dry_run"),
        ({"older_than_days": 90, "reason": " "}, "reason"),
        ({"older_than_days": 90, "reason": None}, "reason"),
        ({"older_than_days": 90, "release": True}, "body"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_and_not_repeated(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        read_request(asked(**body))
    assert [name for name, _ in refused.value.errors] == [field]
    assert "13800138001" not in str(refused.value.errors)


def test_a_request_has_an_idempotency_key() -> None:
    assert read_key(replace(EMPTY, headers={"idempotency-key": "ticket-4711"})) == "ticket-4711"
    with pytest.raises(InvalidFields):
        read_key(EMPTY)


def test_an_id_that_cannot_be_one_is_not_looked_up() -> None:
    with pytest.raises(ErasureNotFound):
        read_id(replace(EMPTY, path={"erasure": "../KEYRING"}))
