"""The deployed stack as tests use it: tenants, what lies in the tables, processes of the functions."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer

from local.processes import wait_until
from local.stack import Stack
from local.tenant import Tenant, platform_application
from privatenumber.signing import Scheme, new_nonce, sign
from privatenumber.times import iso, utc_now

Item = dict[str, Any]


def tenant(serial: int) -> Tenant:
    """A company of its own, so that tests that share the stack do not meet: the n-th has X ...n1 to ...n3."""
    return Tenant(
        id=f"courier-{serial}",
        app_key=f"demoAppKey{serial:016d}",
        app_secret=f"demoAppSecret{serial:010d}",
        callback_token=f"courier-callback-path-token-{serial:07d}",
        area_code="0755",
        numbers=tuple(f"+8617010000{serial:02d}{n}" for n in (1, 2, 3)),
    )


FACTS = frozenset({"cdr", "event", "sms", "number_state", "decision"})
TENANTS = tuple(tenant(serial) for serial in range(10, 30))


def person(tenant: Tenant, n: int) -> str:
    """The n-th person of a tenant's orders, nobody else's."""
    return f"+86138001{tenant.numbers[0][-3:-1]}{n:03d}"


@dataclass(frozen=True)
class Company:
    """One tenant on the stack: what its business systems, its people and the platform do."""

    stack: Stack
    tenant: Tenant

    def open(self) -> Company:
        """Register at the platform and get three numbers."""
        application = platform_application(self.stack.api_url, self.tenant)
        self.stack.platform.send("PUT", f"applications/{self.tenant.app_key}", application)
        self.stack.load_numbers(self.tenant).raise_for_status()
        return self

    def person(self, n: int) -> str:
        """The n-th person."""
        return person(self.tenant, n)

    def bind(
        self, order: str, a: int, b: int, *, ttl_seconds: int = 3600, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Bind two people for an order."""
        body = {"application": self.tenant.id, "order": order, "mode": "AXB", "ttl_seconds": ttl_seconds}
        people = {"a": self.person(a), "b": self.person(b)}
        return self.stack.api.request("POST", "/bindings", body=body | people, headers=headers)

    def find(self, **asked: str) -> list[dict[str, Any]]:
        """Our bindings by `order`, `number` or `x`, newest first."""
        query = {"application": self.tenant.id, **asked}
        answer = self.stack.api.request("GET", "/bindings", query=query).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["bindings"]
        return found

    def read(self, binding_id: str) -> dict[str, Any]:
        """One of our bindings."""
        answer = self.stack.api.request("GET", f"/bindings/{binding_id}").raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def await_state(self, binding_id: str, *states: str, timeout_s: float = 15) -> dict[str, Any]:
        """Wait for a binding to be in one of the states; the assertion shows where it stayed."""
        wait_until(lambda: self.read(binding_id)["state"] in states, timeout_s, every_s=0.1)
        document = self.read(binding_id)
        assert document["state"] in states, document
        return document

    def sweep(self, moment: datetime) -> dict[str, Any]:
        """Let the scheduled function run as if it were `moment`."""
        event = {"scheduled_time": iso(moment)}
        answer: dict[str, Any] = self.stack.aws.invoke(self.stack.outputs["UnbindSweepFunctionName"], event)
        return answer

    def at_platform(self) -> list[dict[str, Any]]:
        """The bindings that the platform holds for this tenant."""
        held = self.stack.platform.get("bindings")["bindings"]
        return [binding for binding in held if binding["app_key"] == self.tenant.app_key]

    def faults_taken(self) -> int:
        """How many ordered faults have acted so far."""
        return len(self.stack.platform.get("requests", kind="fault")["entries"])

    def order_fault(self, api: str, kind: str, **params: Any) -> None:
        """Let the platform do something wrong with this tenant's next request of an API."""
        match = {"api": api, "application": self.tenant.app_key}
        fault = {"where": "api", "kind": kind, "match": match, "times": 1, "params": params}
        self.stack.platform.send("POST", "faults", fault)

    def push(
        self, body: bytes, *, route: str = "status", token: str | None = None, secret: str | None = None,
        created: datetime | None = None, signed: bool = True,
    ) -> httpx.Response:  # fmt: skip
        """Push as the platform does, or as somebody else would: other path token, secret or time."""
        headers = sign(
            Scheme.AKSK,
            self.tenant.app_key,
            secret or self.tenant.app_secret,
            created=created or utc_now(),
            nonce=new_nonce(),
        )
        path = f"/callbacks/{self.tenant.id}/{token or self.tenant.callback_token}/{route}"
        sent = headers if signed else {"content-type": "application/json"}
        return httpx.post(self.stack.api_url + path, content=body, headers=sent, timeout=30)

    def bindings_items(self) -> list[Item]:
        """Everything of this tenant in the Bindings table."""
        return [item for item in items(self.stack, "BindingsTable") if self._is_mine(item)]

    def bills_items(self) -> list[Item]:
        """Everything of this tenant in the Bills table."""
        return [item for item in items(self.stack, "BillsTable") if self._is_mine(item)]

    def facts(self) -> list[str]:
        """The kinds of its facts in the Bills table; what is computed from them is left out."""
        return [item["kind"] for item in self.bills_items() if item.get("kind") in FACTS]

    def _is_mine(self, item: Item) -> bool:
        return f"#{self.tenant.id}#" in f"{item['pk']}#" or item.get("application") == self.tenant.id


def items(stack: Stack, table: str) -> Iterator[Item]:
    """Every item of a table, by the name of the stack's output."""
    read = TypeDeserializer().deserialize
    pages = stack.aws.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=stack.outputs[table], ConsistentRead=True):
        for item in page["Items"]:
            yield {name: read(value) for name, value in item.items()}


def processes(*marks: str) -> list[int]:
    """Ids of the running processes with all `marks` in their command line."""
    return [pid for pid, command in _commands() if all(mark in command for mark in marks)]


def _commands() -> Iterator[tuple[int, str]]:
    if not Path("/proc/self").exists():
        listing = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=True)
        for row in listing.stdout.splitlines():
            pid, _, line = row.strip().partition(" ")
            yield int(pid), line
        return
    for path in Path("/proc").iterdir():
        # A process that ended has no command line, even while nobody has collected it.
        with suppress(OSError, ValueError):
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ")
            yield int(path.name), command.decode(errors="replace")


def kill_function(stack: Stack, output: str, sign: signal.Signals = signal.SIGKILL) -> int:
    """kill -9 every process of a function, by the name of the stack's output; return how many there were."""
    # MiniStack unpacks a function below its own folder and runs it from there.
    killed = processes(str(stack.folder), f"ministack-lambda-{stack.outputs[output]}-")
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
    return len(killed)
