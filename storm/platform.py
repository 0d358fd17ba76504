"""The platform in the same process: its API behind our transport, its pushes before our callbacks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from emulator.connections import ConnectionDroppedError
from emulator.inventory import Account, Application, Mode, Number, PushUrls
from emulator.platform import Emulator
from emulator.settings import ByNumberType, EmulatorSettings, PriceSettings
from privatenumber.platform.transport import NoAnswer, NoConnection, Response
from storm.clockwork import Clockwork
from storm.deployment import MINUTE

EGRESS: Final = "100.64.0.1"
ACCOUNT: Final = "storm"
PLATFORM_URL: Final = "https://platform.example.com"
OUR_URL: Final = "https://ours.example.com"
AREA: Final = "0755"
NUMBERS: Final = {"AX": 16, "AXB": 4, "AXE": 3, "AXYB": 24, "X": 4}


def application_id(mode: str) -> str:
    """Our name of the application of a mode."""
    return f"storm-{mode.lower()}"


def app_key(mode: str) -> str:
    """The platform's name of it."""
    return f"stormAppKey{mode:0>15}"


OURS: Final = {app_key(mode): application_id(mode) for mode in NUMBERS}
"""Our names of the applications by those of the platform."""


def x_numbers(mode: str) -> list[str]:
    """The private numbers of the application of a mode."""
    place = list(NUMBERS).index(mode) + 1
    return [f"+86170{place:02d}{n:06d}" for n in range(1, NUMBERS[mode] + 1)]


def secrets_document() -> dict[str, Any]:
    """The applications' secret, as an operator would fill it in."""
    return {
        "applications": [
            {
                "id": application_id(mode),
                "app_key": app_key(mode),
                "secrets": [_secret(mode)],
                "mode": mode,
                "base_url": PLATFORM_URL,
                "callback_token": _token(mode),
                "tps": 0,
                "sms_default": "forward",
            }
            for mode in NUMBERS
        ]
    }


def furnish(emulator: Emulator) -> None:
    """Order applications and numbers at the platform's console."""
    now = emulator.scheduler.now()
    emulator.world.accounts[ACCOUNT] = Account(ACCOUNT)
    for mode in NUMBERS:
        base = f"{OUR_URL}/callbacks/{application_id(mode)}/{_token(mode)}"
        urls = PushUrls(
            status=f"{base}/status",
            fee=f"{base}/fee",
            num_status=f"{base}/number",
            sms_notify=f"{base}/sms",
            sms_control=f"{base}/sms",
        )
        application = Application(
            app_key(mode), (_secret(mode),), Mode(mode), ACCOUNT, urls=urls, push_num_status=True
        )
        emulator.world.put_application(application)
        for x in x_numbers(mode):
            emulator.world.put_number(Number(x=x, app_key=application.app_key, area_code=AREA), now)


def settings(seed: int) -> EmulatorSettings:
    """The platform as it is documented, strict about what it is sent, and late with nothing."""
    prices = PriceSettings(call=ByNumberType(virtual=Decimal(MINUTE), carrier=Decimal(MINUTE)))
    return EmulatorSettings(seed=seed, strictness="strict", price=prices)


_SERVER_ERROR: Final = 500


class Door:
    """Our way to the platform: one request, answered in the same moment.

    `refused` says whether no connection comes about. What waits for an answer in vain waits as long as the
    client does. `answered` is when the application of each mode sent a request that was answered: an error of
    the server is no answer.
    """

    def __init__(self, emulator: Emulator, clockwork: Clockwork) -> None:
        self._emulator = emulator
        self._clockwork = clockwork
        self.refused: Callable[[], bool] = lambda: False
        self.done: list[Callable[[str, int | None], None]] = []
        self.answered: dict[str, list[datetime]] = {mode: [] for mode in NUMBERS}

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Response:
        """Send one request. Raises NoConnection, NoAnswer."""
        if self.refused():
            self._clockwork.sleep(connect_s)
            raise NoConnection("refused")
        try:
            response = at_once(self.ask(method, url, headers, body or b""))
        except ConnectionDroppedError:
            self._tell(method, None)
            self._clockwork.sleep(read_s)
            raise NoAnswer("dropped") from None
        self._tell(method, response.status)
        self._note_answer(headers, response.status)
        return response

    def _note_answer(self, headers: Mapping[str, str], status: int) -> None:
        told = " ".join(headers.values())
        for mode, moments in self.answered.items():
            if app_key(mode) in told and status < _SERVER_ERROR:
                moments.append(self._emulator.scheduler.now())

    def _tell(self, method: str, status: int | None) -> None:
        for listener in self.done:
            listener(method, status)

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Ask the API as an ASGI server would. Raises ConnectionDroppedError when no answer comes."""
        parts = urlsplit(url)
        given = {"host": parts.netloc, **headers}
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": (EGRESS, 50_000),
        }
        sent: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await self._emulator.endpoint(scope, receive, send)
        head, *rest = sent
        found = {name.decode(): value.decode() for name, value in head["headers"]}
        return Response(head["status"], found, b"".join(part.get("body", b"") for part in rest))


def at_once(work: Coroutine[Any, Any, Response]) -> Response:
    """Run what never waits to its end, inside a running loop."""
    try:
        work.send(None)
    except StopIteration as end:
        answer: Response = end.value
        return answer
    work.close()
    raise RuntimeError("the platform waits for something")


Take = Callable[[str, httpx.Request], httpx.Response]


class Pushes(httpx.AsyncBaseTransport):
    """The network between the platform and our API: hands each push to `take`, which may raise instead."""

    def __init__(self) -> None:
        self.take: Take = lambda path, request: httpx.Response(502)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Deliver one push."""
        await request.aread()
        await asyncio.sleep(0)
        return self.take(str(request.url.path), request)


def push_event(path: str, request: httpx.Request) -> dict[str, Any]:
    """The event that API Gateway makes of a push (payload format 2.0)."""
    _, _, application, token, kind = path.split("/")
    return {
        "version": "2.0",
        "routeKey": f"POST /callbacks/{{app}}/{{token}}/{kind}",
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "requestContext": {
            "requestId": f"push-{id(request)}",
            "http": {"method": "POST", "path": path, "sourceIp": "198.51.100.7"},
        },
        "pathParameters": {"app": application, "token": token},
        "body": request.content.decode(),
        "isBase64Encoded": False,
    }


def push_answer(result: Any) -> httpx.Response:
    """What API Gateway answers when a function has, or has not."""
    if not isinstance(result, Mapping):
        return httpx.Response(500)
    return httpx.Response(result["statusCode"], text=result.get("body") or "", headers=result.get("headers"))


def wrong_request() -> tuple[dict[str, str], bytes]:
    """A request that fails at the door, as of somebody else behind our address."""
    return {"content-type": "application/json", "authorization": "nonsense"}, json.dumps({}).encode()


def _secret(mode: str) -> str:
    return f"stormAppSecret{mode:0>10}"


def _token(mode: str) -> str:
    return f"storm-callback-path-token-{mode:0>6}"
