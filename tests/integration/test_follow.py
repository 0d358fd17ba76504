"""What follows a stored fact: notifications.md §7, numbers.md §3, x.md §5. At least once, in any order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.bills import rows as bills_rows
from builders.dynamodb import Table, local_client, moto_client, new_table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.pushes import (
    QUESTION_X,
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
    number_status_body,
    sms_body,
    stranger_cdr,
    wire,
)
from builders.relations import put_relation, relation, remember
from builders.streams import stream_event
from integration.test_questions import Exchange
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.follow import Follower, Outcome
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import SealBroken, token
from privatenumber.settings import Mode
from privatenumber.store.activity import Activity
from privatenumber.store.contacts import ContactStore, contact_context, contact_key, read_contact
from privatenumber.store.items import decode, encode
from privatenumber.store.number_states import NumberStates
from privatenumber.store.numbers import NumberState, NumberStore, NumberType, StaleNumberError, XNumber
from privatenumber.store.stream import inserted

NUMBERS = itertools.count(20_000_000)
MOVED, UNKNOWN, CONTACT = Outcome.NUMBER_MOVED, Outcome.NUMBER_UNKNOWN, Outcome.CONTACT


@dataclass
class Desk:
    """A follower, its table and the rows that a push leaves."""

    table: Table

    def follower(self) -> Follower:
        client, name = self.table.client, self.table.name
        return Follower(
            NumberStates(client, name),
            ContactStore(client, name),
            Activity(client, name),
            ours=lambda x: True,
            unseal=unseal,
            keyring=lambda: KEYRING,
        )

    def follow(self, *rows: Mapping[str, Any]) -> list[Outcome]:
        """Follow rows as they come out of the stream."""
        records = inserted(stream_event(rows))
        return [outcome for record in records for outcome in self.follower().follow(record.row)]

    def number(self, state: NumberState = NumberState.ACTIVE, *, x: str = X, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "x": x,
            "application": "demo",
            "area_code": "0755",
            "number_type": NumberType.VIRTUAL,
            "state": state,
        }
        store = NumberStore(self.table.client, self.table.name)
        store.put(XNumber(**{**fields, **changes}), seen=store.get(x))

    def state(self, x: str = X) -> NumberState | None:
        found = NumberStore(self.table.client, self.table.name).get(x)
        return found.state if found else None

    def counterpart(self, person: str, *, x: str = X, application: str = "demo-ax") -> str | None:
        """The number of somebody's last counterpart."""
        name = token(KEYRING, person)
        key = contact_key(application, name, x)
        item = self.table.client.get_item(TableName=self.table.name, Key=encode(key)).get("Item")
        if item is None:
            return None
        contact = read_contact(decode(item))
        number: str = json.loads(unseal(contact.sealed, contact_context(application, name, x)))["number"]
        assert contact.counterpart == token(KEYRING, number)
        return number


def rows_of(
    body: Mapping[str, Any], *, at: datetime = SIGNED_AT, application: str = "demo", mode: Mode = Mode.AXB
) -> list[dict[str, Any]]:
    """The rows that a push leaves in the Bills table."""
    reception = Reception(application, at, KEYRING, mode=mode)
    facts = [fact_of(entry, reception) for entry in parse_push(wire(body)).entries]
    return [{"pk": fact.pk, "sk": fact.sk, **fact.item} for fact in facts]


def status(status: str, *, at: datetime = SIGNED_AT, x: str = X, **changes: Any) -> dict[str, Any]:
    (row,) = rows_of(number_status_body({"number": x, "status": status}), at=at, **changes)
    return row


def later(minutes: float) -> datetime:
    return SIGNED_AT + timedelta(minutes=minutes)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with moto_client() as client:
        yield Desk(new_table(client))


class TestNumberStates:
    @pytest.mark.parametrize(
        ("pushed", "state"),
        [
            ("9", NumberState.SUSPENDED),
            ("10", NumberState.UNAVAILABLE),
            ("11", NumberState.FROZEN),
            ("5", NumberState.ACTIVE),
        ],
    )
    @pytest.mark.parametrize(
        "before",
        [NumberState.ACTIVE, NumberState.SUSPENDED, NumberState.UNAVAILABLE, NumberState.FROZEN],
    )
    def test_a_state_of_the_platform_moves_the_number(
        self, desk: Desk, before: NumberState, pushed: str, state: NumberState
    ) -> None:
        """C-097; numbers.md §3."""
        desk.number(before)
        assert desk.follow(status(pushed)) == ([] if before is state else [MOVED])
        assert desk.state() is state

    @pytest.mark.parametrize("before", [NumberState.DRAINING, NumberState.LOCKED, NumberState.RETIRED])
    @pytest.mark.parametrize("pushed", ["5", "9", "10", "11"])
    def test_what_people_set_stays(self, desk: Desk, before: NumberState, pushed: str) -> None:
        desk.number(before)
        assert desk.follow(status(pushed)) == []
        assert desk.state() is before

    @pytest.mark.parametrize("pushed", ["7", "", "x"])
    def test_an_unknown_status_moves_nothing(self, desk: Desk, pushed: str) -> None:
        desk.number()
        assert desk.follow(status(pushed)) == []
        assert desk.state() is NumberState.ACTIVE

    def test_an_unknown_number_is_counted_and_not_made(self, desk: Desk) -> None:
        assert desk.follow(status("9")) == [UNKNOWN]
        assert desk.state() is None

    def test_a_number_of_another_application_is_not_moved(self, desk: Desk) -> None:
        """Whoever may push for one application must not take another's numbers out of use."""
        desk.number(application="another")
        assert desk.follow(status("9")) == [UNKNOWN]
        assert desk.state() is NumberState.ACTIVE

    def test_the_last_arrival_wins_in_whatever_order_it_is_followed(self, desk: Desk) -> None:
        """notifications.md §7."""
        rows = [status("9"), status("10", at=later(1)), status("5", at=later(2))]
        for x, order in enumerate(itertools.permutations(rows)):
            number = f"+861701000001{x}"
            desk.number(x=number)
            desk.follow(*({**row, "x": number} for row in (*order, *order)))
            assert desk.state(number) is NumberState.ACTIVE

    def test_two_states_of_one_moment_end_alike_in_any_order(self, desk: Desk) -> None:
        rows = [status("9"), status("11")]
        ends = set()
        for x, order in enumerate((rows, rows[::-1])):
            number = f"+861701000001{x}"
            desk.number(x=number)
            desk.follow(*({**row, "x": number} for row in order))
            ends.add(desk.state(number))
        assert len(ends) == 1

    def test_a_number_that_changes_twice_within_the_late_window_flaps(self, desk: Desk) -> None:
        """notifications.md §7, §8.3: number_status_flapping."""
        desk.number()
        assert desk.follow(status("9")) == [MOVED]
        assert desk.follow(status("5", at=later(659))) == [MOVED, Outcome.NUMBER_FLAPPING]
        assert desk.follow(status("9", at=later(659 + 660))) == [MOVED]

    def test_the_counter_of_bindings_is_not_touched(self, desk: Desk) -> None:
        desk.number()
        desk.table.client.update_item(
            TableName=desk.table.name,
            Key=encode({"pk": f"X#{X}", "sk": "NUMBER"}),
            UpdateExpression="SET pairs = :n",
            ExpressionAttributeValues=encode({":n": 7}),
        )
        desk.follow(status("9"), status("5", at=later(1)))
        found = NumberStore(desk.table.client, desk.table.name).get(X)
        assert found is not None
        assert (found.pairs, found.state) == (7, NumberState.ACTIVE)

    def test_who_describes_the_number_meanwhile_reads_it_again(self, desk: Desk) -> None:
        """An import must not bring back a state that the platform has just ended."""
        desk.number()
        store = NumberStore(desk.table.client, desk.table.name)
        seen = store.get(X)
        assert seen is not None
        desk.follow(status("9"))
        with pytest.raises(StaleNumberError):
            store.put(seen, seen=seen)
        assert desk.state() is NumberState.SUSPENDED

    def test_what_people_set_after_a_push_is_not_undone_by_a_repetition(self, desk: Desk) -> None:
        desk.number()
        desk.follow(status("9"))
        desk.number(NumberState.ACTIVE)
        assert desk.follow(status("9")) == []
        assert desk.state() is NumberState.ACTIVE


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    pushed=st.lists(st.sampled_from(["5", "9", "10", "11"]), min_size=1, max_size=5),
    shuffle=st.randoms(use_true_random=False),
)
def test_any_delivery_of_any_states_ends_with_the_last(desk: Desk, pushed: list[str], shuffle: Any) -> None:
    """Late, twice, out of order: notifications.md §7, §9.1."""
    ends = {"5": "active", "9": "suspended", "10": "unavailable", "11": "frozen"}
    number = f"+86170{next(NUMBERS):08d}"
    desk.number(x=number)
    deliveries = [status(each, at=later(n), x=number) for n, each in enumerate(pushed)] * 2
    shuffle.shuffle(deliveries)
    desk.follow(*deliveries)
    state = desk.state(number)
    assert state is not None
    assert state.value == ends[pushed[-1]]


class TestContacts:
    def test_a_connected_call_of_x_mode_is_remembered_on_both_sides(self, desk: Desk) -> None:
        exchange = Exchange(new_table(desk.table.client, "BillsTable"), desk.table)
        put_relation(desk.table, relation(anyone=True))
        exchange.call(STRANGER)
        assert desk.follow(*bills_rows(exchange.bills)) == [CONTACT, CONTACT]
        assert desk.counterpart(A, x=QUESTION_X, application="demo-x") == STRANGER
        assert desk.counterpart(STRANGER, x=QUESTION_X, application="demo-x") == A
        back = exchange.push(callin_body(A, session="back"), at=later(5)).answer
        assert back is not None
        assert back["connectInfo"]["calleeNum"] == STRANGER

    def test_a_refused_call_is_nobodys_contact(self, desk: Desk) -> None:
        exchange = Exchange(new_table(desk.table.client, "BillsTable"), desk.table)
        exchange.call(STRANGER)
        assert desk.follow(*bills_rows(exchange.bills)) == []

    def test_a_call_of_ax_is_remembered_on_both_sides(self, desk: Desk) -> None:
        """ax.md §7, notifications.md §10.1: the CDR names both."""
        desk.follow(*rows_of(fee_body(), application="demo-ax", mode=Mode.AX))
        assert (desk.counterpart(A), desk.counterpart(B)) == (B, A)

    def test_an_sms_that_others_sent_in_ax_is_remembered(self, desk: Desk) -> None:
        row = rows_of(sms_body(calling=B, called=A, direction="0"), application="demo-ax", mode=Mode.AX)
        assert desk.follow(*row) == [CONTACT, CONTACT]
        assert desk.counterpart(A) == B

    @pytest.mark.parametrize(
        ("body", "mode"),
        [
            (fee_body(), Mode.AXB),
            (fee_body(), Mode.X),
            (fee_body(stranger_cdr()), Mode.AX),
            (event_body("answer"), Mode.AX),
            (sms_body(), Mode.AXB),
            (sms_body("Block"), Mode.AX),
            (sms_body(sendResult=10), Mode.AX),
        ],
    )
    def test_nothing_else_is(self, desk: Desk, body: Mapping[str, Any], mode: Mode) -> None:
        """In X mode the decision says who spoke; a call that reached nobody is no contact."""
        assert desk.follow(*rows_of(body, application="demo-ax", mode=mode)) == []

    def test_the_newest_stays_in_whatever_order_it_is_followed(self, desk: Desk) -> None:
        calls = [
            rows_of(
                fee_body(cdr_entry(icid=number, fwdDstNum=number, callInTime=f"2026-09-02 0{n}:00:00")),
                application="demo-ax",
                mode=Mode.AX,
            )[0]
            for n, number in enumerate(("+8613800138011", "+8613800138012", "+8613800138013"))
        ]
        for order in itertools.permutations(calls):
            desk.follow(*order, *order)
            assert desk.counterpart(A) == "+8613800138013"

    def test_a_contradicting_record_is_no_contact(self, desk: Desk) -> None:
        """The first version counts (notifications.md §9.2)."""
        (row,) = rows_of(fee_body(), application="demo-ax", mode=Mode.AX)
        assert desk.follow({**row, "sk": f"{row['sk']}#VARIANT#x", "flags": ["variant"]}) == []

    def test_a_contact_is_forgotten_after_the_longest_memory(self, desk: Desk) -> None:
        """`contact_hours` is at most 720."""
        remember(desk.table, A, B, SIGNED_AT)
        (item,) = desk.table.client.scan(TableName=desk.table.name)["Items"]
        assert int(decode(item)["expires_at"]) == int((SIGNED_AT + timedelta(hours=744)).timestamp())

    def test_nobody_stands_in_the_table_in_clear(self, desk: Desk) -> None:
        """design.md §6."""
        desk.follow(*rows_of(fee_body(), application="demo-ax", mode=Mode.AX))
        shown = repr(bills_rows(desk.table))
        assert A[3:] not in shown
        assert B[3:] not in shown

    def test_a_row_that_cannot_be_opened_is_an_error(self, desk: Desk) -> None:
        """It goes to the side with an alarm; it is not passed over."""
        (row,) = rows_of(fee_body(), application="demo-ax", mode=Mode.AX)
        with pytest.raises(SealBroken):
            desk.follow({**row, "sealed": b"\x01\x02k1" + b"x" * 40})


class TestStream:
    def test_only_new_rows_are_followed(self, desk: Desk) -> None:
        row = status("9")
        for name in ("MODIFY", "REMOVE"):
            assert list(inserted(stream_event([row], name=name))) == []

    def test_values_come_out_as_they_went_in(self) -> None:
        row = {"pk": "p", "sk": "s", "b": b"\x00\xff", "m": {"l": [b"\x01", 1, "x", True, None]}, "n": 3}
        (record,) = inserted(stream_event([row]))
        assert dict(record.row) == row


@pytest.mark.dynamodb_local
def test_states_and_contacts_at_once_end_with_the_newest(dynamodb_local: str) -> None:
    """Two shards of the stream, a repetition, a second function: conditions decide, not the order."""
    desk = Desk(new_table(local_client(dynamodb_local)))
    desk.number()
    states = [status("9", at=later(n)) for n in range(8)] + [status("11", at=later(9))]
    calls = [
        rows_of(
            fee_body(
                cdr_entry(icid=str(n), fwdDstNum=f"+861380013810{n}", callInTime=f"2026-09-02 0{n}:00:00")
            ),
            application="demo-ax",
            mode=Mode.AX,
        )[0]
        for n in range(8)
    ]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(desk.follow, (states + calls) * 3))
    assert desk.state() is NumberState.FROZEN
    assert desk.counterpart(A) == "+8613800138107"


class TestTexts:
    """users.md U-S03: what is used lives on; a text is use as well."""

    @pytest.mark.parametrize(
        ("changes", "postponed"),
        [
            ({}, True),
            ({"sendResult": 9}, True),
            ({"sendResult": 10}, False),
            ({"subscriptionId": "nobodys"}, False),
        ],
    )
    def test_a_text_that_went_over_a_binding_postpones_its_end(
        self, desk: Desk, changes: dict[str, Any], postponed: bool
    ) -> None:
        bound = relation(
            mode=Mode.AX, application="demo", subscription_id=SUBSCRIPTION, idle_s=600, created_at=SIGNED_AT
        )
        put_relation(desk.table, bound)
        rows = rows_of(sms_body(**changes))
        assert desk.follow(*rows) == ([Outcome.POSTPONED] if postponed else [])
        assert desk.follow(*rows) == []

    def test_a_text_that_asks_has_not_gone_anywhere_yet(self, desk: Desk) -> None:
        bound = relation(mode=Mode.AX, application="demo", subscription_id=SUBSCRIPTION, idle_s=600)
        put_relation(desk.table, bound)
        assert desk.follow(*rows_of(sms_body("Block", subscriptionId=SUBSCRIPTION))) == []


class TestCalls:
    """users.md U-S03: a call is use from its beginning to its end, whatever of it is told."""

    @pytest.fixture
    def idle(self, desk: Desk) -> Desk:
        """A desk with a binding that ends when nobody calls."""
        bound = relation(
            mode=Mode.AX,
            application="demo",
            subscription_id=SUBSCRIPTION,
            idle_s=600,
            created_at=SIGNED_AT - timedelta(hours=1),
        )
        put_relation(desk.table, bound)
        return desk

    @pytest.mark.parametrize(
        ("body", "active_at"),
        [
            (event_body("callout", second=7), SIGNED_AT + timedelta(seconds=7)),
            (event_body("callout", timestamp=None), SIGNED_AT + timedelta(minutes=2)),
            (event_body("disconnect", timestamp=None), SIGNED_AT + timedelta(minutes=2)),
            (fee_body(), SIGNED_AT + timedelta(seconds=70)),
            (fee_body(cdr_entry(callEndTime=None)), SIGNED_AT + timedelta(minutes=2)),
            (event_body("disconnect", timestamp="2026-09-02 09:00:07"), SIGNED_AT + timedelta(minutes=2)),
        ],
        ids=[
            "a second leg",
            "a second leg without a time",
            "a hang-up without a time",
            "a CDR of which nothing else came",
            "a CDR without an end",
            "a moment to come (notifications.md §2.2)",
        ],
    )
    def test_whatever_tells_of_a_call_of_a_binding_postpones_its_end(
        self, idle: Desk, body: Mapping[str, Any], active_at: datetime
    ) -> None:
        found = rows_of(body, at=later(2))
        assert idle.follow(*found) == [Outcome.POSTPONED]
        assert idle.follow(*found) == []
        (item,) = (row for row in bills_rows(idle.table) if row["sk"] == "BINDING")
        assert datetime.fromisoformat(item["active_at"]) == active_at

    def test_a_late_record_of_an_earlier_moment_does_not_take_it_back(self, idle: Desk) -> None:
        ended, began = (
            rows_of(event_body(name, second=n)) for name, n in (("disconnect", 9), ("callout", 1))
        )
        assert idle.follow(*ended, *began, *rows_of(fee_body(), at=later(2))) == [Outcome.POSTPONED] * 2

    def test_a_call_of_no_binding_is_nobodys_use(self, idle: Desk) -> None:
        assert idle.follow(*rows_of(fee_body(stranger_cdr()))) == []
