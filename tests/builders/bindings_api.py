"""The bindings function on moto's tables, and a platform that is a dictionary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from builders.bindings_platform import DictPlatform
from builders.deployment import table_request
from functions.bindings import app
from local.tenant import BY_MODE
from privatenumber.bindings.bootstrap import Rooms
from privatenumber.platform.client import Transport
from privatenumber.settings import Mode, Settings
from privatenumber.store import clients

A, B, C, D = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"
LANDLINE = "+8675520000001"
X1, X2, X3 = "+8617010000001", "+8617010000002", "+8617010000003"
PEOPLE = (A, B, C, D, LANDLINE)
APPLICATION = "demo-axb"
EMPTY_APPLICATION = "empty-axb"
APP_KEY = "demoAppKey0000000000000001"
APP_SECRET = "demoAppSecret0000000001"
START = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
USER = "arn:aws-cn:iam::123456789012:user/order-service"
TABLE = "Bindings"
BILLS = "bills"
"""Made by the tests that look at calls."""


COMPANIES: Mapping[Mode, str] = {
    **{mode: tenant.id for mode, tenant in BY_MODE.items()},
    Mode.AXB: APPLICATION,
}
"""The application of each mode."""

NUMBERS: Mapping[Mode, tuple[str, ...]] = {mode: tenant.numbers for mode, tenant in BY_MODE.items()}
"""Its X numbers."""

APP_KEYS = {
    **{tenant.id: tenant.app_key for mode, tenant in BY_MODE.items() if mode is not Mode.AXB},
    APPLICATION: APP_KEY,
    EMPTY_APPLICATION: "demoAppKey0000000000000009",
}

ASKED: Mapping[Mode, Mapping[str, Any]] = {
    Mode.AX: {},
    Mode.AXB: {"b": B},
    Mode.AXE: {},
    Mode.AXYB: {"b": B, "area": "0755"},
    Mode.X: {"b": B},
}
"""What a bind of A names beside A, in each mode."""


def applications_document(base_url: str = "https://platform.example.com") -> dict[str, Any]:
    """The document of the applications' secret: one of each mode, and one more without numbers."""
    modes = {company: mode.value for mode, company in COMPANIES.items()}
    return {
        "applications": [
            {
                "id": identity,
                "app_key": app_key,
                "secrets": [APP_SECRET],
                "mode": modes.get(identity, "AXB"),
                "base_url": base_url,
                "callback_token": "demoCallbackToken0000001",
                "tps": 0,
            }
            for identity, app_key in APP_KEYS.items()
        ]
    }


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
    """The function with its world; `now` is the clock of the domain, which every look moves by `tick`."""

    platform: DictPlatform
    now: datetime = START
    tick: timedelta = timedelta()
    seconds: float = 25.0
    user: str = USER
    answers: list[Answer] = field(default_factory=list)

    def clock(self) -> datetime:
        """What time it is."""
        self.now += self.tick
        return self.now

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

    def bind_in(self, mode: Mode, a: str = A, *, order: str = "order-1001", **more: Any) -> Answer:
        """POST /bindings for two hours in the application of a mode, with what the mode needs."""
        company = {"application": COMPANIES[mode], "order": order, "a": a, "ttl_seconds": 7200}
        return self.call("POST /bindings", body={**company, **ASKED[mode], **more})

    def furnish(self, mode: Mode) -> None:
        """Register the X numbers of the application of a mode."""
        self.add_numbers(*NUMBERS[mode], application=COMPANIES[mode])

    def of(self, method: str, identity: str, below: str = "", **request: Any) -> Answer:
        """Ask something of one binding: `of("PUT", id, "/callee", body=…)`."""
        return self.call(f"{method} /bindings/{{id}}{below}", path={"id": identity}, **request)

    def remove_partner(self, identity: str, partner: str) -> Answer:
        """DELETE /bindings/{id}/partners/{partner}."""
        path = {"id": identity, "partner": partner}
        return self.call("DELETE /bindings/{id}/partners/{partner}", path=path)

    def stop(self, session: str, application: str = APPLICATION) -> Answer:
        """POST /calls/{session}/stop."""
        route, query = "POST /calls/{session}/stop", {"application": application}
        return self.call(route, path={"session": session}, query=query)

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
def running_api(
    platform: DictPlatform,
    *,
    way: Transport | None = None,
    base_url: str = "https://platform.example.com",
    now: datetime = START,
) -> Iterator[tuple[BindingsApi, Rooms]]:
    """The function's domain on moto, talking to `platform`, or over `way` to the one at `base_url`."""
    factories: dict[str, Any] = {
        "dynamodb": lambda: _client("dynamodb"),
        "kms": lambda: _client("kms"),
        "secrets": lambda: _client("secretsmanager"),
        "sqs": lambda: _client("sqs"),
    }
    with mock_aws(), patch.multiple(clients, **factories):
        clients.dynamodb().create_table(**table_request("BindingsTable", TABLE))
        secret = clients.secrets().create_secret(
            Name="applications", SecretString=json.dumps(applications_document(base_url))
        )
        settings = Settings(
            {
                "BINDINGS_TABLE": TABLE,
                "BILLS_TABLE": BILLS,
                "APPLICATIONS_SECRET": secret["ARN"],
                "JOBS_QUEUE_URL": clients.sqs().create_queue(QueueName="jobs")["QueueUrl"],
                "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
            }
        )
        api = BindingsApi(platform, now)
        yield api, _rooms(api, settings, way)


def _rooms(api: BindingsApi, settings: Settings, way: Transport | None) -> Rooms:
    return Rooms(
        settings,
        transport=lambda proxy: way or api.platform,
        clock=api.clock,
        sleep=lambda seconds: None,
        count=app._count,
    )
