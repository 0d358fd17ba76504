"""The platform's API as seen by our rooms: signed, paced, repeated where that is safe, precise when it fails.

auth.md §5 and result-codes.md §2 say what may be repeated. A bind is never repeated once its outcome is
unknown: whoever knows X looks it up first (result-codes.md §5). No log line holds a number, a secret or a
digest.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import random as machine_random
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from privatenumber.codes.results import Outcome, ResultCode, Retry, lookup
from privatenumber.platform import axb
from privatenumber.platform.axb import AxbBind, AxbBound, AxbModify, AxbPage, AxbRow
from privatenumber.platform.errors import (
    AuthRefused,
    FlowControl,
    Frozen,
    LockedOut,
    NotFound,
    NotSent,
    PlatformError,
    UnknownOutcome,
    error_for,
    no_answer,
)
from privatenumber.platform.pausing import MemoryPauses, Pauses, pause_for, scopes_of
from privatenumber.platform.transport import (
    Deadline,
    NoAnswer,
    NoConnection,
    Response,
    Transport,
    Urllib3Transport,
)
from privatenumber.settings import Application
from privatenumber.signing import new_nonce, sign
from privatenumber.times import Clock, utc_now

__all__ = [
    "MemoryPauses",
    "NoAnswer",
    "NoConnection",
    "Pauses",
    "PlatformClient",
    "Response",
    "Transport",
    "Urllib3Transport",
]

CONNECT_S: Final = 5.0
TOTAL_S: Final = 10.0
SHORTEST_S: Final = 0.25
"""With less than this left, a request would only add an unknown outcome."""

_WAITS: Final = (0.5, 1.0, 2.0)
_ONCE: Final = frozenset({"1023002"})
_AT_THE_DOOR: Final = (NotSent, FlowControl, Frozen, LockedOut, AuthRefused)
_LOG: Final = logging.getLogger("privatenumber.platform")
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Request:
    """One operation; ``repeatable`` when executing it twice does no harm."""

    api: str
    method: str
    query: Mapping[str, str | int] = field(repr=False)
    body: Mapping[str, Any] | None = field(repr=False)
    repeatable: bool


class PlatformClient:
    """The API of one application. Safe to keep and to share; every call states its own deadline."""

    def __init__(
        self,
        application: Application,
        *,
        transport: Transport,
        pauses: Pauses,
        clock: Clock = utc_now,
        nonce: Callable[[], str] = new_nonce,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = machine_random,
    ) -> None:
        self._application = application
        self._transport = transport
        self._pauses = pauses
        self._clock = clock
        self._nonce = nonce
        self._sleep = sleep
        self._random = random

    def bind_axb(self, bind: AxbBind, *, deadline: Deadline) -> AxbBound:
        """Bind (axb.md §2). Raises UnknownOutcome when it may have happened, NotSent when it has not."""
        request = _Request("axb.bind", "POST", {}, bind.to_wire(), repeatable=False)
        return _read(request, AxbBound, self._call(request, deadline))

    def unbind_axb(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Release one binding by its id (axb.md §3); NotFound means it was gone already.

        An empty id is refused here with ValueError: the platform would take it as absent.
        """
        request = _Request(
            "axb.unbind", "DELETE", {"subscriptionId": _required(subscription_id)}, None, repeatable=True
        )
        self._call(request, deadline)

    def modify_axb(self, modify: AxbModify, *, deadline: Deadline) -> None:
        """Change a binding (axb.md §4). Idempotent by content; a ``duration`` restarts when repeated."""
        self._call(_Request("axb.modify", "PUT", {}, modify.to_wire(), repeatable=True), deadline)

    def find_axb(self, x: str, a: str, b: str, *, deadline: Deadline) -> AxbRow | None:
        """The binding A-X-B in just these roles, None when the platform has none (axb.md §5)."""
        try:
            page = self.query_axb(x=x, a=a, b=b, deadline=deadline)
        except NotFound:
            return None
        return next((row for row in page.rows if (row.x, row.a, row.b) == (x, a, b)), None)

    def query_axb(
        self,
        *,
        deadline: Deadline,
        subscription_id: str | None = None,
        x: str | None = None,
        a: str | None = None,
        b: str | None = None,
        page_index: int = 1,
        page_size: int = 50,
    ) -> AxbPage:
        """One page of bindings, by id or by X with optional A and B (axb.md §5). Raises NotFound for none."""
        if subscription_id is not None:
            query: dict[str, str | int] = {"subscriptionId": _required(subscription_id)}
        else:
            wanted = {"relationNum": _required(x), "callerNum": a, "calleeNum": b}
            query = {name: value for name, value in wanted.items() if value}
            query |= {"pageIndex": page_index, "pageSize": page_size}
        request = _Request("axb.query", "GET", query, None, repeatable=True)
        return _read(request, AxbPage, self._call(request, deadline))

    def _call(self, request: _Request, deadline: Deadline) -> Mapping[str, Any]:
        """Attempt, and repeat as result-codes.md §2 allows, until an answer, a refusal or the deadline."""
        unsettled: PlatformError | None = None
        for attempt in range(len(_WAITS) + 1):
            try:
                return self._attempt(request, deadline, attempt)
            except PlatformError as error:
                # A later attempt that was turned away at the door says nothing of an earlier one that may
                # have been executed.
                unsettled = unsettled if isinstance(error, _AT_THE_DOOR) and unsettled else error
                if not self._may_repeat(request, error, deadline, attempt):
                    raise unsettled from None
        raise AssertionError("the last attempt returns or raises")

    def _may_repeat(self, request: _Request, error: PlatformError, deadline: Deadline, attempt: int) -> bool:
        """Decide on a repetition and, when there is to be one, wait for its turn."""
        if isinstance(error, NotSent):
            allowed = error.until is None
        else:
            allowed = request.repeatable and error.retry is Retry.NOW
        limit = 1 if error.code in _ONCE else len(_WAITS)
        if not allowed or attempt >= limit:
            return False
        wait = _WAITS[attempt] * (0.5 + self._random())
        if deadline.remaining() < wait + SHORTEST_S:
            return False
        self._sleep(wait)
        return True

    def _attempt(self, request: _Request, deadline: Deadline, attempt: int) -> Mapping[str, Any]:
        until = self._pauses.paused_until(*scopes_of(self._application))
        if until is not None:
            raise NotSent(request.api, "Requests to the platform are paused", until=until)
        budget = min(TOTAL_S, deadline.remaining())
        if budget < SHORTEST_S:
            raise NotSent(request.api, "The caller's deadline leaves no time for a request")
        try:
            response = self._send(request, budget)
        except NoConnection as error:
            self._log(request, attempt, "no_connection", str(error))
            raise NotSent(request.api, "No connection to the platform") from None
        except NoAnswer as error:
            self._log(request, attempt, "no_answer", str(error))
            raise no_answer(request.api) from None
        document = _document(response.body)
        result = lookup(response.status, _result_code(document), request.api)
        self._log(request, attempt, result.outcome.value, f"{result.http_status} {result.code}".strip())
        if result.outcome is Outcome.OK:
            return document
        raise self._refused(request, result)

    def _send(self, request: _Request, budget: float) -> Response:
        application = self._application
        headers = sign(
            application.scheme,
            application.app_key,
            application.secrets[0],
            created=self._clock(),
            nonce=self._nonce(),
        )
        query = "?" + urlencode(request.query, quote_via=quote, safe="") if request.query else ""
        body = None if request.body is None else json.dumps(request.body, separators=(",", ":")).encode()
        # Connecting and reading share the budget, so the sum of both time-outs never exceeds it.
        connect_s = min(CONNECT_S, budget / 2)
        return self._transport.send(
            request.method,
            f"{application.base_url}{axb.PATH}{query}",
            headers,
            body,
            connect_s=connect_s,
            read_s=budget - connect_s,
        )

    def _refused(self, request: _Request, result: ResultCode) -> PlatformError:
        pause = pause_for(self._application, result)
        if pause is not None:
            self._pauses.pause(pause.scope, self._clock() + pause.length, pause.reason)
        if not result.known:
            _LOG.error("unknown result code", extra={"api": request.api, "platform_code": result.code})
        if result.outcome is Outcome.TRANSIENT and not request.repeatable:
            return UnknownOutcome(request.api, result)
        return error_for(request.api, result)

    def _log(self, request: _Request, attempt: int, outcome: str, detail: str) -> None:
        _LOG.info(
            "platform request",
            extra={
                "api": request.api,
                "application": self._application.id,
                "attempt": attempt + 1,
                "outcome": outcome,
                "detail": detail,
            },
        )


def _read(request: _Request, model: type[_Model], document: Mapping[str, Any]) -> _Model:
    """A success that cannot be read is no success: what happened is unknown."""
    try:
        return model.model_validate(document)
    except ValidationError:
        _LOG.error("unreadable platform answer", extra={"api": request.api})
        raise no_answer(request.api) from None


def _document(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; empty for anything else, so that the status alone decides."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _result_code(document: Mapping[str, Any]) -> str | None:
    """The ``resultcode`` as text, a JSON number included."""
    code = document.get("resultcode")
    return str(code) if isinstance(code, str | int) and not isinstance(code, bool) else None


def _required(value: str | None) -> str:
    if not value or not value.strip():
        raise ValueError("a platform request needs a locator that is not empty")
    return value
