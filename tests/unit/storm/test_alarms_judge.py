"""The judge of alarms sees one that should have gone off, and one that nothing had made go off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storm.deployment import read_deployment
from storm.judges.alarms import MISSED, SWEPT, Must, Seen, judge_alarms
from storm.judges.causes import (
    CAUSES,
    POOL_FULL,
    POOL_LAST,
    POOL_SCARCE,
    PUSHES,
    SILENCE,
    Missed,
    Struck,
    caused,
)
from storm.judges.cloudwatch import Alarm, read_alarms
from storm.judges.verdict import Verdict
from storm.lambdas import Point
from storm.occasions import Occasion

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
ALARMS = {one.name: one for one in read_alarms(read_deployment().alarms, {"PoolAlarmPercent": "80"})}
ERRORS = ALARMS["FollowErrorsAlarm"]
LAG = ALARMS["SweepLagAlarm"]
CRASH = Occasion(NOW + timedelta(minutes=3), "function.crash", "f1", "FollowFunction")
NOTHING = Seen([], [], [])


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def points(alarm: Alarm, *minutes: float, value: float = 1.0) -> list[Point]:
    return [Point(later(n), alarm.namespace, alarm.metric, alarm.dimensions, value) for n in minutes]


def judged(alarm: Alarm, own: Sequence[Point], seen: Seen = NOTHING, must: Must | None = None) -> Verdict:
    return judge_alarms([alarm], own, seen, [must] if must else [])


def died(*, minutes: float = 3, teller: str = "") -> Must:
    return Must("a crash", (ERRORS.name,), (later(minutes), later(minutes)), teller)


def test_errors_of_a_function_that_was_killed_are_in_order() -> None:
    assert judged(ERRORS, points(ERRORS, 3), Seen([], [CRASH], []), died()).holds


def test_an_alarm_without_a_cause_is_a_breach() -> None:
    verdict = judged(ERRORS, points(ERRORS, 3))
    assert [one.at for one in verdict.breaches] == [NOW]


@pytest.mark.parametrize(
    "other",
    [
        replace(CRASH, function="AuditFunction"),
        replace(CRASH, at=later(-1)),
        replace(CRASH, at=later(5)),
        replace(CRASH, kind="platform.error_5xx"),
    ],
    ids=["another function", "before", "later", "another kind"],
)
def test_another_fault_is_no_cause(other: Occasion) -> None:
    assert not judged(ERRORS, points(ERRORS, 3), Seen([], [other], [])).holds


def test_a_crash_that_raised_nothing_is_a_breach() -> None:
    assert not judged(ERRORS, points(ERRORS, 3, value=0), Seen([], [CRASH], []), died()).holds


def test_an_alarm_that_precedes_its_reason_is_not_raised_by_it() -> None:
    before = replace(CRASH, at=NOW)
    seen = Seen([], [before, replace(CRASH, at=later(6))], [])
    assert not judged(ERRORS, points(ERRORS, 0), seen, died(minutes=6)).holds


def test_who_was_killed_before_telling_is_excused_and_named() -> None:
    killed = replace(CRASH, function="WatchFunction")
    verdict = judged(ERRORS, points(ERRORS, 1, value=0), Seen([], [killed], []), died(teller="WatchFunction"))
    assert verdict.holds
    assert "WatchFunction was killed" in verdict.notes[0]


def test_a_sweep_that_does_not_run_stands_at_alarm_once_five_periods_are_missing() -> None:
    lived = NOW, later(12)
    own = points(LAG, *range(3), *range(9, 12), value=0)
    assert LAG.raised(own, lived) == [later(7), later(8)]
    assert LAG.raised(own, lived, [later(5)]) == []


def test_a_skipped_sweep_that_raised_nothing_is_a_breach() -> None:
    must = Must("source.skipped", (LAG.name,), (later(3), later(30)))
    skipped = Struck("source.skipped", must.window)
    seen = Seen([skipped], [], [], (NOW, later(30)), {SWEPT[LAG.metric]: [later(n) for n in range(3)]})
    assert judged(LAG, [], seen, must).holds
    tolerant = replace(LAG, missing_is_breaching=False)
    assert not judged(tolerant, points(LAG, 1, value=0), seen, must).holds


@pytest.mark.parametrize("name", MISSED)
def test_without_the_scheduler_each_sweep_that_is_looked_for_is_missed(name: str) -> None:
    alarm, out = ALARMS[name], Struck("scheduler.outage", (NOW, later(60)))
    seen = Seen([out], [], [], (later(-120), later(180)), {})
    ran = points(alarm, *range(-120, 0), *range(61, 180), value=0)
    assert judged(alarm, ran, seen, Must(out.kind, (name,), out.window)).holds
    silent = points(alarm, *range(-120, 0), *range(130, 180), value=0)
    assert not judged(alarm, silent, seen).holds


def test_a_sweep_that_is_silent_without_a_fault_is_a_breach() -> None:
    assert not judged(LAG, [], Seen([], [], [], (NOW, later(30)), {})).holds


def test_a_late_cdr_is_a_cause_and_a_late_event_is_none() -> None:
    alarm = ALARMS["LateCdrsAlarm"]
    own = points(alarm, 30)
    assert judged(alarm, own, Seen([], [], [Missed(NOW, "fee")])).holds
    assert not judged(alarm, own, Seen([], [], [Missed(NOW, "status")])).holds
    assert not judged(alarm, own, Seen([], [], [Missed(later(-600), "fee")])).holds
    assert not judged(alarm, own, Seen([Struck("push.never_sent", (NOW, NOW))], [], [])).holds
    assert not judged(alarm, own, Seen([], [], [Missed(NOW, "fee", later(5))])).holds
    assert judged(alarm, own, Seen([], [], [Missed(NOW, "fee", later(31))])).holds


def test_what_lasted_is_a_cause_until_its_aftermath_is_over() -> None:
    alarm = ALARMS["SweepLagAlarm"]
    skipped = Struck("source.skipped", (NOW, later(30)))
    own = [Point(later(n), alarm.namespace, alarm.metric, alarm.dimensions, 400) for n in range(-20, 60)]
    for minutes, holds in ((-10, False), (10, True), (38, True), (50, False)):
        seen = [one for one in own if later(minutes) <= one.at < later(minutes + 5)]
        assert judged(alarm, seen, Seen([skipped], [], [])).holds is holds


def test_an_order_is_turned_away_while_the_platform_keeps_silent_and_no_longer() -> None:
    alarm = ALARMS["PlatformPausedAlarm"]
    silent = Seen([Struck(SILENCE, (NOW, later(30)))], [], [])
    for minutes, holds in ((-10, False), (10, True), (29, True), (36, False)):
        assert judged(alarm, points(alarm, minutes), silent).holds is holds
    locked = Seen([Struck("platform.lock_out", (NOW, later(30)))], [], [])
    assert not judged(alarm, points(alarm, 10), locked).holds


def test_an_alarm_that_never_had_data_is_named_and_not_counted() -> None:
    verdict = judge_alarms([ERRORS, ALARMS["AuditErrorsAlarm"]], points(ERRORS, 3, value=0), NOTHING, [])
    assert verdict.judged == 1
    assert "AuditErrorsAlarm" in verdict.notes[0]


def test_no_data_at_all_is_not_true() -> None:
    assert not judge_alarms([ERRORS], [], NOTHING, []).holds


def test_an_alarm_that_wants_several_periods_waits_for_them() -> None:
    three = replace(ERRORS, period_s=60, needed=3, of=3)
    assert three.raised(points(ERRORS, 0, 1)) == []
    assert three.raised(points(ERRORS, 0, 1, 2)) == [later(2)]


def test_causes_name_alarms_that_there_are() -> None:
    assert {*CAUSES, *PUSHES} <= set(ALARMS)


def test_an_alarm_of_which_no_cause_is_known_may_never_stand() -> None:
    struck = [Struck(kind, (NOW, later(60))) for kind in ("table.outage", "platform.arrears")]
    assert not caused(ALARMS["AuditConflictsAlarm"], later(5), struck, [], [])


def test_every_alarm_of_the_template_can_be_evaluated() -> None:
    assert len(ALARMS) > 100
    assert {one.metric for one in ALARMS.values() if one.missing_is_breaching} == set(SWEPT)
    for alarm in ALARMS.values():
        alarm.raised(points(alarm, 1), (NOW, later(60)))


def test_a_late_cdr_is_told_six_hours_later_when_the_watch_was_killed() -> None:
    late, missed = ALARMS["LateCdrsAlarm"], [Missed(NOW - timedelta(hours=10), "fee")]
    killed = Occasion(NOW - timedelta(hours=5), "function.crash", "f1", "WatchFunction")
    assert caused(late, NOW, [], [killed], missed)
    assert not caused(late, NOW, [], [replace(killed, function="FollowFunction")], missed)


def test_an_empty_pool_is_in_order_while_it_really_was_full() -> None:
    empty = ALARMS["PoolEmptyAlarm"]
    full = Occasion(later(3), POOL_FULL, "", "BindingsFunction")
    assert judged(empty, points(empty, 3), Seen([], [full], [])).holds
    assert not judged(empty, points(empty, 3), Seen([], [replace(full, at=later(-9))], [])).holds


@pytest.mark.parametrize(
    ("name", "kind"), [("PoolUtilisationAlarm", POOL_SCARCE), ("NumbersLeftAlarm", POOL_LAST)]
)
def test_an_alarm_of_a_pool_needs_one_that_was_as_full_when_the_watch_looked(name: str, kind: str) -> None:
    """A number that is away is no excuse by itself."""
    alarm = ALARMS[name]
    seen = Occasion(NOW, kind, "", "PoolWatchFunction")
    assert caused(alarm, NOW, [], [seen], [])
    assert not caused(alarm, NOW, [], [replace(seen, at=later(-61))], [])
    away = Struck("number.returned", (later(-600), later(600)))
    assert not caused(alarm, NOW, [away], [], [])


@pytest.mark.parametrize("name", ["SweepLagAlarm", "WorkAgeAlarm", "ReleasesStuckAlarm", "DriftAgeAlarm"])
def test_a_request_that_the_platform_did_not_answer_is_no_cause(name: str) -> None:
    """One comes every hour; each would excuse the next."""
    moment = (later(-10), later(-10))
    unanswered = [Struck(kind, moment) for kind in ("platform.timeout_before", "platform.error_5xx")]
    assert not caused(ALARMS[name], NOW, unanswered, [], [])


@pytest.mark.parametrize("kind", ["platform.lock_out", "platform.arrears", "number.suspended"])
def test_a_release_is_stuck_while_the_platform_refuses_it_for_long(kind: str) -> None:
    assert caused(ALARMS["ReleasesStuckAlarm"], NOW, [Struck(kind, (later(-60), later(-30)))], [], [])
    assert not caused(ALARMS["ReleasesStuckAlarm"], NOW, [Struck(kind, (later(-600), later(-500)))], [], [])
