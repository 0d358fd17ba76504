"""The judge of what is left sees a record, a message and a batch that was put aside."""

from __future__ import annotations

from storm.judges.drained import judge_drained


def test_where_everything_was_worked_off_nothing_is_left() -> None:
    verdict = judge_drained(0, {}, {"WorkQueue": 0, "FailedInvocationsQueue": 0}, [])
    assert verdict.holds
    assert verdict.judged == 3


def test_a_record_that_waits_is_a_breach() -> None:
    assert not judge_drained(1, {}, {"WorkQueue": 0}, []).holds


def test_a_message_that_is_left_is_a_breach_by_its_queue() -> None:
    (breach,) = judge_drained(0, {}, {"WorkQueue": 0, "DeadLetters": 2}, []).breaches
    assert breach.what == "2 messages are left in DeadLetters"


def test_records_that_were_put_aside_are_told_with_what_was_logged_last() -> None:
    (breach,) = judge_drained(0, {"FollowFunction": 3}, {}, ["a line"] * 30).breaches
    assert "3 records of FollowFunction" in breach.what
    assert len(breach.trace) == 20
