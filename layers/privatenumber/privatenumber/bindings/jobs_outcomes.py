"""What becomes of an execution of an item: done, failed for good, or to be gone on with later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings import errors
from privatenumber.bindings.model import Binding
from privatenumber.platform.errors import AuthRefused, TransientFault

NOT_BOUND: Final = "not-bound"
"""The binding was given up: its failure code tells why."""

NOT_SETTLED: Final = "not-settled"
"""Six days have not been enough to bring it to an end; the worker of bindings goes on all the same."""

INTERNAL: Final = "internal"
"""It failed for a reason nobody foresaw, several times."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done; what to tell of it. Nothing in it is a person's number."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be done: the kind of problem, as the API names them, and what belongs to it."""

    kind: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def problem(self) -> dict[str, Any]:
        """The problem as it is stored and shown."""
        return {"kind": self.kind, **self.more}


@dataclass(frozen=True, slots=True)
class Wait:
    """It goes on later: after a growing delay, or at ``until``. ``made`` is a binding it has made by now.

    ``paused``: the platform takes no requests of the application, and nothing was left behind.
    """

    until: datetime | None = None
    paused: bool = False
    made: str | None = None


Outcome = Done | Failed | Wait


def told(error: errors.BindingError) -> Outcome:
    """Say what an error of the binding engine means to an item."""
    if isinstance(error, errors.PlatformPaused):
        return Wait(error.until, paused=True)
    if isinstance(error, errors.Busy):
        return Wait()
    if isinstance(error, errors.StateConflict):
        return Wait() if error.retry_after_s else Failed("state-conflict", {"detail": error.why})
    if isinstance(error, errors.BindRefused):
        return _refused(error)
    return _failed(error)


def _refused(error: errors.BindRefused) -> Outcome:
    """A refusal of our credentials, or a fault of the platform, says nothing about the item."""
    if isinstance(error.cause, (AuthRefused, TransientFault)):
        return Wait(paused=True)
    return Failed("platform-refused", {"code": error.cause.code, "detail": error.cause.meaning})


def _failed(error: errors.BindingError) -> Failed:
    match error:
        case errors.InvalidRequest():
            return Failed("invalid-fields", {"field": error.field, "detail": error.rule})
        case errors.PoolEmpty():
            return Failed("no-number-available", {"detail": error.reason.value})
        case errors.OrderConflict():
            return Failed("order-conflict", {"binding_id": error.binding_id})
        case errors.PartyConflict():
            return Failed("party-conflict", {"field": error.field})
        case errors.IdempotencyMismatch():
            return Failed("idempotency-mismatch")
        case errors.PartnerNotFound():
            return Failed("partner-not-found")
        case errors.BindingNotFound():
            return Failed("binding-not-found")
    raise error


def shown(binding: Binding, outcome: str, **more: Any) -> Done:
    """Tell of one binding: ids, order, X and extension."""
    about = {
        "outcome": outcome,
        "binding_id": binding.id,
        "order": binding.order,
        "x": binding.x or None,
        "extension": binding.extension,
        **more,
    }
    return Done({name: value for name, value in about.items() if value is not None})
