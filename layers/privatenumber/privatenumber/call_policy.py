"""What an application allows its callers, and what of calls without a binding (users.md U-S09, U-S10).

Everything is off by default. A limit of 0 is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_LIMIT: Final = 200
"""No limit is larger: so many counted calls are read at most before a question is answered."""
MAX_REOPEN_MINUTES: Final = 7 * 1440
MAX_ORPHAN_HOURS: Final = 9600
"""So long a closed binding is kept (400 days)."""
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


class Within(StrEnum):
    """Where calls are counted together."""

    APPLICATION = "application"
    X = "x"
    BINDING = "binding"


class OrphanCalls(StrEnum):
    """What is done about a call of somebody who stands on no binding."""

    LEAVE = "leave"
    NOTIFY = "notify"
    """The business is told with whom the caller last stood on that X."""
    REOPEN = "reopen"
    """Also, the same people are bound again on the X for a while, if their time ended a moment ago."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in any ``seconds``; ``rule`` is its name in records and settings."""

    rule: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """The rules of one application."""

    answers_per_day: int = 0
    """Answered calls between the same two people on a Beijing day."""
    answers_within: Within = Within.APPLICATION
    calls_per_minute: int = 0
    """Calls of one person, answered or not, in any 60 seconds; likewise in any 60 minutes and 24 hours."""
    calls_per_hour: int = 0
    calls_per_day: int = 0
    sms_per_minute: int = 0
    """Texts of one person about which the platform asks us."""
    sms_per_hour: int = 0
    sms_per_day: int = 0
    frequency_within: Within = Within.APPLICATION
    """An application or an X."""
    black_list: bool = False
    """Whether the black list is looked at."""
    orphan_calls: OrphanCalls = OrphanCalls.LEAVE
    orphan_hours: int = 72
    """A relation that ended longer ago tells nothing about a call."""
    reopen_within_minutes: int = 120
    """The grace: one that ended longer ago is not bound again."""
    reopen_minutes: int = 30
    """So long lives what is bound again."""

    @property
    def call_limits(self) -> tuple[Limit, ...]:
        """The limits on calls that are set, the shortest time first."""
        return _limits("calls", self.calls_per_minute, self.calls_per_hour, self.calls_per_day)

    @property
    def sms_limits(self) -> tuple[Limit, ...]:
        """The limits on texts that are set, the shortest time first."""
        return _limits("sms", self.sms_per_minute, self.sms_per_hour, self.sms_per_day)

    def governs(self, *, call: bool) -> bool:
        """Whether any rule may stop a call, or a text."""
        limited = self.answers_per_day or self.call_limits if call else self.sms_limits
        return bool(limited or self.black_list)


def _limits(what: str, minute: int, hour: int, day: int) -> tuple[Limit, ...]:
    found = (("minute", minute, _MINUTE_S), ("hour", hour, _HOUR_S), ("day", day, _DAY_S))
    return tuple(Limit(f"{what}_per_{name}", most, seconds) for name, most, seconds in found if most)


NO_RULES: Final = CallPolicy()
