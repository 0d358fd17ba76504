"""The functions in a process of their own: what grows there is theirs, not the platform's, nor the storm's.

The other process has the functions, the layer and the libraries, and a client of DynamoDB Local. All else
that they reach (queues, keys, files, the platform, receivers) is asked for over a pipe, and stands where it
stands in a storm.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from io import BytesIO
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.response import StreamingBody
from urllib3 import HTTPResponse

from builders.direct_dynamodb import Wire, errors_of
from storm.clockwork import Clockwork
from storm.deployment import Function, read_deployment
from storm.growth import Sample, take_sample
from storm.lambdas import Invoked, Lambdas, Logs, capture
from storm.tables import WRITES, owner_of
from storm.world import World

TABLES: Final = ("dynamodb", "hurried_dynamodb")
WAYS_OUT: Final = {
    "Urllib3Transport": ("privatenumber.platform.transport", "send"),
    "Posting": ("privatenumber.webhooks.posting", "post"),
    "Downloads": ("privatenumber.recordings.download", "_ask"),
}
"""Methods at which requests leave the layer, by their class."""

NONCES: Final = 50
_END_S: Final = 20.0

if TYPE_CHECKING:
    Pipe = Connection[Any, Any]


class Apart:
    """The world's side: has its functions run in the other process, and answers what they ask for."""

    def __init__(self, world: World, endpoint: str, frames: int) -> None:
        clients = importlib.import_module("privatenumber.store.clients")
        self._world = world
        self._clients = clients
        heard: Any = _Heard(clients)
        self._written = vars(world.tables.tap(heard, world.weather))["_make_api_call"]
        self._line, theirs = multiprocessing.Pipe()
        given = (theirs, endpoint, world.plan.seed, world.plan.start, world.stand_ins, frames)
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=given, daemon=True)
        self._process.start()
        theirs.close()
        # From now on the world's functions run there; what is counted and measured stays here.
        world.lambdas.runs = self._run

    def sample(self) -> Sample:
        """Look at what is alive over there."""
        sample: Sample = self._ask(("sample", self._world.lambdas.invocations.total()))
        return sample

    def end(self) -> None:
        """End the other process."""
        self._line.close()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()

    def _run(self, function: Function, event: Any) -> Invoked:
        now = self._world.emulator.scheduler.now()
        invoked, lines = self._ask(("invoke", now, function.name, event))
        for line in lines:
            self._world.logs.hear(line)
        done: Invoked = invoked
        return done

    def _ask(self, wanted: tuple[Any, ...]) -> Any:
        """Have something done there. Raises EOFError when the process is gone."""
        self._line.send(wanted)
        while True:
            kind, *more = self._line.recv()
            if kind == "done":
                return more[0]
            try:
                self._line.send((self._answer(*more), None))
            except Exception as error:
                self._line.send((None, error))

    def _answer(self, owner: str, name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if owner == "written":
            return self._written(*given)
        if owner in WAYS_OUT:
            return getattr(_way_out(owner), name)(None, *given, **named)
        return getattr(getattr(self._clients, owner)(), name)(**named)


class _Heard:
    """What the tap of the tables has for a client: a write was done already, its rows are read."""

    def __init__(self, clients: ModuleType) -> None:
        self._clients = clients

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in WRITES:
            return {}
        answer: dict[str, Any] = self._clients.dynamodb().get_item(**request)
        return answer


def serve(
    line: Pipe, endpoint: str, seed: int, start: datetime, stand_ins: tuple[str, ...], frames: int
) -> None:
    """The other process: runs what it is told until the pipe is closed."""
    now = [start]
    deployment = read_deployment()
    clockwork = Clockwork(lambda: now[0], start)
    logs = Logs(clockwork.platform_now)
    capture(logs)
    lines: list[str] = []
    logs.watchers.append(lambda function, text: lines.append(text))
    clockwork.install(seed, sorted({one.module for one in deployment.functions.values()}))
    lambdas = Lambdas(deployment, clockwork, logs)
    _remember_less()
    _connect(line, endpoint, stand_ins)
    tracemalloc.start(frames)
    while True:
        try:
            kind, *more = line.recv()
        except EOFError:
            return
        if kind == "sample":
            line.send(("done", take_sample(more[0])))
            continue
        now[0], name, event = more
        invoked = lambdas.invoke(name, event)
        line.send(("done", (invoked, lines)))
        # They are kept on the world's side.
        for kept in (lines, logs.points, logs.tail):
            kept.clear()


def _remember_less() -> None:
    """Let what remembers so many things and no more be full soon: while it fills, it looks like growth."""
    guard = importlib.import_module("privatenumber.calls.guard")
    guard.NonceMemory.__init__.__defaults__ = (NONCES,)


def _connect(line: Pipe, endpoint: str, stand_ins: tuple[str, ...]) -> None:
    """Give the layer its tables, and for everything else the way over the pipe."""
    lock = RLock()
    deadline = importlib.import_module("privatenumber.deadline").Deadline

    def ask(owner: str, name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        # A deadline cannot leave the process, and nobody over there waits.
        given = tuple(None if isinstance(one, deadline) else one for one in given)
        with lock:
            line.send(("ask", owner, name, given, named))
            answer, error = line.recv()
        if error is not None:
            raise error
        return answer

    clients = importlib.import_module("privatenumber.store.clients")
    front = boto3.client("dynamodb", endpoint_url=endpoint, config=clients.CONFIG)
    client = _telling(front, endpoint, ask, lock)
    for name in stand_ins:
        stand_in = client if name in TABLES else _Far(name, ask)
        setattr(clients, name, lambda stand_in=stand_in: stand_in)
    for owner, (_, name) in WAYS_OUT.items():
        setattr(_way_out(owner), name, _asking(owner, name, ask))


Ask = Callable[[str, str, tuple[Any, ...], Mapping[str, Any]], Any]


class _Far:
    """A client of the other side, by name."""

    def __init__(self, owner: str, ask: Ask) -> None:
        self._owner = owner
        self._ask = ask

    def __getattr__(self, name: str) -> Any:
        return lambda **named: self._ask(self._owner, name, (), named)


def _way_out(owner: str) -> Any:
    return getattr(importlib.import_module(WAYS_OUT[owner][0]), owner)


def _asking(owner: str, name: str, ask: Ask) -> Callable[..., Any]:
    return lambda self, *given, **named: ask(owner, name, given, named)


def _telling(client: Any, endpoint: str, ask: Ask, lock: AbstractContextManager[Any]) -> Any:
    """A client that tells the other side of every write, once it is done; threads may share it."""

    # One connection for all threads, since each would be counted; and the tables of the world's process,
    # which is the parent of this one.
    wire = Wire(endpoint, errors_of(client), owner=owner_of(os.getppid()), connections=1)

    def told(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        with lock:
            answer = wire.send(operation, request)
            if operation in WRITES:
                ask("written", operation, (operation, request), {})
            return answer

    vars(client)["_make_api_call"] = told
    return client


def _body(content: bytes) -> StreamingBody:
    return StreamingBody(BytesIO(content), len(content))


def _answer(status: int, headers: dict[str, str], content: bytes) -> HTTPResponse:
    return HTTPResponse(BytesIO(content), headers=headers, status=status, preload_content=False)


# Files travel whole, and are read bit by bit where they arrive.
ForkingPickler.register(StreamingBody, lambda body: (_body, (body.read(),)))
ForkingPickler.register(HTTPResponse, lambda one: (_answer, (one.status, dict(one.headers), one.read())))
