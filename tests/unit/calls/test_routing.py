"""Whom a question reaches: x.md §5, ax.md §7, notifications.md §6.1; pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pushes import QUESTION_X, SIGNED_AT, STRANGER, A, B
from privatenumber.calls.routing import (
    Asked,
    LastContact,
    Person,
    Reason,
    Relation,
    Role,
    Ruling,
    rule_answer,
    rule_call,
    rule_sms,
)
from privatenumber.calls.sms_text import AtNumber
from privatenumber.settings import Mode

C = "+8613800138004"
LANDLINE = "+8675520000001"
HOUR = timedelta(hours=1)


def person(number: str) -> Person:
    return Person(number, f"token-{number}")


def relation(**changes: Any) -> Relation:
    """A's living relation on the X of the questions, with nobody opposite."""
    fields: dict[str, Any] = {
        "binding_id": "binding-1",
        "order": "order-1",
        "mode": Mode.X,
        "application": "demo-x",
        "active": True,
        "x": QUESTION_X,
        "a": person(A),
        "ends_at": SIGNED_AT + HOUR,
    }
    return Relation(**{**fields, **changes})


def asked(caller: str, **changes: Any) -> Asked:
    fields: dict[str, Any] = {
        "application": "demo-x",
        "mode": Mode.X,
        "x": QUESTION_X,
        "caller": person(caller),
        "now": SIGNED_AT,
    }
    return Asked(**{**fields, **changes})


def in_touch(
    number: str,
    *,
    ago: timedelta = HOUR,
    binding_id: str | None = "binding-1",
    subscription_id: str | None = None,
) -> dict[str, Any]:
    return {"contact": LastContact(person(number), SIGNED_AT - ago, binding_id, subscription_id)}


def reached(ruling: Ruling) -> str | None:
    return ruling.callee.number if ruling.callee else None


PAIR = relation(partners=(person(B),))
TEAM = relation(partners=(person(B), person(C)))
HOTLINE = relation(anyone=True)


class TestCalls:
    @pytest.mark.parametrize(
        ("found", "caller", "callee", "role"),
        [
            (PAIR, B, A, Role.PARTNER),
            (PAIR, A, B, Role.A),
            (TEAM, C, A, Role.PARTNER),
            (HOTLINE, STRANGER, A, Role.ANYONE),
            (relation(partners=(person(B),), anyone=True), STRANGER, A, Role.ANYONE),
        ],
    )
    def test_who_stands_on_x_reaches_his_counterpart(
        self, found: Relation, caller: str, callee: str, role: Role
    ) -> None:
        ruling = rule_call(asked(caller), [found])
        assert (reached(ruling), ruling.role, ruling.relation) == (callee, role, found)

    @pytest.mark.parametrize("found", [[], [PAIR], [TEAM]])
    def test_a_stranger_reaches_nobody(self, found: list[Relation]) -> None:
        """x.md §5: never a default callee."""
        assert rule_call(asked(STRANGER), found) == Ruling(Reason.NO_RELATION)

    @pytest.mark.parametrize(
        "change",
        [
            {"active": False},
            {"ends_at": SIGNED_AT},
            {"x": "+8617010000007"},
            {"application": "another"},
            {"mode": Mode.AX},
        ],
    )
    def test_a_place_that_outlived_its_binding_counts_for_nothing(self, change: dict[str, Any]) -> None:
        """Expiry takes effect at the next question (x.md §5)."""
        for caller in (A, B, STRANGER):
            dead = relation(partners=(person(B),), anyone=True, **change)
            assert rule_call(asked(caller), [dead]).reason is Reason.NO_RELATION

    def test_a_partner_of_a_dead_relation_is_anyone_to_a_living_one(self) -> None:
        dead = relation(partners=(person(B),), active=False)
        hotline = relation(binding_id="binding-2", a=person(C), anyone=True)
        ruling = rule_call(asked(B), [dead, hotline])
        assert (reached(ruling), ruling.role) == (C, Role.ANYONE)

    @pytest.mark.parametrize(("direction", "caller"), [(1, B), (1, STRANGER), (2, A)])
    def test_a_direction_closes_the_other_way(self, direction: int, caller: str) -> None:
        """1: only A may call, 2: only others may."""
        one_way = relation(partners=(person(B),), anyone=True, direction=direction)
        assert rule_call(asked(caller), [one_way]).reason is Reason.DIRECTION

    @pytest.mark.parametrize(("direction", "caller", "callee"), [(1, A, B), (2, B, A), (0, A, B), (0, B, A)])
    def test_a_direction_lets_its_own_way_pass(self, direction: int, caller: str, callee: str) -> None:
        found = relation(partners=(person(B),), direction=direction)
        assert reached(rule_call(asked(caller), [found])) == callee

    def test_a_forbidden_way_is_no_way_to_everybodys_relation(self) -> None:
        mine = relation(partners=(person(B),), direction=1)
        hotline = relation(binding_id="binding-2", a=person(C), anyone=True)
        assert rule_call(asked(B), [mine, hotline]).reason is Reason.DIRECTION

    def test_a_landline_may_be_called(self) -> None:
        """x.md §1."""
        assert reached(rule_call(asked(A), [relation(partners=(person(LANDLINE),))])) == LANDLINE


class TestWhomAReaches:
    def test_the_callee_set_for_now_before_anybody_else(self) -> None:
        found = relation(
            partners=(person(B),), callee=person(C), callee_until=SIGNED_AT + HOUR, callee_reference="call-1"
        )
        ruling = rule_call(asked(A, **in_touch(B)), [found])
        assert (reached(ruling), ruling.reference) == (C, "call-1")

    def test_not_a_callee_whose_time_is_over(self) -> None:
        found = relation(partners=(person(B),), callee=person(C), callee_until=SIGNED_AT)
        assert reached(rule_call(asked(A), [found])) == B

    def test_of_several_partners_the_one_in_touch_last(self) -> None:
        ruling = rule_call(asked(A, **in_touch(C)), [TEAM])
        assert (reached(ruling), ruling.reason) == (C, Reason.LAST_COUNTERPART)

    @pytest.mark.parametrize(
        ("found", "contact"),
        [
            (TEAM, {}),
            (TEAM, in_touch(STRANGER)),
            (TEAM, in_touch(B, ago=timedelta(hours=24))),
            (HOTLINE, {}),
            (HOTLINE, in_touch(STRANGER, ago=timedelta(days=3))),
            (relation(), in_touch(B)),
        ],
    )
    def test_nobody_when_nobody_is_named(self, found: Relation, contact: dict[str, Any]) -> None:
        """Neither who is no partner any more, nor a contact of yesterday, nor a guess among several."""
        assert rule_call(asked(A, **contact), [found]).reason is Reason.NO_COUNTERPART

    def test_anybody_who_called_where_anyone_may_call(self) -> None:
        assert reached(rule_call(asked(A, **in_touch(STRANGER)), [HOTLINE])) == STRANGER

    @pytest.mark.parametrize("binding_id", ["binding-0", None])
    @pytest.mark.parametrize("found", [TEAM, HOTLINE])
    def test_nobody_of_an_order_before_this_one(self, found: Relation, binding_id: str | None) -> None:
        """The same A gets the same X again: whom a closed relation connected is no business of this one."""
        before = asked(A, **in_touch(C, binding_id=binding_id, subscription_id="subscription-1"))
        assert rule_call(before, [found]).reason is Reason.NO_COUNTERPART
        assert rule_sms(before, [found], forward=True).reason is Reason.NO_COUNTERPART

    def test_the_hours_are_the_applications(self) -> None:
        late = asked(A, **in_touch(C, ago=timedelta(hours=30)), contact_life=timedelta(hours=31))
        assert reached(rule_call(late, [TEAM])) == C

    @pytest.mark.parametrize("callee", [A, QUESTION_X, "+8695500", "+864001001380", "+85212345678", "x"])
    def test_neither_himself_nor_x_nor_what_is_no_number(self, callee: str) -> None:
        """x.md §2: calleeNum is a mobile or landline number, not X and not the caller."""
        found = relation(callee=person(callee), callee_until=SIGNED_AT + HOUR)
        assert rule_call(asked(A), [found]).reason is Reason.UNREACHABLE


class TestSms:
    def test_x_mode_is_decided_like_a_call(self) -> None:
        """x.md §4."""
        for forward in (True, False):
            assert reached(rule_sms(asked(B), [PAIR], forward=forward)) == A
            assert reached(rule_sms(asked(A), [PAIR], forward=forward)) == B
            assert reached(rule_sms(asked(STRANGER), [PAIR], forward=forward)) is None

    def test_a_landline_gets_no_sms(self) -> None:
        """notifications.md §6.1."""
        found = relation(partners=(person(LANDLINE),))
        assert rule_sms(asked(A), [found], forward=True).reason is Reason.UNREACHABLE

    def test_a_relation_without_sms_forwards_none(self) -> None:
        assert rule_sms(asked(B), [relation(partners=(person(B),), sms=False)], forward=True).callee is None


class TestAnswer:
    CALLED = relation(partners=(person(C),), callee=person(B), callee_until=SIGNED_AT - HOUR)

    def test_the_callee_of_a_moment_answers_a(self) -> None:
        """Also when his moment is over: he was in touch with A under this relation, and it lives."""
        ruling = rule_answer(asked(B, **in_touch(A)), self.CALLED)
        assert (ruling.reason, reached(ruling), ruling.relation) == (Reason.LAST_COUNTERPART, A, self.CALLED)

    @pytest.mark.parametrize(
        "change",
        [
            {"active": False},
            {"ends_at": SIGNED_AT},
            {"sms": False},
            {"x": "+8617010000007"},
            {"binding_id": "binding-2"},
            {"callee": person(C)},
            {"callee": None},
        ],
    )
    def test_nobody_answers_under_another_relation_or_one_that_is_over(self, change: dict[str, Any]) -> None:
        """A closed relation connects nobody; who was taken out of a living one is no longer part of it."""
        found = replace(self.CALLED, **change)
        assert rule_answer(asked(B, **in_touch(A)), found).reason is Reason.NO_RELATION

    @pytest.mark.parametrize("contact", [{}, in_touch(A, ago=timedelta(hours=24)), in_touch(C)])
    def test_nobody_answers_whom_he_was_not_in_touch_with_lately(self, contact: dict[str, Any]) -> None:
        assert rule_answer(asked(B, **contact), self.CALLED).reason is Reason.NO_RELATION

    def test_where_only_a_may_write_nobody_answers(self) -> None:
        found = replace(self.CALLED, direction=1)
        assert rule_answer(asked(B, **in_touch(A)), found).reason is Reason.DIRECTION


class TestAxSms:
    AX = relation(mode=Mode.AX, subscription_id="subscription-1")

    def ask(self, caller: str = A, **changes: Any) -> Asked:
        return asked(caller, **{"mode": Mode.AX, "ending": AtNumber.MISSING, **changes})

    def test_by_default_it_is_discarded(self) -> None:
        ruling = rule_sms(self.ask(**in_touch(B)), [self.AX], forward=False)
        assert (ruling.reason, ruling.callee, ruling.role) == (Reason.DEFAULT, None, Role.A)

    def test_it_goes_to_the_last_counterpart_if_the_application_says_so(self) -> None:
        ruling = rule_sms(self.ask(**in_touch(B)), [self.AX], forward=True)
        assert (ruling.reason, reached(ruling)) == (Reason.LAST_COUNTERPART, B)

    def test_a_callee_set_for_now_is_a_counterpart(self) -> None:
        found = relation(
            mode=Mode.AX, callee=person(C), callee_until=SIGNED_AT + HOUR, callee_reference="call-1"
        )
        ruling = rule_sms(self.ask(**in_touch(B)), [found], forward=True)
        assert (ruling.reason, reached(ruling), ruling.reference) == (Reason.RELATION, C, "call-1")

    @pytest.mark.parametrize(
        ("ending", "reason"),
        [
            (AtNumber.MALFORMED, Reason.MALFORMED_RECEIVER),
            (AtNumber.VALID, Reason.MALFORMED_RECEIVER),
            (None, Reason.NO_TEXT),
        ],
    )
    def test_what_was_or_may_have_been_meant_for_somebody_else_is_discarded(
        self, ending: AtNumber | None, reason: Reason
    ) -> None:
        """notifications.md §6.1: asked for a missing receiver as well as for a mistyped one."""
        ask = self.ask(**in_touch(B), ending=ending)
        called = relation(mode=Mode.AX, callee=person(C), callee_until=SIGNED_AT + HOUR)
        for found in (self.AX, called):
            ruling = rule_sms(ask, [found], forward=True)
            assert (ruling.reason, ruling.callee, ruling.role) == (reason, None, Role.A)

    @pytest.mark.parametrize("contact", [{}, in_touch(B, ago=timedelta(hours=25))])
    def test_without_a_fresh_counterpart_it_is_discarded(self, contact: dict[str, Any]) -> None:
        assert rule_sms(self.ask(**contact), [self.AX], forward=True).reason is Reason.NO_COUNTERPART

    @pytest.mark.parametrize(
        ("subscription_id", "reason"),
        [
            ("subscription-1", Reason.LAST_COUNTERPART),
            ("subscription-0", Reason.NO_COUNTERPART),
            (None, Reason.NO_COUNTERPART),
        ],
    )
    def test_a_record_is_a_contact_of_the_binding_it_names(
        self, subscription_id: str | None, reason: Reason
    ) -> None:
        """The platform's records name a binding by its id there (notifications.md §5.2, §6.2)."""
        ask = self.ask(**in_touch(B, binding_id=None, subscription_id=subscription_id))
        assert rule_sms(ask, [self.AX], forward=True).reason is reason

    def test_a_record_that_names_no_binding_is_no_contact_of_one_the_platform_has_not_confirmed(self) -> None:
        ask = self.ask(**in_touch(B, binding_id=None))
        assert rule_sms(ask, [relation(mode=Mode.AX)], forward=True).reason is Reason.NO_COUNTERPART

    def test_others_are_never_asked_about(self) -> None:
        """What others write goes to A without a question (notifications.md §6.1)."""
        anyone = relation(mode=Mode.AX, anyone=True)
        assert rule_sms(self.ask(B), [anyone], forward=True).reason is Reason.NO_RELATION

    def test_a_released_binding_forwards_nothing(self) -> None:
        dead = relation(mode=Mode.AX, active=False)
        assert rule_sms(self.ask(**in_touch(B)), [dead], forward=True).reason is Reason.NO_RELATION


numbers = st.sampled_from([A, B, C, STRANGER, LANDLINE, "+8613800138005", QUESTION_X])
persons = numbers.map(person)
moments = st.sampled_from([-2, -1, 0, 1, 2]).map(lambda hours: SIGNED_AT + hours * HOUR)


@st.composite
def relations(draw: st.DrawFn) -> Relation:
    return relation(
        binding_id=draw(st.sampled_from(["binding-1", "binding-2", "binding-3"])),
        mode=draw(st.sampled_from([Mode.X, Mode.X, Mode.X, Mode.AX])),
        application=draw(st.sampled_from(["demo-x", "demo-x", "demo-x", "another"])),
        active=draw(st.sampled_from([True, True, False])),
        x=draw(st.sampled_from([QUESTION_X, QUESTION_X, "+8617010000007"])),
        a=draw(persons),
        ends_at=draw(moments),
        direction=draw(st.integers(0, 2)),
        partners=tuple(draw(st.lists(persons, max_size=3, unique=True))),
        anyone=draw(st.booleans()),
        sms=draw(st.booleans()),
        callee=draw(st.none() | persons),
        callee_until=draw(st.none() | moments),
    )


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    bindings = st.none() | st.sampled_from(["binding-1", "binding-2"])
    contact = draw(st.none() | st.builds(LastContact, persons, moments, bindings))
    ending = draw(st.none() | st.sampled_from(AtNumber))
    mode = draw(st.sampled_from([Mode.X, Mode.AX]))
    return asked(draw(numbers), mode=mode, contact=contact, ending=ending)


def _living(found: Relation, ask: Asked) -> bool:
    return (
        found.active
        and found.ends_at > ask.now
        and (found.x, found.application, found.mode) == (ask.x, ask.application, ask.mode)
    )


@given(ask=questions(), graph=st.lists(relations(), max_size=4), sms=st.booleans(), forward=st.booleans())
def test_an_answer_names_the_counterpart_or_nobody(
    ask: Asked, graph: list[Relation], sms: bool, forward: bool
) -> None:
    """x.md §5: whatever stands on whatever X, nobody is connected to somebody who is not his counterpart."""
    ruling = rule_sms(ask, graph, forward=forward) if sms else rule_call(ask, graph)
    if ruling.callee is None:
        return
    source, me = ruling.relation, ask.caller
    assert source in graph
    assert source is not None
    assert _living(source, ask)
    assert ruling.callee.number not in (me.number, ask.x)
    assert not sms or ask.mode is Mode.X or ask.ending is AtNumber.MISSING
    if me == source.a:
        named = {
            *source.partners,
            source.callee if source.callee_until and source.callee_until > ask.now else None,
        }
        last = ask.contact.person if ask.contact else None
        known = last is not None and (source.anyone or last in source.partners or ask.mode is Mode.AX)
        its_own = ask.contact is not None and ask.contact.binding_id == source.binding_id
        assert ruling.callee in named or (ruling.callee == last and known and its_own)
        assert source.direction != 2 or ask.mode is Mode.AX
    else:
        assert ruling.callee == source.a
        assert me in source.partners or source.anyone
        assert source.direction != 1


@given(ask=questions(), found=relations())
def test_an_answer_of_a_callee_reaches_a_of_a_living_relation_alone(ask: Asked, found: Relation) -> None:
    """`sms_default` in X mode: under the relation by which both were in touch, while it lives."""
    ruling = rule_answer(ask, found)
    if ruling.callee is None:
        return
    contact = ask.contact
    assert contact is not None
    assert (ruling.callee, found.binding_id) == (contact.person, contact.binding_id)
    assert (ruling.callee, ask.caller) == (found.a, found.callee)
    assert ask.now < contact.at + ask.contact_life
    assert _living(found, ask)
    assert found.sms
    assert found.direction != 1


@given(ask=questions(), graph=st.lists(relations(), max_size=4), forward=st.booleans())
def test_an_unknown_caller_always_reaches_nobody(ask: Asked, graph: list[Relation], forward: bool) -> None:
    """x.md §5."""
    known = any(
        _living(found, ask) and (ask.caller in (found.a, *found.partners) or found.anyone) for found in graph
    )
    if not known:
        assert rule_call(ask, graph) == Ruling(Reason.NO_RELATION)
        assert rule_sms(ask, graph, forward=forward).callee is None
