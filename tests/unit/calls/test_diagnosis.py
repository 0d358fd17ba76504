"""Situations that the emulator cannot produce, and what decides between situations: built facts (C-138)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.cases import (
    around,
    binding,
    call,
    case,
    cdr,
    complete,
    decision,
    event,
    over,
    refused,
    seconds,
    sms,
    talked,
    text,
)
from builders.pushes import X
from privatenumber.calls.diagnosis.answers import in_words
from privatenumber.calls.diagnosis.binding_then import BindingThen, Part
from privatenumber.calls.diagnosis.case import CallCase, PauseThen, RuleMet, SmsCase, StateTold
from privatenumber.calls.diagnosis.diagnose import diagnose, diagnose_sms
from privatenumber.calls.diagnosis.model import Confidence, Diagnosis
from privatenumber.calls.diagnosis.view import Language, as_text
from privatenumber.calls.routing import Reason
from privatenumber.codes.situations import situations
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact, EventFact

X2: Final = "+8617010000009"
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


def found(of: CallCase | SmsCase) -> list[str]:
    """The situations, the heaviest first."""
    return [one.situation for one in told(of)]


def told(of: CallCase | SmsCase) -> tuple[Diagnosis, ...]:
    return diagnose(of) if isinstance(of, CallCase) else diagnose_sms(of)


def unbound(*bindings: object, code: int = 8014, **changes: object) -> CallCase:
    """A call of which the platform found no binding."""
    return complete(refused(code), around(bindings=bindings, **changes))


def asked(reason: Reason, code: int = 8017, **changes: object) -> CallCase:
    """A call of X mode that our answer ended."""
    answer = decision(reason.value)
    surroundings = around(mode=Mode.X, bindings=(), decision=answer, **changes)
    return complete(refused(code), surroundings)


def ruled(rule: str, act: str | None) -> CallCase:
    met = RuleMet(rule, act, limit=3, counted=3, within="application", at=seconds(2))
    return complete(talked(), around(rules=(met,)))


def _moved() -> CallCase:
    left = over(reason="moved", order="order-1")
    went = binding("binding-2", x=X2, order="order-1", subscription_id="other")
    return unbound(left, went)


BUILT: Final[dict[str, Callable[[], CallCase | SmsCase]]] = {
    "binding.moved": _moved,
    "binding.changed": lambda: unbound(binding(part=None, people_changed_at=seconds(-60))),
    "x.not_axe": lambda: complete(refused(8025), around(mode=Mode.AXE, bindings=())),
    "answer.undecided": lambda: asked(Reason.UNDECIDED),
    "answer.unreadable": lambda: asked(Reason.UNREADABLE),
    "answer.not_taken": lambda: complete(
        refused(8014),
        around(mode=Mode.X, decision=decision("relation", "connect", binding_id="binding-1")),
    ),
    "carrier.prefix_restricted": lambda: complete(cdr(teardown=7500, alerting_at=None)),
    "cause.unknown": lambda: complete(refused(9999)),
    "cause.absent": lambda: complete(cdr(teardown=None, sip=0)),
    "rule.refused": lambda: complete(
        refused(8017),
        around(
            mode=Mode.X,
            decision=decision(Reason.RULE.value),
            rules=(RuleMet("calls_per_hour", limit=5, counted=5, within="application"),),
        ),
    ),
    "rule.stopped": lambda: ruled("answers_per_day", "stopped"),
    "rule.not_stopped": lambda: ruled("answers_per_day", "stop_failed"),
    "rule.broken": lambda: ruled("barred_caller", "already_ended"),
    "codes.differ": lambda: replace(
        complete(talked()),
        events=(event("callin"), event("disconnect", seconds(63), state_code=8040)),
    ),
    "answer.contradicts": lambda: complete(talked(teardown=8102)),
    "times.impossible": lambda: complete(talked(ended_at=seconds(5))),
    "record.variant": lambda: complete(
        talked(), variants=(cdr(flags=("variant",), received_at=seconds(90)),)
    ),
    "record.several": lambda: replace(
        complete(talked()), cdrs=(talked(), talked(icid="icid-2", key=("CALL#demo#session", "CDR#icid-2")))
    ),
    "roles.differ": lambda: complete(talked(direction=0)),
    "sms.unknown_result": lambda: text(99),
    "sms.answer_unusable": lambda: text(5, around(mode=Mode.AX, decision=decision("relation"))),
}
"""Situation -> a case of built facts whose main finding it is."""


@pytest.mark.parametrize("situation", BUILT)
def test_built_facts_are_explained_by_their_situation(situation: str) -> None:
    """The topics of the situation; see its row in docs/diagnosis.md for why no emulator is behind it."""
    assert found(BUILT[situation]())[0] == situation or situation == "rule.broken"
    assert situation in found(BUILT[situation]())


def test_every_situation_that_the_emulator_does_not_produce_is_built_here() -> None:
    assert {row.id for row in situations() if row.proof != "emulator"} == set(BUILT)


class TestHistory:
    """C-136, C-176: what lies nearest to the call explains why nobody was bound."""

    def test_what_rests_on_an_audit_that_does_not_reach_back_is_likely_only(self) -> None:
        certain, likely = (diagnose(unbound(over(rewound=rewound)))[0] for rewound in (True, False))
        assert (certain.situation, certain.confidence) == ("binding.expired", Confidence.CERTAIN)
        assert (likely.situation, likely.confidence) == ("binding.expired", Confidence.LIKELY)

    def test_in_x_mode_a_binding_whose_time_was_over_has_expired(self) -> None:
        """Our own answer refused from the end of its time on, before the binding was let go."""
        lapsed = over(ago=40, mode="X", state="ACTIVE", state_now="ACTIVE", lapsed=True, part=Part.A)
        case = complete(
            refused(8017),
            around(mode=Mode.X, bindings=(lapsed,), decision=decision(Reason.NO_RELATION.value)),
        )
        assert "binding.expired" in found(case)
        assert "binding.not_at_platform" not in found(case)

    def test_the_nearest_of_two_ends_counts(self) -> None:
        early = over("old", ago=7200, reason="deleted")
        (first, *_) = told(unbound(early, over("new", ago=40)))
        assert first.situation == "binding.expired"
        assert "40 seconds before" in first.explanation.en
        assert "40 秒" in first.explanation.zh

    def test_a_rebind_just_after_counts_more_than_an_end_long_before(self) -> None:
        later = binding("new", state=None, created_at=seconds(10), bound_at=seconds(12))
        (first, *_) = told(unbound(over("old", ago=7200), later))
        assert first.situation == "binding.later"
        assert "12 seconds after" in first.explanation.en

    def test_a_binding_that_is_being_released_is_over(self) -> None:
        leaving = over(state="RELEASING", state_now="RELEASING", reason="deleted", by="ops", why="cancelled")
        (first, *_) = told(unbound(leaving))
        assert first.situation == "binding.released"
        assert [
            one.value.en for one in first.evidence if one.what.en in ("ended by", "in their own words")
        ] == [
            "ops",
            "cancelled",
        ]

    def test_a_living_binding_on_another_x_explains_more_than_an_old_end(self) -> None:
        elsewhere = binding("new", x=X2, subscription_id="other")
        assert found(unbound(over("old", ago=86_400), elsewhere)) == ["binding.other_x"]

    def test_both_are_told_when_the_end_is_fresh(self) -> None:
        elsewhere = binding("new", x=X2, subscription_id="other")
        assert found(unbound(over("old", ago=40), elsewhere)) == ["binding.expired", "binding.other_x"]

    def test_a_living_binding_of_the_caller_beats_every_end(self) -> None:
        assert found(unbound(over("old"), binding("new")))[0] == "binding.not_at_platform"

    def test_ax_looks_at_x_whoever_called(self) -> None:
        """ax.md §7: anyone may call an X."""
        ended = over(part=None, mode="AX")
        assert found(unbound(ended, code=7104, mode=Mode.AX))[0] == "binding.expired"

    def test_two_living_bindings_of_others_are_counted_and_not_shown(self) -> None:
        others = [binding(f"other-{n}", part=None, subscription_id=f"s{n}") for n in range(2)]
        (first, *_) = told(unbound(*others))
        assert first.situation == "binding.wrong_caller"
        assert [one.value.en for one in first.evidence if "living bindings" in one.what.en] == ["2"]
        assert not [one for one in first.evidence if "order-of-other" in one.value.en]

    def test_people_that_changed_long_ago_explain_nothing(self) -> None:
        changed = binding(part=None, people_changed_at=seconds(-30 * 86_400))
        assert found(unbound(changed))[0] == "binding.wrong_caller"

    def test_a_dials_the_number_of_somebody_who_left(self) -> None:
        """axyb.md §5, row 3."""
        bound = binding(mode="AXYB", people_changed_at=seconds(-60))
        of = unbound(bound, code=8030, mode=Mode.AXYB, x=X2)
        assert found(of)[0] == "binding.changed"

    def test_a_refused_y_is_a_failed_bind(self) -> None:
        """axyb.md §6."""
        gone = over(mode="AXYB", reason="refused")
        (first, *_) = told(unbound(gone, code=8030, mode=Mode.AXYB))
        assert first.situation == "binding.failed"
        assert "number (Y)" in first.explanation.en

    def test_a_failed_bind_is_told_by_its_result_code(self) -> None:
        failed = binding(state="FAILED", state_now="FAILED", bound_at=None, failure_code="1012009")
        (first, *_) = told(unbound(failed))
        assert first.situation == "binding.failed"
        assert "1012009" in as_text((first,), "zh")

    def test_x_mode_asks_our_own_relations(self) -> None:
        """x.md §5: the platform stores no binding."""
        answer = decision(Reason.NO_RELATION.value)
        ended = over(mode="X", subscription_id=None)
        surroundings = around(mode=Mode.X, bindings=(ended,), decision=answer)
        (first, *_) = told(complete(refused(8017), surroundings))
        assert first.situation == "binding.expired"
        assert {"decision", "cdr", "binding binding-1"} <= {one.source for one in first.evidence}


class TestDirections:
    """C-139, C-092."""

    @pytest.mark.parametrize(("direction", "words"), [(1, "only A may call"), (2, "only the other side")])
    def test_it_is_told_who_may_call(self, direction: int, words: str) -> None:
        bound = binding(direction=direction, part=Part.OTHER)
        (first, *_) = told(
            complete(refused(8016, subscription_id=bound.subscription_id), around(bindings=(bound,)))
        )
        assert first.situation == "direction.forbidden"
        assert words in first.explanation.en

    def test_our_own_refusal_is_told_alike(self) -> None:
        answer = decision(Reason.DIRECTION.value, binding_id="binding-1")
        surroundings = around(mode=Mode.X, bindings=(binding(direction=2),), decision=answer)
        assert found(complete(refused(8017), surroundings))[0] == "direction.forbidden"

    def test_without_the_binding_it_is_less_certain(self) -> None:
        (first, *_) = told(complete(refused(8016), around(bindings=())))
        assert (first.situation, first.confidence) == ("direction.forbidden", Confidence.LIKELY)


class TestBesideTheCause:
    """Evidence of cause-codes.md §5, rows 3 to 6."""

    def test_a_frozen_account_is_confirmed_by_our_pause(self) -> None:
        """C-110, C-171."""
        pause = PauseThen("frozen", seconds(600))
        (first, *_) = told(complete(refused(7108), around(pause=pause)))
        assert first.situation == "account.frozen"
        assert [one.source for one in first.evidence if "arrears" in one.what.en] == ["pause"]

    def test_the_state_that_was_told_just_after_explains_a_refused_x(self) -> None:
        """C-128: a push has no time of its own."""
        after = StateTold("10", "2", seconds(30))
        (first, *_) = told(
            complete(refused(8055), around(state=StateTold("5", None, seconds(-60)), state_after=after))
        )
        assert first.situation == "number.unavailable"
        assert "arrears" in first.explanation.en
        assert "欠费" in first.explanation.zh

    def test_what_the_carrier_said_stands_below_the_cause(self) -> None:
        assert found(complete(cdr(teardown=8104, q850=20)))[:2] == ["callee.power_off", "carrier.said"]

    def test_an_answered_call_needs_no_state_of_x(self) -> None:
        impaired = StateTold("9", None, seconds(-60))
        assert "number.impaired" not in found(complete(talked(), around(state=impaired)))

    def test_in_ax_the_busy_one_is_x_only_before_the_second_leg(self) -> None:
        """C-121, C-141."""
        reached = complete(cdr(teardown=8102), around(mode=Mode.AX))
        assert found(reached)[0] == "callee.busy"

    def test_a_recording_without_announcement_is_the_likely_rule_of_the_carrier(self) -> None:
        """C-070."""
        (first, *_) = told(complete(cdr(teardown=8059), around(bindings=(binding(records=True),))))
        assert first.situation == "carrier.intercepted"
        assert first.confidence is Confidence.LIKELY
        assert "announcement" in first.explanation.en


class TestRecords:
    """C-145 to C-149, C-151."""

    @pytest.mark.parametrize(("event_code", "cdr_code"), [(8018, 7104), (8100, 7506), (8014, 8006)])
    def test_codes_that_mean_one_thing_do_not_differ(self, event_code: int, cdr_code: int) -> None:
        """cause-codes.md §4."""
        record = refused(cdr_code)
        of = replace(complete(record), events=(event("callin"), event(state_code=event_code)))
        assert "codes.differ" not in found(of)

    def test_a_cdr_that_comes_before_its_events_misses_none_yet(self) -> None:
        assert "events.missing" not in found(case(talked(), surroundings=around(now=seconds(120))))

    @pytest.mark.parametrize("code", [8055, 7108, 8023, 8042, 7005])
    def test_a_cdr_that_names_no_arrival_needs_no_arrival_event(self, code: int) -> None:
        """X mode: who is refused before the question has no `callin` (x.md §2)."""
        record = refused(code, call_in_at=None)
        assert found(complete(record, around(mode=Mode.X, bindings=())))

    def test_a_cause_comes_before_a_missing_cdr(self) -> None:
        alone = case(event("callin"), event("disconnect", state_code=8102))
        assert found(alone)[0] == "callee.busy"
        assert "cdr.late" in found(alone)

    def test_the_day_until_which_the_console_keeps_the_call_is_told(self) -> None:
        """notifications.md §8.3: 31 days."""
        lost = case(event("disconnect", state_code=0), surroundings=around(now=seconds(12 * 3600)))
        (first,) = [one for one in told(lost) if one.situation == "cdr.lost"]
        assert "2026-10-03 (Beijing time)" in first.explanation.en

    def test_eight_hours_are_seen_without_a_cdr_too(self) -> None:
        """C-147: an event cannot arrive eight hours before it happens."""
        shifted = event("callin", seconds(8 * 3600), received_at=seconds(1))
        assert "clock.eight_hours" in found(case(shifted))

    def test_a_push_that_came_late_is_not_eight_hours_off(self) -> None:
        late = event("callin", seconds(0), received_at=seconds(8 * 3600))
        assert "clock.eight_hours" not in found(case(late))

    def test_another_person_or_x_is_no_redial(self) -> None:
        elsewhere = call(x=X2)
        otherwise = call(subscription_id="other")
        assert "redial.first" not in found(complete(cdr(), neighbours=(elsewhere, otherwise)))

    def test_a_call_minutes_later_is_no_redial(self) -> None:
        later = call(started_at=seconds(600))
        assert "redial.first" not in found(complete(cdr(), neighbours=(later,)))

    def test_an_answered_call_is_no_first_half_of_a_redial(self) -> None:
        assert "redial.first" not in found(complete(talked(), neighbours=(call(),)))

    def test_a_call_without_binding_is_held_against_ours_for_display_only(self) -> None:
        """notifications.md §9.3."""
        (first, *_) = told(complete(talked(subscription_id=None)))
        assert (first.situation, first.confidence) == ("answered.unbound", Confidence.LIKELY)
        assert "order-of-binding-1" in first.explanation.en

    def test_people_who_changed_explain_another_direction(self) -> None:
        changed = binding(people_changed_at=seconds(-60))
        assert "roles.differ" not in found(complete(talked(direction=0), around(bindings=(changed,))))

    def test_a_call_that_nobody_ended_is_told_of_after_the_late_window(self) -> None:
        begun = case(event("callin"), surroundings=around(now=seconds(12 * 3600)))
        assert found(begun)[0] == "end.unknown"


class TestTexts:
    """C-150, C-153 to C-156, C-158."""

    def test_a_stranger_gets_the_history_first(self) -> None:
        assert found(text(2, around(bindings=(over(),))))[:2] == ["binding.expired", "sms.unbound"]

    def test_the_binding_is_told_of_as_that_of_a_text(self) -> None:
        (first, *_) = told(text(2, around(bindings=(over(),))))
        assert "text message" in first.explanation.en
        assert "短信" in first.explanation.zh

    def test_a_rule_of_ours_explains_a_discarded_text(self) -> None:
        rules = (RuleMet("sms_per_day", limit=10, counted=10, within="application"),)
        surroundings = around(mode=Mode.X, decision=decision(Reason.RULE.value), rules=rules)
        (first, *_) = told(text(6, surroundings))
        assert first.situation == "rule.refused"
        assert "at most 10" in first.explanation.en

    @pytest.mark.parametrize("reason", list(Reason))
    def test_every_reason_of_ours_has_words(self, reason: Reason) -> None:
        words = in_words(reason.value)
        assert words.en != reason.value
        assert words.zh != words.en

    def test_one_part_costs_nothing_to_mention(self) -> None:
        assert found(text(0)) == ["sms.sent"]

    def test_a_question_that_waits_is_no_fault(self) -> None:
        asked_now = SmsCase(around(now=seconds(60)), question=sms())
        assert found(asked_now) == ["sms.awaited"]

    def test_nothing_is_said_of_a_text_of_which_nothing_is_known(self) -> None:
        assert found(SmsCase(around())) == []


CODES: Final = [None, 0, 8010, 8013, 8014, 8016, 8017, 8022, 8055, 8100, 8102, 7104, 9999]
MOMENTS = st.none() | st.integers(-600, 600).map(seconds)
RECORDS = st.builds(
    cdr,
    teardown=st.sampled_from(CODES),
    started_at=MOMENTS,
    alerting_at=MOMENTS,
    answered_at=MOMENTS,
    ended_at=MOMENTS,
    direction=st.none() | st.integers(0, 2),
    subscription_id=st.none() | st.just(binding().subscription_id),
)
EVENTS = st.builds(
    event,
    st.sampled_from(["callin", "collectInfo", "callout", "alerting", "answer", "disconnect", "unheard"]),
    st.integers(-60, 40_000).map(seconds),
    state_code=st.sampled_from(CODES),
    received_at=st.integers(0, 40_000).map(seconds),
)
BINDINGS = st.builds(
    binding,
    st.sampled_from(["one", "two", "three"]),
    state=st.sampled_from([None, "REQUESTED", "ACTIVE", "RELEASING", "CLOSED", "FAILED"]),
    state_now=st.sampled_from(["ACTIVE", "CLOSED", "FAILED"]),
    created_at=st.integers(-600, 600).map(seconds),
    bound_at=MOMENTS,
    over_at=MOMENTS,
    part=st.none() | st.sampled_from(list(Part)),
    callee_until=MOMENTS,
    callee_set_at=MOMENTS,
    callee_set_later=MOMENTS,
    people_changed_at=MOMENTS,
    x=st.sampled_from([X, X2]),
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(list(Mode)),
    st.lists(RECORDS, max_size=2),
    st.lists(EVENTS, max_size=5),
    st.lists(BINDINGS, max_size=4),
    st.lists(st.sampled_from(["", "0", "0007"]), max_size=3),
    st.integers(0, 60_000),
)
def test_whatever_is_known_can_be_told(
    mode: Mode,
    records: list[CdrFact],
    events: list[EventFact],
    bindings: list[BindingThen],
    attempts: list[str],
    now: int,
) -> None:
    """Any set of records, in any state, gets whole texts in both languages, the heaviest first."""
    surroundings = around(mode=mode, bindings=tuple(bindings), now=seconds(now))
    of = case(*records, *events, surroundings=surroundings, attempts=tuple(attempts))
    diagnoses = told(of)
    weights = [one.weight for one in diagnoses]
    assert weights == sorted(weights, reverse=True)
    for language in LANGUAGES:
        said = as_text(diagnoses, language)
        assert not {"{", "}"} & set(said)
        assert "None" not in said


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(Mode)),
    st.lists(EVENTS, max_size=5, unique_by=lambda one: one.event),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_events_are_read_decides_nothing(
    mode: Mode, events: list[EventFact], chance: Random
) -> None:
    """notifications.md §9.1: what is found follows from the set of what is known."""
    once = found(case(*events, surroundings=around(mode=mode)))
    chance.shuffle(events)
    assert found(case(*events, surroundings=around(mode=mode))) == once


def test_a_length_of_time_is_never_negative() -> None:
    """A binding released in the second of the call ends after it by our clock."""
    rounded = over(ago=-0.5)
    (first, *_) = told(unbound(rounded))
    assert first.situation == "binding.expired"
    assert "less than a second before" in first.explanation.en
