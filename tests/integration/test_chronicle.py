"""The rows of calls and SMS follow their facts: at least once, in any order (notifications.md §9, C-148)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.bills import rows
from builders.calls import CALL, ORDER
from builders.chronicled import Announced, Chronicled
from builders.dynamodb import local_client, moto_client, new_table
from builders.ingestion import unseal
from builders.pushes import (
    SESSION,
    SIGNED_AT,
    SUBSCRIPTION,
    A,
    B,
    X,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    sms_body,
    stranger_cdr,
)
from privatenumber.calls.chronicle import StillChanging
from privatenumber.privacy import SealBroken
from privatenumber.store.calls import Call, CallState, sealed_context
from privatenumber.store.orders import OrderRef
from privatenumber.store.transactions import Action, Writer

EVENTS = [event_body(name) for name in ("callin", "callout", "alerting", "answer", "disconnect")]


@pytest.fixture
def desk() -> Iterator[Chronicled]:
    with moto_client() as client:
        yield Chronicled(new_table(client, "BillsTable"))


@pytest.fixture
def local(dynamodb_local: str) -> Chronicled:
    return Chronicled(new_table(local_client(dynamodb_local), "BillsTable"))


def received(desk: Chronicled, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that new pushes leave."""
    before = {(row["pk"], row["sk"]) for row in desk.stored()}
    for body in bodies:
        assert desk.receive(body) == 200
    return [row for row in desk.stored() if (row["pk"], row["sk"]) not in before]


class TestACall:
    def test_its_row_knows_binding_order_and_people(self, desk: Chronicled) -> None:
        desk.follow(received(desk, *EVENTS, fee_body()))
        row = desk.call_row()
        assert (row.says.state, row.says.order, row.says.binding_id) == (
            CallState.SETTLED,
            ORDER.order,
            ORDER.binding_id,
        )
        assert row.sealed
        people = json.loads(unseal(row.sealed, sealed_context("demo", CALL)))
        assert people == {"caller": A, "callee": B}

    def test_it_is_found_by_binding_order_x_person_and_day(self, desk: Chronicled) -> None:
        desk.follow(received(desk, fee_body()))
        item = desk.item(f"CALL#demo#{CALL}", "CALL")
        call = desk.call_row().says
        keys = {name: value.removeprefix("CALL#demo#") for name, value in item.items() if name[:3] == "of_"}
        assert keys.pop("of_moment").startswith("2026-09-02#")
        assert keys == {
            "of_binding": ORDER.binding_id,
            "of_order": ORDER.order,
            "of_x": call.x,
            "of_caller": call.caller,
            "of_callee": call.callee,
        }
        assert item["moment"] == f"2026-09-02T01:00:00.000Z#{CALL}"

    def test_no_number_of_a_person_stands_in_clear(self, desk: Chronicled) -> None:
        desk.follow(received(desk, *EVENTS, fee_body()))
        item = {
            name: value for name, value in desk.item(f"CALL#demo#{CALL}", "CALL").items() if name != "sealed"
        }
        shown = repr(item) + repr(desk.call_row())
        assert not [secret for secret in (A, A[3:], B, B[3:], SESSION) if secret in shown]

    def test_a_fact_that_changes_nothing_writes_nothing(self, desk: Chronicled) -> None:
        rows = received(desk, *EVENTS, fee_body())
        desk.follow(rows)
        version = desk.call_row().version
        desk.follow(rows)
        assert desk.call_row().version == version

    def test_a_binding_that_is_known_later_is_named_later_and_stays(self, desk: Chronicled) -> None:
        """A bind whose answer was lost is adopted after its first call."""
        desk.follow(received(desk, EVENTS[0]))
        nobody = desk.chronicle(order_of=lambda *_: None)
        rows = received(desk, EVENTS[1])
        other = Chronicled(desk.bills)
        assert nobody.keep(rows[0])
        assert desk.call_row().says.order == ORDER.order  # it was found before, and is kept
        other.follow(received(desk, EVENTS[2]))
        assert desk.call_row().says.binding_id == ORDER.binding_id

    def test_what_cannot_be_opened_is_no_row_and_comes_again(self, desk: Chronicled) -> None:
        def broken(sealed: bytes, context: str) -> bytes:
            raise SealBroken("altered")

        rows = received(desk, EVENTS[0])
        with pytest.raises(SealBroken):
            desk.chronicle(unseal=broken).keep(rows[0])
        assert desk.calls() == []
        desk.follow(rows)
        assert len(desk.calls()) == 1

    def test_rows_of_other_rooms_are_passed_over(self, desk: Chronicled) -> None:
        row = {"pk": "NUMBER#demo#+8617010000002", "sk": "x", "kind": "number_state", "application": "demo"}
        assert desk.chronicle().keep(row) is False

    def test_events_that_name_no_session_are_no_calls_and_a_record_without_one_is(
        self, desk: Chronicled
    ) -> None:
        """Nothing says which events belong together; the CDR stands for itself (notifications.md §9.2)."""
        unnamed = [event_body(name, sessionId="") for name in ("callin", "answer", "disconnect")]
        desk.follow(received(desk, *unnamed))
        assert desk.calls() == []
        desk.follow(received(desk, fee_body(cdr_entry(sessionId=None))))
        assert len(desk.calls()) == 1

    def test_a_row_that_tells_nothing_is_no_transaction(self, desk: Chronicled) -> None:
        """A transaction costs twice as much."""
        rows = received(desk, EVENTS[0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Writer, "transact", lambda self, actions: pytest.fail("a transaction"))
            assert desk.chronicle().keep(rows[0])
        assert len(desk.calls()) == 1


class TestWhatIsTold:
    def test_each_occurrence_is_told_once_in_its_order(self, desk: Chronicled) -> None:
        told = desk.told()
        for body in (*EVENTS, fee_body()):
            desk.follow(received(desk, body), told)
            desk.follow(desk.stored(), told)
        assert told.types == ["call.started", "call.answered", "call.ended", "call.recorded"]

    def test_a_recording_is_told_by_itself(self, desk: Chronicled) -> None:
        """It comes after every record of a recorded call: that changes nothing that was told."""
        told = desk.told()
        desk.follow(received(desk, fee_body()), told)
        for state in ("pending", "archived"):
            desk.record(state)
            desk.follow(desk.stored(), told)
        assert told.types[-2:] == ["call.recorded", "recording.archived"]
        assert desk.call_row().says.recording == "archived"

    def test_what_comes_late_is_told_late(self, desk: Chronicled) -> None:
        told = desk.told()
        desk.follow(received(desk, EVENTS[-1]), told)
        assert told.types == ["call.started", "call.ended"]
        desk.follow(received(desk, EVENTS[3]), told)
        assert told.types[2:] == ["call.answered"]

    def test_a_change_of_what_was_told_is_told(self, desk: Chronicled) -> None:
        """A second record of the call was answered."""
        told = desk.told()
        first = fee_body(cdr_entry(icid="0-first", fwdAnswerTime=None, ulFailReason=8101))
        desk.follow(received(desk, first), told)
        desk.follow(received(desk, fee_body()), told)
        assert told.types[-2:] == ["call.answered", "call.changed"]
        assert told.all[-1].data["talk_seconds"] == 62

    def test_nobody_s_number_is_told_but_apart(self, desk: Chronicled) -> None:
        told = desk.told()
        desk.follow(received(desk, *EVENTS, fee_body(), sms_body()), told)
        assert {frozenset(each.numbers.items()) for each in told.all} == {
            frozenset({("caller", A), ("callee", B)}),
            frozenset({("calling", A), ("called", B)}),
        }
        assert not [secret for secret in (A[3:], B[3:], SESSION) if secret in repr(told.all)]

    def test_an_sms_is_told_when_its_outcome_is_known(self, desk: Chronicled) -> None:
        told = desk.told()
        desk.follow(received(desk, sms_body()), told)
        desk.follow(desk.stored(), told)
        assert told.types == ["sms.forwarded"]
        assert told.all[0].data["order"] == ORDER.order

    def test_a_crash_before_the_write_tells_nothing_and_the_next_attempt_all(self, desk: Chronicled) -> None:
        class Crashing(Writer):
            def transact(self, actions: Sequence[Action]) -> None:
                raise ConnectionError

        rows = received(desk, *EVENTS)
        told = desk.told()
        with pytest.raises(ConnectionError):
            desk.chronicle(writer=Crashing(desk.bills.client)).keep(rows[0], told)
        assert (desk.calls(), told.written()) == ([], [])
        desk.follow(rows, told)
        assert told.written() == ["call.answered", "call.ended", "call.started"]


class TestAtOnce:
    def test_many_at_one_call_leave_one_row_and_tell_once(self, local: Chronicled) -> None:
        """Stream and repetition by hand may meet at one call."""
        rows = received(local, *EVENTS, fee_body())
        told = local.told()

        def keep(row: dict[str, Any]) -> bool:
            try:
                return local.chronicle().keep(row, told)
            except StillChanging:
                return keep(row)

        with ThreadPoolExecutor(8) as threads:
            written = list(threads.map(keep, rows * 4))
        assert sum(written) == local.call_row().version == 1
        assert told.written() == ["call.answered", "call.ended", "call.recorded", "call.started"]

    def test_a_row_that_others_wrote_meanwhile_is_left_as_they_wrote_it(self, desk: Chronicled) -> None:
        rows = received(desk, EVENTS[0])
        late = received(desk, EVENTS[1])
        assert desk.chronicle(writer=Meeting(desk, late)).keep(rows[0]) is False
        assert (desk.call_row().version, desk.call_row().says.state) == (1, CallState.CALLING)

    def test_a_row_that_others_go_on_writing_comes_again(self, desk: Chronicled) -> None:
        rows, numbers = received(desk, EVENTS[0]), itertools.count()

        def another(application: str, subscription_id: str) -> OrderRef:
            return replace(ORDER, order=f"order-{next(numbers)}")

        others = Chronicled(desk.bills, order_of=another)
        with pytest.raises(StillChanging):
            desk.chronicle(writer=Meeting(others, rows), order_of=another).keep(rows[0])


class Meeting(Writer):
    """Writes only after somebody else has followed other rows."""

    def __init__(self, others: Chronicled, rows: list[dict[str, Any]]) -> None:
        super().__init__(others.bills.client, sleep=lambda _: None)
        self._others, self._rows = others, rows

    def transact(self, actions: Sequence[Action]) -> None:
        """Write, too late."""
        self._others.follow(self._rows)
        super().transact(actions)

    def put(self, name: str, **request: Any) -> None:
        """Write, too late."""
        self._others.follow(self._rows)
        super().put(name, **request)


def _same(calls: list[Call]) -> list[Call]:
    """Calls without what says when their facts came."""
    return [replace(call, settled_after_ms=None, received_at=None) for call in calls]


PUSHES = [
    *EVENTS,
    *(event_body("collectInfo", second=second, digitInfo=str(second)) for second in (4, 5)),
    sms_body("Block"),
    sms_body(),
]
CDRS = [cdr_entry(), stranger_cdr(), cdr_entry(icid="0-redial", fwdAnswerTime=None), *many_cdrs(3)]


@pytest.mark.dynamodb_local
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_interleaving_leaves_the_same_calls(dynamodb_local: str, data: st.DataObject) -> None:
    """notifications.md §8, §9: duplicates, any order, delays up to ten hours, batches split differently."""
    client = local_client(dynamodb_local)
    expected = Chronicled(new_table(client, "BillsTable"))
    for body in (*PUSHES, fee_body(*CDRS)):
        expected.receive(body)
    expected.follow(expected.stored())

    desk = Chronicled(new_table(client, "BillsTable"))
    cdrs = data.draw(st.permutations(CDRS))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(CDRS) - 1))))
    batches = [fee_body(*cdrs[low:high]) for low, high in zip([0, *cuts], [*cuts, len(cdrs)], strict=True)]
    pushes = [*PUSHES, *batches]
    deliveries = [*pushes, *data.draw(st.lists(st.sampled_from(pushes), max_size=8))]
    for body in data.draw(st.permutations(deliveries)):
        desk.receive(body, at=SIGNED_AT + timedelta(minutes=data.draw(st.integers(0, 600))))
        if data.draw(st.booleans()):
            desk.follow(data.draw(st.permutations(desk.stored()))[:3])
    desk.follow(data.draw(st.permutations(desk.stored())))
    assert _same(desk.calls()) == _same(expected.calls())
    assert desk.messages() == expected.messages()


def test_the_subscription_of_a_call_is_the_one_its_facts_name(desk: Chronicled) -> None:
    """AXE names it from the second leg on (notifications.md §4.2)."""
    desk.follow(received(desk, event_body("callin", subscriptionId="")))
    assert desk.call_row().says.subscription_id is None
    desk.follow(received(desk, event_body("callout")))
    assert desk.call_row().says.subscription_id == SUBSCRIPTION


class TestAnXOfNobody:
    """numbers.md §6: nothing in a push tells a person's number from an X but the inventory."""

    SOMEBODY = "+8613988880009"

    def keep(self, desk: Chronicled, body: dict[str, Any], order: OrderRef | None) -> Announced:
        told = desk.told()
        chronicle = desk.chronicle(order_of=lambda *_: order, ours=lambda x: x != self.SOMEBODY)
        for row in received(desk, body):
            chronicle.keep(row, told)
        return told

    @pytest.mark.parametrize("order", [None, ORDER])
    def test_is_neither_kept_in_the_row_of_a_call_nor_told(
        self, desk: Chronicled, order: OrderRef | None
    ) -> None:
        """The X of the binding stands in for it, and the binding stays with the row."""
        body = fee_body(cdr_entry(bindNum=self.SOMEBODY, fwdDisplayNum=self.SOMEBODY))
        told = self.keep(desk, body, order)
        call = desk.call_row().says
        assert (call.x, call.display_x, "x_unknown" in call.flags) == (order and order.x, None, True)
        assert call.binding_id == (order and order.binding_id)
        assert told.all
        assert self.SOMEBODY not in repr([each.data for each in told.all])
        assert self.SOMEBODY not in repr([row for row in rows(desk.bills) if row.get("kind") == "call"])

    def test_is_neither_kept_in_the_row_of_a_text_nor_told(self, desk: Chronicled) -> None:
        told = self.keep(desk, sms_body(virtualNumber=self.SOMEBODY), None)
        (message,) = desk.messages()
        assert (message.x, "x_unknown" in message.flags) == (None, True)
        assert told.all
        assert self.SOMEBODY not in repr([each.data for each in told.all])

    def test_of_the_inventory_it_is_told(self, desk: Chronicled) -> None:
        told = self.keep(desk, fee_body(), None)
        assert desk.call_row().says.x == X
        assert all(each.data["x"] == X for each in told.all)
