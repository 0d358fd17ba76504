"""Every deployed function in one process, on moto and an emulator: what a request or an event meets in AWS.

Functions, their environment and their sources are read from template.yaml. What they print is kept.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from moto import mock_aws

from builders.deployment import table_request
from builders.emulator import running_emulator
from builders.mocked_dynamodb import safe_and_quick
from builders.pushes import signed_headers
from local.tenant import BY_MODE, Tenant, application_secret
from privatenumber.store import clients
from privatenumber.store.items import decode
from privatenumber.times import utc_now
from storm.deployment import TABLES, Deployment, Function, read_deployment

USER = "arn:aws-cn:iam::123456789012:user/order-service"
REGION = "cn-north-1"
ROUTES: Mapping[str, str] = {
    "bindings": "BindingsFunction",
    "calls": "CallsFunction",
    "bills": "BillsFunction",
    "webhooks": "WebhooksFunction",
}


@dataclass
class Context:
    """A runtime with time left."""

    aws_request_id: str = "request-1"
    function_name: str = "house"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws-cn:lambda:{REGION}:123456789012:function:house"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass(frozen=True)
class Answer:
    """An answer as a caller sees it."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


@dataclass
class House:
    """The functions, and all that they printed."""

    deployment: Deployment
    environment: Mapping[str, str]
    printed: io.StringIO = field(default_factory=io.StringIO)
    routes: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    def invoke(self, name: str, event: Any) -> Any:
        """Invoke a function; raises what it raises."""
        function = self.deployment.functions[name]
        os.environ.update(self._environment_of(function))
        module = importlib.import_module(function.module)
        with redirect_stdout(self.printed):
            for handler in _handlers():
                # Its old one may be closed: that of the test that came first.
                handler.stream = self.printed
            return getattr(module, function.handler)(json.loads(json.dumps(event)), Context())

    def ask(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        encoded: bool = False,
    ) -> Answer:
        """Send one request to whichever function has the route."""
        self.requests += 1
        event = {
            "version": "2.0",
            "routeKey": route,
            "pathParameters": {name: quote(value, safe="") for name, value in (path or {}).items()},
            "queryStringParameters": dict(query or {}),
            "headers": {"content-type": "application/json", **(headers or {})},
            "body": body.decode() if isinstance(body, bytes) else body,
            "isBase64Encoded": encoded,
            "requestContext": {
                "requestId": f"r{self.requests}",
                "authorizer": {"iam": {"userArn": USER}},
                "http": {"method": route.partition(" ")[0], "path": "/", "sourceIp": "192.0.2.1"},
            },
        }
        result = self.invoke(self.routes[route], event)
        return Answer(result["statusCode"], result.get("body") or "", result.get("headers") or {})

    def push(
        self, tenant: Tenant, kind: str, body: str, *, headers: Mapping[str, str] | None = None,
        token: str | None = None, encoded: bool = False,
    ) -> Answer:  # fmt: skip
        """Push as the platform does, signed unless other headers are given."""
        if headers is None:
            headers = signed_headers(utc_now(), app_key=tenant.app_key, secret=tenant.app_secret)
        event = {
            "version": "2.0",
            "routeKey": f"POST /callbacks/{{app}}/{{token}}/{kind}",
            "pathParameters": {"app": tenant.id, "token": token or tenant.callback_token},
            "headers": dict(headers),
            "body": body,
            "isBase64Encoded": encoded,
            "requestContext": {
                "requestId": "push",
                "http": {"method": "POST", "path": "/callbacks", "sourceIp": "192.0.2.1"},
            },
        }
        result = self.invoke("CallbacksFunction", event)
        return Answer(result["statusCode"], result.get("body") or "", result.get("headers") or {})

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        """Everything in a table, decoded."""
        for page in clients.dynamodb().get_paginator("scan").paginate(TableName=table):
            yield from map(decode, page["Items"])

    def messages(self, queue: str) -> Iterator[Mapping[str, Any]]:
        """What waits in a queue, taken from it, as records of an event."""
        url = self.environment[queue]
        while found := clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                clients.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield {"messageId": message["MessageId"], "body": message["Body"], "attributes": {}}

    def log(self) -> list[str]:
        """The lines printed since the last look."""
        lines = self.printed.getvalue().splitlines()
        self.printed.seek(0)
        self.printed.truncate()
        return lines

    def _environment_of(self, function: Function) -> dict[str, str]:
        """What a function finds in its environment; those of one module share one here."""
        sharing = [one for one in self.deployment.functions.values() if one.module == function.module]
        found = {name: value for one in sharing for name, value in one.environment.items()}
        return {name: self.environment.get(value, value) for name, value in found.items()}


@contextmanager
def running_house() -> Iterator[House]:
    """The house on empty tables, with the companies of the local stack and their numbers at the platform."""
    with (
        pytest.MonkeyPatch.context() as patch,
        running_emulator(ready=False, start=utc_now(), signing_clock="machine") as emulator,
        mock_aws(),
        safe_and_quick(),
    ):
        _environment(patch)
        deployment = read_deployment()
        for function in deployment.functions.values():
            for name in function.environment:
                patch.setenv(name, "")
        _forget(deployment)
        house = House(deployment, _resources(deployment, emulator.address))
        house.routes = _routes(deployment)
        for tenant in BY_MODE.values():
            emulator.admin.application(tenant.app_key, secret=tenant.app_secret, mode=tenant.mode.value)
            emulator.admin.numbers(*tenant.numbers, app_key=tenant.app_key)
        yield house
        _forget(deployment)


def _environment(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_DEFAULT_REGION", REGION)
    patch.setenv("AWS_ACCESS_KEY_ID", "moto")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "moto")
    patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "house")
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def look_up_here(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if str(host).endswith(".example.com"):
            host = "192.0.1.1"
        elif host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "nobody has this name")
        return look_up(host, port, *args, **more)

    def connect_here(this: socket.socket, address: Any) -> None:
        if address[0] not in ("127.0.0.1", "localhost"):
            raise ConnectionRefusedError("there is no network here")
        connect(this, address)

    patch.setattr(socket, "getaddrinfo", look_up_here)
    patch.setattr(socket.socket, "connect", connect_here)


def _resources(deployment: Deployment, platform: str) -> dict[str, str]:
    for table in TABLES:
        clients.dynamodb().create_table(**table_request(table, table))
    made: dict[str, str] = {}
    for queue in deployment.queues:
        made[queue.name] = clients.sqs().create_queue(QueueName=queue.name)["QueueUrl"]
    for bucket in ("ExchangeBucket", "RecordingsBucket"):
        made[bucket] = bucket.lower()
        boto3.client("s3").create_bucket(
            Bucket=made[bucket],
            CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item]
        )
    made["DataKey"] = clients.kms().create_key()["KeyMetadata"]["Arn"]
    secret = json.dumps(application_secret(platform, *BY_MODE.values()))
    made["ApplicationsSecret"] = clients.secrets().create_secret(Name="secret", SecretString=secret)["ARN"]
    return made


def _routes(deployment: Deployment) -> dict[str, str]:
    """Which function has which route of the API, by what the functions say themselves."""
    routes = {
        route: name
        for room, name in ROUTES.items()
        for route in importlib.import_module(f"functions.{room}.app").ROUTES
    }
    routes.update(dict.fromkeys(importlib.import_module("functions.erasure.app").ROUTES, "ErasureFunction"))
    routes[importlib.import_module("functions.recordings.app").ROUTE] = "RecordingsReadFunction"
    return routes


def _handlers() -> Iterator[logging.StreamHandler[Any]]:
    """Where the functions' loggers write."""
    names = ("privatenumber", *logging.root.manager.loggerDict)
    for name in names:
        for handler in logging.getLogger(name).handlers:
            if (
                isinstance(handler, logging.StreamHandler)
                and "owertools" in type(handler.formatter).__mro__[1].__name__
            ):
                yield handler


def _forget(deployment: Deployment) -> None:
    """Begin as new environments do."""
    modules = {importlib.import_module(one.module) for one in deployment.functions.values()}
    for module in (clients, *modules):
        for value in vars(module).values():
            if callable(getattr(value, "cache_clear", None)):
                value.cache_clear()
