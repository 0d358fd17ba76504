"""What a business system knows of its orders, and how it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from storm.orders import Order
from storm.platform import AREA, application_id

AGAIN_S: Final = (5, 20, 60, 180, 600, 1800)
"""A business system repeats a request after so many seconds, and then gives up."""


@dataclass
class Deal:
    """What is known of an order's binding. `ends` are the ends that may have been agreed, by when they were.

    `bs` are those who may stand opposite A. A release is `taken` when it is done or being worked on.
    `trace` is the story of the order, without numbers of people.
    """

    order: Order
    binding_id: str | None = None
    x: str | None = None
    y: str | None = None
    extension: str | None = None
    active: bool = False
    gave_up: str | None = None
    asked_at: datetime | None = None
    bound_at: datetime | None = None
    ends: list[datetime] = field(default_factory=list)
    bs: list[str] = field(default_factory=list)
    release_asked_at: datetime | None = None
    released_at: datetime | None = None
    release_taken: bool = False
    trace: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; status 0: nothing came."""

    status: int
    body: Mapping[str, Any]

    @property
    def repeatable(self) -> bool:
        """Whether the same request may fare better later."""
        return self.status in (0, 429, 500, 503, 504)


def bind_body(order: Order) -> dict[str, Any]:
    """The body with which an order is bound."""
    return {
        "application": application_id(order.mode),
        "order": order.id,
        "a": order.a,
        "ttl_seconds": order.life_s,
        **({"b": order.b} if order.mode in ("AXB", "AXYB", "X") else {}),
        **({"area": AREA} if order.mode == "AXYB" else {}),
        **({"record_hint_tone": "recorded.wav"} if order.recorded else {}),
    }


class Ask(Protocol):
    """One request through API Gateway."""

    def __call__(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send it; status 0: no answer came."""
        ...
