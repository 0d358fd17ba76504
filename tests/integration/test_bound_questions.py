"""Bindings made by their service decide the platform's questions: both rooms meet in the table (x.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bills import rows
from builders.bindings import APPLICATION, Desk, demo_application, open_desk, within
from builders.dynamodb import moto_client, new_table
from builders.emulator import APP_KEY, SECRET, X1, X2, X3, A, B, C, D, RunningEmulator
from builders.ingestion import ingestion, unseal
from builders.keyrings import KEYRING
from builders.pushes import callin_body, cdr_entry, fee_body, signed_headers, sms_body, wire
from emulator.clock import VIRTUAL_START
from privatenumber.bindings.model import Binding
from privatenumber.calls.follow import Follower
from privatenumber.calls.guard import Arrival
from privatenumber.settings import Application, Mode, SmsDefault
from privatenumber.store.activity import Activity
from privatenumber.store.contacts import ContactStore
from privatenumber.store.number_states import NumberStates


class Company:
    """A company that binds through the service and is asked by the platform, on one table and one clock."""

    def __init__(self, desk: Desk, bills: Any, **settings: Any) -> None:
        self.desk = desk
        self._settings = settings
        self._serial = 0
        self._bills = bills
        self._ingestion = ingestion(bills, self._applications, bindings=desk.table)

    def call(self, caller: str, x: str) -> str | None:
        """Who is connected when somebody dials X; None when the call is closed."""
        return self._connected(caller, x).get("calleeNum")

    def tone(self, caller: str, x: str) -> str | None:
        """What somebody hears who dials X, until he is connected."""
        return self._connected(caller, x).get("waitVoice")

    def _connected(self, caller: str, x: str) -> dict[str, str]:
        self._serial += 1
        answer = self._push("status", callin_body(caller, session=f"session-{self._serial}", x=x))
        info: dict[str, str] = answer.get("connectInfo", {})
        assert (answer["operation"] == "connect") == bool(info)
        return info

    def write(self, sender: str, x: str) -> str | None:
        """Who gets what somebody writes to X; None when it is discarded."""
        self._serial += 1
        body = sms_body(
            "Block", app_key=APP_KEY, calling=sender, virtualNumber=x, smsIdentifier=f"sms-{self._serial}"
        )
        (action,) = self._push("sms", body)["actions"]
        message: dict[str, str] = action.get("message", {})
        return message.get("called")

    def _push(self, route: str, body: dict[str, Any]) -> Any:
        now = self.desk.clock()
        headers = signed_headers(now, app_key=APP_KEY, secret=SECRET)
        token = self._applications()[APPLICATION].callback_token
        report = self._ingestion.receive(
            Arrival("POST", APPLICATION, token, route, "192.0.2.1", headers, wire(body), now)
        )
        assert report.undecided is None
        return report.answer

    def follow(self) -> None:
        """Do what the stream does with what was stored."""
        client, name = self.desk.table.client, self.desk.table.name
        follower = Follower(
            NumberStates(client, name),
            ContactStore(client, name),
            Activity(client, name),
            ours=lambda x: True,
            unseal=unseal,
            keyring=lambda: KEYRING,
        )
        for row in rows(self._bills):
            follower.follow(row)

    def called(self, caller: str, bound: Binding) -> None:
        """The record of a call of AX in which somebody reached A."""
        ends = self.desk.clock().strftime("%Y-%m-%d %H:%M:%S")
        times = dict.fromkeys(("callInTime", "fwdStartTime", "fwdAnswerTime", "callEndTime"), ends)
        people = {"callerNum": caller, "fwdDstNum": A}
        xs = dict.fromkeys(("bindNum", "calleeNum", "fwdDisplayNum"), bound.x)
        record = cdr_entry(
            direction=0, appKey=APP_KEY, subscriptionId=bound.subscription_id, **people, **xs, **times
        )
        self._push("fee", fee_body(record))

    def _applications(self, *, refresh: bool = False, until: object = None) -> dict[str, Application]:
        address = "https://platform.example.com"
        return {APPLICATION: demo_application(address, self.desk.mode, **self._settings)}


@pytest.fixture
def client() -> Iterator[Any]:
    with moto_client() as made:
        yield made


def company(client: Any, emulator: RunningEmulator, mode: Mode, **settings: Any) -> Company:
    desk = open_desk(new_table(client), emulator, mode=mode)
    return Company(desk, new_table(client, "BillsTable"), **settings)


@pytest.fixture
def in_x_mode(client: Any, emulator: RunningEmulator) -> Company:
    return company(client, emulator, Mode.X)


def test_a_pair_reaches_each_other_until_it_is_released(in_x_mode: Company) -> None:
    """One pair on an X number; a stranger never gets through."""
    bound = in_x_mode.desk.bind()
    for ask in (in_x_mode.call, in_x_mode.write):
        assert (ask(A, bound.x), ask(B, bound.x), ask(C, bound.x)) == (B, A, None)
    in_x_mode.desk.service.release(bound.id, deadline=within())
    for ask in (in_x_mode.call, in_x_mode.write):
        assert (ask(A, bound.x), ask(B, bound.x)) == (None, None)


def test_a_relation_ends_with_its_time(in_x_mode: Company) -> None:
    """x.md §5: at the next question, whether or not the sweep has run."""
    bound = in_x_mode.desk.bind()
    in_x_mode.desk.clock.now = bound.ends_at
    assert in_x_mode.call(B, bound.x) is None


def test_partners_come_and_go(in_x_mode: Company) -> None:
    desk = in_x_mode.desk
    bound = desk.bind()
    desk.service.add_partner(bound.id, C, deadline=within())
    assert (in_x_mode.call(B, bound.x), in_x_mode.call(C, bound.x)) == (A, A)
    assert in_x_mode.call(A, bound.x) is None
    first = bound.partners[0]
    desk.service.remove_partner(bound.id, first.id, deadline=within())
    assert (in_x_mode.call(B, bound.x), in_x_mode.call(A, bound.x)) == (None, C)


def test_a_callee_is_whom_a_reaches_for_a_while(in_x_mode: Company) -> None:
    desk = in_x_mode.desk
    bound = desk.bind()
    desk.service.set_callee(bound.id, D, seconds=60, deadline=within())
    assert in_x_mode.call(A, bound.x) == D
    desk.clock.now = desk.clock().replace(minute=desk.clock().minute + 1)
    assert in_x_mode.call(A, bound.x) == B


def test_each_side_hears_its_own_tone_while_it_waits(in_x_mode: Company) -> None:
    """x.md §2: one tone in an answer, so it depends on who asks."""
    bound = in_x_mode.desk.bind(caller_tone="mine.wav", callee_tone="theirs.wav")
    assert (in_x_mode.tone(A, bound.x), in_x_mode.tone(B, bound.x)) == ("mine.wav", "theirs.wav")


def test_anyone_reaches_a_where_anyone_may(in_x_mode: Company) -> None:
    """One to many."""
    bound = in_x_mode.desk.bind(b=None, anyone=True)
    assert (in_x_mode.call(C, bound.x), in_x_mode.call(A, bound.x)) == (A, None)


@pytest.mark.parametrize("again", [{"b": None, "anyone": True}, {"b": B}])
def test_who_called_under_a_closed_order_is_not_reached_by_the_next(
    in_x_mode: Company, again: dict[str, Any]
) -> None:
    """The same A gets the same X again; the last contact was made under another binding."""
    service = in_x_mode.desk.service
    first = in_x_mode.desk.bind("order-1", b=None, anyone=True, x=X1)
    in_x_mode.call(C, X1)
    in_x_mode.follow()
    assert in_x_mode.call(A, X1) == C
    service.release(first.id, deadline=within())
    second = in_x_mode.desk.bind("order-2", x=X1, **again)
    if again.get("b"):
        service.add_partner(second.id, D, deadline=within())
    assert (in_x_mode.call(A, X1), in_x_mode.write(A, X1)) == (None, None)


@pytest.fixture
def forwarding(client: Any, emulator: RunningEmulator) -> Company:
    """X mode; whom A reached as the callee of a moment may answer for two hours."""
    return company(client, emulator, Mode.X, sms_default=SmsDefault.FORWARD, contact_hours=2)


def test_an_sms_of_the_callee_of_a_moment_reaches_a_while_the_relation_lives(forwarding: Company) -> None:
    desk = forwarding.desk
    bound = desk.bind("order-1", x=X1)
    desk.service.set_callee(bound.id, D, seconds=60, deadline=within())
    assert forwarding.write(D, X1) is None
    assert forwarding.call(A, X1) == D
    forwarding.follow()
    desk.clock.now += timedelta(minutes=5)
    assert (forwarding.write(D, X1), forwarding.write(C, X1), forwarding.call(D, X1)) == (A, None, None)
    desk.service.release(bound.id, deadline=within())
    assert forwarding.write(D, X1) is None


def test_a_closed_relation_forwards_nothing_whatever_the_default(forwarding: Company) -> None:
    """x.md §5: however fresh the last contact is."""
    bound = forwarding.desk.bind("order-1", x=X1)
    assert (forwarding.call(B, X1), forwarding.call(A, X1)) == (A, B)
    forwarding.follow()
    forwarding.desk.service.release(bound.id, deadline=within())
    for ask in (forwarding.write, forwarding.call):
        assert (ask(A, X1), ask(B, X1)) == (None, None)


def test_who_was_taken_out_of_a_living_relation_reaches_nobody_any_more(forwarding: Company) -> None:
    desk = forwarding.desk
    bound = desk.bind("order-1", x=X1)
    desk.service.add_partner(bound.id, C, deadline=within())
    assert forwarding.call(C, X1) == A
    forwarding.follow()
    gone = next(partner for partner in desk.service.get(bound.id).partners if partner.party.number == C)
    desk.service.remove_partner(bound.id, gone.id, deadline=within())
    assert forwarding.write(C, X1) is None
    desk.service.release(bound.id, deadline=within())
    assert forwarding.write(C, X1) is None


def test_an_sms_of_ax_does_not_go_to_whom_a_closed_order_was_about(
    client: Any, emulator: RunningEmulator
) -> None:
    """notifications.md §6.5: what names no receiver goes to the last one of this binding, or to nobody."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode="AX")
    emulator.admin.numbers(X1, X2, X3)
    ours = company(client, emulator, Mode.AX, sms_default=SmsDefault.FORWARD)
    first = ours.desk.bind("order-1", x=X1)
    ours.called(C, first)
    ours.follow()
    assert ours.write(A, X1) == C
    ours.desk.service.release(first.id, deadline=within())
    ours.desk.bind("order-2", x=X1)
    assert ours.write(A, X1) is None


def test_an_sms_of_ax_goes_to_the_callee_our_api_set(client: Any, emulator: RunningEmulator) -> None:
    """notifications.md §6.5, with the binding the platform knows."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat())
    emulator.admin.application(mode="AX")
    emulator.admin.numbers(X1, X2, X3)
    ours = company(client, emulator, Mode.AX, sms_default=SmsDefault.FORWARD)
    bound = ours.desk.bind()
    assert ours.write(A, bound.x) is None
    ours.desk.service.set_callee(bound.id, D, seconds=60, deadline=within())
    assert (ours.write(A, bound.x), ours.write(C, bound.x)) == (D, None)
