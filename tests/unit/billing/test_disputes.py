"""The state machine of disputes and the identity of differences, without a table (billing-rules.md §9.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from privatenumber.billing.disputes.states import (
    DECIDED,
    DIFFERENCE,
    MOVES,
    Act,
    AmountOutOfRange,
    NotAllowed,
    accepted_amount,
    led_to,
)
from privatenumber.store.differences import DifferenceState, identified
from privatenumber.store.disputes import DisputeState

EVERY_MOVE = [(state, act) for state in DisputeState for act in Act]
LINE: dict[str, Any] = {"line": "difference", "kind": "late", "amount": "0.3", "evidence": {"fact": "a/b"}}


class TestStates:
    @pytest.mark.parametrize(("state", "act"), [each for each in EVERY_MOVE if each not in MOVES])
    def test_what_the_table_does_not_name_is_refused(self, state: DisputeState, act: Act) -> None:
        with pytest.raises(NotAllowed) as refused:
            led_to(state, act)
        assert (refused.value.state, refused.value.act) == (state, act)

    def test_every_state_can_be_reached_and_left(self) -> None:
        """None is a dead end: what was decided may be reopened."""
        assert {*MOVES.values()} == set(DisputeState)
        assert {state for state, _ in MOVES} == set(DisputeState)

    def test_a_decision_is_made_of_what_was_submitted_only(self) -> None:
        assert {state for (state, _), went in MOVES.items() if went in DECIDED} == {DisputeState.SUBMITTED}

    def test_a_difference_is_open_again_when_its_dispute_is_withdrawn(self) -> None:
        assert DIFFERENCE[DisputeState.WITHDRAWN] is DifferenceState.OPEN
        assert {DIFFERENCE[state] for state in DECIDED} == {DifferenceState.ADJUSTED}
        assert DIFFERENCE.keys() == set(DisputeState)


class TestAmounts:
    @pytest.mark.parametrize(
        ("act", "named", "accepted"),
        [(Act.ACCEPT, None, "0.3"), (Act.REJECT, None, "0"), (Act.ACCEPT_PARTLY, "0.1", "0.1")],
    )
    def test_a_decision_says_what_is_given_back(self, act: Act, named: str | None, accepted: str) -> None:
        found = accepted_amount(act, Decimal("0.3"), Decimal(named) if named else None)
        assert found == Decimal(accepted)

    @pytest.mark.parametrize("named", [None, "0", "0.3", "0.4", "-0.1"])
    def test_a_part_is_more_than_nothing_and_less_than_all(self, named: str | None) -> None:
        with pytest.raises(AmountOutOfRange):
            accepted_amount(Act.ACCEPT_PARTLY, Decimal("0.3"), Decimal(named) if named else None)

    def test_a_part_of_what_the_platform_charged_too_little_is_negative_too(self) -> None:
        assert accepted_amount(Act.ACCEPT_PARTLY, Decimal("-5"), Decimal("-2")) == Decimal("-2")

    @pytest.mark.parametrize("act", [Act.OPEN, Act.SUBMIT, Act.WITHDRAW, Act.REOPEN])
    def test_other_acts_decide_nothing(self, act: Act) -> None:
        assert accepted_amount(act, Decimal("0.3"), None) is None


class TestIdentity:
    def test_a_difference_keeps_its_id_whatever_is_made_of_it(self) -> None:
        (first, _), (second, _) = (
            next(identified([{**LINE, "state": state}])) for state in ("open", "explained")
        )
        assert first == second

    def test_another_amount_is_another_difference(self) -> None:
        ids = {found for found, _ in identified([LINE, {**LINE, "amount": "0.4"}])}
        assert len(ids) == 2

    def test_two_that_say_the_same_are_two(self) -> None:
        ids = [found for found, _ in identified([LINE, LINE])]
        assert ids[1] == f"{ids[0]}-2"

    def test_rejected_rows_are_no_differences(self) -> None:
        assert list(identified([{"line": "bad_row", "reason": "x"}])) == []
