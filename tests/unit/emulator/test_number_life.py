"""X numbers from order to return, and what arrears do (numbers.md §3, operations.md §6; C-082, C-083)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from builders.emulated import ACCOUNT, APP_KEY, STRANGER, A, B, Platform, X, demo_application
from builders.emulated_modes import ModePlatform, Y
from emulator.callscript import CallScript
from emulator.rent import rent_of_month
from emulator.settings import ByNumberType
from emulator.world import ConsoleState, Mode, Number, NumberStatus

pytestmark = pytest.mark.anyio

X9 = "+8617010000009"
OTHER = "demoAppKey0000000000000009"
PRICES = ByNumberType(virtual=Decimal(5), carrier=Decimal(15))


def platform(mode: str = "AXB", **settings: Any) -> ModePlatform:
    return ModePlatform(mode, **settings)


async def pushed(running: Platform) -> list[list[tuple[str, str, str | None]]]:
    await running.pusher.settle()
    return [
        [(info["number"], info["status"], info.get("cause")) for info in states]
        for states in running.receiver.states()
    ]


# order and issue


async def test_an_ordered_number_is_issued_later_and_pays_from_then_on() -> None:
    """operations.md §5: rent from the day of issue."""
    running = platform()
    assert running.numbers.order([Number(X9, APP_KEY)], 86_400) == []
    assert X9 not in running.world.numbers
    await running.clock.advance(86_400)
    assert running.world.numbers[X9].issued_on == date(2026, 9, 3)


async def test_a_number_that_waits_for_its_registration_does_nothing() -> None:
    """Decision 65: like 10, without a push."""
    running = platform()
    running.numbers.order([Number(X9, APP_KEY, console=ConsoleState.PENDING_REAL_NAME)])
    running.bind(x=X9)
    assert running.cdr(await running.call(A, X9))["ulFailReason"] == 8055
    assert not running.world.numbers[X9].bindable
    running.numbers.activate(X9)
    assert running.world.numbers[X9].bindable
    assert await pushed(running) == []
    with pytest.raises(ValueError, match="does not wait"):
        running.numbers.activate(X9)


async def test_nothing_is_ordered_while_the_account_is_in_arrears() -> None:
    """billing-rules.md §7."""
    running = platform()
    running.numbers.enter_arrears(ACCOUNT)
    with pytest.raises(ValueError, match="arrears"):
        running.numbers.order([Number(X9, APP_KEY)])


async def test_a_number_of_another_application_cannot_be_ordered() -> None:
    running = platform()
    running.world.put_application(demo_application(app_key=OTHER))
    with pytest.raises(ValueError, match="transfer it"):
        running.numbers.order([Number(X, OTHER)])


# states


@pytest.mark.parametrize(
    ("status", "cause", "calls", "binds"),
    [
        ("5", None, 0, True), ("9", None, 8055, False), ("11", None, 0, False), ("10", "2", 8055, False),
        ("10", "3", 8055, False), ("10", "5", 8055, False), ("10", "6", 8055, False),
        ("10", "7", 8055, False), ("10", "8", 8055, False), ("10", "9", 8055, False),
    ],
)  # fmt: skip
async def test_a_state_decides_calls_and_new_bindings(
    status: str, cause: str | None, calls: int, binds: bool
) -> None:
    """C-097; numbers.md §3; notifications.md §7: every cause of the carriers."""
    running = platform()
    running.bind()
    running.numbers.change(X, NumberStatus(status), cause)
    assert await pushed(running) == ([] if status == "5" else [[(X, status, cause)]])
    call = await running.call(A)
    assert running.cdr(call)["ulFailReason"] == calls
    assert running.world.numbers[X].bindable is binds
    running.numbers.change(X, NumberStatus.NORMAL)
    assert running.cdr(await running.call(A))["ulFailReason"] == 0


async def test_a_change_of_the_reason_is_told() -> None:
    """notifications.md §7: restriction lifted, but another reason remains."""
    running = platform()
    for cause in ("5", "6", "6"):
        running.numbers.change(X, NumberStatus.UNAVAILABLE, cause)
    assert await pushed(running) == [[(X, "10", "5")], [(X, "10", "6")]]


@pytest.mark.parametrize(("status", "cause"), [("9", "3"), ("5", "1"), ("10", "4"), ("10", "x")])
async def test_a_cause_that_cannot_be_is_refused(status: str, cause: str) -> None:
    running = platform()
    with pytest.raises(ValueError, match="status 10 only"):
        running.numbers.change(X, NumberStatus(status), cause)


async def test_states_go_to_the_status_address_when_there_is_no_other() -> None:
    """C-050; notifications.md §1."""
    running = Platform(application=demo_application(push_num_status=True))
    running.numbers.change(X, NumberStatus.SUSPENDED)
    await running.pusher.settle()
    assert running.receiver.requests[0].url.endswith("/status")


# unsubscription and transfer


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXE", "AXYB"])
async def test_an_unsubscribed_number_is_gone_with_its_bindings(mode: str) -> None:
    """numbers.md §3: push 10 cause 1; decision 65: like a number the application does not own."""
    running = platform(mode)
    if mode == "AX":
        running.bind_ax()
    elif mode == "AXB":
        running.bind()
    elif mode == "AXE":
        running.bind_axe()
    else:
        running.number(Y)
        running.pair(running.bind_axyb())
    returned = running.numbers.unsubscribe(X)
    now = running.clock.now()
    assert await pushed(running) == [[(X, "10", "1")]]
    assert (returned.unsubscribed_on, returned.owned_by(APP_KEY)) == (date(2026, 9, 2), False)
    books = (running.world.ax, running.world.axe, running.world.axyb)
    assert [*running.world.axb_on(X, now), *(one for book in books for one in book.on(X, now))] == []
    assert running.world.axyb.pairs_on_y(Y, now) == []
    with pytest.raises(ValueError, match="returned for good"):
        running.numbers.change(X, NumberStatus.NORMAL)
    with pytest.raises(ValueError, match="returned for good"):
        running.numbers.unsubscribe(X)


async def test_a_call_to_an_unsubscribed_number_leaves_no_trace() -> None:
    """axb.md §6.2 row 1."""
    running = platform()
    running.bind()
    running.numbers.unsubscribe(X)
    running.receiver.requests.clear()
    assert running.engine.place(CallScript(caller=A, called=X)) is None
    await running.clock.advance(60)
    assert [request.body for request in running.receiver.requests if "numInfo" not in request.body] == []


async def test_a_talk_outlasts_the_unsubscription() -> None:
    """axb.md §6.4."""
    running = platform()
    running.bind()
    call = running.start_call(A, talk_s=300)
    await running.clock.advance(30)
    running.numbers.unsubscribe(X)
    await running.engine.finish(call)
    assert call.talk_seconds == 300


async def test_a_transfer_removes_bindings_without_a_push() -> None:
    """numbers.md §3; operations.md §6."""
    running = platform()
    running.world.put_application(demo_application(app_key=OTHER, mode=Mode.AX))
    binding = running.bind()
    leaving = running.numbers.transfer(X, OTHER, 3600)
    assert (leaving.console, leaving.usable) == (ConsoleState.TRANSFERRING, False)
    assert running.world.axb(binding.subscription_id, running.clock.now()) is None
    await running.clock.advance(3600)
    arrived = running.world.numbers[X]
    assert (arrived.app_key, arrived.console, arrived.bindable) == (OTHER, ConsoleState.IN_USE, True)
    assert await pushed(running) == []


async def test_a_number_that_was_returned_on_its_way_does_not_arrive() -> None:
    running = platform()
    running.world.put_application(demo_application(app_key=OTHER))
    running.numbers.transfer(X, OTHER, 3600)
    running.numbers.unsubscribe(X)
    await running.clock.advance(3600)
    assert (running.world.numbers[X].app_key, running.world.numbers[X].console) == (APP_KEY, "returned")


async def test_a_transfer_needs_an_application() -> None:
    running = platform()
    with pytest.raises(ValueError, match="no such application"):
        running.numbers.transfer(X, OTHER)


# arrears


async def test_arrears_suspend_every_number_in_portions_of_100() -> None:
    """C-075; notifications.md §7: 9 without cause, at most 100 per message; freed after the delay."""
    running = platform()
    for serial in range(149):
        running.number(f"+86170200{serial:05d}")
    running.numbers.enter_arrears(ACCOUNT)
    told = await pushed(running)
    assert [len(states) for states in told] == [100, 50]
    assert {(status, cause) for states in told for _, status, cause in states} == {("9", None)}
    running.numbers.pay(ACCOUNT)
    await running.clock.advance(599)
    assert running.world.accounts[ACCOUNT].frozen
    await running.clock.advance(1)
    assert not running.world.accounts[ACCOUNT].frozen
    assert {(status, cause) for states in (await pushed(running))[2:] for _, status, cause in states} == {
        ("5", None)
    }


async def test_a_number_comes_back_in_the_state_it_had_or_got_meanwhile() -> None:
    running = platform()
    running.number(X9)
    running.numbers.change(X, NumberStatus.BINDING_FROZEN)
    running.numbers.enter_arrears(ACCOUNT)
    running.numbers.change(X9, NumberStatus.UNAVAILABLE, "3")
    running.numbers.pay(ACCOUNT)
    await running.clock.advance(600)
    numbers = running.world.numbers
    assert (numbers[X].status, numbers[X9].status, numbers[X9].cause) == ("11", "10", "3")


async def test_new_arrears_before_the_resumption_stop_it() -> None:
    running = platform()
    running.numbers.enter_arrears(ACCOUNT)
    running.numbers.pay(ACCOUNT)
    running.numbers.enter_arrears(ACCOUNT)
    await running.clock.advance(3600)
    assert running.world.accounts[ACCOUNT].frozen


async def test_calls_and_sms_end_during_arrears() -> None:
    """axb.md §6.2 rows 2 and 3: the suspended number comes first; notifications.md §6.3 row 1."""
    running = platform()
    running.bind()
    running.numbers.enter_arrears(ACCOUNT)
    assert running.cdr(await running.call(A))["ulFailReason"] == 8055
    await running.sms(A)
    assert running.receiver.sms()[0]["sendResult"] == 1


async def test_who_does_not_pay_loses_the_numbers_for_good() -> None:
    """C-075; billing-rules.md §7: 10 cause 2, state returned, not recoverable."""
    running = platform()
    running.bind()
    with pytest.raises(ValueError, match="not in arrears"):
        running.numbers.release(ACCOUNT)
    running.numbers.enter_arrears(ACCOUNT)
    await running.clock.advance(40 * 86_400)
    running.numbers.release(ACCOUNT)
    assert (await pushed(running))[-1] == [(X, "10", "2")]
    running.numbers.pay(ACCOUNT)
    await running.clock.advance(600)
    assert running.world.numbers[X].console is ConsoleState.RETURNED
    assert running.world.axb_on(X, running.clock.now()) == []


@pytest.mark.parametrize(
    ("cause", "rents"),
    [("1", [True, True, False]), ("2", [True, False, False])],
    ids=["unsubscribed", "released"],
)
def test_a_released_number_pays_no_further_rent(cause: str, rents: list[bool]) -> None:
    """C-072; billing-rules.md §6: after the 25th the next month is paid, unless the platform took it."""
    gone = Number(
        X,
        APP_KEY,
        status=NumberStatus.UNAVAILABLE,
        cause=cause,
        console=ConsoleState.RETURNED,
        issued_on=date(2026, 1, 1),
        unsubscribed_on=date(2026, 9, 28),
    )
    assert [rent_of_month(gone, 2026, month, PRICES) is not None for month in (9, 10, 11)] == rents


async def test_bindings_outlast_arrears() -> None:
    """numbers.md §3: service resumes; nothing was removed."""
    running = platform()
    running.bind()
    running.numbers.enter_arrears(ACCOUNT)
    running.numbers.pay(ACCOUNT)
    await running.clock.advance(600)
    assert running.cdr(await running.call(A))["fwdDstNum"] == B
    assert running.cdr(await running.call(STRANGER))["ulFailReason"] == 8014
