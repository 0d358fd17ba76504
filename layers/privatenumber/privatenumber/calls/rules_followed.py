"""The rules of an application while a call runs: count what came, and end what breaks a rule.

The platform asks in X mode only; elsewhere a call is seen when its events are followed, and ended with
terminate call (recording-and-call-stop.md §3). Each event may come late, twice and in any order: what is
counted is counted once, and a call is ended only while the event is young (notifications.md §9.1). What
contradicts an event or a notice that came first tells nothing (§9.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from privatenumber.call_policy import CallPolicy
from privatenumber.calls import rules
from privatenumber.calls.call_so_far import CallSoFar, call_so_far
from privatenumber.calls.relations import Unseal
from privatenumber.calls.rules import Broken, Moment, Parties
from privatenumber.calls.rules_counting import Counting
from privatenumber.calls.stored import entry_of_row
from privatenumber.deadline import Deadline
from privatenumber.platform.pushes import BLOCK, CallEvent, EventType
from privatenumber.settings import Application, Mode
from privatenumber.store.barred import BarredStore
from privatenumber.store.call_facts import FactReader
from privatenumber.store.call_rules import Act, CallRules
from privatenumber.store.orders import OrderRef
from privatenumber.times import Clock, from_iso

#: An older event ends no call (`backend.event.action_max_age_s`, notifications.md §9.1).
MAX_AGE: Final = timedelta(seconds=60)
_STEPS: Final = frozenset(
    event.value for event in (EventType.CALLIN, EventType.CALLOUT, EventType.ALERTING, EventType.ANSWER)
)


def is_young(now: datetime, at: datetime, received_at: datetime) -> bool:
    """Whether something can still be done about what happened at a moment of the platform's clock.

    That clock may be hours ahead (notifications.md §2.2), so a moment to come says as little as an old one;
    and what was received long ago is old whatever it says.
    """
    return abs(now - at) <= MAX_AGE and now - received_at <= MAX_AGE


class RuleOutcome(StrEnum):
    """What became of a row; the value is the name of its metric."""

    STOPPED = "CallsStopped"
    FAILED = "CallStopsFailed"
    MISSED = "CallStopsMissed"


@dataclass(frozen=True, slots=True)
class Stop:
    """What came of asking the platform to end a call; ``code`` is its refusal."""

    act: Act
    code: str | None = None


#: Ends the call of a ``sessionId`` in the name of an application, within the time that is left for all
#: calls of an invocation; raises nothing that the platform answers.
Stopper = Callable[[Application, str, Deadline], Stop]
_METRICS: Final[Mapping[Act, RuleOutcome]] = {
    Act.STOPPED: RuleOutcome.STOPPED,
    Act.ALREADY_ENDED: RuleOutcome.MISSED,
    Act.FAILED: RuleOutcome.FAILED,
    Act.MISSED: RuleOutcome.MISSED,
}


class RulesFollowed:
    """Follows events of calls and questions about texts.

    Parameters
    ----------
    reader, calls, counting, barred
        Facts of calls, what was done to them, what limits count, and the black list.
    orders : Callable
        The binding behind an application's ``subscriptionId`` (`OrderStore.find`).
    applications : Callable
        The configured applications by id.
    stop : Stopper
    unseal : Callable
        Opens a sealed value of a context (`KeyringStore.unseal`).
    """

    def __init__(
        self,
        reader: FactReader,
        calls: CallRules,
        counting: Counting,
        barred: BarredStore,
        *,
        orders: Callable[[str, str], OrderRef | None],
        applications: Callable[[], Mapping[str, Application]],
        stop: Stopper,
        unseal: Unseal,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._calls = calls
        self._counting = counting
        self._barred = barred
        self._orders = orders
        self._applications = applications
        self._stop = stop
        self._unseal = unseal
        self._clock = clock

    def follow(self, row: Mapping[str, Any], until: Deadline) -> tuple[RuleOutcome, ...]:
        """Count what a new row tells, and end its call if it breaks a rule; ``until`` is for the platform."""
        if "variant" in row.get("flags", ()):
            return ()
        text = row["kind"] == "sms" and str(row.get("notify_mode", "")).lower() == BLOCK
        event = row["kind"] == "event" and row["event"] in _STEPS
        identity = row.get("session" if event else "sms")
        if not (text or event) or not identity:
            return ()
        application = self._applications().get(row["application"])
        if application is None or not application.rules.governs(call=event):
            return ()
        at = from_iso(row["at"] if "at" in row else row["received_at"])
        own = Moment(event, at, identity, row.get("x"))
        if event:
            return tuple(self._event(application, row, own, until))
        parties = Parties(application.id, caller=row.get("calling"), callee=None, x=own.x)
        self._counting.note_arrival(application.rules, parties, own)
        return ()

    def _event(
        self, application: Application, row: Mapping[str, Any], own: Moment, until: Deadline
    ) -> Iterator[RuleOutcome]:
        policy = application.rules
        so_far = call_so_far(self._reader.call(application.id, row["pk"].split("#", 2)[2]))
        parties, own = self._parties(application.id, so_far), replace(own, x=so_far.x)
        if so_far.came_at:
            self._counting.note_arrival(policy, parties, replace(own, at=so_far.came_at))
        if so_far.answered_at:
            self._counting.note_answer(policy, parties, replace(own, at=so_far.answered_at))
        asked = application.mode is Mode.X and row["event"] == EventType.CALLIN
        if asked or so_far.stopped:
            return
        broken = self._broken(policy, parties, own, so_far)
        if broken:
            yield from self._end(application, row, own, broken, so_far, until)

    def _parties(self, application: str, so_far: CallSoFar) -> Parties:
        """In X mode our decision names the binding, elsewhere the platform's id does."""
        found = self._orders(application, so_far.subscription_id) if so_far.subscription_id else None
        return Parties(
            application,
            caller=so_far.caller,
            callee=so_far.callee,
            x=so_far.x,
            named=so_far.subscription_id or so_far.binding_id,
            binding_id=found.binding_id if found else so_far.binding_id,
            order=found.order if found else so_far.order,
            x_number=found.x if found else so_far.x_number,
        )

    def _broken(self, policy: CallPolicy, parties: Parties, own: Moment, so_far: CallSoFar) -> Broken | None:
        keys = rules.bar_keys(parties) if policy.black_list else []
        found = rules.barred(self._barred.found(keys), self._clock()) if keys else None
        if found is None and so_far.came_at:
            found = self._counting.too_often(policy, parties, replace(own, at=so_far.came_at))
        at = so_far.answered_at or own.at
        return found or self._counting.answered_too_often(policy, parties, replace(own, at=at))

    def _end(
        self,
        application: Application,
        row: Mapping[str, Any],
        own: Moment,
        broken: Broken,
        so_far: CallSoFar,
        until: Deadline,
    ) -> Iterator[RuleOutcome]:
        now = self._clock()
        if so_far.over or not is_young(now, own.at, from_iso(row["received_at"])):
            stop = Stop(Act.MISSED, "ended" if so_far.over else "late")
        else:
            stop = self._stop(application, self._session(row), until)
        evidence = {**broken.evidence(), "event": row["event"]}
        if stop.code:
            evidence["code"] = stop.code
        if self._calls.note(row["pk"], application.id, stop.act, evidence, at=now):
            yield _METRICS[stop.act]

    def _session(self, row: Mapping[str, Any]) -> str:
        """The platform's id of the call, from the sealed event."""
        entry = entry_of_row(row, self._unseal)
        if not isinstance(entry, CallEvent) or not entry.session_id:
            raise TypeError(f"an event row holds a {type(entry).__name__} without session")
        return entry.session_id
