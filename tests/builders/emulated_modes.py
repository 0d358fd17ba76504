"""An emulated platform with one application of a mode, and bindings of that mode put into its books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from builders.emulated import ALL_URLS, APP_KEY, START, A, B, Platform, X, demo_application
from emulator.ax import AxBinding, TemporaryCallee
from emulator.axe import AxeBinding
from emulator.axyb import AxybBinding, AxybPair, pair_of
from emulator.callrecord import Call
from emulator.world import Mode

Y, Y2 = "+8617010000005", "+8617010000006"
CALLEE = "+8613800138009"
IDS = {mode: f"3f2b8c10-6a4d-4e57-9b21-00000000001{n}" for n, mode in enumerate(Mode)}


class ModePlatform(Platform):
    """A platform whose one application has a mode and an address for every kind of push."""

    def __init__(
        self, mode: Mode | str, *, application: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        fields = {"mode": Mode(mode), "urls": ALL_URLS, "push_num_status": True, **(application or {})}
        super().__init__(application=demo_application(**fields), **settings)

    def bind_ax(self, a: str = A, *, x: str = X, **changes: Any) -> AxBinding:
        """Put A behind an X."""
        identity = {"subscription_id": IDS[Mode.AX] if x == X else self.world.new_id()}
        fields = {"app_key": APP_KEY, "bound_at": self.clock.now(), **identity, **changes}
        return self.world.ax.add(AxBinding(x=x, a=a, **fields))

    def callee(self, number: str = CALLEE, seconds: int = 60, user_data: str | None = None) -> None:
        """Set the temporary callee of the AX binding."""
        now = self.clock.now()
        ends = now + timedelta(seconds=seconds)
        self.world.ax.set_callee(IDS[Mode.AX], TemporaryCallee(number, now, ends, user_data))

    def bind_axe(self, a: str = A, extension: str = "0007", *, x: str = X, **changes: Any) -> AxeBinding:
        """Put A behind an extension of X."""
        identity = {"subscription_id": IDS[Mode.AXE] if extension == "0007" else self.world.new_id()}
        now = self.clock.now()
        fields = {"app_key": APP_KEY, "bound_at": now, "started_at": now, **identity, **changes}
        return self.world.axe.add(AxeBinding(x=x, a=a, extension=extension, **fields))

    def bind_axyb(self, a: str = A, *, x: str = X, **changes: Any) -> AxybBinding:
        """Put A behind the X of an AX."""
        identity = {"subscription_id": IDS[Mode.AXYB] if x == X else self.world.new_id()}
        fields = {"app_key": APP_KEY, "bound_at": self.clock.now(), "bind_id": self.world.new_id()}
        return self.world.axyb.add(AxybBinding(x=x, a=a, **{**fields, **identity, **changes}))

    def pair(self, ax: AxybBinding, b: str = B, *, y: str = Y, **fields: Any) -> AxybPair:
        """Give a B of an AX a Y."""
        now = self.clock.now()
        return self.world.axyb.add_pair(pair_of(ax, self.world.new_id(), y, b, now, **fields))

    def answer(self, answer: Callable[[dict[str, Any]], httpx.Response] | dict[str, Any] | bytes) -> None:
        """Answer every question so; everything else is answered 200."""

        def respond(request: httpx.Request) -> httpx.Response:
            body = self.receiver.requests[-1].body
            asked = body.get("statusInfo", body.get("smsEvent", {}))
            if "Block" not in (asked.get("notifyMode"), asked.get("notificationMode")):
                return httpx.Response(200)
            if callable(answer):
                return answer(body)
            return httpx.Response(
                200, **({"content": answer} if isinstance(answer, bytes) else {"json": answer})
            )

        self.receiver.answer = respond

    def cdr(self, call: Call) -> dict[str, Any]:
        """The one CDR of a call; fails when there is none or more than one."""
        [entry] = [entry for entry in self.receiver.cdrs() if entry["sessionId"] == call.session_id]
        return entry

    def infos(self, event: str) -> list[dict[str, Any]]:
        """What every event of a type told."""
        return [body["statusInfo"] for body in self.receiver.events() if body["eventType"] == event]


def facts(entry: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a CDR: who dialled what and who was reached, absent ones as None."""
    names = ("direction", "callerNum", "bindNum", "calleeNum", "fwdDisplayNum", "fwdDstNum")
    return {name: entry.get(name) for name in names}


def reached(
    direction: int, caller: str, dialled: str, shown: str | None, callee: str | None
) -> dict[str, Any]:
    """What `facts` must be."""
    return {
        "direction": direction,
        "callerNum": caller,
        "bindNum": dialled,
        "calleeNum": dialled,
        "fwdDisplayNum": shown,
        "fwdDstNum": callee,
    }


def later(seconds: float) -> Any:
    """A moment after the start."""
    return START + timedelta(seconds=seconds)
