"""What can go wrong in the life of a binding, in words of the field. No message contains a phone number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from privatenumber.bindings.backoff import PAUSES, pause_end
from privatenumber.platform.errors import PlatformError


class BindingError(Exception):
    """Root of all of them."""


class BindingNotFound(BindingError):
    """No binding has this id."""

    def __init__(self) -> None:
        super().__init__("no binding has this id")


class PartnerNotFound(BindingError):
    """The binding has no partner of this id."""

    def __init__(self) -> None:
        super().__init__("the binding has no partner of this id")


class InvalidRequest(BindingError):
    """A field of the command breaks a rule; nothing was sent.

    Nothing was written either, unless a binding's application is not configured any more: what was begun then
    stands in the binding, and the worker goes on once it is configured again.

    Attributes
    ----------
    field : name of the field, as in `BindCommand`
    rule : the rule in words, without the value
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class OrderConflict(BindingError):
    """The order already has a live binding of this pair with other content; `binding_id` tells which."""

    def __init__(self, binding_id: str) -> None:
        super().__init__("the order already has a binding of these parties with other content")
        self.binding_id = binding_id


class IdempotencyMismatch(BindingError):
    """The Idempotency-Key was used for other content before."""

    def __init__(self) -> None:
        super().__init__("the Idempotency-Key was used before for other content")


class PoolReason(StrEnum):
    """Why no X could be given."""

    EMPTY = "empty"
    """The application has no X at all."""
    CITY = "city"
    """The application has no X of this city."""
    SUSPENDED = "suspended"
    """There are X numbers, none is in state active."""
    FULL = "full"
    """Every active X carries the maximum of pairs."""
    PERSON_LIMIT = "person_limit"
    """A has as many X of this application as the platform gives to one person (ax.md §1)."""
    CONFLICT = "conflict"
    """On every active X with room one of the parties already stands."""


@dataclass(frozen=True, slots=True)
class Needed:
    """How many more X numbers would help; 0 = no number would.

    Attributes
    ----------
    request : with so many more of the city it asked for, this request would have succeeded
    pressure : with so many more, nobody of today and yesterday would have been refused in this city
        (`refusals.numbers_needed`)
    """

    request: int
    pressure: int


class PoolEmpty(BindingError):
    """No X is available; try again after `retry_after_s` seconds. Nothing is bound and nothing is held.

    `needed` is None where the number of X does not matter: a named X was asked for.
    """

    def __init__(
        self,
        reason: PoolReason,
        retry_after_s: int = 30,
        *,
        needed: Needed | None = None,
        application: str | None = None,
    ) -> None:
        super().__init__(f"no X number is available: {reason.value}")
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.needed = needed
        self.application = application


class PartyConflict(BindingError):
    """A party already stands on the named X in another binding (axb.md §1, uniqueness)."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: a party already stands on this X in another binding")
        self.field = field


class StateConflict(BindingError):
    """The binding's state does not allow the operation, now (`retry_after_s` set) or for ever (None)."""

    def __init__(self, state: str, why: str, retry_after_s: int | None = None) -> None:
        super().__init__(f"binding is {state}: {why}")
        self.state = state
        self.why = why
        self.retry_after_s = retry_after_s


class BindRefused(BindingError):
    """The platform refused a bind or a change for good; everything taken for it is free again.

    Attributes
    ----------
    cause : the platform's refusal with code, meaning and remedy
    binding_id : the FAILED binding, or the unchanged one after a refused change
    """

    def __init__(self, cause: PlatformError, binding_id: str) -> None:
        super().__init__(f"refused by the platform: {cause}")
        self.cause = cause
        self.binding_id = binding_id


class PlatformPaused(BindingError):
    """The platform cannot be used now: arrears, flow control, lock-out, out of reach.

    Nothing is left behind at the platform, and what was taken for the request is free again.

    Attributes
    ----------
    until : aware UTC; None = unknown
    cause : what the platform or the client said
    """

    def __init__(self, until: datetime | None, cause: PlatformError) -> None:
        super().__init__(f"the platform cannot be used now: {cause}")
        self.until = until
        self.cause = cause


def refusal(error: PlatformError, binding_id: str, now: datetime) -> BindRefused | PlatformPaused:
    """Tell a caller of ours what the platform said."""
    if isinstance(error, PAUSES):
        return PlatformPaused(pause_end(now, error), error)
    return BindRefused(error, binding_id)


class OutcomeUnknown(BindingError):
    """No answer of the platform to a request that may be repeated as it was; `cause` says what happened."""

    def __init__(self, cause: PlatformError) -> None:
        super().__init__(f"it is not known whether the platform did it: {cause}")
        self.cause = cause


class Busy(BindingError):
    """Too many writers met on one X or binding; repeat the request.

    A new binding that found no gap was neither written nor sent. An operation that had begun may have reached
    the platform already: it stands in the binding, and the worker finishes it if nobody repeats the request.
    """

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("too many writers at the same time")
        self.retry_after_s = retry_after_s
