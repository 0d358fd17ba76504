"""Disputes on a table: one of two decides, nothing is booked twice or edited (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders.dynamodb import Table, local_client, moto_client, new_table
from privatenumber.billing.disputes.desk import Desk, Found, NoSuchDispute, NotDisputable, Order
from privatenumber.billing.disputes.states import Act, NotAllowed
from privatenumber.store.differences import DifferenceState, DifferenceStore
from privatenumber.store.disputes import AdjustmentKind, Dispute, DisputeState, DisputeStore, booked
from privatenumber.store.due import Overtaken

NOW = datetime(2026, 10, 8, 3, tzinfo=UTC)
LINE: dict[str, Any] = {
    "line": "difference",
    "kind": "minutes_diff",
    "amount": "0.3",
    "application": "demo-axb",
    "x": "+86170****0001",
    "evidence": {"fact": "CALL#demo-axb#abc/CDR#1", "import_line": 7},
}
FOUND = Found("2026-09", "2026-09~run", "d1", LINE)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with moto_client() as made:
        yield made


@pytest.fixture
def desk(client: Any) -> Desk:
    return desk_on(new_table(client, "BillsTable"))


def desk_on(table: Table) -> Desk:
    return Desk(DisputeStore(table.client, table.name), DifferenceStore(table.client, table.name))


def opened(desk: Desk, *acts: Act) -> Dispute:
    """A dispute about `FOUND` that went through some acts."""
    dispute, _ = desk.open(FOUND, by="anna", why=None, now=NOW)
    for act in acts:
        dispute, _ = desk.act(dispute.id, Order(act, "anna"), now=NOW)
    return dispute


def money(desk: Desk, month: str = "2026-10") -> list[tuple[str, Decimal]]:
    return [(each.kind.value, each.amount) for each in desk.disputes.adjustments(month)]


def state_of(desk: Desk) -> DifferenceState:
    return desk.differences.get(FOUND.month, FOUND.difference).state


def test_a_difference_is_disputed_once_however_often_somebody_asks(desk: Desk) -> None:
    first, new = desk.open(FOUND, by="anna", why="ours is right", now=NOW)
    again, newer = desk.open(FOUND, by="ben", why=None, now=NOW + timedelta(hours=1))
    assert (new, newer, again) == (True, False, first)
    assert state_of(desk) is DifferenceState.DISPUTED


def test_what_nobody_can_price_is_not_disputed(desk: Desk) -> None:
    with pytest.raises(NotDisputable):
        desk.open(replace(FOUND, line={**LINE, "amount": "unpriced"}), by="anna", why=None, now=NOW)
    assert state_of(desk) is DifferenceState.OPEN


@pytest.mark.parametrize(
    ("act", "named", "booking"),
    [
        (Act.ACCEPT, None, [("credit", Decimal("-0.3"))]),
        (Act.ACCEPT_PARTLY, "0.1", [("adjustment", Decimal("0.2")), ("credit", Decimal("-0.1"))]),
        (Act.REJECT, None, [("adjustment", Decimal("0.3"))]),
    ],
)
def test_a_decision_books_a_credit_or_an_adjustment_in_the_current_month(
    desk: Desk, act: Act, named: str | None, booking: list[tuple[str, Decimal]]
) -> None:
    dispute = opened(desk, Act.SUBMIT)
    desk.act(dispute.id, Order(act, "ben", accepted=Decimal(named) if named else None), now=NOW)
    assert money(desk) == booking
    assert state_of(desk) is DifferenceState.ADJUSTED


def test_a_reopened_dispute_books_the_opposite_of_what_it_had(desk: Desk) -> None:
    dispute = opened(desk, Act.SUBMIT, Act.REJECT, Act.REOPEN)
    assert sum((amount for _, amount in money(desk)), Decimal(0)) == 0
    rows = desk.disputes.adjustments("2026-10")
    assert [(row.number, row.reverses) for row in rows] == [(3, None), (4, 3)]
    assert (dispute.state, dispute.accepted, state_of(desk)) == (
        DisputeState.OPEN,
        None,
        DifferenceState.DISPUTED,
    )


def test_a_credit_adds_nothing_to_our_costs(desk: Desk) -> None:
    opened(desk, Act.SUBMIT, Act.ACCEPT)
    rows = desk.disputes.adjustments("2026-10")
    assert [row.kind for row in rows] == [AdjustmentKind.CREDIT]
    assert booked(rows) == 0


def test_every_move_is_an_entry_that_says_who_when_from_to_and_why(desk: Desk) -> None:
    dispute = opened(desk)
    later = NOW + timedelta(days=2)
    desk.act(dispute.id, Order(Act.SUBMIT, "ben", "sent by mail", evidence="e1"), now=later)
    first, second = desk.disputes.entries(dispute.id)
    assert (first.by, first.came, first.went) == ("anna", None, DisputeState.OPEN)
    assert (second.by, second.at, second.why) == ("ben", later, "sent by mail")
    assert (second.came, second.went) == (DisputeState.OPEN, DisputeState.SUBMITTED)
    assert desk.get(dispute.id).evidence == "e1"


def test_the_same_again_by_the_same_hand_is_no_second_move(desk: Desk) -> None:
    """The answer was lost and the request sent anew."""
    dispute = opened(desk, Act.SUBMIT)
    order = Order(Act.REJECT, "ben", "they have the record")
    first, moved = desk.act(dispute.id, order, now=NOW)
    again, moved_again = desk.act(dispute.id, order, now=NOW + timedelta(minutes=1))
    assert (moved, moved_again, again) == (True, False, first)
    assert len(money(desk)) == 1


def test_another_decision_of_what_is_decided_is_refused(desk: Desk) -> None:
    dispute = opened(desk, Act.SUBMIT, Act.ACCEPT)
    with pytest.raises(NotAllowed):
        desk.act(dispute.id, Order(Act.REJECT, "ben"), now=NOW)
    assert money(desk) == [("credit", Decimal("-0.3"))]


def test_who_looked_at_an_older_version_is_told(desk: Desk) -> None:
    dispute = opened(desk, Act.SUBMIT)
    with pytest.raises(Overtaken):
        desk.act(dispute.id, Order(Act.WITHDRAW, "ben", seen=1), now=NOW)
    assert desk.get(dispute.id).state is DisputeState.SUBMITTED


def test_a_withdrawn_difference_is_open_and_may_be_disputed_again(desk: Desk) -> None:
    dispute = opened(desk, Act.WITHDRAW)
    assert state_of(desk) is DifferenceState.OPEN
    desk.act(dispute.id, Order(Act.REOPEN, "ben"), now=NOW)
    assert state_of(desk) is DifferenceState.DISPUTED


def test_what_was_adjusted_in_another_way_is_not_reopened(desk: Desk) -> None:
    dispute = opened(desk, Act.WITHDRAW)
    handling = desk.differences.get(FOUND.month, FOUND.difference)
    adjusted = replace(handling, state=DifferenceState.ADJUSTED, version=handling.version + 1)
    desk.differences.put(adjusted, seen=handling.version)
    with pytest.raises(NotDisputable):
        desk.act(dispute.id, Order(Act.REOPEN, "ben"), now=NOW)


def test_nothing_of_a_move_is_written_when_the_difference_was_changed_meanwhile(desk: Desk) -> None:
    dispute = opened(desk, Act.SUBMIT)
    handling = desk.differences.get(FOUND.month, FOUND.difference)
    desk.differences.put(replace(handling, note="seen", version=handling.version + 1), seen=handling.version)
    moved = replace(dispute, state=DisputeState.WITHDRAWN, version=dispute.version + 1)
    entry = replace(desk.disputes.entries(dispute.id)[-1], number=moved.version)
    stale = replace(handling, version=handling.version + 1)
    with pytest.raises(Overtaken):
        desk.disputes.move(moved, entry, stale, seen=dispute.version)
    assert desk.get(dispute.id) == dispute
    assert len(desk.disputes.entries(dispute.id)) == 2


def test_a_list_goes_by_state_the_newest_first_page_by_page(desk: Desk) -> None:
    for number in range(3):
        found = replace(FOUND, difference=f"d{number}")
        desk.open(found, by="anna", why=None, now=NOW + timedelta(minutes=number))
    first = desk.disputes.page(DisputeState.OPEN, before=None, limit=2)
    rest = desk.disputes.page(DisputeState.OPEN, before=first.cursor, limit=2)
    assert [each.difference for each in (*first.disputes, *rest.disputes)] == ["d2", "d1", "d0"]
    assert rest.cursor is None
    assert desk.disputes.page(DisputeState.ACCEPTED, before=None, limit=2).disputes == ()


def test_an_unknown_dispute_is_none(desk: Desk) -> None:
    with pytest.raises(NoSuchDispute):
        desk.act("2026-09-none", Order(Act.SUBMIT, "ben"), now=NOW)


@pytest.mark.dynamodb_local
def test_of_many_who_decide_at_once_one_does(dynamodb_local: str) -> None:
    """Every one reads, then writes: one booking is left, and one entry of a decision."""
    table = new_table(local_client(dynamodb_local), "BillsTable")
    desk = desk_on(table)
    dispute = opened(desk, Act.SUBMIT)
    acts = [Act.ACCEPT, Act.REJECT] * 4

    def decide(number: int) -> bool:
        try:
            return desk.act(dispute.id, Order(acts[number], f"clerk-{number}"), now=NOW)[1]
        except (Overtaken, NotAllowed):
            return False

    with ThreadPoolExecutor(len(acts)) as pool:
        moved = list(pool.map(decide, range(len(acts))))
    assert sum(moved) == 1
    assert len(money(desk)) == 1
    assert len(desk.disputes.entries(dispute.id)) == 3


@pytest.mark.dynamodb_local
def test_many_who_open_at_once_open_one(dynamodb_local: str) -> None:
    desk = desk_on(new_table(local_client(dynamodb_local), "BillsTable"))
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: desk.open(FOUND, by=f"clerk-{n}", why=None, now=NOW), range(6)))
    assert sum(new for _, new in made) == 1
    assert len({dispute.opened_by for dispute, _ in made}) == 1
    assert len(desk.disputes.entries(made[0][0].id)) == 1
