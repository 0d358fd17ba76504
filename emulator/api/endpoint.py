"""The API as an ASGI application: it reads, lets ordered faults act, answers and keeps the journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from emulator import connections
from emulator.api.errors import Payload, Redirect, Refusal
from emulator.api.params import MAX_BODY
from emulator.api.service import ApiService, Incoming, Progress
from emulator.auth import flow_control_refusal, listed
from emulator.clock import Scheduler
from emulator.faults import Fault, FaultPlan
from emulator.journal import Journal
from emulator.settings import EmulatorSettings

CONTENT_TYPE = "application/json;charset=utf-8"
HOLD_S = 30.0
NOT_FOUND_PAGE = "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
ERROR_PAGE = "<html><head><title>Error</title></head><body><h1>The service is unavailable</h1></body></html>"
GARBAGE = '{"resultcode":"0","resultdesc":"Succ'
LOG = logging.getLogger(__name__)
UNANSWERED = frozenset({"timeout_after_success", "timeout_before"})


class ApiEndpoint:
    """Answers every path outside the admin API."""

    def __init__(
        self,
        service: ApiService,
        settings: EmulatorSettings,
        scheduler: Scheduler,
        faults: FaultPlan,
        journal: Journal,
    ) -> None:
        self._service = service
        self._settings = settings
        self._scheduler = scheduler
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or leave it without an answer when a setting or a fault says so."""
        if not self._serves(scope):
            await connections.drop(scope, receive)
            return
        incoming = await self._read(scope, receive)
        progress = Progress()
        fault, response = await self._respond(incoming, progress)
        if fault is not None and fault.kind in UNANSWERED:
            self._note(incoming, progress, fault, None, None)
            _do(progress)
            await _leave_unanswered(fault, scope, receive)
            return
        if self._settings.http.connection_close:
            response.headers["connection"] = "close"
        if "location" in response.headers:
            response.headers["location"] = _own_address(scope, incoming) + response.headers["location"]
        await response(scope, receive, send)
        _do(progress)

    def _serves(self, scope: Scope) -> bool:
        """Whether this transport and this address are served at all (auth.md §1)."""
        client = scope.get("client")
        if client and listed(client[0], self._settings.net.drop_cidrs):
            return False
        return scope["scheme"] == "https" or self._settings.http.allow_plain

    async def _respond(self, incoming: Incoming, progress: Progress) -> tuple[Fault | None, Response]:
        """Steps 1 to 26, and between 24 and 25 the faults."""
        if not self._service.knows(incoming.path):
            self._note(incoming, progress, None, 404, None)
            return None, HTMLResponse(NOT_FOUND_PAGE, 404)
        fault: Fault | None = None
        status = 200
        payload: Payload | Redirect | None = None
        try:
            operation = self._service.admit(incoming, progress)
            fault = self._faults.take("api", **_facts(progress))
            if fault is not None:
                incoming = await self._act(fault, incoming)
            if fault is None or _executes(fault):
                payload = self._service.execute(operation, incoming, progress)
        except Refusal as refusal:
            status, payload = refusal.http_status, refusal.payload(progress.api or "")
        if fault is not None and fault.kind in UNANSWERED:
            return fault, Response()
        return fault, self._answer(incoming, progress, fault, status, payload)

    async def _act(self, fault: Fault, incoming: Incoming) -> Incoming:
        """Delay or refuse as ordered; return the request as of now. Raises Refusal."""
        if fault.kind == "delay":
            # Machine time: the client feels the delay, whatever the emulator's clock does.
            await asyncio.sleep(float(fault.params.get("delay_s", 1)))
            return replace(incoming, at=self._scheduler.now())
        if fault.kind == "flow_control":
            requester = str(fault.params.get("code")) == "1011006"
            raise Refusal(403, "1011006") if requester else flow_control_refusal()
        return incoming

    def _answer(
        self,
        incoming: Incoming,
        progress: Progress,
        fault: Fault | None,
        status: int,
        payload: Payload | Redirect | None,
    ) -> Response:
        if fault is not None and fault.kind == "garbage":
            self._note(incoming, progress, fault, 200, None)
            return _json(200, str(fault.params.get("body", GARBAGE)))
        if fault is not None and fault.kind == "status":
            status = int(fault.params.get("http_status", 500))
            if "code" not in fault.params:
                self._note(incoming, progress, fault, status, None)
                return HTMLResponse(str(fault.params.get("body", ERROR_PAGE)), status)
            payload = Refusal(status, str(fault.params["code"])).payload(progress.api or "")
        if isinstance(payload, Redirect):
            self._note(incoming, progress, fault, 301, None)
            return Response(None, 301, headers={"location": payload.location, "content-length": "0"})
        answer: Mapping[str, Any] = payload or {}
        self._note(incoming, progress, fault, status, answer.get("resultcode"))
        return _json(status, json.dumps(answer, ensure_ascii=False, separators=(",", ":")))

    async def _read(self, scope: Scope, receive: Receive) -> Incoming:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        body = await _read_body(receive)
        client = scope.get("client")
        now = self._scheduler.now()
        own_clock = self._settings.signing_clock == "emulator"
        return Incoming(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=body,
            source=client[0] if client else "",
            at=now,
            signed_at=now if own_clock else self._scheduler.machine_now(),
        )

    def _note(
        self,
        incoming: Incoming,
        progress: Progress,
        fault: Fault | None,
        status: int | None,
        code: str | None,
    ) -> None:
        # Neither path nor query: they carry phone numbers.
        LOG.info(
            "%s %s/%s%s",
            progress.api or incoming.method,
            status or "no answer",
            code or "-",
            f" by {fault.id} ({fault.kind})" if fault else "",
        )
        self._journal.request(
            incoming.at,
            api=progress.api,
            application=progress.application.app_key if progress.application else None,
            x=progress.x,
            subscription_id=progress.subscription_id,
            source=incoming.source,
            http_status=status,
            code=code,
            fault=fault.id if fault else None,
            notes=tuple(progress.notes),
        )


def _own_address(scope: Scope, incoming: Incoming) -> str:
    """The base address under which the client reached us."""
    return f"{scope['scheme']}://{incoming.headers.get('host', '')}"


def _do(progress: Progress) -> None:
    """Let happen what was to wait for the answer."""
    for action in progress.afterwards:
        action()


def _facts(progress: Progress) -> dict[str, Any]:
    application = progress.application
    return {
        "api": progress.api,
        "application": application.app_key if application else None,
        "x": progress.x,
        "subscription_id": progress.subscription_id,
    }


def _executes(fault: Fault) -> bool:
    """Whether the operation happens all the same; ``params.execute`` decides where both are plausible."""
    if fault.kind in {"status", "garbage"}:
        return bool(fault.params.get("execute", fault.kind == "garbage"))
    return fault.kind in {"timeout_after_success", "delay"}


async def _leave_unanswered(fault: Fault, scope: Scope, receive: Receive) -> None:
    """Hold the connection until the client has lost patience, or drop it at once with ``params.drop``."""
    if not fault.params.get("drop", False):
        with suppress(TimeoutError):
            await asyncio.wait_for(connections.until_gone(receive), float(fault.params.get("hold_s", HOLD_S)))
            return
    await connections.drop(scope, receive)


async def _read_body(receive: Receive) -> bytes:
    """Read the body, of an oversized one just enough to know that it is."""
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(chunks)
        if len(chunks) <= MAX_BODY:
            chunks += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(chunks)


def _json(status: int, text: str) -> Response:
    return Response(text, status, headers={"content-type": CONTENT_TYPE})
