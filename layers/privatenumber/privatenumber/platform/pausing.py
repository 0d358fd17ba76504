"""When the client must keep silent, and for how long (auth.md §5, result-codes.md §2).

A pause has a scope: an application, its present credentials, or ``*`` for the whole egress address. It binds
all environments, so it is kept where all see it (``store.pauses``); here are the rules.

After a lock-out and in arrears the end of the pause proves nothing: one request goes first, a query, and only
its answer opens the way for the others (result-codes.md §2, billing-rules.md §7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from privatenumber.codes.results import Outcome, ResultCode
from privatenumber.settings import Application
from privatenumber.times import utc_now

EVERYTHING: Final = "*"
LENGTHS: Final[Mapping[Outcome, timedelta]] = {
    Outcome.LOCKED: timedelta(minutes=30),
    Outcome.AUTH: timedelta(minutes=30),
    Outcome.FROZEN: timedelta(minutes=10),
    Outcome.FLOW: timedelta(seconds=60),
}
"""How long the client keeps silent after such an answer (result-codes.md §2, numbers.md §3)."""

RESUME: Final = timedelta(minutes=10)
"""From the first answer after arrears until traffic resumes (billing-rules.md §7)."""

PROBE_S: Final = 30
"""So long one environment may take to find out; then another tries."""

_FROZEN: Final = "frozen"
_SAYS_NOTHING: Final = frozenset({Outcome.LOCKED, Outcome.TRANSIENT, Outcome.UNKNOWN})
_BEFORE_ARREARS: Final = _SAYS_NOTHING | {Outcome.AUTH, Outcome.INVALID, Outcome.FROZEN}
"""Answers that the platform gives before it looks at the account (auth.md §4)."""

_AUTH_CODES: Final = frozenset({"1010003", "1020166"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pause that ended and proved nothing."""

    scope: str
    reason: str


class Pauses(Protocol):
    """Remembers pauses for every environment of the deployment."""

    def paused_until(self, *scopes: str) -> datetime | None:
        """The end of the longest running pause of these scopes, None when there is none."""
        ...

    def pause(self, scope: str, until: datetime, reason: str, *, prove: bool = False) -> None:
        """Pause a scope; a longer pause that is already running stays.

        ``prove``: after its end the scope is in doubt until `resolve`.
        """
        ...

    def doubt(self, *scopes: str) -> Doubt | None:
        """A scope whose pause is over while nobody has proven that requests pass again."""
        ...

    def claim(self, doubt: Doubt, until: datetime) -> bool:
        """Become the one who proves it, until a moment; False: somebody else is, or has."""
        ...

    def resolve(self, doubt: Doubt) -> None:
        """Note that requests pass; a pause that began meanwhile stays."""
        ...


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause an answer calls for."""

    scope: str
    length: timedelta
    reason: str
    prove: bool = False


class MemoryPauses:
    """Pauses of one process, for tests and tools."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.ends: dict[str, datetime] = {}
        self._doubts: dict[str, Doubt] = {}
        self._probed_until: dict[str, datetime] = {}

    def paused_until(self, *scopes: str) -> datetime | None:
        """See :class:`Pauses`."""
        running = [self.ends[scope] for scope in scopes if scope in self.ends]
        latest = max(running, default=None)
        return latest if latest is not None and latest > self._clock() else None

    def pause(self, scope: str, until: datetime, reason: str, *, prove: bool = False) -> None:
        """See :class:`Pauses`."""
        if scope in self.ends and self.ends[scope] >= until:
            return
        self.ends[scope] = until
        self._probed_until.pop(scope, None)
        self._doubts.pop(scope, None)
        if prove:
            self._doubts[scope] = Doubt(scope, reason)

    def doubt(self, *scopes: str) -> Doubt | None:
        """See :class:`Pauses`."""
        over = (self._doubts[s] for s in scopes if s in self._doubts and self.ends[s] <= self._clock())
        return next(over, None)

    def claim(self, doubt: Doubt, until: datetime) -> bool:
        """See :class:`Pauses`."""
        taken = self._probed_until.get(doubt.scope)
        if self.doubt(doubt.scope) is None or (taken is not None and taken > self._clock()):
            return False
        self._probed_until[doubt.scope] = until
        return True

    def resolve(self, doubt: Doubt) -> None:
        """See :class:`Pauses`."""
        if self.doubt(doubt.scope) is not None:
            del self._doubts[doubt.scope]


def scopes_of(application: Application) -> tuple[str, ...]:
    """Every scope that silences this application."""
    return EVERYTHING, application.id, _credentials_scope(application)


def pause_for(application: Application, result: ResultCode) -> Pause | None:
    """The pause an answer calls for, None for most.

    Refused credentials pause only what was configured at the time: corrected ones are another scope and go
    ahead at once, unchanged ones get an attempt in 30 minutes, too few to lock the address (auth.md §9).
    """
    if result.outcome is Outcome.LOCKED:
        return Pause(EVERYTHING, LENGTHS[Outcome.LOCKED], "locked", prove=True)
    if result.http_status in {400, 401} or result.code in _AUTH_CODES:
        return Pause(_credentials_scope(application), LENGTHS[Outcome.AUTH], "auth")
    if result.outcome is Outcome.FROZEN:
        return Pause(application.id, LENGTHS[Outcome.FROZEN], _FROZEN, prove=True)
    if result.outcome is Outcome.FLOW:
        return Pause(application.id, LENGTHS[Outcome.FLOW], "flow")
    return None


def proves(doubt: Doubt, outcome: Outcome) -> bool:
    """Whether an answer shows that what a pause was for is over."""
    return outcome not in (_BEFORE_ARREARS if doubt.reason == _FROZEN else _SAYS_NOTHING)


def resumes_later(doubt: Doubt) -> timedelta | None:
    """How long traffic still waits after the proof; None: it goes on at once."""
    return RESUME if doubt.reason == _FROZEN else None


def _credentials_scope(application: Application) -> str:
    configured = "\0".join(
        (application.app_key, application.secrets[0], application.base_url, application.scheme)
    )
    return f"{application.id}#{hashlib.sha256(configured.encode()).hexdigest()[:12]}"
