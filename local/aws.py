"""The stack's AWS side: clients for MiniStack and signed requests to the deployed HTTP API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REGION = "cn-north-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@dataclass(frozen=True)
class Aws:
    """Clients for one MiniStack; every call goes to its loopback address."""

    endpoint: str

    @cached_property
    def session(self) -> boto3.Session:
        """The boto3 session with the local stack's own credentials, whatever the machine has."""
        return boto3.Session("test", "test", region_name=REGION)

    def client(self, service: str) -> Any:
        """Return a boto3 client of `service`."""
        config = Config(retries={"mode": "standard", "max_attempts": 3}, read_timeout=60)
        return self.session.client(service, endpoint_url=self.endpoint, config=config)  # type: ignore[call-overload]

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function and return its JSON answer; a function error raises RuntimeError."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} failed: {payload[:2000].decode(errors='replace')}")
        return json.loads(payload) if payload else None


@dataclass(frozen=True)
class BusinessApi:
    """The deployed HTTP API, called as a business system would: JSON over SigV4-signed requests."""

    base_url: str
    aws: Aws

    def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """Send one signed request; `body` is sent as JSON, or as CSV when it is a string."""
        url = f"{self.base_url}{path}" + (f"?{urlencode(query)}" if query else "")
        content, kind = _encode(body)
        request = AWSRequest(method, url, data=content, headers={"Content-Type": kind, **(headers or {})})
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
        return httpx.request(method, url, content=content, headers=dict(request.headers.items()), timeout=60)


def _encode(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "application/json"
    if isinstance(body, str):
        return body.encode(), "text/csv; charset=utf-8"
    return json.dumps(body).encode(), "application/json"
