"""One call is one story, whatever order its facts came in: notifications.md §9 and §10, C-148."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.calls import CALL, ORDER, call_facts, new_facts, sms_facts
from builders.keyrings import KEYRING
from builders.pushes import (
    ICID,
    SIGNED_AT,
    STRANGER,
    SUBSCRIPTION,
    A,
    B,
    X,
    callin_body,
    cdr_entry,
    event_body,
    fee_body,
    sms_body,
    stranger_cdr,
)
from privatenumber.calls.timeline import call_of, message_of
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.call_facts import CallFacts
from privatenumber.store.calls import Call, CallState
from privatenumber.store.decisions import Decision
from privatenumber.store.messages import MessageState
from privatenumber.times import iso

STAGES = ("callin", "callout", "alerting", "answer", "disconnect")
SECONDS = {"callin": 0, "callout": 1, "alerting": 3, "answer": 8}


def events(*names: str) -> list[dict[str, Any]]:
    ends = {"timestamp": "2026-09-02 01:01:10"}
    return [
        event_body(name, second=SECONDS.get(name, 0), **(ends if name == "disconnect" else {}))
        for name in names
    ]


def at(minute: int, second: int) -> datetime:
    return datetime(2026, 9, 2, 1, minute, second, tzinfo=UTC)


ANSWERED = [*events(*STAGES), fee_body()]


class TestTheStateIsTheHighestRank:
    @pytest.mark.parametrize(
        ("names", "state"),
        [
            (("callin",), CallState.ARRIVED),
            (("callin", "collectInfo"), CallState.COLLECTING),
            (("callin", "callout"), CallState.CALLING),
            (("callin", "callout", "alerting"), CallState.RINGING),
            (("answer",), CallState.ANSWERED),
            (("disconnect", "alerting", "answer"), CallState.ENDED),
        ],
    )
    def test_of_events(self, names: tuple[str, ...], state: CallState) -> None:
        """notifications.md §9.1: a late alerting does not reopen a call that is closed."""
        assert call_of(call_facts(new_facts(*events(*names)))).state is state

    def test_a_record_settles_a_call_that_no_event_told_of(self) -> None:
        """§8.3: a CDR without disconnect is accepted at once, the session is closed by the CDR."""
        call = call_of(call_facts(new_facts(fee_body())))
        assert (call.state, call.events, call.connected) == (CallState.SETTLED, (), True)

    def test_an_unheard_event_changes_no_stage(self) -> None:
        facts = new_facts(event_body("callin"), event_body("transfer"))
        assert call_of(call_facts(facts)).state is CallState.ARRIVED


class TestAnAnsweredCall:
    def test_its_record_is_believed(self) -> None:
        """§10.1, §10.2: people, times and length are those of the CDR."""
        call = call_of(call_facts(new_facts(*ANSWERED)), ORDER)
        assert call == Call(
            application="demo",
            call=CALL,
            state=CallState.SETTLED,
            started_at=at(0, 0),
            received_at=SIGNED_AT,
            mode="AXB",
            called_out_at=at(0, 1),
            alerting_at=at(0, 3),
            answered_at=at(0, 8),
            ended_at=at(1, 10),
            talk_seconds=62,
            x=X,
            display_x=X,
            direction=1,
            caller=token(KEYRING, A),
            callee=token(KEYRING, B),
            subscription_id=SUBSCRIPTION,
            binding_id="binding-1",
            order="order-1001",
            area="0755",
            state_code=0,
            teardown=0,
            q850=0,
            sip=0,
            icids=(ICID,),
            events=STAGES,
            recorded=True,
            settled_after_ms=0,
            flags=(),
        )

    def test_events_alone_tell_the_same_people_and_times(self) -> None:
        """§4.3: the caller is real in callin, the callee in the second leg."""
        told = call_of(call_facts(new_facts(*events(*STAGES))), ORDER)
        settled = call_of(call_facts(new_facts(*ANSWERED)), ORDER)
        names = ("caller", "callee", "answered_at", "ended_at", "talk_seconds", "started_at", "connected")
        assert [getattr(told, name) for name in names] == [getattr(settled, name) for name in names]

    def test_the_delay_of_its_record_is_measured_from_its_end(self) -> None:
        late = new_facts(fee_body(), at=at(1, 10) + timedelta(hours=9))
        assert call_of(call_facts(late)).settled_after_ms == 9 * 3_600_000


class TestWhatContradicts:
    def test_an_answer_that_the_record_does_not_know_is_none(self) -> None:
        """§10.3: connected is what has an answer time; the CDR counts."""
        unanswered = fee_body(cdr_entry(fwdAnswerTime=None, ulFailReason=8101))
        call = call_of(call_facts(new_facts(*events(*STAGES), unanswered)))
        assert (call.connected, call.talk_seconds, "codes_differ" in call.flags) == (False, None, True)

    def test_times_that_go_backwards_are_marked_and_give_no_length(self) -> None:
        """§10.2: bad_times is stored and reported, never rated."""
        call = call_of(call_facts(new_facts(fee_body(cdr_entry(callEndTime="2026-09-02 01:00:02")))))
        assert (call.talk_seconds, call.flags) == (None, ("bad_times",))

    @pytest.mark.parametrize("end", ["2199-12-31 23:59:59", "2026-09-02 13:00:01"])
    def test_an_end_that_lies_ahead_of_its_receipt_is_none(self, end: str) -> None:
        """One such record would be thirty million minutes in every figure."""
        call = call_of(call_facts(new_facts(fee_body(cdr_entry(callEndTime=end)))))
        assert (call.talk_seconds, call.ended_at, call.flags) == (None, None, ("bad_times",))

    def test_a_zone_mistaken_for_another_is_no_such_end(self) -> None:
        """C-147: eight hours off."""
        call = call_of(call_facts(new_facts(fee_body(cdr_entry(callEndTime="2026-09-02 09:01:10")))))
        assert (call.ended_at is not None, call.flags) == (True, ())

    def test_a_talk_of_more_than_a_day_is_marked(self) -> None:
        """billing-rules.md §3.2: very_long, the platform sets no limit by itself."""
        late = new_facts(
            fee_body(cdr_entry(callEndTime="2026-09-03 01:00:09")), at=SIGNED_AT + timedelta(days=1)
        )
        assert call_of(call_facts(late)).flags == ("very_long",)

    def test_of_two_records_the_answered_one_counts_and_both_are_named(self) -> None:
        """§9.2: same session, different icid: two records."""
        other = cdr_entry(icid="0-other", fwdAnswerTime=None, ulFailReason=8101)
        call = call_of(call_facts(new_facts(fee_body(other, cdr_entry()))))
        assert (call.icids, call.talk_seconds) == ((ICID, "0-other"), 62)
        assert "several_records" in call.flags

    def test_a_contradiction_that_was_kept_beside_the_first_is_marked(self) -> None:
        facts = replace(call_facts(new_facts(*ANSWERED)), contradictions=1)
        assert "contradicted" in call_of(facts).flags


class TestWithoutABinding:
    def test_a_stranger_is_an_orphan_with_his_x(self) -> None:
        """C-136: empty subscriptionId, 8014."""
        call = call_of(call_facts(new_facts(fee_body(stranger_cdr()))))
        assert (call.caller, call.callee, call.x) == (token(KEYRING, STRANGER), None, X)
        assert (call.binding_id, call.teardown, call.flags) == (None, 8014, ("orphan",))

    def test_a_number_of_our_own_knows_relation_and_roles(self) -> None:
        """§10.1: in X mode the roles are from our own decision."""
        asked = new_facts(callin_body(), mode=Mode.X)
        call = call_of(call_facts(asked, decision=decided()))
        assert (call.binding_id, call.order, call.x) == ("relation-1", "order-7", X)
        assert (call.operation, call.reason, call.caller_role) == ("connect", "relation", "a")
        assert (call.caller, call.callee) == (token(KEYRING, STRANGER), "callee-token")


def test_our_clock_does_not_say_when_a_call_began_if_an_event_does() -> None:
    """An event is believed before our own answer."""
    asked = new_facts(callin_body(), mode=Mode.X)
    (at_,) = (fact.item["at"] for fact in asked)
    decision = decided(at=SIGNED_AT - timedelta(hours=2))
    assert iso(call_of(call_facts(asked, decision=decision)).started_at) == at_
    assert call_of(call_facts([], decision=decision)).started_at == decision.at


def decided(**changes: Any) -> Decision:
    """Our answer to the question of a call of X mode."""
    fields: dict[str, Any] = {
        "key": ("CALL", "DECISION"),
        "application": "demo",
        "about": "call",
        "x": X,
        "at": SIGNED_AT,
        "operation": "connect",
        "reason": "relation",
        "caller_role": "a",
        "binding_id": "relation-1",
        "order": "order-7",
        "caller": "caller-token",
        "callee": "callee-token",
        "sealed": b"",
    }
    return Decision(**{**fields, **changes})


class TestMessages:
    @pytest.mark.parametrize(
        ("mode", "result", "state"),
        [
            ("Block", None, MessageState.ASKED),
            ("Notify", 0, MessageState.SENT),
            ("Notify", 9, MessageState.SENT),
            ("Notify", 13, MessageState.NOT_SENT),
        ],
    )
    def test_the_state_is_the_outcome(self, mode: str, result: int | None, state: MessageState) -> None:
        """sms-results.csv: 0 all parts, 9 some."""
        assert message_of(sms_facts(new_facts(sms_body(mode, sendResult=result)))).state is state

    def test_question_and_record_are_one_message_in_any_order(self) -> None:
        """§6.2: Block and Notify share the identifier; the Notify is the record."""
        facts = new_facts(sms_body("Block"), sms_body("Notify", sendResult=0, called=B), mode=Mode.AX)
        said = {message_of(sms_facts(order)) for order in (facts, facts[::-1])}
        (message,) = said
        assert (message.state, message.notices) == (MessageState.SENT, ("Block", "Notify"))
        assert (message.called, message.parts) == (token(KEYRING, B), 1)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[CallFacts, CallFacts]:
    """The facts of a call in one order, and in another with repetitions."""
    facts = new_facts(
        *ANSWERED,
        *(event_body("collectInfo", second=second, digitInfo=str(second)) for second in (4, 5)),
        fee_body(cdr_entry(icid="0-redial", fwdAnswerTime=None)),
    )
    chosen: Sequence[Any] = draw(st.lists(st.sampled_from(facts), min_size=1, unique_by=id))
    again = draw(st.permutations([*chosen, *draw(st.lists(st.sampled_from(chosen)))]))
    return call_facts(chosen), call_facts(again)


@given(deliveries())
def test_the_call_is_a_function_of_the_set_of_its_facts(told: tuple[CallFacts, CallFacts]) -> None:
    """§9.1: no order is guaranteed, §9.2: repetitions have no effect."""
    once, again = told
    assert call_of(once, ORDER) == call_of(again, ORDER)


@given(st.permutations(ANSWERED), st.integers(1, len(ANSWERED)))
def test_a_state_never_goes_back(order: list[dict[str, Any]], seen: int) -> None:
    """§9.1: whatever comes next, the call is at least as far as it was."""
    states = list(CallState)
    before = call_of(call_facts(new_facts(*order[: seen - 1], *order[:1]))).state
    after = call_of(call_facts(new_facts(*order[:seen]))).state
    assert states.index(after) >= states.index(before)
