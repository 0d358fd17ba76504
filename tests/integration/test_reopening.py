"""Binding again what ended by itself, for a call of one of its people: users.md U-N11."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from builders.bindings import Desk, open_desk, within
from builders.dynamodb import Table
from builders.emulator import X1, X2, A, B, C, RunningEmulator
from privatenumber.bindings.errors import BindingNotFound, OrderConflict, PartyConflict, StateConflict
from privatenumber.bindings.model import Binding, Reason, State
from privatenumber.bindings.reopen import ENDED_BY_ITSELF, reopen
from privatenumber.calls.orphans import ENDED_BY_ITSELF as BY_ITSELF

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


def test_calls_and_bindings_mean_the_same_by_an_end_that_nobody_brought_about() -> None:
    """The follower orders what the worker then does; neither may import the other."""
    assert {reason.value for reason in ENDED_BY_ITSELF} == BY_ITSELF
