"""What happens at the platform by itself: its beginning and its end, in the emulator's own terms."""

from __future__ import annotations

from emulator.callscript import CallScript
from emulator.inventory import NumberStatus
from emulator.platform import Emulator
from storm.orders import STRANGERS, stranger
from storm.plan import Fault
from storm.platform import ACCOUNT, PLATFORM_URL, Door, at_once, wrong_request, x_numbers

_PARTNERS_PATH = "/rest/caas/relationnumber/partners/v1.0"


def begin_upheaval(emulator: Emulator, door: Door, fault: Fault) -> bool:
    """Let a fault of the platform begin; False: it is none, or there is nothing it could act on."""
    if fault.kind == "platform.lock_out":
        _lock_out(emulator, door)
    elif fault.kind == "platform.arrears":
        emulator.numbers.enter_arrears(ACCOUNT)
    elif fault.kind == "number.suspended":
        emulator.numbers.change(_x(fault), NumberStatus.SUSPENDED)
    elif fault.kind == "number.returned":
        emulator.numbers.unsubscribe(_x(fault))
    elif fault.kind == "push.batched":
        _crowd(emulator, fault)
    else:
        return False
    return True


def end_upheaval(emulator: Emulator, fault: Fault) -> None:
    """Let what lasts be over."""
    if fault.kind == "platform.arrears":
        emulator.numbers.pay(ACCOUNT)
    elif fault.kind == "number.suspended":
        emulator.numbers.change(_x(fault), NumberStatus.NORMAL)


def _x(fault: Fault) -> str:
    return x_numbers(str(fault.params["mode"]))[int(fault.params["nth"])]


def _lock_out(emulator: Emulator, door: Door) -> None:
    """Ten refused authentications from our address in ten minutes lock it for thirty (auth.md §9)."""
    headers, body = wrong_request()
    for _ in range(emulator.settings.auth.lockout.threshold):
        at_once(door.ask("POST", PLATFORM_URL + _PARTNERS_PATH, headers, body))


def _crowd(emulator: Emulator, fault: Fault) -> None:
    """So many call numbers of one application at once, in vain, that their CDRs share pushes of fifty."""
    numbers = x_numbers(str(fault.params["mode"]))
    for number in range(int(fault.params["calls"])):
        called = numbers[number % len(numbers)]
        emulator.calls.place(CallScript(caller=stranger(STRANGERS + number), called=called, outcome="busy"))
