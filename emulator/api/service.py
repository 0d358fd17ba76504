"""One request through the processing order: known, admitted, executed (auth.md §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.api.binding_rules import Caller
from emulator.api.errors import InvalidRequest, Payload, Redirect, Refusal
from emulator.api.params import MAX_BODY, Parameters, needed, read_body, read_query
from emulator.auth import Gatekeeper
from emulator.settings import EmulatorSettings
from emulator.world import Application, Mode, World

IN_BODY = frozenset({"POST", "PUT"})
NAMES_OF_X = ("relationNum", "privateNum", "virtualNum", "relationNumber")
"""How requests and answers of the modes name X."""
Execute = Callable[[Caller, Parameters], Payload | Redirect]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it arrived. ``at`` is the emulator's time, ``signed_at`` what Created is compared with."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    source: str
    at: datetime
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Operation:
    """One API: its id of auth.md §0, the mode it belongs to (None: to all) and what executes it.

    ``invalid`` replaces 403 / 1010002 where a page has a code of its own for bad parameters.
    ``longest_key``: the query names the application, too, in so many characters at most (axyb.md §1).
    """

    api: str
    mode: Mode | None
    execute: Execute
    invalid: tuple[int, str] | None = None
    longest_key: int | None = None


Operations = Mapping[str, Mapping[str, Operation]]
"""All APIs by path and method."""


@dataclass(slots=True)
class Progress:
    """How far a request came, for faults and the journal. ``x`` is the X it names or was given."""

    api: str | None = None
    operation: Operation | None = None
    application: Application | None = None
    x: str | None = None
    subscription_id: str | None = None
    notes: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], object]] = field(default_factory=list)


class ApiService:
    """All APIs of the platform by path and method."""

    def __init__(
        self, world: World, settings: EmulatorSettings, gatekeeper: Gatekeeper, operations: Operations
    ) -> None:
        self._world = world
        self._settings = settings
        self._gatekeeper = gatekeeper
        self._operations = operations

    def knows(self, path: str) -> bool:
        """Step 1: whether there is an API at that path."""
        return path in self._operations

    def admit(self, incoming: Incoming, progress: Progress) -> Operation:
        """Steps 2 to 24: return what to execute, noting in ``progress`` what became known. Raises Refusal."""
        methods = self._operations[incoming.path]
        operation = methods.get(incoming.method)
        progress.api = operation.api if operation else None
        self._gatekeeper.check_lockout(incoming.source, incoming.at)
        if operation is None:
            raise Refusal(403, "1010006")
        application = self._gatekeeper.identify(
            incoming.headers, incoming.source, incoming.at, signed_at=incoming.signed_at
        )
        progress.application = application
        self._gatekeeper.check_account(application, operation.api, incoming.at)
        self._gatekeeper.check_mode(application, operation.mode)
        self._gatekeeper.check_flow(application, incoming.source, incoming.at)
        self._name_binding(incoming, progress)
        if operation.longest_key is not None:
            self._check_key(incoming, application, operation.longest_key)
        return operation

    def execute(self, operation: Operation, incoming: Incoming, progress: Progress) -> Payload | Redirect:
        """Steps 25 and 26: read the parameters and do it. Raises Refusal."""
        application = progress.application
        if application is None:
            raise ValueError("a request is admitted before it is executed")
        try:
            answer = operation.execute(
                Caller(application, incoming.at, progress.afterwards),
                self._given(incoming, application, progress),
            )
        except InvalidRequest as refusal:
            if operation.invalid is None:
                raise
            raise Refusal(*operation.invalid, detail=refusal.detail) from None
        if isinstance(answer, dict):
            progress.x = next((answer[name] for name in NAMES_OF_X if name in answer), progress.x)
            progress.subscription_id = answer.get("subscriptionId", progress.subscription_id)
        return answer

    def _given(self, incoming: Incoming, application: Application, progress: Progress) -> Parameters:
        return Parameters(
            self._values(incoming),
            self._settings.strict,
            self._settings.numbers.validation,
            application.voice_files,
            progress.notes,
        )

    def _check_key(self, incoming: Incoming, application: Application, longest: int) -> None:
        """Step 24: ``app_key`` in the query is there and says what the headers say."""
        query = Parameters(read_query(incoming.query, strict=self._settings.strict), self._settings.strict)
        if needed(query.text("app_key", 1, longest), "app_key") != application.app_key:
            raise Refusal(403, "1010003")

    def _values(self, incoming: Incoming) -> dict[str, Any]:
        if incoming.method in IN_BODY:
            content_type = incoming.headers.get("content-type", "")
            return read_body(incoming.body, content_type, strict=self._settings.strict)
        return read_query(incoming.query, strict=self._settings.strict)

    def _name_binding(self, incoming: Incoming, progress: Progress) -> None:
        """Find out which X the request is about, so that a fault can wait for it."""
        if len(incoming.body) > MAX_BODY:
            return
        try:
            values = self._values(incoming)
        except Refusal:
            return
        subscription_id = values.get("subscriptionId")
        progress.subscription_id = str(subscription_id) if subscription_id else None
        if progress.subscription_id is not None:
            progress.x = self._world.x_of(progress.subscription_id, incoming.at)
        named = (values.get(name) for name in NAMES_OF_X)
        progress.x = progress.x or next((x for x in named if isinstance(x, str) and x), None)
