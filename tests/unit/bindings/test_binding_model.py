"""The states of a binding and their arrows (design.md §4), tokens and places, the platform's duration."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.keyrings import KEYRING
from privatenumber.bindings.model import (
    ARROWS,
    Binding,
    Callee,
    Features,
    ImpossibleStep,
    Partner,
    PartnerState,
    Reason,
    Spread,
    State,
    Terms,
    advanced,
    pair_hash,
)
from privatenumber.bindings.records import from_item, party, to_record
from privatenumber.bindings.rules import RULES
from privatenumber.privacy import SealBroken
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import ANYONE, binding_item

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
A, B, C = (party(KEYRING, f"+861380013800{n}") for n in (1, 2, 3))
TERMS = Terms(A, B, NOW + timedelta(hours=1), 0, 0)


PARTNER = Partner("p1", B, "+8617010000005", PartnerState.HELD)


def of_mode(mode: Mode, **changes: Any) -> Binding:
    """A living binding of A in a mode without B."""
    return replace(binding(), mode=mode, terms=replace(TERMS, b=None), **changes)


def binding(state: State = State.ACTIVE) -> Binding:
    return Binding(
        id="b1",
        application="ride",
        order="order-1",
        mode=Mode.AXB,
        state=state,
        version=3,
        x="+8617010000001",
        area="0755",
        terms=TERMS,
        created_at=NOW,
        updated_at=NOW,
        content_hash="content",
        due_at=None if state.final else TERMS.ends_at,
    )


class TestArrows:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
    def test_only_the_arrows_of_the_design_exist(self, before: State, after: State) -> None:
        due = None if after.final else NOW
        if after in ARROWS[before]:
            assert advanced(binding(before), NOW, state=after, due_at=due).state is after
        else:
            with pytest.raises(ImpossibleStep):
                advanced(binding(before), NOW, state=after, due_at=due)

    def test_no_final_state_is_left(self) -> None:
        assert [state for state in State if not ARROWS[state]] == [State.CLOSED, State.FAILED]

    def test_a_closed_binding_was_released(self) -> None:
        """users.md U-D03: never closed without the platform's word."""
        assert [state for state in State if State.CLOSED in ARROWS[state]] == [State.RELEASING]

    def test_whoever_is_not_final_is_due(self) -> None:
        """A crash at any point is picked up by the sweep."""
        with pytest.raises(ImpossibleStep):
            advanced(binding(), NOW, state=State.RELEASING, due_at=None)

    def test_every_step_is_a_new_version(self) -> None:
        later = NOW + timedelta(seconds=1)
        after = advanced(binding(), later, due_at=NOW)
        assert (after.version, after.updated_at) == (4, later)


class TestHeld:
    def test_a_change_under_way_holds_old_and_new(self) -> None:
        changing = replace(binding(), pending=replace(TERMS, b=C))
        assert changing.places == {A.token, B.token, C.token}
        assert changing.pairs == {pair_hash(A, B), pair_hash(A, C)}
        assert not changing.settled

    def test_a_pair_has_no_order(self) -> None:
        assert pair_hash(A, B) == pair_hash(B, A)

    def test_an_intent_is_not_settled(self) -> None:
        assert not binding(State.REQUESTED).settled


LIVES = {mode: rules.life for mode, rules in RULES.items() if rules.life}


class TestLifeAtThePlatform:
    @given(
        mode=st.sampled_from(sorted(LIVES)),
        left=st.timedeltas(timedelta(0), timedelta(days=180)),
        margin_s=st.integers(0, 86_400),
    )
    def test_it_covers_what_is_left_in_the_steps_and_bounds_of_the_mode(
        self, mode: Mode, left: timedelta, margin_s: int
    ) -> None:
        """axb.md §2, axe.md §2, axyb.md §2: 0 would be for ever, more than the bound is refused."""
        life = LIVES[mode]
        seconds = life.seconds(NOW, NOW + left, margin_s)
        assert life.least_s <= seconds <= life.most_s
        assert seconds % life.step_s == 0
        assert seconds >= min(left.total_seconds() + margin_s, life.most_s)

    @pytest.mark.parametrize(("mode", "least"), [(Mode.AXB, 1), (Mode.AXE, 60), (Mode.AXYB, 60)])
    def test_it_is_never_0_even_without_a_margin(self, mode: Mode, least: int) -> None:
        """To the platform 0 is a binding without end."""
        assert LIVES[mode].seconds(NOW, NOW, 0) == least

    def test_what_is_over_gets_the_margin(self) -> None:
        assert LIVES[Mode.AXB].seconds(NOW, NOW - timedelta(days=1), 3600) == 3600

    def test_ax_and_x_have_none(self) -> None:
        """numbers.md §4: AX is permanent, in X mode nothing is stored."""
        assert {Mode.AX, Mode.X} == set(Mode) - set(LIVES)


class TestPlaces:
    def test_in_axb_both_parties_stand_on_x(self) -> None:
        """axb.md §1: a user number occurs at most once per X."""
        assert binding().places == {A.token, B.token}

    def test_in_ax_nobody_else_may_stand_on_x(self) -> None:
        """ax.md §1: one A per X."""
        assert of_mode(Mode.AX).places == {A.token, ANYONE}

    def test_in_axe_only_a_stands_on_x(self) -> None:
        """axe.md §1: extensions per A on one X: 1."""
        assert of_mode(Mode.AXE, extension="0007").places == {A.token}

    def test_in_axyb_only_a_stands_on_x_and_nobody_before_it_is_known(self) -> None:
        """axyb.md §1: B stands under the AX with a Y of his own."""
        with_b = of_mode(Mode.AXYB, partners=(PARTNER,))
        assert with_b.places == {A.token}
        assert replace(with_b, x="").places == frozenset()

    @pytest.mark.parametrize("anyone", [False, True])
    def test_in_x_mode_partners_stand_on_x_and_strangers_if_they_may(self, anyone: bool) -> None:
        """x.md §5: caller and X lead to one callee."""
        one = of_mode(Mode.X, partners=(PARTNER,), anyone=anyone)
        assert one.places == {A.token, B.token} | ({ANYONE} if anyone else set())


class TestStored:
    def full(self) -> Binding:
        return replace(
            binding(),
            subscription_id="s1",
            platform_ends_at=NOW + timedelta(hours=2),
            in_flight_until=NOW,
            pending=replace(TERMS, b=C, direction=2, max_minutes=7),
            record_hint_tone="hint.wav",
            user_reference="ride 77",
            idempotency="key",
            wanted_area="0755",
            cities=("0769", "any"),
            spread=Spread.LEAST_LOADED,
            fixed_x=True,
            binds=2,
            attempts=3,
            moves=1,
            reason=Reason.DELETED,
            failure_code="1010002",
            features=Features(False, "a.wav", "b.wav", "last.wav", C.number, "back.wav"),
        )

    def of_people(self) -> Binding:
        """One with everybody who can be in it beside A and B."""
        waiting = Partner("p2", C, None, PartnerState.WANTED)
        return of_mode(
            Mode.X,
            partners=(PARTNER, waiting),
            anyone=True,
            callee=Callee(C, NOW + timedelta(minutes=1), "ride 78"),
        )

    @pytest.mark.parametrize("state", list(State))
    def test_a_binding_comes_back_as_it_was(self, state: State) -> None:
        due = binding(state).due_at
        for full in (binding(), self.full(), self.of_people(), of_mode(Mode.AXE, extension="0007")):
            one = replace(full, state=state, due_at=due)
            assert from_item(binding_item(to_record(one, KEYRING)), KEYRING) == one

    def test_nothing_stored_tells_a_number(self) -> None:
        """design.md §6; the reference of a business system may be as private."""
        for one in (self.full(), self.of_people()):
            text = repr(binding_item(to_record(one, KEYRING)))
            for secret in (A.number[3:], B.number[3:], C.number[3:], "ride 77", "ride 78"):
                assert secret not in text

    def test_a_sealed_part_opens_in_its_own_binding_only(self) -> None:
        stolen = binding_item(to_record(binding(), KEYRING)) | {"binding_id": "b2"}
        with pytest.raises(SealBroken):
            from_item(stolen, KEYRING)

    def test_final_bindings_are_forgotten_in_time_and_living_ones_never(self) -> None:
        """operations.md §16: audit 400 days."""
        assert "expires_at" not in binding_item(to_record(binding(), KEYRING))
        closed = binding_item(to_record(binding(State.CLOSED), KEYRING))
        assert closed["expires_at"] == int((NOW + timedelta(days=400)).timestamp())

    def test_people_see_masks_only(self) -> None:
        """numbers.md §6."""
        assert repr(A) == "Party(+86138****8001)"
        for one in (self.full(), self.of_people()):
            assert not any(text in repr(one) for text in (A.number, C.number, "ride 7"))
