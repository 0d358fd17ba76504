"""The judge of reconciliations compares what is named with what is missing, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from storm.judges.console import judge_differences, silent_cdrs
from storm.judges.verdict import Verdict

AT = "2026-09-14T08:00:00.000Z"
CALL: Mapping[str, Any] = {
    "kind": "missing_push",
    "application": "storm-ax",
    "at": AT,
    "evidence": {"record_id": "i1"},
}
SMS: Mapping[str, Any] = {
    "kind": "missing_push",
    "application": "storm-ax",
    "at": AT,
    "evidence": {"item": "sms"},
}
SILENT: Mapping[str, Any] = {"kind": "cdr_without_event", "evidence": {"fact": "CALL#storm-ax#t1/CDR#i3"}}
MISSING = Counter([("call", "i1"), ("storm-ax", AT)])
BILL: Mapping[str, Any] = {"item": "call", "unexplained": {"quantity": "0", "amount": "0.00"}}


def judged(
    *differences: Mapping[str, Any], bill: Mapping[str, Any] = BILL, count: int | None = None
) -> Verdict:
    verdict = Verdict("reconciliation", "", judged=1)
    told = {
        "differences": differences,
        "difference_count": len(differences) if count is None else count,
        "bill": [bill],
    }
    judge_differences(verdict, "2026-09", told, MISSING, {SILENT["evidence"]["fact"]})
    return verdict


def test_what_is_missing_and_named_is_in_order() -> None:
    assert judged(CALL, SMS).holds


@pytest.mark.parametrize(
    "named",
    [
        (CALL,),
        (SMS,),
        (CALL, {**CALL, "evidence": {"record_id": "i2"}}),
        ({**CALL, "evidence": {"record_id": "i2"}}, SMS),
        (CALL, {**SMS, "application": "storm-x"}),
        (CALL, {**SMS, "at": "2026-09-14T08:00:01.000Z"}),
        (CALL, SMS, SMS),
        (CALL, SMS, {**CALL, "kind": "missing_row"}),
    ],
    ids=[
        "no sms",
        "no call",
        "a call for an sms",
        "another call",
        "another application",
        "another moment",
        "twice",
        "another kind",
    ],
)
def test_as_many_others_are_no_excuse(named: tuple[Mapping[str, Any], ...]) -> None:
    assert not judged(*named).holds


def test_a_cdr_whose_hang_up_was_lost_may_be_named() -> None:
    assert judged(CALL, SMS, SILENT).holds
    assert not judged(CALL, SMS, {**SILENT, "evidence": {"fact": "CALL#storm-ax#t2/CDR#i4"}}).holds


def test_a_cdr_is_silent_only_without_a_hang_up() -> None:
    rows = {
        ("CALL#storm-ax#t1", "CDR#i3"): {"kind": "cdr"},
        ("CALL#storm-ax#t1", "EVENT#callin"): {"kind": "event"},
        ("CALL#storm-ax#t2", "CDR#i4"): {"kind": "cdr"},
        ("CALL#storm-ax#t2", "EVENT#disconnect"): {"kind": "event"},
    }
    assert silent_cdrs(rows) == {"CALL#storm-ax#t1/CDR#i3"}


def test_what_is_counted_is_named() -> None:
    assert not judged(CALL, SMS, count=3).holds


@pytest.mark.parametrize("left", [{"quantity": "1", "amount": "0.00"}, {"quantity": "0", "amount": "-0.01"}])
def test_what_is_left_unexplained_is_a_breach(left: Mapping[str, str]) -> None:
    assert not judged(CALL, SMS, bill={"item": "call", "unexplained": left}).holds
