"""Counting calls, texts and bindings (users.md U-S18, operations.md §14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.counted import (
    CALLS,
    MESSAGES,
    MILESTONES,
    NINE,
    SECOND,
    X1,
    X2,
    answered,
    call,
    message,
    milestone,
)
from privatenumber.calls.delays import bucket_of, longest_in, percentile
from privatenumber.calls.peaks import Peaks
from privatenumber.calls.statistics import (
    OUTCOMES,
    PEAK,
    Cell,
    Group,
    Statistics,
    author_of,
    billed_minutes,
    outcome_of,
    together,
)
from privatenumber.codes.causes import teardowns
from privatenumber.store.calls import Call, CallState
from privatenumber.store.messages import Message, MessageState
from privatenumber.store.milestones import Milestone, Step
from privatenumber.store.whereabouts import Whereabouts

Counted: TypeAlias = Call | Message | Milestone
WHERE = Whereabouts(cities={X1: "0755", X2: "010"}, enterprises={X2: "North"}, enterprise="South")
SENT, NOT_SENT, ASKED = MessageState.SENT, MessageState.NOT_SENT, MessageState.ASKED
DISPATCH = "arn:aws-cn:iam::123456789012:user/dispatch"


def count(things: Iterable[Counted]) -> Statistics:
    """The statistics of these."""
    statistics = Statistics()
    for thing in things:
        if isinstance(thing, Call):
            statistics.add_call(thing, WHERE)
        elif isinstance(thing, Message):
            statistics.add_message(thing, WHERE)
        else:
            statistics.add_milestone(thing, WHERE)
    return statistics


def total(*things: Counted) -> Counter[str]:
    """Everything of a day in one line."""
    counts: Counter[str] = Counter()
    for cell, found in count(things).cells.items():
        if cell.group is Group.TOTAL:
            together(counts, found)
    return counts


class TestCalls:
    def test_every_call_is_an_attempt_and_an_answered_one_is_connected(self) -> None:
        """C-149, notifications.md §10.3: an unanswered call counts too, and its 0 minutes."""
        found = total(call("c1"), answered(61, "c2"))
        assert (found["attempts"], found["connected"]) == (2, 1)
        assert (found["duration_s"], found["billed_minutes"]) == (61, 2)

    @pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (1, 1), (60, 1), (61, 2), (120, 2), (121, 3)])
    def test_minutes_round_up_for_each_call(self, seconds: int, minutes: int) -> None:
        """billing-rules.md §3.2: whole minutes, at least one."""
        assert billed_minutes(seconds) == minutes

    def test_a_record_without_an_answer_is_believed_before_an_event_with_one(self) -> None:
        """notifications.md §10.3."""
        assert total(call(events=("answer",)))["connected"] == 0

    def test_before_its_record_comes_the_event_says_whether_it_was_answered(self) -> None:
        found = total(call(state=CallState.ENDED, events=("answer",), ended_at=None))
        assert (found["connected"], found["unsettled"]) == (1, 1)

    def test_a_call_under_way_is_open_and_has_no_outcome(self) -> None:
        found = total(call(state=CallState.RINGING, teardown=None, ended_at=None))
        assert found["open"] == 1
        assert not [name for name in OUTCOMES if found[name]]

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            (8102, "busy"),
            (8101, "no_answer"),
            (8035, "no_answer"),
            (7503, "rejected"),
            (8104, "unreachable"),
            (7506, "callee_other"),
            (7502, "caller_left"),
            (8014, "no_binding"),
            (8025, "number_fault"),
            (7108, "tenant_fault"),
            (8059, "barred"),
            (8011, "platform_fault"),
            (4711, "unexplained"),
            (None, "unexplained"),
        ],
    )
    def test_what_nobody_answered_has_one_outcome(self, code: int | None, outcome: str) -> None:
        """cause-codes.md §3 and §4."""
        found = total(call(teardown=code))
        assert {name for name in OUTCOMES if found[name]} == {outcome}

    @pytest.mark.parametrize("code", [cause.code for cause in teardowns() if cause.group != "normal"])
    def test_every_cause_of_the_platform_has_an_outcome_of_its_own(self, code: int) -> None:
        assert outcome_of(call(teardown=code)) in set(OUTCOMES) - {"unexplained"}

    def test_the_record_is_believed_before_the_event(self) -> None:
        """cause-codes.md §2, rule 6."""
        found = count([call(state_code=8101, teardown=8102)])
        assert {cell.value for cell in found.cells if cell.group is Group.CAUSE} == {"8102"}

    def test_a_call_of_few_seconds_is_short(self) -> None:
        assert total(answered(9), answered(10, "c2"))["short_calls"] == 1

    def test_an_answered_call_whose_times_contradict_each_other_adds_no_seconds(self) -> None:
        """notifications.md §10.2 (`bad_times`): counted, not measured."""
        found = total(answered(5, talk_seconds=None))
        assert (found["connected"], found["measured"], found["duration_s"]) == (1, 0, 0)

    def test_a_call_is_counted_at_the_hour_in_beijing_at_which_it_began(self) -> None:
        """U-D24."""
        late = NINE + timedelta(hours=14, minutes=59)
        found = count([answered(7200, at=late)])
        assert {cell.hour for cell in found.cells} == {23}

    def test_a_call_belongs_to_the_city_and_the_enterprise_of_its_number(self) -> None:
        """The city of X as the inventory knows it, else as the binding has it (operations.md §14)."""
        found = count([call("c1"), call("c2", x=X2), call("c3", x="+8617099999999", area="028")])
        values = {(cell.group, cell.value) for cell in found.cells}
        assert {value for group, value in values if group is Group.CITY} == {"0755", "010", "028"}
        assert {value for group, value in values if group is Group.ENTERPRISE} == {"South", "North"}

    def test_dialling_and_ringing_are_measured_where_both_ends_are_known(self) -> None:
        """U-S18, notifications.md §10.2."""
        first = answered(5, called_out_at=NINE, alerting_at=NINE + 4 * SECOND)
        found = total(first, call("c2", called_out_at=NINE))
        assert (found["dial_calls"], found["dial_s"]) == (1, 4)
        assert (found["ring_calls"], found["ring_s"]) == (1, 6)


class TestMessages:
    def test_texts_are_counted_by_what_became_of_them(self) -> None:
        """C-098, cause-codes.md §6."""
        found = total(
            message("s1"),
            message("s2", send_result=9, parts=1),
            message("s3", state=NOT_SENT, send_result=2),
            message("s4", state=ASKED, send_result=None),
        )
        names = ("sms_sends", "sms_success", "sms_partial", "sms_failed", "sms_asked")
        assert [found[name] for name in names] == [3, 1, 1, 1, 1]

    def test_parts_are_counted_as_the_platform_says_as_forwarded_and_as_written(self) -> None:
        """billing-rules.md §4, S40: `[From…]` makes one part two."""
        found = total(message(parts=2, parts_forwarded=2, parts_received=1))
        names = ("sms_parts", "sms_parts_counted", "sms_parts_written")
        assert [found[name] for name in names] == [2, 2, 1]

    @pytest.mark.parametrize(("forwarded", "parts"), [(3, 3), (None, 1)])
    def test_parts_that_the_platform_does_not_tell_are_counted_else_one(
        self, forwarded: int | None, parts: int
    ) -> None:
        """billing-rules.md §4 (`parts_computed`, `parts_unknown`)."""
        assert total(message(parts=None, parts_forwarded=forwarded))["sms_parts"] == parts

    def test_what_was_not_sent_has_no_parts(self) -> None:
        found = total(message(state=NOT_SENT, send_result=6, parts=2, parts_received=2))
        assert (found["sms_parts"], found["sms_parts_written"]) == (0, 0)


class TestBindings:
    def test_releases_are_manual_when_somebody_asked_and_automatic_when_a_part_of_ours_did(self) -> None:
        """operations.md §14."""
        found = total(
            milestone(Step.BOUND),
            milestone(Step.RELEASED, DISPATCH),
            milestone(Step.RELEASED, "system:sweep"),
            milestone(Step.RELEASED, "job:j1"),
            milestone(Step.FAILED, reason="1012102"),
        )
        names = ("binds", "manual_unbinds", "auto_unbinds", "bind_failures")
        assert [found[name] for name in names] == [1, 1, 2, 1]

    def test_what_was_bound_and_not_wanted_any_more_counts_as_the_platform_counts_it(self) -> None:
        found = total(milestone(Step.DISCARDED))
        assert (found["binds"], found["auto_unbinds"]) == (1, 1)

    @pytest.mark.parametrize(
        ("by", "author"),
        [
            (DISPATCH, DISPATCH),
            ("arn:aws-cn:sts::1:assumed-role/Dispatch/i-0123", "arn:aws-cn:sts::1:assumed-role/Dispatch"),
            ("job:j7f", "job"),
            ("system:sweep", "system:sweep"),
        ],
    )
    def test_an_author_is_told_without_what_differs_each_time(self, by: str, author: str) -> None:
        assert author_of(by) == author


ANYTHING = st.lists(CALLS | MESSAGES | MILESTONES, max_size=30)


class TestParts:
    @settings(max_examples=60, deadline=None)
    @given(things=ANYTHING, parts=st.integers(1, 5), seed=st.randoms(use_true_random=False))
    def test_a_day_is_the_sum_of_its_parts_however_it_is_cut(
        self, things: list[Counted], parts: int, seed: Random
    ) -> None:
        """Hours, shards, any order: counted apart and merged is counted at once."""
        cut: list[list[Counted]] = [[] for _ in range(parts)]
        for thing in things:
            seed.choice(cut).append(thing)
        merged = Statistics()
        for part in seed.sample(cut, parts):
            merged.merge(count(part))
        whole = count(things)
        assert (merged.cells, merged.rows) == (whole.cells, whole.rows)

    @settings(max_examples=60, deadline=None)
    @given(things=ANYTHING)
    def test_every_group_of_calls_adds_up_to_the_total(self, things: list[Counted]) -> None:
        """Nothing is lost in a group, and nothing is in it twice."""
        sums: dict[Group, Counter[str]] = {group: Counter() for group in Group}
        for cell, counts in count(things).cells.items():
            sums[cell.group].update(counts)
        for group in (Group.X, Group.CITY, Group.ENTERPRISE, Group.MODE):
            for name in ("attempts", "connected", "duration_s", "sms_sends", "binds", *OUTCOMES):
                assert sums[group][name] == sums[Group.TOTAL][name]
        for group in (Group.DIRECTION, Group.CAUSE):
            assert sums[group]["attempts"] == sums[Group.TOTAL]["attempts"]

    @settings(max_examples=60, deadline=None)
    @given(calls=st.lists(CALLS, max_size=20))
    def test_each_call_that_is_over_is_answered_or_has_one_outcome(self, calls: list[Call]) -> None:
        found = total(*calls)
        over = sum(each.over for each in calls)
        outcomes = sum(found[name] for name in OUTCOMES)
        open_and_answered = total(*(each for each in calls if not each.over))["connected"]
        assert found["connected"] - open_and_answered + outcomes == over

    def test_a_peak_is_a_maximum_and_no_sum(self) -> None:
        first, second = Statistics(), Statistics()
        first.add_peaks({(9, X1): 2})
        second.add_peaks({(9, X1): 3})
        first.merge(second)
        assert first.cells[Cell(Group.X, X1, 9)] == {PEAK: 3}


class TestDelays:
    @given(st.integers(0, 10**9))
    def test_a_bucket_holds_its_delay_and_is_narrow(self, delay: int) -> None:
        longest = longest_in(bucket_of(delay))
        assert delay <= longest <= delay + delay // 16
        assert bucket_of(longest) == bucket_of(delay)
        assert bucket_of(longest + 1) == bucket_of(delay) + 1

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, 40_000_000), min_size=1, max_size=50), st.sampled_from([50, 95]))
    def test_a_percentile_is_that_of_the_delays_within_a_sixteenth(
        self, delays: list[int], percent: int
    ) -> None:
        exact = sorted(delays)[max(0, -(-len(delays) * percent // 100) - 1)]
        found = percentile(Counter(map(bucket_of, delays)), percent)
        assert found is not None
        assert exact <= found <= exact + exact // 16

    def test_without_a_delay_there_is_no_percentile(self) -> None:
        assert percentile({}, 50) is None

    def test_the_delay_of_a_record_is_counted_with_all_calls_only(self) -> None:
        found = count([call(settled_after_ms=5_000)])
        with_delay = [cell.group for cell, counts in found.cells.items() if any("delay" in n for n in counts)]
        assert with_delay == [Group.TOTAL]


class TestPeaks:
    def test_calls_at_once_are_counted_for_each_x(self) -> None:
        """C-121."""
        peaks = Peaks()
        for each in (
            answered(60, "c1"),
            answered(60, "c2", NINE + 5 * SECOND),
            answered(60, "c3", NINE + 6 * SECOND, x=X2),
            answered(60, "c4", NINE + 90 * SECOND),
        ):
            peaks.take(each)
        assert peaks.most() == {(9, X1): 2, (9, X2): 1}

    def test_a_call_that_begins_when_another_ends_is_alone(self) -> None:
        peaks = Peaks()
        peaks.take(answered(50, "c1"))
        peaks.take(answered(50, "c2", NINE + 60 * SECOND))
        assert peaks.most() == {(9, X1): 1}

    def test_a_call_of_the_day_before_stands_in_the_way_and_is_not_counted(self) -> None:
        peaks = Peaks()
        peaks.take(answered(7200, "c0", NINE - timedelta(hours=1)), counted=False)
        peaks.take(answered(60, "c1"))
        assert peaks.most() == {(9, X1): 2}

    def test_a_call_whose_end_was_lost_does_not_stay_for_ever(self) -> None:
        peaks = Peaks()
        peaks.take(call("c1", ended_at=None, state=CallState.RINGING))
        peaks.take(answered(60, "c2", NINE + timedelta(hours=2)))
        assert peaks.most() == {(9, X1): 1, (11, X1): 1}
