"""The judge of exports sees a file that is missing, and lines that are missing, twice or false."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from privatenumber.times import iso
from storm.exporters import Wanted
from storm.judges.exports import judge_exports
from storm.judges.verdict import Verdict
from storm.tables import Key

DAY = date(2026, 9, 14)
CALLED = datetime(2026, 9, 14, 4, tzinfo=UTC)
ASKED = datetime(2026, 9, 15, 2, tzinfo=UTC)
LINE = {"call": "c1", "state": "settled", "duration_s": "61", "order": "o1", "x_number": "+8617001000001"}
TEXT = {"sms": "s1", "state": "sent", "result": "0", "order": "o1", "parts": "2"}


def wanted(**changes: Any) -> Wanted:
    """A file of the calls of the day, asked for the morning after."""
    asked = {"application": "ride", "kind": "calls", "format": "jsonl", "since": DAY, "until": DAY}
    return Wanted(**{**asked, "asked_at": ASKED, "id": "e1", **changes})


def a_call(name: str = "c1", told_at: datetime = CALLED, **changes: Any) -> dict[Key, Mapping[str, Any]]:
    """A CDR that came, and the row of its call."""
    row = {"application": "ride", "call": name, "state": "settled", "started_at": iso(CALLED), "order": "o1"}
    return {
        (name, "CDR#1"): {"kind": "cdr", "received_at": iso(told_at)},
        (name, "CALL"): {**row, "talk_seconds": 61, "x": "+8617001000001", **changes},
    }


def a_text() -> dict[Key, Mapping[str, Any]]:
    """The notice of an SMS, and its row."""
    row = {"application": "ride", "message": "s1", "state": "sent", "at": iso(CALLED), "order": "o1"}
    return {
        ("s1", "Notify"): {"kind": "sms", "received_at": iso(CALLED)},
        ("s1", "MESSAGE"): {**row, "send_result": 0, "parts": 2},
    }


def as_jsonl(*lines: Mapping[str, str]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def as_csv(*lines: Mapping[str, str]) -> bytes:
    rows = [list(lines[0]), *([f"'{v}" if v.startswith("+") else v for v in line.values()] for line in lines)]
    return ("\ufeff" + "".join(",".join(row) + "\r\n" for row in rows)).encode()


def judged(one: Wanted, rows: Mapping[Key, Mapping[str, Any]], body: bytes | None, lines: int = 1) -> Verdict:
    """The verdict on one file, of which our API tells that it is done."""
    if one.id and not one.last:
        one.last = {"state": "done", "rows": lines, "bytes": len(body or b"")}
    return judge_exports([one], rows, lambda key: body if key == one.file else None)


@pytest.mark.parametrize(("form", "body"), [("jsonl", as_jsonl(LINE)), ("csv", as_csv(LINE))])
def test_a_file_that_says_what_the_rows_say_is_true(form: str, body: bytes) -> None:
    verdict = judged(wanted(format=form), a_call(), body)
    assert (verdict.holds, verdict.figures) == (True, {"lines": "1"})


def test_texts_are_held_to_their_own_columns() -> None:
    assert judged(wanted(kind="messages"), a_text(), as_jsonl(TEXT)).holds
    assert not judged(wanted(kind="messages"), a_text(), as_jsonl({**TEXT, "parts": "1"})).holds


@pytest.mark.parametrize(
    ("one", "body"),
    [
        (wanted(id=None), as_jsonl(LINE)),
        (wanted(last={"state": "running"}), as_jsonl(LINE)),
        (wanted(last={"state": "failed"}), as_jsonl(LINE)),
        (wanted(), None),
    ],
    ids=["never taken", "not ended", "failed", "not there"],
)
def test_a_file_that_is_not_there_is_a_breach(one: Wanted, body: bytes | None) -> None:
    assert not judged(one, a_call(), body).holds


def test_other_rows_than_our_api_tells_are_a_breach() -> None:
    assert not judged(wanted(), a_call(), as_jsonl(LINE), lines=2).holds


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ((), "c1 of 2026-09-14 is in it 0 times"),
        ((LINE, LINE), "c1 of 2026-09-14 is in it 2 times"),
        (({**LINE, "duration_s": "60"},), "c1 is shown as"),
        (({**LINE, "order": "o2"},), "c1 is shown as"),
        ((LINE, {**LINE, "call": "c9"}), "c9 is in it, and nothing is known of it"),
    ],
    ids=["missing", "twice", "other seconds", "other order", "of nothing"],
)
def test_a_line_that_is_wrong_is_a_breach(lines: tuple[Mapping[str, str], ...], wrong: str) -> None:
    (breach,) = judged(wanted(), a_call(), as_jsonl(*lines), lines=len(lines)).breaches
    assert wrong in breach.what


@pytest.mark.parametrize("lines", [(), (LINE,), (LINE, LINE), ({**LINE, "state": "ended"},)])
def test_of_what_came_late_a_file_of_a_day_may_say_anything(lines: tuple[Mapping[str, str], ...]) -> None:
    late = a_call(told_at=ASKED - timedelta(minutes=59))
    assert judged(wanted(), late, as_jsonl(*lines), lines=len(lines)).holds


def test_a_file_that_is_made_when_all_is_over_has_what_came_late() -> None:
    late = a_call(told_at=ASKED - timedelta(minutes=59))
    assert not judged(wanted(whole=True), late, b"", lines=0).holds
    assert judged(wanted(whole=True), late, as_jsonl(LINE)).holds


def test_whoever_calls_after_the_last_file_was_asked_for_need_not_be_in_it() -> None:
    assert judged(wanted(whole=True), a_call(told_at=ASKED + timedelta(seconds=1)), b"", lines=0).holds


def test_a_line_of_another_day_is_a_breach() -> None:
    other = a_call(started_at=iso(CALLED + timedelta(days=1)))
    (breach,) = judged(wanted(whole=True), other, as_jsonl(LINE)).breaches
    assert breach.what.endswith("c1 of 2026-09-15 is in it 1 times, and not 0")


def test_a_call_of_another_application_is_none_of_this_file() -> None:
    assert not judged(wanted(application="food"), a_call(), as_jsonl(LINE)).holds
    assert judged(wanted(application="food"), a_call(), b"", lines=0).holds
