"""What should have come and has not: notifications.md §8.3, C-146, C-150. On a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders.bills import rows
from builders.dynamodb import moto_client, new_table
from builders.pushes import (
    SIGNED_AT,
    SUBSCRIPTION,
    X,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    sms_body,
)
from builders.requests_made import log_requests
from builders.unheard import Unheard
from builders.watching import ENDED, KNOWN, Scene
from privatenumber.calls.completeness import CONSOLE, REMINDER, Patience
from privatenumber.calls.watch_cases import Told
from privatenumber.privacy import SealBroken
from privatenumber.store.calls import CallState
from privatenumber.store.items import encode
from privatenumber.store.push_times import PushTimes
from privatenumber.store.watched import WatchedRow, WatchedRows, read_watched
from privatenumber.store.worklist import CaseKind, CaseState, CaseTaken, Level, WorklistStore

HANG_UP = event_body("disconnect", timestamp="2026-09-02 01:01:10")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with moto_client() as client:
        yield Scene(new_table(client, "BillsTable"))


class TestMissingCdr:
    def test_a_call_without_cdr_is_a_case_after_fifteen_minutes_and_not_before(self, scene: Scene) -> None:
        """`backend.cdr.missing_warn_min`."""
        scene.push(HANG_UP)
        assert scene.look(minutes(14.9)) == {}
        assert scene.look(minutes(15)) == {"CdrsLate": 1}
        (case,) = scene.cases()
        assert (case.kind, case.level, case.since, case.x) == (
            CaseKind.CDR_MISSING,
            Level.WARNING,
            ENDED,
            X,
        )

    def test_a_cdr_that_comes_in_time_costs_the_watch_nothing(self, scene: Scene) -> None:
        """Cost follows what is open, not what there is."""
        scene.push(HANG_UP)
        scene.push(fee_body(), at=SIGNED_AT + minutes(9))
        for number in range(3):
            session = f"session-{number}"
            scene.push(event_body("disconnect", sessionId=session))
            scene.push(fee_body(cdr_entry(sessionId=session, icid=f"icid-{number}")))
        watch = scene.watch()
        log = log_requests(scene.bills.client)
        run = watch.run([], now=ENDED + timedelta(hours=1), left=lambda: 60)
        assert (run.looked, run.counts) == (0, {})
        assert log.operations == ["Query"] * 8

    def test_a_cdr_that_is_there_before_the_hang_up_is_not_missed(self, scene: Scene) -> None:
        """§8.3: CDR without `disconnect`: accepted at once, the call is closed by it."""
        scene.push(fee_body())
        scene.push(HANG_UP, at=SIGNED_AT + timedelta(hours=5))
        assert scene.look(timedelta(hours=12)) == {}

    @pytest.mark.parametrize("before", [[], [event_body("callin")]])
    def test_a_cdr_without_session_is_known_by_its_end_and_its_people_or_x(
        self, scene: Scene, before: list[dict[str, Any]]
    ) -> None:
        for body in (*before, HANG_UP):
            scene.push(body)
        scene.push(fee_body(cdr_entry(sessionId=None)))
        assert scene.look(minutes(20)) == {}
        assert scene.cases() == []
        assert scene.run(timedelta(hours=12)).looked == 0

    def test_a_cdr_without_session_of_somebody_else_is_not_it(self, scene: Scene) -> None:
        scene.push(event_body("callin"))
        scene.push(HANG_UP)
        other = cdr_entry(sessionId=None, callerNum="+8613900000001", fwdDstNum="+8613900000002")
        scene.push(fee_body(other))
        assert scene.look(minutes(20)) == {"CdrsLate": 1}

    def test_what_stays_away_grows_worse_until_the_console_forgets_it(self, scene: Scene) -> None:
        """330 minutes, 660 minutes, day 25, day 31: the alarm is long before the last retry."""
        scene.push(HANG_UP)
        first = scene.look(minutes(15))
        steps = [minutes(330), minutes(660), REMINDER, CONSOLE]
        told = [scene.look(step - minutes(6)) | scene.look(step) for step in steps]
        assert [first, *told] == [
            {"CdrsLate": 1},
            {"CdrsProbablyLost": 1},
            {"FactsLost": 1},
            {"ExportsDue": 1},
            {"ExportsMissed": 1},
        ]
        assert [case.level for case in scene.cases(CaseState.EXPIRED)] == [Level.LOST]
        assert scene.cases() == []

    @pytest.mark.parametrize("hours", [1, 6, 20])
    def test_a_cdr_that_comes_late_ends_the_case(self, scene: Scene, hours: int) -> None:
        scene.push(HANG_UP)
        scene.look(minutes(15))
        scene.look(timedelta(hours=hours))
        scene.push(fee_body(), at=SIGNED_AT + timedelta(hours=hours))
        assert scene.look(timedelta(hours=hours + 6)) == {"CasesResolved": 1}
        (case,) = scene.cases(CaseState.RESOLVED)
        assert (case.resolution, case.next_at) == ("came", None)
        assert scene.run(timedelta(days=40)).looked == 0

    def test_a_watch_that_was_down_for_hours_goes_by_the_age_of_what_it_finds(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        assert scene.look(timedelta(hours=20)) == {"CdrsLate": 1, "FactsLost": 1}
        assert scene.run(timedelta(hours=20, minutes=1)).lag_s == 0

    def test_the_lag_is_told(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        assert scene.run(timedelta(hours=2)).lag_s == 2 * 3600 - 900

    def test_the_time_to_export_is_around_the_call(self, scene: Scene) -> None:
        scene.push(event_body("callin"))
        scene.push(HANG_UP)
        scene.look(minutes(15))
        (case,) = scene.cases()
        assert (case.first, case.last) == (SIGNED_AT - minutes(5), ENDED + minutes(5))


class TestOtherCases:
    def test_a_call_that_nobody_ends_is_a_case_after_four_hours(self, scene: Scene) -> None:
        scene.push(event_body("callin"))
        scene.push(event_body("answer", second=8))
        assert scene.look(timedelta(hours=1)) == {}
        assert scene.look(timedelta(hours=4)) == {"CallsUnended": 1}
        assert scene.look(timedelta(hours=12)) == {"FactsLost": 1}

    def test_a_call_that_ended_at_last_waits_for_its_cdr_instead(self, scene: Scene) -> None:
        scene.push(event_body("answer", second=8))
        scene.look(timedelta(hours=4))
        ended = event_body("disconnect", timestamp="2026-09-02 05:30:00")
        scene.push(ended, at=SIGNED_AT + timedelta(hours=4, minutes=30))
        assert scene.look(timedelta(hours=9)) == {"CdrsLate": 1, "CasesResolved": 1}
        assert [case.kind for case in scene.cases()] == [CaseKind.CDR_MISSING]

    def test_an_sms_that_was_asked_about_and_never_told_is_a_case(self, scene: Scene) -> None:
        """C-150: SMS Block without Notify: warning after 15 minutes, alarm after 660."""
        scene.push(sms_body("Block"))
        at = SIGNED_AT + timedelta(hours=1)
        told = scene.look(at + minutes(20))
        assert told == {"SmsUnnotified": 1}
        assert scene.look(at + minutes(700)) == {"FactsLost": 1}
        scene.push(sms_body(), at=SIGNED_AT + timedelta(hours=5))
        assert scene.look(at + timedelta(hours=20)) == {"CasesResolved": 1}

    def test_calls_of_an_unknown_binding_are_one_case(self, scene: Scene) -> None:
        scene.bound = set()
        for number in range(2):
            session = f"session-{number}"
            scene.push(fee_body(cdr_entry(sessionId=session, icid=f"icid-{number}")))
        assert scene.look(timedelta(hours=1)) == {"BindingsUnknown": 1}
        (case,) = scene.cases()
        assert (case.kind, case.what) == (CaseKind.BINDING_UNKNOWN, SUBSCRIPTION)
        scene.bound = {SUBSCRIPTION}
        assert scene.look(timedelta(hours=8)) == {"CasesResolved": 1}

    def test_a_call_that_was_faster_than_its_binding_is_no_case(self, scene: Scene) -> None:
        scene.bound = set()
        scene.push(fee_body())
        scene.bound = {SUBSCRIPTION}
        assert scene.look(timedelta(hours=1)) == {}
        assert scene.run(timedelta(hours=2)).looked == 0

    def test_a_call_without_binding_is_another_story(self, scene: Scene) -> None:
        """notifications.md §9.3: an orphan names no binding, so none is unknown."""
        scene.bound = set()
        scene.push(fee_body(cdr_entry(subscriptionId=None)))
        assert scene.look(timedelta(hours=1)) == {}


class TestHands:
    def test_a_case_that_was_dismissed_stays_so_whatever_comes(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        scene.look(minutes(15))
        (case,) = scene.cases()
        closed = replace(case, state=CaseState.DISMISSED, version=2, next_at=None)
        scene.worklist.replace(closed, seen=1)
        scene.push(event_body("answer", second=8), at=SIGNED_AT + timedelta(hours=2))
        assert scene.look(timedelta(hours=12)) == {}
        assert [found.state for found in scene.cases(CaseState.DISMISSED)] == [CaseState.DISMISSED]

    def test_who_has_not_seen_the_last_version_changes_nothing(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        scene.look(minutes(15))
        (case,) = scene.cases()
        scene.worklist.replace(replace(case, version=2), seen=1)
        with pytest.raises(CaseTaken):
            scene.worklist.replace(replace(case, state=CaseState.DISMISSED, version=2), seen=1)

    def test_a_crash_between_case_and_row_is_made_up_for(self, scene: Scene) -> None:
        scene.push(HANG_UP)

        class Dies(WatchedRows):
            def look_again(self, row: WatchedRow, at: datetime | None) -> None:
                raise RuntimeError("the process died")

        whole = scene.watch()
        dying = replace(whole, rows=Dies(scene.bills.client, scene.bills.name))
        assert dying.run([], now=ENDED + minutes(20), left=lambda: 60).failed == 1
        assert scene.look(minutes(21)) == {}
        assert len(scene.cases()) == 1
        assert scene.run(minutes(22)).looked == 0

    def test_a_case_whose_write_was_done_and_never_answered_is_told_all_the_same(self, scene: Scene) -> None:
        """Its alarm is the count; the SDK sends the write again, and finds the case there."""
        scene.push(HANG_UP)
        deaf = WorklistStore(Unheard(scene.bills.client).as_client(), scene.bills.name)
        watch = replace(scene.watch(), worklist=deaf)
        run = watch.run([], now=ENDED + minutes(15), left=lambda: 60)
        assert {told.value: count for told, count in run.counts.items()} == {"CdrsLate": 1}
        run = watch.run([], now=ENDED + timedelta(hours=6), left=lambda: 60)
        assert Told.PROBABLY_LOST in run.counts
        (case,) = scene.cases()
        assert (case.level, case.version) == (Level.ALARM, 2)

    def test_a_row_that_is_written_during_a_look_is_looked_at_again(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        watched = WatchedRows(scene.bills.client, scene.bills.name)
        (item,) = watched.due(until=ENDED + minutes(20), limit=10)
        scene.push(event_body("answer", second=8))
        watched.look_again(read_watched(item), None)
        assert len(list(watched.due(until=ENDED + minutes(20), limit=10))) == 1

    def test_time_that_is_over_ends_a_run_and_the_next_goes_on(self, scene: Scene) -> None:
        for number in range(3):
            scene.push(event_body("disconnect", sessionId=f"session-{number}"))
        left = iter([60.0, 0.0])
        run = scene.watch().run(["demo"], now=ENDED + timedelta(hours=1), left=lambda: next(left))
        assert (run.finished, run.looked) == (False, 1)
        assert scene.look(timedelta(hours=1)) == {"CdrsLate": 2}


class TestFacts:
    """The row of a call may be behind its facts, or ignore one: the facts count (§8.3, §9.2)."""

    def test_a_cdr_that_carries_the_icid_of_another_call_has_come(self, scene: Scene) -> None:
        """It is kept as a variant, which is no record of the row; nothing is to be exported for it."""
        scene.push(fee_body(cdr_entry(sessionId="earlier")))
        scene.push(HANG_UP)
        scene.push(fee_body())
        assert scene.look(minutes(20)) == {}
        assert scene.run(timedelta(hours=12)).looked == 0

    def test_such_a_cdr_ends_the_case_when_it_comes_late(self, scene: Scene) -> None:
        scene.push(fee_body(cdr_entry(sessionId="earlier")))
        scene.push(HANG_UP)
        assert scene.look(minutes(20)) == {"CdrsLate": 1}
        scene.push(fee_body(), at=SIGNED_AT + timedelta(hours=2))
        assert scene.look(timedelta(hours=6)) == {"CasesResolved": 1}

    def test_a_cdr_that_nobody_followed_is_no_case_and_its_row_is_made_up(self, scene: Scene) -> None:
        """The function that follows gives a record up after its attempts."""
        scene.push(HANG_UP)
        assert scene.chronicled.receive(fee_body()) == 200
        assert scene.look(minutes(20)) == {}
        assert scene.chronicled.call_row().says.state is CallState.SETTLED
        assert "call.recorded" in scene.told.types

    def test_a_cdr_that_nobody_followed_ends_its_case(self, scene: Scene) -> None:
        scene.push(HANG_UP)
        scene.look(minutes(20))
        assert scene.chronicled.receive(fee_body(), at=SIGNED_AT + timedelta(hours=2)) == 200
        assert scene.look(timedelta(hours=6)) == {"CasesResolved": 1}
        assert scene.chronicled.call_row().says.state is CallState.SETTLED

    def test_a_hang_up_that_nobody_followed_is_waited_for_no_more(self, scene: Scene) -> None:
        scene.push(event_body("callin"))
        assert scene.chronicled.receive(HANG_UP) == 200
        assert scene.look(timedelta(hours=4)) == {"CdrsLate": 1}

    def test_facts_that_do_not_open_leave_the_row_to_be_believed(self, scene: Scene) -> None:
        """A key that is gone must not hide that something is missing."""
        scene.push(HANG_UP)

        def broken(row: Mapping[str, Any], now: datetime) -> bool:
            raise SealBroken("sealed under a key that is gone")

        run = replace(scene.watch(), keep=broken).run([], now=ENDED + minutes(20), left=lambda: 60)
        assert (run.failed, [case.kind for case in scene.cases()]) == (1, [CaseKind.CDR_MISSING])


class TestBindingsKnownLate:
    def _two_calls(self, scene: Scene) -> None:
        for session in ("first", "second"):
            scene.push(fee_body(cdr_entry(sessionId=session, icid=f"icid-{session}")))

    def test_every_call_is_given_its_order_once_the_binding_is_known(self, scene: Scene) -> None:
        scene.bound = set()
        self._two_calls(scene)
        assert scene.look(minutes(20)) == {"BindingsUnknown": 1}
        scene.bound = {SUBSCRIPTION}
        assert scene.look(timedelta(hours=2)) == {"CasesResolved": 1}
        assert [call.order for call in scene.chronicled.calls()] == [KNOWN.order] * 2
        assert scene.run(timedelta(days=3)).looked == 0

    def test_a_call_that_is_forgotten_does_not_end_the_case_of_the_others(self, scene: Scene) -> None:
        scene.bound = set()
        self._two_calls(scene)
        scene.look(minutes(20))
        (case,) = scene.cases()
        assert case.about is not None
        key = encode({"pk": case.about[0], "sk": case.about[1]})
        scene.bills.client.delete_item(TableName=scene.bills.name, Key=key)
        assert scene.look(timedelta(hours=2)) == {}
        assert len(scene.cases()) == 1

    def test_a_binding_that_never_becomes_known_is_not_asked_for_for_ever(self, scene: Scene) -> None:
        scene.bound = set()
        self._two_calls(scene)
        scene.look(minutes(20))
        scene.look(CONSOLE + timedelta(days=1))
        assert scene.run(timedelta(days=60)).looked == 0


class TestBroken:
    """One row that cannot be looked at must not stop the watch."""

    def test_a_broken_row_is_counted_and_the_others_are_looked_at(self, scene: Scene) -> None:
        for number in range(3):
            scene.push(event_body("disconnect", sessionId=f"session-{number}"))
        self._spoil(scene, "call", {"state": "of a later version"})
        run = scene.run(timedelta(hours=1))
        assert (run.failed > 0, run.counts) == (True, {Told.LATE: 2})
        assert scene.run(timedelta(hours=2)).failed > 0

    def test_a_broken_case_is_counted_and_the_others_are_looked_at(self, scene: Scene) -> None:
        for number in range(3):
            scene.push(event_body("disconnect", sessionId=f"session-{number}"))
        scene.look(minutes(20))
        self._spoil(scene, "case", {"level": "worse than ever"})
        run = scene.run(timedelta(hours=6))
        assert (run.failed, run.counts) == (1, {Told.PROBABLY_LOST: 2})

    def test_silence_is_told_before_the_rows_that_it_left(self, scene: Scene) -> None:
        """When CDRs stop at volume there are more rows than a run looks at."""
        scene.push(HANG_UP)
        run = scene.watch().run(["demo"], now=ENDED + minutes(20), left=lambda: 0)
        assert (run.looked, list(run.ages_s)) == (0, ["demo"])

    def _spoil(self, scene: Scene, kind: str, change: Mapping[str, str]) -> None:
        row = next(row for row in rows(scene.bills) if row.get("kind") == kind)
        scene.bills.client.put_item(TableName=scene.bills.name, Item=encode({**row, **change}))


class TestLists:
    def test_pages_are_newest_first_and_a_kind_is_picked(self, scene: Scene) -> None:
        for number in range(3):
            scene.push(event_body("disconnect", second=number, sessionId=f"session-{number}"))
        scene.push(sms_body("Block"))
        scene.look(timedelta(hours=2))
        first = scene.worklist.page("demo", CaseState.OPEN, kind=CaseKind.CDR_MISSING, limit=2)
        rest = scene.worklist.page(
            "demo", CaseState.OPEN, kind=CaseKind.CDR_MISSING, limit=2, before=first.cursor
        )
        seconds = [case.since.second for case in (*first.cases, *rest.cases)]
        assert (seconds, rest.cursor) == ([2, 1, 0], None)
        assert len(scene.cases()) == 4


class TestSilence:
    PATIENCE = Patience(quiet=minutes(30))

    def _week(self, scene: Scene, *, days: int, until_hour: int = 3) -> datetime:
        """Calls every half hour from 01:00 UTC on each of the days before, and this morning until two."""
        scene_now = datetime(2026, 9, 10, 2, 0, tzinfo=SIGNED_AT.tzinfo)
        entries = many_cdrs(2 * days + 3)
        for day in range(1, days + 1):
            for half in range(2):
                at = scene_now - timedelta(days=day) + minutes(30 * half + 10)
                self._cdr(scene, entries.pop(), at)
        for half in range(3):
            self._cdr(scene, entries.pop(), scene_now - minutes(30 * half))
        return scene_now

    def _cdr(self, scene: Scene, entry: dict[str, object], at: datetime) -> None:
        ended = {"callEndTime": at.strftime("%Y-%m-%d %H:%M:%S"), "subscriptionId": None}
        assert scene.chronicled.receive(fee_body({**entry, **ended}), at=at) == 200

    def test_silence_at_a_time_at_which_something_usually_comes_is_a_case_until_something_comes(
        self, scene: Scene
    ) -> None:
        last = self._week(scene, days=6)
        assert scene.look(last + minutes(29), patience=self.PATIENCE) == {}
        assert scene.look(last + minutes(45), patience=self.PATIENCE) == {"PushesSilent": 1}
        assert scene.look(last + minutes(56), patience=self.PATIENCE) == {}
        (case,) = scene.cases()
        assert (case.kind, case.what, case.since) == (CaseKind.PUSHES_SILENT, "CDR", last)
        self._cdr(scene, many_cdrs(30)[-1], last + minutes(60))
        assert scene.look(last + minutes(70), patience=self.PATIENCE) == {"CasesResolved": 1}
        assert [found.last for found in scene.cases(CaseState.RESOLVED)] == [last + minutes(70)]

    def test_silence_at_a_time_at_which_nothing_ever_comes_is_none(self, scene: Scene) -> None:
        """Nights, and an application that has run for less than a week."""
        last = self._week(scene, days=4)
        assert scene.look(last + minutes(45), patience=self.PATIENCE) == {}

    def test_a_hang_up_whose_own_time_lies_ahead_does_not_hide_those_that_came_after_it(
        self, scene: Scene
    ) -> None:
        """C-147: eight hours off. It is the newest of its shard until then, and came long ago."""
        ahead = (SIGNED_AT + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
        for number in range(40):
            off = event_body("disconnect", sessionId=f"ahead-{number}", timestamp=ahead)
            assert scene.chronicled.receive(off, at=SIGNED_AT) == 200
        assert scene.chronicled.receive(HANG_UP, at=SIGNED_AT + minutes(20)) == 200
        assert scene.run(SIGNED_AT + minutes(25)).ages_s == {"demo": 300}

    def test_silence_of_days_is_told_too(self, scene: Scene) -> None:
        """At least: since midnight of yesterday nothing came, further back nobody looks."""
        last = self._week(scene, days=0)
        beginning = datetime(2026, 9, 12, 16, 0, tzinfo=last.tzinfo)  # midnight of 13 September in Beijing
        now = beginning + timedelta(hours=30)
        assert scene.run(now).ages_s == {"demo": 30 * 3600}

    def test_a_stretch_over_three_beijing_days_has_a_middle(self, scene: Scene) -> None:
        at = datetime(2026, 9, 10, 2, 0, tzinfo=SIGNED_AT.tzinfo)
        self._cdr(scene, many_cdrs(1)[0], at)
        times = PushTimes(scene.bills.client, scene.bills.name)
        day = timedelta(days=1)
        assert times.any_between("CDR", "demo", at - day, at + day)
        assert not times.any_between("CDR", "demo", at + minutes(1), at + day)

    def test_the_time_since_the_last_push_is_told(self, scene: Scene) -> None:
        last = self._week(scene, days=1)
        assert scene.run(last + minutes(7)).ages_s == {"demo": 420}


def test_the_watch_of_a_deployment_waits_as_the_protocol_says() -> None:
    """notifications.md §8.3."""
    patience = Patience()
    assert (patience.cdr, patience.cdr_lost, patience.notice) == (minutes(15), minutes(330), minutes(15))
