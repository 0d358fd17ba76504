"""The bindings function on moto's tables, and a platform that is a dictionary."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import boto3
from moto import mock_aws

from builders.deployment import table_request
from functions.bindings import app
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.platform.client import NoAnswer, Response
from privatenumber.settings import Settings
from privatenumber.store import clients

A, B, C = "+8613800138001", "+8613800138002", "+8613800138003"
LANDLINE = "+8675520000001"
X1, X2, X3 = "+8617010000001", "+8617010000002", "+8617010000003"
PEOPLE = (A, B, C, LANDLINE)
APPLICATION = "demo-axb"
EMPTY_APPLICATION = "empty-axb"
APP_KEY = "demoAppKey0000000000000001"
START = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
USER = "arn:aws-cn:iam::123456789012:user/order-service"
TABLE = "Bindings"

APPLICATIONS = [
    {
        "id": identity,
        "app_key": app_key,
        "secrets": ["demoAppSecret0000000001"],
        "mode": mode,
        "base_url": "https://platform.example.com",
        "callback_token": "demoCallbackToken0000001",
    }
    for identity, app_key, mode in (
        (APPLICATION, APP_KEY, "AXB"),
        (EMPTY_APPLICATION, "demoAppKey0000000000000002", "AXB"),
        ("demo-ax", "demoAppKey0000000000000003", "AX"),
    )
]

Scripted = tuple[int, str] | Exception


class DictPlatform:
    """AXB of one application in memory (axb.md §2 to §5), answering from a script first.

    A scripted answer is (HTTP status, code); a scripted exception is raised after the request had its effect.
    """

    def __init__(self) -> None:
        self.bindings: dict[str, dict[str, Any]] = {}
        self.script: deque[Scripted] = deque()
        self.requests: list[str] = []

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
        self.requests.append(method)
        scripted = self.script.popleft() if self.script else None
        if isinstance(scripted, tuple):
            return _said(*scripted)
        answer = self._do(method, parse_qs(urlsplit(url).query), json.loads(body) if body else {})
        if scripted is not None:
            raise scripted
        return answer

    def _do(self, method: str, query: dict[str, list[str]], body: dict[str, Any]) -> Response:
        if method == "POST":
            identity = f"3f2b8c10-6a4d-4e57-9b21-{len(self.requests):012d}"
            self.bindings[identity] = body
            effective = {name: body.get(name, 0) for name in ("callDirection", "duration", "maxDuration")}
            return _said(200, "0", subscriptionId=identity, relationNum=body["relationNum"], **effective)
        if method == "GET":
            return self._query(query)
        identity = body["subscriptionId"] if method == "PUT" else query["subscriptionId"][0]
        if identity not in self.bindings:
            return _said(403, "1012007")
        if method == "PUT":
            self.bindings[identity] |= body
        else:
            del self.bindings[identity]
        return _said(200, "0")

    def _query(self, query: dict[str, list[str]]) -> Response:
        wanted = {name: query[name][0] for name in ("relationNum", "callerNum", "calleeNum") if name in query}
        rows = [
            {"subscriptionId": identity, "callDirection": 0, "duration": 0, "maxDuration": 0, **binding}
            for identity, binding in self.bindings.items()
            if wanted.items() <= binding.items()
        ]
        if not rows:
            return _said(403, "1012007")
        return _said(200, "0", totalCount=len(rows), pageIndex=1, pageSize=50, relationNumList=rows)


def no_answer() -> NoAnswer:
    """The answer is lost after the platform did its work."""
    return NoAnswer("lost")


def _said(status: int, code: str, **more: Any) -> Response:
    envelope = {"resultcode": code, "resultdesc": "Success" if code == "0" else "refused", **more}
    return Response(status, {"content-type": "application/json"}, json.dumps(envelope).encode())


class FakeContext:
    """What Lambda tells a handler."""

    aws_request_id = "request-0000"

    def __init__(self, seconds: float = 25.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass(frozen=True)
class Answer:
    """An answer of the API; `text` is everything a caller gets to see."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str


@dataclass
class BindingsApi:
    """The function with its world; `now` is the clock of the domain."""

    platform: DictPlatform
    now: datetime = START
    seconds: float = 25.0
    user: str = USER
    answers: list[Answer] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def call(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        encoded: bool = False,
    ) -> Answer:
        """Send a request through the handler; a `body` that is no text is sent as JSON."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        event = http_event(route, path=path, query=query, body=text, headers=headers, user=self.user)
        return self.send({**event, "isBase64Encoded": encoded})

    def send(self, event: Mapping[str, Any]) -> Answer:
        """Hand an event to the handler as it is."""
        response = app.handler(event, FakeContext(self.seconds))
        text = json.dumps(response, ensure_ascii=False)
        answer = Answer(response["statusCode"], response["headers"], json.loads(response["body"]), text)
        self.answers.append(answer)
        return answer

    def bind(self, a: str = A, b: str = B, *, order: str = "order-1001", **more: Any) -> Answer:
        """POST /bindings for two hours."""
        headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
        body = {"application": APPLICATION, "order": order, "a": a, "b": b, "ttl_seconds": 7200, **more}
        return self.call("POST /bindings", body=body, headers=headers)

    def put_number(self, x: str, **fields: Any) -> Answer:
        """PUT /numbers/{x}."""
        return self.call("PUT /numbers/{x}", path={"x": x}, body=fields)

    def add_numbers(self, *numbers: str, **fields: Any) -> None:
        """Register X numbers of Shenzhen."""
        described = {"application": APPLICATION, "area_code": "0755", "number_type": "virtual", **fields}
        for x in numbers:
            assert self.put_number(x, **described).status == 201


def http_event(
    route: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    user: str = USER,
) -> dict[str, Any]:
    """An event of payload format 2.0 with an IAM caller."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "headers": {"accept": "application/json", **(headers or {})},
        "requestContext": {
            "authorizer": {"iam": {"userArn": user}},
            "requestId": "api-request-1",
            "http": {"method": route.split()[0]},
        },
        "isBase64Encoded": False,
    }
    optional = {"pathParameters": path, "queryStringParameters": query, "body": body}
    return event | {name: value for name, value in optional.items() if value is not None}


@cache
def _client(service: Any) -> Any:
    # moto answers every client made after its import; making one takes longer than most tests.
    return boto3.client(
        service, region_name="cn-north-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@contextmanager
def running_api(platform: DictPlatform) -> Iterator[tuple[BindingsApi, Rooms]]:
    """The function's domain on moto, talking to `platform`."""
    factories: dict[str, Any] = {
        "dynamodb": lambda: _client("dynamodb"),
        "kms": lambda: _client("kms"),
        "secrets": lambda: _client("secretsmanager"),
    }
    with mock_aws(), patch.multiple(clients, **factories):
        clients.dynamodb().create_table(**table_request("BindingsTable", TABLE))
        secret = clients.secrets().create_secret(
            Name="applications", SecretString=json.dumps({"applications": APPLICATIONS})
        )
        settings = Settings(
            {
                "BINDINGS_TABLE": TABLE,
                "APPLICATIONS_SECRET": secret["ARN"],
                "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
            }
        )
        api = BindingsApi(platform)
        yield api, _rooms(api, settings)


def _rooms(api: BindingsApi, settings: Settings) -> Rooms:
    return Rooms(
        settings,
        transport=lambda proxy: api.platform,
        clock=lambda: api.now,
        sleep=lambda seconds: None,
        count=app._count,
    )
