"""The emulator over real HTTP on a free loopback port, in a thread of the test, and its admin client.

with running_emulator() as emulator:
    emulator.admin.application(urls={"status": ...})
    emulator.admin.numbers(X1, X2)
    ... requests go to emulator.address ...
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import httpx

from emulator.certificates import TlsFiles
from emulator.clock import Machine, machine_time
from emulator.platform import Emulator
from emulator.server import EmulatorServer, Https
from emulator.settings import EmulatorSettings

APP_KEY = "demoAppKey0000000000000001"
SECRET = "demoAppSecret0000000001"
A, B, C, D = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"
X1, X2, X3 = "+8617010000001", "+8617010000002", "+8617010000003"
LANDLINE = "+8675520000001"

Json = dict[str, Any]


class AdminClient:
    """Orders to an emulator; one it refuses raises AssertionError with the emulator's own explanation."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=f"{address}/__emu", trust_env=False, timeout=60)

    def close(self) -> None:
        """Release the connection."""
        self._http.close()

    def health(self) -> Json:
        """Clock, seed, failures inside."""
        return self._ask("GET", "/health")

    def now(self) -> datetime:
        """The emulator's time."""
        return datetime.fromisoformat(self._ask("GET", "/clock")["now"])

    def advance(self, seconds: float) -> Json:
        """Move the clock, running what comes due."""
        return self._ask("POST", "/clock/advance", {"seconds": seconds})

    def advance_to(self, moment: datetime) -> Json:
        """Move the clock to a moment."""
        return self._ask("POST", "/clock", {"now": moment.isoformat()})

    def application(self, app_key: str = APP_KEY, *, secret: str = SECRET, **settings: Any) -> Json:
        """Register an application, AXB unless told otherwise."""
        return self._ask("PUT", f"/applications/{app_key}", {"secrets": [secret], **settings})

    def numbers(
        self,
        *numbers: str,
        app_key: str = APP_KEY,
        area_code: str = "0755",
        issue_after_s: int = 0,
        **fields: Any,
    ) -> Json:
        """Issue X numbers; ``type``, ``issued_on``, ``sms`` and ``activated`` are further fields."""
        issued = [{"number": number, "area_code": area_code, **fields} for number in numbers]
        order = {"app_key": app_key, "numbers": issued, "issue_after_s": issue_after_s}
        return self._ask("POST", "/numbers", order)

    def number(self, x: str, order: str, **values: Any) -> Json:
        """Order something for one number: ``activate``, ``transfer``, ``unsubscribe``."""
        return self._ask("POST", f"/numbers/{x.removeprefix('+86')}/{order}", values)

    def switch_sms(self, x: str, on: bool) -> Json:
        """Switch SMS of a number on or off."""
        return self._ask("PUT", f"/numbers/{x.removeprefix('+86')}/sms", {"on": on})

    def number_status(self, x: str, status: str, cause: str | None = None) -> Json:
        """Change the state of a number."""
        return self._ask(
            "PUT", f"/numbers/{x.removeprefix('+86')}/status", {"status": status, "cause": cause}
        )

    def arrears(self, frozen: bool, account: str = "default") -> Json:
        """Freeze an account, or pay."""
        return self._ask("PUT", f"/accounts/{account}", {"frozen": frozen})

    def release(self, account: str = "default") -> Json:
        """Take the numbers of an account that did not pay."""
        return self._ask("POST", f"/accounts/{account}/release")

    def messages(self) -> list[Json]:
        """All SMS."""
        return self._list("/sms", "sms")

    def call(self, caller: str, called: str, **script: Any) -> Json:
        """Place a call; ``wait=True`` advances the clock to its end."""
        return self._ask("POST", "/calls", {"caller": caller, "called": called, **script})

    def calls(self) -> list[Json]:
        """All calls."""
        return self._list("/calls", "calls")

    def sms(self, sender: str, x: str, text: str, **script: Any) -> Json:
        """Send an SMS; ``wait=True`` advances the clock to its outcome."""
        return self._ask("POST", "/sms", {"sender": sender, "x": x, "text": text, **script})

    def bindings(self, x: str | None = None) -> list[Json]:
        """Live bindings, of one X or of all."""
        return self._list("/bindings", "bindings", {"x": x} if x else {})

    def fault(self, kind: str, *, where: Literal["api", "push"] = "api", **order: Any) -> Json:
        """Order a fault: ``match``, ``times``, ``nth``, ``probability``, ``params``."""
        return self._ask("POST", "/faults", {"where": where, "kind": kind, **order})

    def faults(self) -> list[Json]:
        """All faults with how often they acted."""
        return self._list("/faults", "faults")

    def clear_faults(self) -> None:
        """Withdraw all faults."""
        self._ask("DELETE", "/faults")

    def deliveries(self, **asked: str) -> list[Json]:
        """Pushes by ``kind``, ``state``, ``application``."""
        return self._list("/deliveries", "deliveries", asked)

    def resend(self, delivery_id: str) -> Json:
        """Attempt a push once more."""
        return self._ask("POST", f"/deliveries/{delivery_id}/resend")

    def requests(self, **asked: str) -> list[Json]:
        """Journal by ``kind`` (request, fault), ``api``, ``x``, ``code``, ``noted`` (true: warnings)."""
        return self._list("/requests", "entries", asked)

    def counts(self) -> dict[str, dict[str, int]]:
        """API -> result code -> number of requests."""
        counts: dict[str, dict[str, int]] = self._ask("GET", "/requests")["counts"]
        return counts

    def truth(self) -> Json:
        """What really happened and costs."""
        return self._ask("GET", "/truth")

    def export(self, name: str, **asked: str) -> bytes:
        """One of the console's files: calls, bill, numbers, stats."""
        response = self._http.get(f"/exports/{name}.csv", params=asked)
        assert response.status_code == 200, response.text
        return response.content

    def reset(self, **order: Any) -> Json:
        """Start anew, optionally with ``seed``, ``settings``, ``now``."""
        return self._ask("POST", "/reset", order)

    def _list(self, path: str, name: str, params: Mapping[str, str] | None = None) -> list[Json]:
        found: list[Json] = self._ask("GET", path, params=params)[name]
        return found

    def _ask(
        self, method: str, path: str, body: Json | None = None, *, params: Mapping[str, str] | None = None
    ) -> Json:
        response = self._http.request(method, path, json=body, params=params)
        assert response.is_success, f"{response.status_code} {response.text}"
        answer: Json = response.json()
        return answer


@dataclass(frozen=True)
class RunningEmulator:
    """A served emulator. ``emulator`` is only looked at, never called: it lives in another thread.

    ``secure_address`` is where HTTPS is served, None without.
    """

    address: str
    admin: AdminClient
    emulator: Emulator
    secure_address: str | None = None


@contextmanager
def running_emulator(
    *,
    clock: Literal["virtual", "real"] = "virtual",
    start: datetime | None = None,
    machine: Machine = machine_time,
    ready: bool = True,
    tls: TlsFiles | None = None,
    **settings: Any,
) -> Iterator[RunningEmulator]:
    """Serve an emulator until the block ends. ``ready``: with one application and the numbers X1 to X3.

    ``tls``: over HTTPS, too, with these files.
    """
    emulator = Emulator(EmulatorSettings(**settings), clock=clock, start=start, machine=machine)
    listening = threading.Event()
    https = Https(0, tls) if tls is not None else None
    server = EmulatorServer(emulator, https=https, on_listening=lambda address: listening.set())
    thread = threading.Thread(target=server.run, name="emulator", daemon=True)
    thread.start()
    assert listening.wait(20), "the emulator does not listen"
    admin = AdminClient(server.address)
    try:
        if ready:
            admin.application()
            admin.numbers(X1, X2, X3)
        yield RunningEmulator(server.address, admin, emulator, server.secure_address)
    finally:
        admin.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the emulator does not stop"
        assert emulator.scheduler.failures == [], "an action of the emulator failed; its log says why"
