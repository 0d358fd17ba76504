"""Raw signed requests to an emulator in the test's own process, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from builders.emulator import APP_KEY, SECRET, X1, X2, X3, A, B
from emulator.app import application
from emulator.platform import Emulator
from emulator.settings import EmulatorSettings
from emulator.world import Application, Number
from privatenumber.signing import Scheme, new_nonce, sign

AXB = "/rest/caas/relationnumber/partners/v1.0"
OTHER_KEY, OTHER_SECRET = "demoAppKey0000000000000002", "demoAppSecret0000000002"
FOREIGN_X = "+8617010000009"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer; `code` is the result code, None without JSON."""

    status: int
    headers: httpx.Headers
    text: str

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.text)
        return value

    @property
    def code(self) -> str | None:
        try:
            return str(self.json["resultcode"])
        except ValueError:
            return None

    @property
    def outcome(self) -> tuple[int, str | None]:
        """HTTP status and result code, which belong together (auth.md §4)."""
        return self.status, self.code


class EmulatedApi:
    """An emulator on a virtual clock with one AXB application, X1 to X3 and another application's number."""

    def __init__(self, **settings: Any) -> None:
        self.emulator = Emulator(EmulatorSettings(**settings), push_client=lambda _: _no_receiver())
        self.world = self.emulator.world
        self._loop = asyncio.new_event_loop()
        self._app = application(self.emulator)
        self.put_application()
        self.world.put_application(Application(OTHER_KEY, (OTHER_SECRET,)))
        for x, app_key in ((X1, APP_KEY), (X2, APP_KEY), (X3, APP_KEY), (FOREIGN_X, OTHER_KEY)):
            self.world.put_number(Number(x, app_key), self.now)

    def close(self) -> None:
        self._loop.run_until_complete(self.emulator.close())
        self._loop.close()
        assert self.emulator.scheduler.failures == []

    @property
    def now(self) -> datetime:
        return self.emulator.scheduler.now()

    def put_application(self, **changes: Any) -> None:
        self.world.put_application(Application(**{"app_key": APP_KEY, "secrets": (SECRET,), **changes}))

    def advance(self, seconds: float) -> None:
        self._loop.run_until_complete(self.emulator.scheduler.advance(seconds))

    def signed(
        self,
        *,
        app_key: str = APP_KEY,
        secret: str = SECRET,
        scheme: Scheme = Scheme.AKSK,
        age_s: float = 0,
        nonce: str | None = None,
    ) -> dict[str, str]:
        """Headers signed `age_s` seconds ago by the emulator's clock."""
        created = self.now - timedelta(seconds=age_s)
        return sign(scheme, app_key, secret, created=created, nonce=nonce or new_nonce())

    def send(
        self,
        method: str,
        url: str = AXB,
        *,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """One request with exactly these headers; signed ones when none are given."""
        if body is not None:
            content = json.dumps(body).encode()
        chosen = self.signed() if headers is None else headers
        return self._loop.run_until_complete(self._send(method, url, content, chosen, source))

    def bind(self, a: str | None = A, b: str | None = B, x: str | None = X1, **fields: Any) -> Answer:
        body = {"callerNum": a, "calleeNum": b, "relationNum": x, **fields}
        return self.send("POST", body={name: value for name, value in body.items() if value is not None})

    def bound(self, a: str = A, b: str = B, x: str = X1, **fields: Any) -> str:
        """Bind and return the id."""
        answer = self.bind(a, b, x, **fields)
        assert answer.outcome == (200, "0"), answer.text
        return str(answer.json["subscriptionId"])

    def unbind(self, **query: str) -> Answer:
        return self.send("DELETE", AXB + query_text(query))

    def modify(self, subscription_id: str | None, **fields: Any) -> Answer:
        body = {"subscriptionId": subscription_id, **fields}
        return self.send("PUT", body={name: value for name, value in body.items() if value is not None})

    def query(self, **query: Any) -> Answer:
        return self.send("GET", AXB + query_text(query))

    def notes(self) -> list[str]:
        """What the journal remarks on the latest request."""
        return list(self.emulator.journal.entries(kind="request")[-1].notes)

    async def _send(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], source: str
    ) -> Answer:
        transport = httpx.ASGITransport(self._app, client=(source, 40000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://emulator", trust_env=False
        ) as client:
            response = await client.request(method, url, content=content, headers=dict(headers))
        return Answer(response.status_code, response.headers, response.text)


def _no_receiver() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(503)))


def query_text(query: Mapping[str, Any]) -> str:
    return "?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
