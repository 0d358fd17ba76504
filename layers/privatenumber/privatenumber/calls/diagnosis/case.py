"""Everything that is known around a call or a text, as a diagnosis reads it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from privatenumber.calls.diagnosis.binding_then import BindingThen
from privatenumber.settings import Mode
from privatenumber.store.calls import Call
from privatenumber.store.decisions import Decision
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.sms_rows import SmsFact


@dataclass(frozen=True, slots=True)
class StateTold:
    """A state of X that the platform pushed (notifications.md §7), and when it came."""

    status: str | None
    cause: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PauseThen:
    """A pause of our requests to the platform: why, and until when (`platform.pausing`)."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class RuleMet:
    """A rule of the application that a call or text broke (`rules.Broken`), and what was done about it.

    ``act`` is that of `store.call_rules.Act`, `None` where our answer to a question was the act.
    """

    rule: str
    act: str | None = None
    limit: int | None = None
    counted: int | None = None
    within: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounded a call or text.

    ``at`` is its moment, ``now`` that of the diagnosis. ``x`` is the private number that was used, `None`
    when no record says it readably. ``state`` is the last state of X that had been told, ``state_after`` the
    next one. ``bindings`` are those that may concern it, the nearest first.
    """

    application: str
    mode: Mode
    at: datetime
    now: datetime
    x: str | None = field(default=None, repr=False)
    bindings: tuple[BindingThen, ...] = ()
    state: StateTold | None = None
    state_after: StateTold | None = None
    pause: PauseThen | None = None
    decision: Decision | None = None
    rules: tuple[RuleMet, ...] = ()

    @property
    def mine(self) -> tuple[BindingThen, ...]:
        """Bindings in which the caller stands."""
        return tuple(one for one in self.bindings if one.part is not None)

    @property
    def on_x(self) -> tuple[BindingThen, ...]:
        """Bindings that use the number that was dialled."""
        return tuple(one for one in self.bindings if self.x in one.numbers)


@dataclass(frozen=True, slots=True)
class CallCase:
    """One call. ``cdrs`` and ``events`` without variants, which are in ``variants``.

    ``attempts`` are the digits of each attempt to enter an extension, in order, empty when none were typed.
    ``neighbours`` are other calls of the same caller about the same time; ``axe_digits`` is how long an
    extension is.
    """

    around: Around
    cdrs: tuple[CdrFact, ...] = ()
    events: tuple[EventFact, ...] = ()
    variants: tuple[CdrFact | EventFact, ...] = ()
    attempts: tuple[str, ...] = field(default=(), repr=False)
    neighbours: tuple[Call, ...] = ()
    axe_digits: int = 4

    @property
    def facts(self) -> tuple[CdrFact | EventFact, ...]:
        """CDRs and events."""
        return (*self.cdrs, *self.events)

    @property
    def cdr(self) -> CdrFact | None:
        """The CDR that counts: the connected one, else the first."""
        connected = (cdr for cdr in self.cdrs if cdr.answered_at)
        return next(connected, self.cdrs[0] if self.cdrs else None)

    def event(self, name: str) -> EventFact | None:
        """The event of this type."""
        return next((event for event in self.events if event.event == name), None)

    @property
    def state_code(self) -> int | None:
        """The cause that the hang-up event gave."""
        end = self.event("disconnect")
        return end.state_code if end else None

    @property
    def code(self) -> int | None:
        """The main cause: of the CDR first, else of the hang-up event (cause-codes.md §5)."""
        if self.cdr is not None and self.cdr.teardown is not None:
            return self.cdr.teardown
        return self.state_code

    @property
    def second_leg(self) -> bool:
        """Whether the platform started to call somebody."""
        return self.event("callout") is not None or bool(self.cdr and self.cdr.started_at)

    @property
    def arrived_at(self) -> datetime:
        """When the call came."""
        return self.around.at

    @property
    def alerting_at(self) -> datetime | None:
        """When the callee's phone began to ring."""
        if self.cdr is not None:
            return self.cdr.alerting_at
        event = self.event("alerting")
        return event.at if event else None

    @property
    def answered_at(self) -> datetime | None:
        """When somebody answered."""
        if self.cdr is not None:
            return self.cdr.answered_at
        event = self.event("answer")
        return event.at if event else None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, None while that is not known."""
        if self.cdr is not None and self.cdr.ended_at is not None:
            return self.cdr.ended_at
        event = self.event("disconnect")
        return (event.at or event.received_at) if event else None

    @property
    def subscription_id(self) -> str | None:
        """The platform's id of the binding that served it."""
        named = (fact.subscription_id for fact in self.facts)
        return next((name for name in named if name), None)

    @property
    def binding(self) -> BindingThen | None:
        """The binding that served the call, as the platform or our own answer named it."""
        decided = self.around.decision.binding_id if self.around.decision else None
        for one in self.around.bindings:
            if (decided and one.id == decided) or (
                self.subscription_id and one.subscription_id == self.subscription_id
            ):
                return one
        return None

    def among(self, *bindings: BindingThen) -> CallCase:
        """The same call, with other bindings around it."""
        return replace(self, around=replace(self.around, bindings=bindings))


@dataclass(frozen=True, slots=True)
class SmsCase:
    """One text: the question about it and its result, whichever came."""

    around: Around
    question: SmsFact | None = None
    result: SmsFact | None = None

    @property
    def told(self) -> SmsFact | None:
        """What says most about the text."""
        return self.result or self.question
