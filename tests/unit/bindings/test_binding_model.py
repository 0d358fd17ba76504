"""The states of a binding and their arrows (design.md §4), tokens and places, the platform's duration."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.keyrings import KEYRING
from privatenumber.bindings.model import (
    ARROWS,
    PLATFORM_MAX_DURATION_S,
    Binding,
    ImpossibleStep,
    Reason,
    State,
    Terms,
    advanced,
    pair_hash,
    platform_duration,
)
from privatenumber.bindings.records import from_item, party, to_record
from privatenumber.privacy import SealBroken
from privatenumber.settings import Mode
from privatenumber.store.binding_keys import binding_item

NOW = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
A, B, C = (party(KEYRING, f"+861380013800{n}") for n in (1, 2, 3))
TERMS = Terms(A, B, NOW + timedelta(hours=1), 0, 0)


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


class TestDuration:
    @given(
        left=st.timedeltas(timedelta(0), timedelta(seconds=2 * PLATFORM_MAX_DURATION_S)),
        margin_s=st.integers(0, PLATFORM_MAX_DURATION_S),
    )
    def test_it_covers_what_is_left_within_the_platforms_limit(self, left: timedelta, margin_s: int) -> None:
        """axb.md §2: 0 would be for ever, more than 90 days is refused."""
        duration = platform_duration(NOW, NOW + left, margin_s)
        assert 0 < duration <= PLATFORM_MAX_DURATION_S
        assert duration >= min(left.total_seconds(), PLATFORM_MAX_DURATION_S)

    def test_it_is_never_0_even_without_a_margin(self) -> None:
        """axb.md §2: to the platform 0 is a binding without end."""
        assert platform_duration(NOW, NOW, 0) == 1

    def test_what_is_over_gets_the_margin(self) -> None:
        assert platform_duration(NOW, NOW - timedelta(days=1), 3600) == 3600


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
            any_area=True,
            fixed_x=True,
            binds=2,
            attempts=3,
            moves=1,
            reason=Reason.DELETED,
            failure_code="1010002",
        )

    @pytest.mark.parametrize("state", list(State))
    def test_a_binding_comes_back_as_it_was(self, state: State) -> None:
        for one in (binding(state), replace(self.full(), state=state, due_at=binding(state).due_at)):
            assert from_item(binding_item(to_record(one, KEYRING)), KEYRING) == one

    def test_nothing_stored_tells_a_number(self) -> None:
        """design.md §6; the reference of a business system may be as private."""
        text = repr(binding_item(to_record(self.full(), KEYRING)))
        for secret in (A.number[3:], B.number[3:], C.number[3:], "ride 77"):
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
        assert A.number not in repr(self.full())
        assert "ride 77" not in repr(self.full())
