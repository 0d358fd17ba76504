"""What happens at the platform by itself: its beginning and its end, in the emulator's own terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emulator.book import Kept
from emulator.callscript import CallScript
from emulator.inventory import NumberStatus
from emulator.platform import Emulator
from emulator.world import AxbBinding
from storm.orders import STRANGERS, stranger
from storm.plan import CROWD, Fault
from storm.platform import ACCOUNT, PLATFORM_URL, Door, app_key, at_once, wrong_request, x_numbers

PATIENT: Final = frozenset({"drift.lost", "number.returned"})
"""Kinds that look for something that they can act on, again and again."""

_PARTNERS_PATH = "/rest/caas/relationnumber/partners/v1.0"
_SETTLED: Final = timedelta(minutes=10)


@dataclass
class Console:
    """The platform as others than we act on it. ``lost`` are bindings that it forgot, ``foreign`` those that
    somebody made at its console, both by subscriptionId; ``returned`` are numbers that were given back.
    """

    emulator: Emulator
    door: Door
    lost: dict[str, datetime] = field(default_factory=dict)
    foreign: dict[str, datetime] = field(default_factory=dict)
    returned: dict[str, datetime] = field(default_factory=dict)
    crowds: int = 0
    hears_of_return: list[Callable[[str], None]] = field(default_factory=list)
    hears_of_crowd: list[Callable[[str], None]] = field(default_factory=list)

    def begin(self, fault: Fault) -> bool:
        """Let a fault of the platform begin; False: it is none, or there is nothing it could act on."""
        if fault.kind == "platform.lock_out":
            self._lock_out()
        elif fault.kind == "platform.arrears":
            self.emulator.numbers.enter_arrears(ACCOUNT)
        elif fault.kind == "number.suspended":
            self.emulator.numbers.change(_x(fault), NumberStatus.SUSPENDED)
        elif fault.kind == "push.batched":
            self._crowd(fault)
        elif fault.kind == "drift.foreign":
            self._plant()
        else:
            return self._take_away(fault)
        return True

    def end(self, fault: Fault) -> None:
        """Let what lasts be over."""
        if fault.kind == "platform.arrears":
            self.emulator.numbers.pay(ACCOUNT)
        elif fault.kind == "number.suspended":
            self.emulator.numbers.change(_x(fault), NumberStatus.NORMAL)

    def _lock_out(self) -> None:
        """Ten refused authentications from our address in ten minutes lock it for thirty (auth.md §9)."""
        headers, body = wrong_request()
        for _ in range(self.emulator.settings.auth.lockout.threshold):
            at_once(self.door.ask("POST", PLATFORM_URL + _PARTNERS_PATH, headers, body))

    def _crowd(self, fault: Fault) -> None:
        """So many call numbers of one application at once, in vain, that their CDRs share pushes of fifty."""
        numbers = x_numbers(str(fault.params["mode"]))
        # The first of the first crowd never calls again.
        first, self.crowds = int(self.crowds > 0), self.crowds + 1
        for number in range(first, int(fault.params["calls"])):
            called = numbers[number % len(numbers)]
            caller = stranger(STRANGERS + number)
            self.emulator.calls.place(CallScript(caller=caller, called=called, outcome="busy"))
        for hears in self.hears_of_crowd if not first else ():
            hears(stranger(STRANGERS))

    def _plant(self) -> None:
        """Two people whom no order knows, for ever on an X of AXB."""
        now, serial = self.emulator.scheduler.now(), len(self.foreign)
        x = x_numbers("AXB")[serial % 3]
        a, b = (stranger(STRANGERS + CROWD + 2 * serial + n) for n in range(2))
        planted = AxbBinding(f"foreign-{serial}", app_key("AXB"), x, a, b, started_at=now)
        self.emulator.world.add_axb(planted)
        self.foreign[planted.subscription_id] = now

    def _take_away(self, fault: Fault) -> bool:
        """A binding that lives for a while already is lost, or the number of one given back for good."""
        if fault.kind not in PATIENT:
            return False
        mode, now = str(fault.params["mode"]), self.emulator.scheduler.now()
        standing = self._standing(mode, now)
        if not standing:
            return False
        subscription_id, x = standing[int(fault.params["nth"]) % len(standing)]
        if fault.kind == "drift.lost":
            self.lost[subscription_id] = now
            world = self.emulator.world
            ends: dict[str, Callable[[str, datetime], object]]
            ends = {"AX": world.ax.end, "AXB": world.end_axb, "AXE": world.axe.end}
            ends[mode](subscription_id, now)
            return True
        if x in x_numbers(mode)[:3] or self.emulator.world.numbers[x].deleted:
            return False
        self.returned[x] = now
        self.emulator.numbers.unsubscribe(x)
        for hears in self.hears_of_return:
            hears(x)
        return True

    def _standing(self, mode: str, now: datetime) -> list[tuple[str, str]]:
        """Bindings of orders, by id and X, that the platform has known for some minutes."""
        world = self.emulator.world
        books: dict[str, Callable[[datetime], Iterable[Kept | AxbBinding]]] = {
            "AX": world.ax.all,
            "AXB": world.all_axb,
            "AXE": world.axe.all,
            "AXYB": world.axyb.all,
        }
        return [
            (one.subscription_id, one.x)
            for one in books[mode](now)
            if one.subscription_id not in self.foreign and (one.bound_at or now) < now - _SETTLED
        ]


def _x(fault: Fault) -> str:
    return x_numbers(str(fault.params["mode"]))[int(fault.params["nth"])]
