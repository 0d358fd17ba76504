"""The report says what broke first, what was going on then, and which faults struck at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storm.failure import first_failure, in_order, plan_lines, strikes
from storm.judges.strikes import LEAST_ORDERS, judge_strikes
from storm.judges.verdict import Breach, Verdict
from storm.occasions import Occasion
from storm.plan import Fault, Plan

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
FAULTS = (
    Fault("f1", "table.outage", 0, 600),
    Fault("f2", "function.crash", 0),
    Fault("f3", "queue.twice", 0),
)
PLAN = Plan(1, LEAST_ORDERS, 2.0, FAULTS)


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


OUTAGE = [Occasion(later(n), "table.outage", "f1", "FollowFunction") for n in (0, 1, 2)]
CRASH = Occasion(later(300), "function.crash", "f2", "AuditFunction")


def told(*verdicts: Verdict) -> str:
    lines = [(later(10), "near"), (later(300), "far")]
    return "\n".join(first_failure(verdicts, PLAN, [*OUTAGE, CRASH], lines, "here/plan.json"))


def test_what_broke_first_is_told_with_what_went_on_then() -> None:
    late, early = Verdict("bills", "says"), Verdict("calls", "says")
    late.broken("the later", at=later(280))
    early.broken("the earlier", ["its story"], at=later(30))
    page = told(late, early)
    assert "calls: the earlier" in page
    assert "its story" in page
    assert "struck 3 times, 09-14 08:00:00 until 08:02:00 FollowFunction" in page
    assert "function.crash" not in page
    assert "near" in page
    assert "far" not in page
    assert "make storm PLAN=here/plan.json ARGS=--minimise" in page


def test_a_breach_without_a_moment_comes_last_and_says_so() -> None:
    verdict = Verdict("bills", "says")
    verdict.broken("some time")
    assert "Nobody knows when that was" in told(verdict)
    verdict.broken("at a moment", at=NOW)
    assert [one.what for one in in_order(verdict.breaches)] == ["at a moment", "some time"]
    assert in_order([Breach("b", at=later(1)), Breach("a", at=NOW)])[0].what == "a"


def test_nothing_broken_is_no_failure() -> None:
    assert told(Verdict("bills", "says", judged=1)) == ""


def test_faults_and_occasions_are_counted_apart() -> None:
    assert strikes(PLAN, OUTAGE) == [
        ("function.crash", "1", "0", "0"),
        ("queue.twice", "1", "0", "0"),
        ("table.outage", "1", "1", "3"),
    ]


def test_the_plan_tells_when_each_fault_struck() -> None:
    outage, crash, _ = plan_lines(PLAN, OUTAGE)
    assert outage.endswith("struck 3 times, 09-14 08:00:00 until 08:02:00 FollowFunction")
    assert crash.endswith("struck nothing")


def test_a_kind_that_struck_nothing_breaks_a_long_storm() -> None:
    twice = Occasion(NOW, "queue.twice", "f3")
    assert judge_strikes(PLAN, [*OUTAGE, CRASH, twice]).holds
    assert [one.what for one in judge_strikes(PLAN, [*OUTAGE, CRASH]).breaches] == [
        "queue.twice is planned and never struck"
    ]


def test_a_short_storm_only_says_what_struck_nothing() -> None:
    verdict = judge_strikes(PLAN.with_orders([1]), [*OUTAGE, CRASH])
    assert verdict.holds
    assert "queue.twice" in verdict.notes[0]
    assert judge_strikes(PLAN.with_faults([]), []).state == "not judged"
