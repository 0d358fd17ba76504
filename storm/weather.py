"""What a plan does: each kind of fault, at its place, while it lasts."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import httpx
from botocore.exceptions import EndpointConnectionError

from emulator.faults import Fault as PlatformFault
from emulator.platform import Emulator
from storm.clockwork import Clockwork, Killed
from storm.occasions import Occasion
from storm.ordering import ORDERED, ordered
from storm.plan import DAY_S, Fault, Plan
from storm.platform import Door
from storm.refusals import ClientErrors, conflict, throttled, unprocessed
from storm.tables import WRITES
from storm.upheavals import PATIENT, Console

_PATIENCE: Final = timedelta(minutes=10)
_TROUBLE_S: Final = 4.5
"""So long the SDK tries a table that does not answer: three times a second and a half."""


@dataclass
class _Running:
    """An invocation, and how many requests to the tables it has made."""

    function: str
    requests: int = 0


@dataclass
class Weather:
    """The faults of a plan. `occasions`: all times that one has acted; `struck_at`: the first of each."""

    plan: Plan
    emulator: Emulator
    clockwork: Clockwork
    start: datetime
    door: Door
    errors: ClientErrors
    LASTING: ClassVar = frozenset(
        {
            *("platform.lock_out", "platform.arrears", "table.outage", "table.throttled", "table.conflicts"),
            *("table.answer_lost", "table.withheld", "source.skipped", "scheduler.outage"),
            *("clock.skew", "number.suspended", "receiver.down"),
        }
    )
    """Kinds that act all the time while they last."""

    struck_at: dict[str, datetime] = field(default_factory=dict)
    ended_at: dict[str, datetime] = field(default_factory=dict)
    occasions: list[Occasion] = field(default_factory=list)
    ordered_as: dict[str, str] = field(default_factory=dict)
    active: dict[str, Fault] = field(default_factory=dict)
    overlap: Callable[[Fault], bool] = lambda fault: False
    running: list[_Running] = field(default_factory=list)
    console: Console = field(init=False)
    _refused_bodies: set[str] = field(default_factory=set)
    _spent: set[str] = field(default_factory=set)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.console = Console(self.emulator, self.door)
        self._chance = random.Random(f"{self.plan.seed}/weather")  # noqa: S311 - repeatable, not secret
        self.emulator.faults.listeners.append(self._taken)
        for fault in self.plan.faults:
            self.emulator.scheduler.at(self._moment(fault.at_s), self._beginning(fault), fault.id)
            self.emulator.scheduler.at(self._moment(fault.ends_s), self._ending(fault), f"end of {fault.id}")

    def window_of(self, fault: Fault) -> tuple[datetime, datetime]:
        """From when until when a fault of the plan lasts, or has lasted."""
        return self._moment(fault.at_s), self.ended_at.get(fault.id, self._moment(fault.ends_s))

    def skipped(self, schedule: str) -> bool:
        """Whether a schedule does not fire now."""
        fault = self._any("scheduler.outage") or self._any("source.skipped", schedule=schedule)
        return fault is not None and self._strike(fault, keep=True)

    def refused(self) -> bool:
        """Whether the platform cannot be reached now."""
        return self.strikes("platform.no_connection")

    def strikes(self, kind: str) -> bool:
        """Whether a fault of a kind acts on this occasion, once."""
        fault = self._any(kind)
        return fault is not None and self._strike(fault)

    def again(self, queue: str) -> bool:
        """Whether a message that is done comes once more."""
        fault = self._any("queue.twice", queue=queue)
        return fault is not None and self._strike(fault)

    def receiver_down(self) -> bool:
        """Whether nobody answers our webhooks now."""
        fault = self._any("receiver.down")
        return fault is not None and self._strike(fault, keep=True)

    def receiver_unheard(self) -> bool:
        """Whether the receiver's answer gets lost."""
        return self.strikes("receiver.answer_lost")

    # pushes on their way

    def refuse_push(self, path: str, content: bytes) -> bool:
        """Whether a push does not reach us: once refused, its repetitions are, too."""
        digest = hashlib.sha256(content).hexdigest()
        if digest in self._refused_bodies:
            return True
        fault = self._any("push.refused_for_hours", push=_push_kind(path))
        if fault is None or not self._strike(fault):
            return False
        self._refused_bodies.add(digest)
        return True

    def lose_answer(self, path: str) -> None:
        """Raise what the platform sees when our answer gets lost."""
        fault = self._any("push.answer_lost", push=_push_kind(path))
        if fault is not None and self._strike(fault):
            raise httpx.ReadTimeout("the answer was lost")

    # invocations and their requests to the tables

    def invoked(self, name: str) -> None:
        """A function begins."""
        self.running.append(_Running(name))

    def ended(self, name: str) -> None:
        """A function is over."""
        self.running.pop()

    def before(self, operation: str, request: Mapping[str, Any]) -> None:
        """See `tables.Weather`; outside of functions the weather is fine."""
        if not self.running:
            return
        self.running[-1].requests += 1
        self._overlap()
        self._kill(after=False)
        self._stall()
        outage = self._any("table.outage")
        if outage is not None:
            self._strike(outage, keep=True)
            self.clockwork.sleep(_TROUBLE_S)
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        if self._share("table.throttled"):
            raise throttled(self.errors, operation, request, self._chance)
        if operation in WRITES and operation != "BatchWriteItem" and self._share("table.conflicts"):
            raise conflict(self.errors, operation, request, self._chance)

    def withheld(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `tables.Weather`."""
        if not self.running or operation != "BatchGetItem" or not self._share("table.withheld"):
            return {}
        return unprocessed(request, self._chance)

    def after(self, operation: str, request: Mapping[str, Any]) -> bool:
        """See `tables.Weather`."""
        if not self.running:
            return False
        self._kill(after=True)
        return operation in WRITES and self._share("table.answer_lost")

    def lasts(self, kind: str) -> bool:
        """Whether a fault of a kind acts now."""
        return self._any(kind) is not None

    def _overlap(self) -> None:
        fault = self._now("function.overlap")
        if fault is not None and len(self.running) == 1:
            self._spent.add(fault.id)
            if self.overlap(fault):
                self._strike(fault)
            else:
                self._spent.discard(fault.id)

    def _kill(self, *, after: bool) -> None:
        fault = self._now("function.crash", after=after)
        if fault is not None and self._strike(fault):
            raise Killed

    def _stall(self) -> None:
        fault = self._now("function.timeout")
        if fault is not None and self._strike(fault):
            self.clockwork.sleep(1000)

    def _now(self, kind: str, **params: bool) -> Fault | None:
        """A fault of this function and of this request of its invocation."""
        running = self.running[-1]
        return self._any(kind, function=running.function, nth=running.requests, **params)

    def _share(self, kind: str) -> bool:
        fault = self._any(kind)
        if fault is None or self._chance.random() >= float(fault.params["share"]):
            return False
        return self._strike(fault, keep=True)

    # beginnings and endings

    def _beginning(self, fault: Fault) -> Callable[[], Any]:
        async def begin() -> None:
            self.active[fault.id] = fault
            if fault.kind in ORDERED:
                self.ordered_as[fault.id] = self.emulator.faults.add(ordered(fault)).id
            elif fault.kind == "clock.skew":
                self.clockwork.skew = timedelta(seconds=float(fault.params["seconds"]))
                self._strike(fault, keep=True)
            elif self.console.begin(fault):
                self._strike(fault, keep=True)
            elif fault.kind in PATIENT:
                self._once_more(fault)

        return begin

    def _ending(self, fault: Fault) -> Callable[[], Any]:
        async def end() -> None:
            if self._waits_on(fault):
                return
            self.active.pop(fault.id, None)
            self.ended_at[fault.id] = self.emulator.scheduler.now()
            if fault.id in self.ordered_as:
                self.emulator.faults.remove(self.ordered_as[fault.id])
            elif fault.kind == "clock.skew":
                self.clockwork.skew = timedelta()
            else:
                self.console.end(fault)

        return end

    def _waits_on(self, fault: Fault) -> bool:
        """What has found nothing to act on goes on, as long as the business does."""
        now = self.emulator.scheduler.now()
        later = min(now + max(timedelta(seconds=fault.lasts_s), _PATIENCE), self._over())
        if fault.id in self.struck_at or later <= now:
            return False
        self.emulator.scheduler.at(later, self._ending(fault), f"end of {fault.id}")
        return True

    def _over(self) -> datetime:
        return self._moment(self.plan.played_days * DAY_S)

    def _once_more(self, fault: Fault) -> None:
        when = self.emulator.scheduler.now() + _PATIENCE
        if when < max(self._moment(fault.ends_s), self._over()):
            self.emulator.scheduler.at(when, self._beginning(fault), f"{fault.id} again")

    def _taken(self, acting: PlatformFault, facts: Mapping[str, Any]) -> None:
        """The platform does what was ordered of it."""
        for fault in self.active.values():
            if self.ordered_as.get(fault.id) == acting.id:
                self._strike(fault, keep=True)

    def _any(self, kind: str, **params: str | bool | int) -> Fault | None:
        return next(
            (
                fault
                for fault in self.active.values()
                if fault.kind == kind
                and fault.id not in self._spent
                and all(fault.params[name] == value for name, value in params.items())
            ),
            None,
        )

    def _strike(self, fault: Fault, *, keep: bool = False) -> bool:
        now = self.emulator.scheduler.now()
        self.struck_at.setdefault(fault.id, now)
        function = self.running[-1].function if self.running else ""
        self.occasions.append(Occasion(now, fault.kind, fault.id, function))
        if not keep:
            self._spent.add(fault.id)
        return True

    def _moment(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)


def _push_kind(path: str) -> str:
    return {"fee": "fee", "sms": "sms_notify", "number": "num_status"}.get(path.rpartition("/")[2], "status")
