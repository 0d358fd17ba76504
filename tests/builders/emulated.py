"""An emulated platform on a virtual clock, and a customer's server that keeps what it was pushed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from emulator.books import Books
from emulator.callrecord import Call
from emulator.calls import CallEngine
from emulator.callscript import CallScript
from emulator.clock import Scheduler
from emulator.deliveries import Delivery
from emulator.faults import Fault, FaultPlan
from emulator.found import Exchange
from emulator.numberlife import NumberLife
from emulator.outcomes import ANSWERED_END
from emulator.pool import Pool
from emulator.pushes import Pusher
from emulator.recordings import Recordings
from emulator.settings import EmulatorSettings
from emulator.sms import SmsEngine
from emulator.smsrecord import Sms, SmsScript
from emulator.world import Account, Application, AxbBinding, Mode, Number, PushUrls, World

APP_KEY = "demoAppKey0000000000000001"
SECRET = "demoAppSecret0000000001"
ACCOUNT = "demo_tenant_01"
A, B, STRANGER, D = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"
LANDLINE = "+8675520000001"
X = "+8617010000002"
SUBSCRIPTION = "3f2b8c10-6a4d-4e57-9b21-000000000002"
START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)
STATUS_URL = "https://receiver.example.com/status"
FEE_URL = "https://receiver.example.com/fee"
URLS = PushUrls(status=STATUS_URL, fee=FEE_URL)
SMS_URL, QUESTION_URL = "https://receiver.example.com/sms", "https://receiver.example.com/sms-question"
NUMBER_URL = "https://receiver.example.com/numbers"
ALL_URLS = PushUrls(STATUS_URL, "", FEE_URL, NUMBER_URL, SMS_URL, QUESTION_URL)

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Received:
    """One request that reached the customer's server, at a moment of the emulator's clock."""

    at: datetime
    url: str
    headers: httpx.Headers
    body: dict[str, Any]


@dataclass
class Receiver:
    """The customer's server: answers 200 unless `answer` says otherwise, and keeps every request."""

    clock: Scheduler
    answer: Answer = field(default=lambda request: httpx.Response(200))
    requests: list[Received] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.requests.append(Received(self.clock.now(), str(request.url), request.headers, body))
        return self.answer(request)

    def __len__(self) -> int:
        return len(self.requests)

    def events(self) -> list[dict[str, Any]]:
        """Bodies of the call events, in order of arrival."""
        return [request.body for request in self.requests if "statusInfo" in request.body]

    def event_types(self) -> list[str]:
        return [body["eventType"] for body in self.events()]

    def fees(self) -> list[dict[str, Any]]:
        """Bodies of the CDR pushes, in order of arrival."""
        return [request.body for request in self.requests if "feeLst" in request.body]

    def sms(self, mode: str = "Notify") -> list[dict[str, Any]]:
        """Every SMS event of a mode, in order of arrival."""
        told = [request.body["smsEvent"] for request in self.requests if "smsEvent" in request.body]
        return [event for event in told if event["notificationMode"] == mode]

    def states(self) -> list[list[dict[str, Any]]]:
        """The numbers of every push of number states, in order of arrival."""
        return [request.body["numInfo"] for request in self.requests if "numInfo" in request.body]

    def cdrs(self) -> list[dict[str, Any]]:
        """Every CDR of every push."""
        return [entry for body in self.fees() for entry in body["feeLst"]]


class Platform:
    """World, clock, pusher, call engine and books of one platform with one AXB application and one X."""

    def __init__(
        self,
        *,
        start: datetime = START,
        application: Application | None = None,
        clock: Scheduler | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        served_at: str = "",
        **settings: Any,
    ) -> None:
        self.settings = EmulatorSettings(**settings)
        self.clock = clock or Scheduler("virtual", start=start)
        self.world = World(random.Random(self.settings.seed))
        self.faults = FaultPlan(random.Random(self.settings.seed))
        self.receiver = Receiver(self.clock)
        chance = random.Random(self.settings.seed)
        transport = transport or httpx.MockTransport(self.receiver.handle)
        client = httpx.AsyncClient(transport=transport, timeout=None)
        self.pusher = Pusher(self.world, self.clock, self.faults, self.settings, chance, client=client)
        self.books = Books(self.world, self.settings.price, self.clock.now)
        self.pool = Pool(self.world, self.settings, chance)
        self.recordings = Recordings(
            self.settings.recording, self.pusher.log.cdr_delivered_at, chance, lambda: served_at
        )
        exchange = Exchange(self.world, self.settings, self.pool)
        self.engine = CallEngine(exchange, self.clock, self.pusher, self.books, self.recordings, chance)
        self.sms_engine = SmsEngine(self.world, self.settings, self.clock, self.pusher, self.books)
        self.numbers = NumberLife(self.world, self.clock, self.pusher, self.settings)
        self.world.accounts[ACCOUNT] = Account(ACCOUNT)
        self.world.put_application(application or demo_application())
        self.number(X)

    def number(self, x: str, **changes: Any) -> Number:
        """Issue an X number, owned before everything unless told otherwise."""
        number = Number(x=x, **{"app_key": APP_KEY, **changes})
        self.world.put_number(number, self.clock.now())
        return number

    def bind(self, a: str = A, b: str = B, *, x: str = X, **changes: Any) -> AxbBinding:
        """Bind a pair now."""
        now = self.clock.now()
        identity = {"subscription_id": SUBSCRIPTION if (a, b, x) == (A, B, X) else self.world.new_id()}
        fields = {"app_key": APP_KEY, "started_at": now, "bound_at": now, **identity, **changes}
        return self.world.add_axb(AxbBinding(x=x, a=a, b=b, **fields))

    async def call(self, caller: str = A, called: str = X, **script: Any) -> Call:
        """Place a call and let it run to its end."""
        call = await self.engine.place_and_wait(CallScript(caller=caller, called=called, **script))
        assert call is not None
        return call

    async def sms(self, sender: str = A, x: str = X, text: str = "hello", **script: Any) -> Sms:
        """Send an SMS and wait for its outcome."""
        sms = await self.sms_engine.receive_and_wait(SmsScript(sender=sender, x=x, text=text, **script))
        assert sms is not None
        return sms

    def start_call(self, caller: str = A, called: str = X, **script: Any) -> Call:
        """Place a call and leave the clock where it is."""
        call = self.engine.place(CallScript(caller=caller, called=called, **script))
        assert call is not None
        return call

    def fault(
        self, kind: str, *, times: int | None = 1, match: dict[str, Any] | None = None, **params: Any
    ) -> None:
        """Order a fault of pushes."""
        self.faults.add(Fault(where="push", kind=kind, times=times, match=match or {}, params=params))

    def deliveries(self, kind: str | None = None) -> list[Delivery]:
        return [delivery for delivery in self.pusher.log if kind in (None, delivery.kind)]


def demo_application(**changes: Any) -> Application:
    """An AXB application with an address for events and one for CDRs."""
    fields = {"app_key": APP_KEY, "secrets": (SECRET,), "account": ACCOUNT, "urls": URLS, **changes}
    return Application(**fields)


def ended_call(answered_at: datetime | None, ended_at: datetime, **changes: Any) -> Call:
    """A call as the books get it."""
    number = next(_SERIAL)
    fields: dict[str, Any] = {
        "session_id": f"session-{number}",
        "icid": f"{number:032x}.{number}.1.7",
        "app_key": APP_KEY,
        "mode": Mode.AXB,
        "caller": A,
        "dialled": X,
        "direction": 1,
        "call_in_at": (answered_at or ended_at) - timedelta(seconds=8),
        "number_type": "virtual",
        "area_code": "0755",
        "answered_at": answered_at,
        "ended_at": ended_at,
        "ending": ANSWERED_END,
        **changes,
    }
    return Call(**fields)


def issued(
    x: str, number_type: str = "virtual", *, on: date | None = None, left: date | None = None
) -> Number:
    """A number with its history."""
    assert number_type in ("virtual", "carrier")
    kind: Any = number_type
    return Number(x=x, app_key=APP_KEY, number_type=kind, issued_on=on, unsubscribed_on=left)


def fen(text: str) -> Decimal:
    return Decimal(text)


def _serial() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_SERIAL = _serial()
