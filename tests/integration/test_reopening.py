"""Binding again what ended by itself, for a call of one of its people: users.md U-N11."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import Desk, open_desk, within
from builders.crashes import Killed
from builders.dynamodb import Table
from builders.emulator import X1, X2, A, B, C, D, RunningEmulator
from privatenumber.bindings.errors import BindingNotFound, OrderConflict, PartyConflict, StateConflict
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.bindings.partners import add_partner
from privatenumber.bindings.reopen import ENDED_BY_ITSELF, reopen
from privatenumber.bindings.service import BindingService
from privatenumber.calls.orphans import ENDED_BY_ITSELF as BY_ITSELF
from privatenumber.settings import Mode

CALL = "call-token"


@pytest.fixture
def desk(table: Table, emulator: RunningEmulator) -> Desk:
    return open_desk(table, emulator, numbers=(X1, X2))


def expired(desk: Desk, order: str = "order-1001", **changes: Any) -> Binding:
    """A binding whose time is over."""
    made = desk.bind(order, ttl_seconds=600, **changes)
    desk.advance(601)
    desk.sweep()
    closed = desk.service.get(made.id)
    assert (closed.state, closed.reason) == (State.CLOSED, Reason.EXPIRED)
    return closed


def again(desk: Desk, old: Binding, call: str = CALL) -> Binding:
    return reopen(desk.engine, old.id, call, 1800, within())


def test_the_same_people_meet_on_the_same_x_for_the_same_order_for_a_while(desk: Desk) -> None:
    old = expired(desk, user_reference="ticket-77", max_minutes=30, x=X2)
    new = again(desk, old)
    assert (new.state, new.x, new.order, new.max_minutes, new.user_reference) == (
        State.ACTIVE, X2, old.order, 30, "ticket-77",
    )  # fmt: skip
    assert [party.number for party in new.terms.people] == [A, B]
    assert new.ends_at == desk.clock() + timedelta(seconds=1800)
    assert new.id != old.id
    desk.check()


def test_a_call_reopens_once_however_often_it_asks(desk: Desk) -> None:
    old = expired(desk)
    first = again(desk, old)
    assert again(desk, old).id == first.id
    desk.advance(1801)
    desk.sweep()
    # Its time is over, and the call that asked for it is long gone.
    assert again(desk, old).state is State.CLOSED


def test_what_somebody_ended_stays_ended(desk: Desk) -> None:
    made = desk.bind()
    with pytest.raises(StateConflict, match="by itself"):
        again(desk, made)
    desk.service.release(made.id, deadline=within())
    with pytest.raises(StateConflict, match="by itself"):
        again(desk, made)
    with pytest.raises(BindingNotFound):
        reopen(desk.engine, "b0", CALL, 1800, within())


def test_an_order_that_was_bound_anew_and_an_x_that_went_to_others_are_left_alone(desk: Desk) -> None:
    old = expired(desk)
    live = desk.bind(x=X1 if old.x == X2 else X2)
    with pytest.raises(OrderConflict):
        again(desk, old)
    desk.service.release(live.id, deadline=within())
    desk.bind("order-2", a=A, b=C, x=old.x)
    with pytest.raises(PartyConflict):
        again(desk, old, "another call")


class TestPartners:
    """X mode (x.md §5): B, C and D each reach A by X, and only our own record says so."""

    @pytest.fixture
    def desk(self, table: Table, emulator: RunningEmulator) -> Desk:
        return open_desk(table, emulator, mode=Mode.X, numbers=(X1, X2))

    @pytest.fixture
    def old(self, desk: Desk) -> Binding:
        made = desk.bind(ttl_seconds=600)
        for number in (C, D):
            desk.service.add_partner(made.id, number, deadline=within())
        desk.advance(601)
        desk.sweep()
        return desk.service.get(made.id)

    def test_all_who_stood_opposite_a_come_back(self, desk: Desk, old: Binding) -> None:
        """Whoever of them called: he was found among the people of what ended."""
        new = again(desk, old)
        assert (old.state, new.state) == (State.CLOSED, State.ACTIVE)
        assert _opposite(new) == [B, C, D]
        assert again(desk, old) == new
        desk.check()

    @pytest.mark.parametrize("brought", [1, 2])
    def test_a_crash_on_the_way_leaves_nobody_out(
        self, desk: Desk, old: Binding, brought: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        joins = itertools.count(1)

        def crash(*args: Any) -> Any:
            if next(joins) > brought:
                raise Killed
            return add_partner(*args)

        with monkeypatch.context() as patch:
            patch.setattr("privatenumber.bindings.reopen.add_partner", crash)
            with pytest.raises(Killed):
                again(desk, old)
        assert _opposite(again(desk, old)) == [B, C, D]

    def test_who_stands_on_that_x_elsewhere_by_now_stays_there(self, desk: Desk, old: Binding) -> None:
        other = desk.bind("order-2", a=C, b="+8613800138009", x=old.x)
        assert _opposite(again(desk, old)) == [B, D]
        assert desk.service.get(other.id).state is State.ACTIVE

    def test_who_was_taken_out_since_stays_out(self, desk: Desk, old: Binding) -> None:
        """The message may come twice, and minutes apart."""
        new = again(desk, old)
        business = BindingService(desk.engine.acting("business"))
        gone = next(one for one in new.partners if one.party.number == C)
        business.remove_partner(new.id, gone.id, deadline=within())
        assert _opposite(again(desk, old)) == [B, D]


def _opposite(binding: Binding) -> list[str]:
    return [one.party.number for one in binding.partners]


def test_calls_and_bindings_mean_the_same_by_an_end_that_nobody_brought_about() -> None:
    """The follower orders what the worker then does; neither may import the other."""
    assert {reason.value for reason in ENDED_BY_ITSELF} == BY_ITSELF
