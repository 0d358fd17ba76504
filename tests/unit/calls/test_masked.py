"""A quarantined push as people see it: numbers.md §6, U-N16."""

from __future__ import annotations

import json

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


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_number_that_the_beginning_cuts_is_not_shown_in_part(cut: int) -> None:
    """Fewer digits than a number has are none to the mask."""
    shown = masked_body(b"x" * (40 - cut) + A.encode() + b" is not json")["begins"]
    assert A[3:][-4:] == "8001"
    assert "1380013" not in shown
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
