"""What may make an alarm go off: which fault, in which function, and how long before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storm.judges.cloudwatch import Alarm
from storm.occasions import Occasion, Window

_KILLED: Final = ("function.crash", "function.timeout")
_TABLES: Final = (
    "table.outage", "table.throttled", "table.conflicts", "table.answer_lost", "table.withheld",
)  # fmt: skip
_SPOILS: Final = (*_KILLED, *_TABLES)
_PLATFORM: Final = (
    "platform.lock_out", "platform.arrears", "platform.flow_control", "platform.no_connection",
    "platform.error_5xx", "platform.error_5xx_after_success", "platform.timeout_before",
    "platform.timeout_after_success",
)  # fmt: skip
_SHUT_OUT: Final = ("platform.lock_out", "platform.arrears")
_UNHEARD: Final = ("platform.timeout_after_success", "platform.error_5xx_after_success")
SILENCE: Final = "platform.silence"
"""No fault: from a lock-out or arrears on until an application has learned that they are over."""

LISTED: Final = "drift.listed"
"""No fault: a drift run has put down a difference; whether there was one says the judge of drift."""

POOL_FULL: Final = "pool.full"
"""No fault: an order was refused, and somebody stood in its way on every number."""

POOL_SCARCE: Final = "pool.scarce"
"""No fault: when the watch looked, a pool was used up as far as its alarm tells."""

POOL_LAST: Final = "pool.last"
"""No fault: when the watch looked, somebody had no number left."""

_NUMBERS: Final = ("platform.arrears", "number.suspended", "number.returned")
_RECEIVER: Final = ("receiver.down", "receiver.answer_lost")

_NOTHING: Final = timedelta()
_HOUR: Final = timedelta(hours=1)
_EVER: Final = timedelta(days=40)
_TURN: Final = timedelta(hours=6, minutes=10)
_FLOW: Final = timedelta(minutes=1)
"""So long whoever sent too much keeps silent."""

_FOLLOWED: Final = timedelta(minutes=10)
"""Until then a push that came is seen to have come."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that acted: its kind, from when until when, and the function it was for."""

    kind: str
    window: Window
    function: str = ""

    @property
    def lasted(self) -> bool:
        """Whether it acted for a while and not at one moment."""
        return self.window[0] < self.window[1]


@dataclass(frozen=True, slots=True)
class Cause:
    """Faults of these kinds that acted in one of the functions, or that lasted, if it is none of a function.

    ``after``: how long after it the alarm may stand.
    """

    kinds: tuple[str, ...]
    functions: tuple[str, ...] = ()
    after: timedelta = _NOTHING


def _in(function: str, *kinds: str, after: timedelta = _NOTHING) -> Cause:
    return Cause(kinds, (function,), after)


# What is late by an hour is worked off within two runs of five minutes.
_UNSCHEDULED: Final = Cause(("scheduler.outage",), after=timedelta(minutes=15))
_UNBIND: Final = ("UnbindSweepFunction", "UnbindWorkerFunction")
_HOOKS: Final = ("WebhooksSweepFunction", "WebhooksWorkerFunction", "WebhooksNoteFunction")
_JOBS: Final = ("JobsSweepFunction", "JobsWorkerFunction")

CAUSES: Final[Mapping[str, tuple[Cause, ...]]] = {
    "InternalErrorsAlarm": (_in("BindingsFunction", *_TABLES),),
    "UnstoredPushesAlarm": (_in("CallbacksFunction", *_TABLES),),
    "UndecidedQuestionsAlarm": (_in("CallbacksFunction", *_TABLES, "function.timeout"),),
    "PlatformPausedAlarm": (
        Cause(("platform.flow_control",), after=_FLOW),
        Cause((SILENCE,)),
    ),
    "PoolEmptyAlarm": (_in("BindingsFunction", POOL_FULL),),
    "PoolUtilisationAlarm": (_in("PoolWatchFunction", POOL_SCARCE),),
    "NumbersLeftAlarm": (_in("PoolWatchFunction", POOL_LAST),),
    "SweepLagAlarm": (
        Cause(("source.skipped",), after=timedelta(minutes=10)),
        _UNSCHEDULED,
        Cause(_SPOILS, _UNBIND, timedelta(minutes=45)),
    ),
    "WatchLagAlarm": (_in("WatchFunction", *_SPOILS, after=_HOUR), _UNSCHEDULED),
    "WorkAgeAlarm": (Cause(_SPOILS, _UNBIND, _HOUR),),
    # After five tries, which takes longer than any fault of a few requests.
    "ReleasesStuckAlarm": (Cause((*_SHUT_OUT, "number.suspended"), after=_HOUR),),
    "FlappingNumbersAlarm": (Cause(_NUMBERS, after=timedelta(hours=11)),),
    # A CDR names a binding that we could not write down, because the answer to its bind was lost.
    "UnknownBindingsAlarm": (Cause(_UNHEARD, after=13 * _HOUR),),
    # What the platform never had is asked for once more when the storm is over, as of eight days later.
    "RecordingSweepLagAlarm": (
        Cause(_SPOILS, ("RecordingsSweepFunction", "RecordingsWorkerFunction"), _HOUR),
        Cause(("recording.missing",), after=_EVER),
        _UNSCHEDULED,
    ),
    "RecordingsLostAlarm": (Cause(("recording.missing",), after=_EVER),),
    "RecordingsAtRiskAlarm": (Cause(("recording.missing",), after=_EVER),),
    "JobsRepeatedAlarm": (Cause(_SPOILS, _JOBS, _HOUR),),
    "DriftListedAlarm": (_in("DriftFunction", LISTED, after=timedelta(minutes=1)),),
    "DriftAgeAlarm": (
        _in("DriftFunction", *_SPOILS, after=_HOUR),
        _UNSCHEDULED,
    ),
    # When something was noted is told by the table's clock, when it was delivered by ours.
    "WebhookDeliveryLagAlarm": (
        Cause(_SPOILS, _HOOKS, _HOUR),
        Cause(("clock.skew",)),
        Cause(_RECEIVER, after=_HOUR),
        _UNSCHEDULED,
    ),
    "WebhookSweepLagAlarm": (
        Cause(_SPOILS, _HOOKS, _HOUR),
        Cause(_RECEIVER, after=_HOUR),
        _UNSCHEDULED,
    ),
}
"""By alarm; one that is named nowhere may never go off."""

_MINUTE: Final = timedelta(minutes=1)

PUSHES: Final[Mapping[str, tuple[tuple[str, ...], timedelta, timedelta]]] = {
    "LateCdrsAlarm": (("fee",), _NOTHING, 8 * _HOUR),
    "ProbablyLostCdrsAlarm": (("fee",), 295 * _MINUTE, 14 * _HOUR),
    "LostFactsAlarm": (("fee", "status", "sms_notify"), 625 * _MINUTE, 36 * _HOUR),
    "UnendedCallsAlarm": (("status",), 205 * _MINUTE, 12 * _HOUR),
    "UnnotifiedSmsAlarm": (("sms_notify",), _NOTHING, 8 * _HOUR),
    "ExportsDueAlarm": (("fee",), timedelta(days=24), timedelta(days=27)),
    "ExportsMissedAlarm": (("fee",), timedelta(days=30), timedelta(days=33)),
    "ReconciliationAlarm": (("fee", "sms_notify"), _NOTHING, _EVER),
    "MissingCdrsAlarm": (("fee", "sms_notify"), _NOTHING, _EVER),
}
"""Alarms about pushes that had not come then: of which kinds, and how long after they should have (from, to).

The watch runs every six hours. It counts from the last sign of a call, up to half an hour before the push.
"""


@dataclass(frozen=True, slots=True)
class Missed:
    """A push that never came, or so late that somebody may have missed it: when it should have, and did."""

    at: datetime
    kind: str
    came: datetime | None = None


def caused(
    alarm: Alarm,
    at: datetime,
    struck: Sequence[Struck],
    occasions: Sequence[Occasion],
    missed: Sequence[Missed],
) -> bool:
    """Whether an alarm that stands in the period from ``at`` on has a cause."""
    begins = at - timedelta(seconds=alarm.period_s * (alarm.of - 1))
    ends = at + timedelta(seconds=alarm.period_s)
    if alarm.name in PUSHES:
        kinds, least, most = PUSHES[alarm.name]
        if _missed_its_turn(begins, ends, occasions):
            most += _TURN
        return any(
            one.kind in kinds
            and begins - most <= one.at < ends - least
            and (one.came is None or begins <= one.came + _FOLLOWED)
            for one in missed
        )
    return any(_struck(cause, begins, ends, struck, occasions) for cause in _causes(alarm))


def _missed_its_turn(begins: datetime, ends: datetime, occasions: Sequence[Occasion]) -> bool:
    """Whether the watch could not look the last time: what it would have seen it sees six hours later."""
    return any(
        (one.kind == "scheduler.outage" or (one.function == "WatchFunction" and one.kind in _SPOILS))
        and begins - _TURN <= one.at < ends
        for one in occasions
    )


def _causes(alarm: Alarm) -> tuple[Cause, ...]:
    function = dict(alarm.dimensions).get("FunctionName")
    if function is None:
        return CAUSES.get(alarm.name, ())
    if alarm.metric == "Duration":
        return (_in(function, *_SPOILS, *_PLATFORM),)
    # A stream waits a minute at most before it tries what failed once more.
    after = timedelta(minutes=10) if alarm.metric == "IteratorAge" else _NOTHING
    return (_in(function, *_SPOILS, after=after),)


def _struck(
    cause: Cause, begins: datetime, ends: datetime, struck: Sequence[Struck], occasions: Sequence[Occasion]
) -> bool:
    since = begins - cause.after
    if cause.functions:
        return any(
            one.kind in cause.kinds and one.function in cause.functions and since <= one.at < ends
            for one in occasions
        )
    return any(one.kind in cause.kinds and one.window[0] < ends and since <= one.window[1] for one in struck)
