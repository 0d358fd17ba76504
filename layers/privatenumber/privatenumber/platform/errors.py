"""What can go wrong between us and the platform: one exception per internal outcome (result-codes.md §6).

Two of them are not answers at all: UnknownOutcome (it may have happened) and NotSent (it certainly has not).
No message carries a number, a secret or the platform's own text.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from privatenumber.codes.results import Outcome, ResultCode, Retry


class PlatformError(Exception):
    """A platform request that did not succeed.

    Attributes: ``api`` (``axb.bind``…), ``http_status`` and ``code`` as answered (None without an answer),
    ``outcome``, ``meaning`` and ``remedy`` in our words, ``retry`` as the class of result-codes.md §2.
    """

    def __init__(self, api: str, result: ResultCode, *, answered: bool = True) -> None:
        label = (
            " ".join(filter(None, (str(result.http_status), result.code)))
            if answered
            else result.outcome.value
        )
        super().__init__(f"{api}: {label}: {result.meaning}")
        self.api = api
        self.http_status = result.http_status if answered else None
        self.code = result.code or None
        self.outcome = result.outcome
        self.meaning = result.meaning
        self.remedy = result.remedy
        self.retry = result.retry


class NotFound(PlatformError):
    """No such binding, or it is gone; for a release that is success."""


class Conflict(PlatformError):
    """X, extension or party is already bound there."""


class Full(PlatformError):
    """X carries as many bindings as its mode allows."""


class LimitPerUser(PlatformError):
    """This person has as many X, or as many binds today, as the platform allows."""


class NoResource(PlatformError):
    """The platform found no X for an automatic choice."""


class NotOwned(PlatformError):
    """X is unknown to the platform or belongs to another application."""


class NumberState(PlatformError):
    """X is suspended, unavailable or frozen for binding."""


class Frozen(PlatformError):
    """The account is in arrears; the platform refuses everything."""


class FlowControl(PlatformError):
    """Too fast; the application pauses a minute."""


class AuthRefused(PlatformError):
    """Signature, key or source address refused; repeating would lock the address."""


class LockedOut(PlatformError):
    """The egress address is locked after failed authentications; everything pauses 30 minutes."""


class Invalid(PlatformError):
    """The platform refuses the request as such, or with a code nobody documented."""


class WrongMode(PlatformError):
    """The API belongs to another mode than the application's."""


class NoRecording(PlatformError):
    """Recording asked for, application without recording."""


class TransientFault(PlatformError):
    """The platform failed (5xx) on a request that is safe to repeat, and still did after our repetitions."""


class UnknownOutcome(PlatformError):
    """No usable answer to a request that may have been executed; look it up before repeating it."""


class NotSent(PlatformError):
    """Certainly not executed: paused, deadline too short or no connection. ``until``: end of the pause.

    ``outcome`` is what the platform would have said, where we spared it the request: too many of them.
    """

    def __init__(
        self,
        api: str,
        meaning: str,
        *,
        until: datetime | None = None,
        outcome: Outcome = Outcome.UNKNOWN,
    ) -> None:
        remedy = "Repeat it after the pause" if until else "Repeat it"
        result = ResultCode(0, "", "", meaning, remedy, Retry.NOW, outcome, frozenset())
        super().__init__(api, result, answered=False)
        self.until = until


_BY_OUTCOME: Final[dict[Outcome, type[PlatformError]]] = {
    Outcome.NOT_FOUND: NotFound,
    Outcome.CONFLICT: Conflict,
    Outcome.FULL: Full,
    Outcome.LIMIT_PER_USER: LimitPerUser,
    Outcome.NO_RESOURCE: NoResource,
    Outcome.NOT_OWNED: NotOwned,
    Outcome.NUMBER_STATE: NumberState,
    Outcome.FROZEN: Frozen,
    Outcome.FLOW: FlowControl,
    Outcome.AUTH: AuthRefused,
    Outcome.LOCKED: LockedOut,
    Outcome.INVALID: Invalid,
    Outcome.WRONG_MODE: WrongMode,
    Outcome.NO_RECORDING: NoRecording,
    Outcome.TRANSIENT: TransientFault,
    Outcome.UNKNOWN: UnknownOutcome,
}


def error_for(api: str, result: ResultCode) -> PlatformError:
    """The exception of an answered failure. Raises KeyError for a success, which is no error."""
    return _BY_OUTCOME[result.outcome](api, result)


def unsendable(api: str, broken: Mapping[str, str]) -> Invalid:
    """The exception of a request that breaks a rule of its wire model: it was not sent.

    ``broken`` are fields and rules, as `fields.violations` tells them.
    """
    rules = "; ".join(f"{field or 'request'}: {rule}" for field, rule in broken.items())
    result = ResultCode(
        0,
        "",
        "",
        f"Not sent, because the platform would refuse it: {rules}",
        "Correct the request",
        Retry.AFTER_FIX,
        Outcome.INVALID,
        frozenset(),
    )
    return Invalid(api, result, answered=False)


def no_answer(api: str) -> UnknownOutcome:
    """The exception of a request whose answer is missing or unreadable."""
    result = ResultCode(
        0,
        "",
        "",
        "No readable answer; it may have been executed",
        "Look it up before repeating it",
        Retry.NOW,
        Outcome.UNKNOWN,
        frozenset(),
    )
    return UnknownOutcome(api, result, answered=False)
