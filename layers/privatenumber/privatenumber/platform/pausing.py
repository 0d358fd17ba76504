"""When the client must keep silent, and for how long (auth.md §5, result-codes.md §2).

A pause has a scope: an application, its present credentials, or ``*`` for the whole egress address. It binds
all environments, so it is kept where all see it (``store.pauses``); here are the rules.
"""

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

_AUTH_CODES: Final = frozenset({"1010003", "1020166"})


class Pauses(Protocol):
    """Remembers pauses for every environment of the deployment."""

    def paused_until(self, *scopes: str) -> datetime | None:
        """The end of the longest running pause of these scopes, None when there is none."""
        ...

    def pause(self, scope: str, until: datetime, reason: str) -> None:
        """Pause a scope; a longer pause that is already running stays."""
        ...


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause an answer calls for."""

    scope: str
    length: timedelta
    reason: str


class MemoryPauses:
    """Pauses of one process, for tests and tools."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.ends: dict[str, datetime] = {}

    def paused_until(self, *scopes: str) -> datetime | None:
        """See :class:`Pauses`."""
        running = [self.ends[scope] for scope in scopes if scope in self.ends]
        latest = max(running, default=None)
        return latest if latest is not None and latest > self._clock() else None

    def pause(self, scope: str, until: datetime, reason: str) -> None:
        """See :class:`Pauses`."""
        self.ends[scope] = max(until, self.ends.get(scope, until))


def scopes_of(application: Application) -> tuple[str, ...]:
    """Every scope that silences this application."""
    return EVERYTHING, application.id, _credentials_scope(application)


def pause_for(application: Application, result: ResultCode) -> Pause | None:
    """The pause an answer calls for, None for most.

    Refused credentials pause only what was configured at the time: corrected ones are another scope and go
    ahead at once, unchanged ones get an attempt in 30 minutes, too few to lock the address (auth.md §9).
    """
    if result.outcome is Outcome.LOCKED:
        return Pause(EVERYTHING, LENGTHS[Outcome.LOCKED], "locked")
    if result.http_status in {400, 401} or result.code in _AUTH_CODES:
        return Pause(_credentials_scope(application), LENGTHS[Outcome.AUTH], "auth")
    if result.outcome is Outcome.FROZEN:
        return Pause(application.id, LENGTHS[Outcome.FROZEN], "frozen")
    if result.outcome is Outcome.FLOW:
        return Pause(application.id, LENGTHS[Outcome.FLOW], "flow")
    return None


def _credentials_scope(application: Application) -> str:
    configured = "\0".join(
        (application.app_key, application.secrets[0], application.base_url, application.scheme)
    )
    return f"{application.id}#{hashlib.sha256(configured.encode()).hexdigest()[:12]}"
