"""A platform in memory: scripted answers, recorded requests, a clock that only moves when told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from privatenumber.deadline import Deadline
from privatenumber.platform.budget import UNLIMITED, Budget
from privatenumber.platform.client import MemoryPauses, PlatformClient, Response
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme

START = datetime(2026, 9, 2, 1, tzinfo=UTC)

APPLICATION = Application(
    id="ride",
    app_key="demoAppKey0000000000000001",
    secrets=("demoAppSecret0000000001", "demoAppSecret0000000002"),
    mode=Mode.AXB,
    base_url="https://platform.example",
    scheme=Scheme.AKSK,
    callback_token="callback-token-0001",
)

Answer = Response | Exception | Callable[[], Response]


@dataclass
class VirtualTime:
    """Seconds of a monotonic clock and the wall time that goes with them."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def deadline(self, seconds: float = 25.0) -> Deadline:
        return Deadline.after(seconds, self.monotonic)


@dataclass
class Sent:
    """One request as it left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    connect_s: float
    read_s: float

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass
class ScriptedTransport:
    """Answers in the order given, the last one for ever."""

    answers: list[Answer]
    sent: list[Sent] = field(default_factory=list)

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
        answer = self.answers[min(len(self.sent), len(self.answers) - 1)]
        self.sent.append(Sent(method, url, headers, body, connect_s, read_s))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer()


def answered(status: int, code: str | int | None = None, **members: Any) -> Response:
    """An answer with the platform's envelope; without a code, a page that is no JSON."""
    if code is None:
        return Response(status, {}, b"<html></html>")
    body = {"resultcode": code, "resultdesc": "text", **members}
    return Response(status, {}, json.dumps(body).encode())


def bound(**members: Any) -> Response:
    """The answer of a successful bind (axb.md §2)."""
    return answered(
        200,
        "0",
        **{
            "subscriptionId": "3f2b8c10-6a4d-4e57-9b21-000000000002",
            "relationNum": "+8617010000002",
            "callDirection": 0,
            "duration": 7200,
            "maxDuration": 60,
            **members,
        },
    )


@dataclass
class Platform:
    """A client, what it talks to, and its time."""

    transport: ScriptedTransport
    time: VirtualTime
    pauses: MemoryPauses
    client: PlatformClient

    @property
    def requests(self) -> list[Sent]:
        return self.transport.sent


def scripted(
    *answers: Answer, application: Application = APPLICATION, budget: Budget = UNLIMITED
) -> Platform:
    """A client whose platform gives these answers."""
    time = VirtualTime()
    transport = ScriptedTransport(list(answers))
    pauses = MemoryPauses(time.now)
    numbers = iter(range(1, 1000))
    client = PlatformClient(
        application,
        transport=transport,
        pauses=pauses,
        budget=budget,
        clock=time.now,
        nonce=lambda: f"{next(numbers):032x}",
        sleep=time.sleep,
        random=lambda: 0.5,
    )
    return Platform(transport, time, pauses, client)
