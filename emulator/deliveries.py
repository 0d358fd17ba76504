"""The delivery log: every push the emulator owed, every attempt it made, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from emulator.callrecord import Call
from emulator.events import Body
from emulator.faults import Fault

PushKind = Literal["status", "fee", "num_status", "sms_notify", "sms_control"]


class DeliveryState(StrEnum):
    """`pending` until an attempt succeeds or the schedule ends (`given_up`); `lost`: kept back by a fault."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the receiver. `status` is None when no answer came; `error` then says why."""

    at: datetime
    status: int | None
    error: str | None
    manual: bool


@dataclass(slots=True)
class Delivery:
    """One push. `facts` is what faults and lists select it by; `duplicate_of` names a copy's original."""

    id: str
    app_key: str
    kind: PushKind
    url: str
    body: Body
    facts: Mapping[str, Any]
    created_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: list[Attempt] = field(default_factory=list)
    first_at: datetime | None = None
    next_at: datetime | None = None
    fault: Fault | None = None
    duplicate_of: str | None = None
    headers: dict[str, str] | None = field(default=None, repr=False)

    @property
    def scheduled_attempts(self) -> int:
        """How many attempts of the retry schedule were made; ordered repetitions do not count."""
        return sum(not attempt.manual for attempt in self.attempts)


class DeliveryLog:
    """All deliveries in order of creation."""

    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}

    def __len__(self) -> int:
        return len(self._deliveries)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._deliveries.values())

    def __getitem__(self, delivery_id: str) -> Delivery:
        return self._deliveries[delivery_id]

    def add(self, delivery: Delivery) -> Delivery:
        """Keep a new delivery."""
        self._deliveries[delivery.id] = delivery
        return delivery

    def cdr_delivered_at(self, call: Call) -> datetime | None:
        """Return when the CDR of a call was first delivered, None while it was not."""
        for delivery in self:
            if delivery.kind == "fee" and call.icid in delivery.facts.get("icids", ()):
                accepted = (attempt.at for attempt in delivery.attempts if attempt.error is None)
                if (at := next(accepted, None)) is not None:
                    return at
        return None

    def next_id(self) -> str:
        """Return the id of the next delivery: `push-1`, `push-2` ..."""
        return f"push-{len(self) + 1}"

    def clear(self) -> None:
        """Forget everything."""
        self._deliveries.clear()
