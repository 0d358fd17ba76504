"""One request to the platform: signed, paced, repeated where that is safe, precise when it fails.

auth.md §5 and result-codes.md §2 say what may be repeated. A bind is never repeated once its outcome is
unknown: whoever knows X looks it up first (result-codes.md §5). No log line holds a number, a secret or a
digest.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random as machine_random
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from privatenumber.codes.results import Outcome, ResultCode, Retry, lookup
from privatenumber.deadline import Deadline
from privatenumber.platform.budget import LATE_US, UNLIMITED, Budget, Full
from privatenumber.platform.errors import (
    AuthRefused,
    FlowControl,
    Frozen,
    LockedOut,
    NotSent,
    PlatformError,
    UnknownOutcome,
    error_for,
    no_answer,
)
from privatenumber.platform.pausing import (
    PROBE_S,
    Doubt,
    Pauses,
    pause_for,
    proves,
    resumes_later,
    scopes_of,
)
from privatenumber.platform.probes import probe_of
from privatenumber.platform.request import Request
from privatenumber.platform.transport import NoAnswer, NoConnection, Response, Transport
from privatenumber.settings import Application
from privatenumber.signing import new_nonce, sign
from privatenumber.times import Clock, utc_now

CONNECT_S: Final = 5.0
TOTAL_S: Final = 10.0
SHORTEST_S: Final = 0.25
"""With less than this left, a request would only add an unknown outcome."""

_AFTER_TURN_S: Final = 1.0
"""Whoever waits for a turn still has so long for the request itself."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

WRONG_MODE: Final = "1010040"

_WAITS: Final = (0.5, 1.0, 2.0)
_ONCE: Final = frozenset({"1023002"})
_AT_THE_DOOR: Final = (NotSent, FlowControl, Frozen, LockedOut, AuthRefused)
_LOG: Final = logging.getLogger("privatenumber.platform")
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answered:
    """A success: the JSON object, and the address of a redirect (recording-and-call-stop.md §2)."""

    document: Mapping[str, Any]
    location: str | None = None


class Caller:
    """Requests in the name of one application. Safe to keep and to share."""

    def __init__(
        self,
        application: Application,
        *,
        transport: Transport,
        pauses: Pauses,
        budget: Budget = UNLIMITED,
        clock: Clock = utc_now,
        nonce: Callable[[], str] = new_nonce,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = machine_random,
    ) -> None:
        self.application = application
        self._transport = transport
        self._pauses = pauses
        self._budget = budget
        self._clock = clock
        self._nonce = nonce
        self._sleep = sleep
        self._random = random

    def call(self, request: Request, deadline: Deadline) -> Answered:
        """Attempt, and repeat as result-codes.md §2 allows, until an answer, a refusal or the deadline.

        Raises PlatformError: UnknownOutcome when it may have happened, NotSent when it has not, WrongMode
        without a request when the application is of another mode.
        """
        if request.mode not in (None, self.application.mode):
            raise error_for(request.api, lookup(403, WRONG_MODE, request.api))
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

    def read(self, request: Request, model: type[_Model], deadline: Deadline) -> _Model:
        """Call, and read the answer: a success that cannot be read is no success. Raises PlatformError."""
        answered = self.call(request, deadline)
        try:
            return model.model_validate(answered.document)
        except ValidationError:
            _LOG.error("unreadable platform answer", extra={"api": request.api})
            raise no_answer(request.api) from None

    def _may_repeat(self, request: Request, error: PlatformError, deadline: Deadline, attempt: int) -> bool:
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

    def _attempt(self, request: Request, deadline: Deadline, attempt: int) -> Answered:
        self._refuse_if_paused(request)
        doubt = self._pauses.doubt(*scopes_of(self.application))
        if doubt is not None:
            doubt = self._probed(doubt, request, deadline)
        return self._exchange(request, deadline, attempt, doubt)

    def _probed(self, doubt: Doubt, request: Request, deadline: Deadline) -> Doubt | None:
        """Let a query go first where nobody knows whether requests pass; None: they do.

        A request that is a query itself is the probe: the doubt it has to settle is handed back. Raises
        NotSent while somebody else finds out, and when the probe did not pass.
        """
        until = self._clock() + timedelta(seconds=PROBE_S)
        if not self._pauses.claim(doubt, until):
            if self._pauses.doubt(doubt.scope) is None:
                self._refuse_if_paused(request)
                return None
            raise NotSent(request.api, "Somebody finds out whether requests pass again", until=until)
        probe = probe_of(self.application)
        if probe is None or request.api == probe.api:
            return doubt
        with suppress(PlatformError):
            self._exchange(probe, deadline, 0, doubt)
        self._refuse_if_paused(request)
        if self._pauses.doubt(doubt.scope) is not None:
            raise NotSent(request.api, "Nobody knows whether requests pass again", until=until)
        return None

    def _exchange(self, request: Request, deadline: Deadline, attempt: int, doubt: Doubt | None) -> Answered:
        if self._waited_for_a_turn(request, deadline):
            self._refuse_if_paused(request)
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
        document, location = _document(response.body), _location(response)
        status = 301 if location else response.status
        result = lookup(status, None if location else _result_code(document), request.api)
        self._log(request, attempt, result.outcome.value, f"{result.http_status} {result.code}".strip())
        if doubt is not None and proves(doubt, result.outcome):
            self._resolve(doubt)
        if result.outcome is Outcome.OK:
            if response.status != 200 and location is None:
                raise no_answer(request.api)
            return Answered(document, location)
        raise self._refused(request, result)

    def _resolve(self, doubt: Doubt) -> None:
        """Open the way for the others, at once or after the time the platform needs."""
        later = resumes_later(doubt)
        if later is None:
            self._pauses.resolve(doubt)
        else:
            self._pauses.pause(doubt.scope, self._clock() + later, "paid")

    def _refuse_if_paused(self, request: Request) -> None:
        until = self._pauses.paused_until(*scopes_of(self.application))
        if until is not None:
            raise NotSent(request.api, "Requests to the platform are paused", until=until)

    def _waited_for_a_turn(self, request: Request, deadline: Deadline) -> bool:
        """Wait until the platform's flow has room; says whether time went by. Raises NotSent for no room."""
        waited = False
        while True:
            now = self._now_us()
            patience = max(0, int((deadline.remaining() - _AFTER_TURN_S) * 1_000_000))
            turn = self._budget.turn(
                self.application.id, self.application.tps, now_us=now, patience_us=patience
            )
            if isinstance(turn, Full):
                _LOG.warning("no turn", extra={"api": request.api, "application": self.application.id})
                free = datetime.fromtimestamp(turn.until_us / 1_000_000, UTC)
                full = "The application's requests take all its flow"
                raise NotSent(request.api, full, until=free, outcome=Outcome.FLOW)
            if turn > now:
                self._sleep((turn - now) / 1_000_000)
                waited = True
            if self._now_us() <= turn + LATE_US:
                return waited

    def _now_us(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _send(self, request: Request, budget: float) -> Response:
        application = self.application
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
            f"{application.base_url}{request.path}{query}",
            headers,
            body,
            connect_s=connect_s,
            read_s=budget - connect_s,
        )

    def _refused(self, request: Request, result: ResultCode) -> PlatformError:
        pause = pause_for(self.application, result)
        if pause is not None:
            self._pauses.pause(pause.scope, self._clock() + pause.length, pause.reason, prove=pause.prove)
        if not result.known:
            _LOG.error("unknown result code", extra={"api": request.api, "platform_code": result.code})
        if result.outcome is Outcome.TRANSIENT and not request.repeatable:
            return UnknownOutcome(request.api, result)
        return error_for(request.api, result)

    def _log(self, request: Request, attempt: int, outcome: str, detail: str) -> None:
        _LOG.info(
            "platform request",
            extra={
                "api": request.api,
                "application": self.application.id,
                "attempt": attempt + 1,
                "outcome": outcome,
                "detail": detail,
            },
        )


def _document(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; empty for anything else, so that the status alone decides."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _location(response: Response) -> str | None:
    """The address of a redirect, None for any other answer."""
    if response.status not in REDIRECTS:
        return None
    found = (value for name, value in response.headers.items() if name.lower() == "location")
    return next(found, None) or None


def _result_code(document: Mapping[str, Any]) -> str | None:
    """The ``resultcode`` as text, a JSON number included."""
    code = document.get("resultcode")
    return str(code) if isinstance(code, str | int) and not isinstance(code, bool) else None


def required(value: str | None) -> str:
    """Return a locator. Raises ValueError for an empty one: the platform would take it as absent."""
    if not value or not value.strip():
        raise ValueError("a platform request needs a locator that is not empty")
    return value
