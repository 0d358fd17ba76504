"""A quarantined push as people see it: numbers.md §6, U-N16."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.pushes import SESSION, A, B, cdr_entry, event_body, fee_body, sms_body, wire
from privatenumber.calls.masked import masked_body


@pytest.mark.parametrize(
    "body",
    [
        wire(event_body("callin")),
        wire(fee_body(cdr_entry(callerNum="139 1234 5678", fwdDstNum="１３９１２３４５６７８"))),
        wire(sms_body(smsContent="call me on 13912345678")),
        b"broken " + wire(event_body("callin")),
        wire(event_body("callin"))[:-4],
        json.dumps({"13912345678": [[A], int(B[1:])]}).encode(),
        A.encode(),
    ],
)
def test_nobody_is_shown(body: bytes) -> None:
    shown = json.dumps(masked_body(body), ensure_ascii=False)
    closed_up = shown.replace(" ", "")
    for secret in (A[1:], B[1:], A[3:], B[3:], "13912345678", SESSION, "order-1001", "call me"):
        assert secret not in shown
        assert secret not in closed_up


@pytest.mark.parametrize(
    "writing",
    [
        *("139.6666.0006", "139/6666/0006", "139_6666_0006", "139\u200b6666\u20600006", "139*6666*0006"),
        *(["139", "6666", "0006"], [139, 6666, "0006"]),
    ],
)
def test_a_number_is_masked_however_it_is_written(writing: Any) -> None:
    """numbers.md §1.3: with anything between its digits, and as groups of a list."""
    whole = json.dumps({"callerNum": writing})
    for body in (whole, whole[:-1], json.dumps({"callerNum": writing}, ensure_ascii=False)[:-1]):
        shown = json.dumps(masked_body(body.encode()), ensure_ascii=False)
        assert not ("139" in shown and "6666" in shown)


def test_a_list_of_codes_or_of_masked_numbers_is_shown() -> None:
    assert masked_body(json.dumps({"codes": [7, 8003, "x"], "people": [A, B]}).encode()) == {
        "codes": [7, 8003, "x"],
        "people": ["+86138****8001", "+86138****8002"],
    }


def test_half_a_surrogate_pair_is_shown_as_what_it_is_not() -> None:
    assert masked_body(rb'{"a": "x\ud800"}') == {"a": "x?"}


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_number_that_the_beginning_cuts_is_not_shown_in_part(cut: int) -> None:
    """Fewer digits than a number has are none to the mask."""
    shown = masked_body(b"x" * (40 - cut) + A.encode() + b" is not json")["begins"]
    assert A == "+8613800138001"
    assert "1380" not in shown
    assert len(shown) <= 40


def test_codes_and_times_are_shown() -> None:
    shown = masked_body(wire(fee_body(cdr_entry(callEndTime="yesterday"))))
    entry = shown["feeLst"][0]
    assert (entry["callEndTime"], entry["direction"]) == ("yesterday", 1)
    assert entry["fwdAnswerTime"] == "2026-09-02 01:00:08"
    assert entry["callerNum"] == "+86138****8001"


def test_depth_without_bound_is_not_shown() -> None:
    assert "…" in json.dumps(masked_body(b"[" * 500 + b"]" * 500), ensure_ascii=False)
    assert masked_body(b"[" * 100_000) == {"bytes": 100_000, "begins": "[" * 40}
