"""The alarms of the template over the emitted metrics: each outage raises its own, nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from storm.judges.releases import Window, percentile
from storm.judges.verdict import Verdict
from storm.lambdas import Point

_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "p50": lambda values: percentile(values, 0.5),
    "p99": lambda values: percentile(values, 0.99),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of the template, as CloudWatch evaluates it."""

    name: str
    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    statistic: str
    period_s: int
    needed: int
    of: int
    threshold: float
    comparison: str
    missing_is_breaching: bool

    def raised(self, points: Iterable[Point]) -> list[datetime]:
        """When it went off: the begin of each stretch of periods that it counts as one alarm.

        A period without data is passed over: schedules that have nothing to do are not fired in a storm.
        """
        periods: dict[int, list[float]] = {}
        for point in points:
            periods.setdefault(int(point.at.timestamp()) // self.period_s, []).append(point.value)
        breaching = {
            number
            for number, values in periods.items()
            if _COMPARED[self.comparison](_STATISTICS[self.statistic](values), self.threshold)
        }
        found: list[datetime] = []
        for number in sorted(breaching):
            window = range(number - self.of + 1, number + 1)
            if sum(one in breaching for one in window) >= self.needed:
                at = datetime.fromtimestamp(number * self.period_s, UTC)
                if not found or at - found[-1] > timedelta(seconds=self.period_s * 2):
                    found.append(at)
        return found


def read_alarms(declared: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, str]) -> list[Alarm]:
    """The alarms of the template."""
    return [_alarm(name, one, parameters) for name, one in declared.items()]


def _alarm(name: str, one: Mapping[str, Any], parameters: Mapping[str, str]) -> Alarm:
    threshold = one["Threshold"]
    periods = int(one["EvaluationPeriods"])
    return Alarm(
        name=name,
        namespace=one["Namespace"],
        metric=one["MetricName"],
        dimensions=frozenset((each["Name"], _value(each["Value"])) for each in one.get("Dimensions", ())),
        statistic=str(one.get("Statistic") or one["ExtendedStatistic"]),
        period_s=int(one["Period"]),
        needed=int(one.get("DatapointsToAlarm", periods)),
        of=periods,
        threshold=float(parameters[threshold["Ref"]] if isinstance(threshold, Mapping) else threshold),
        comparison=one["ComparisonOperator"],
        missing_is_breaching=one["TreatMissingData"] == "breaching",
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        ((_, target),) = value.items()
        return str(target[0] if isinstance(target, list) else target)
    return str(value)


#: What must go off when a fault strikes, if the metric behind it had any reason to be emitted: one of them.
MUST: Final[Mapping[str, tuple[str, ...]]] = {
    "table.outage": (
        "UnbindSweepErrorsAlarm",
        "InternalErrorsAlarm",
        "UnstoredPushesAlarm",
        "FollowErrorsAlarm",
        "AuditErrorsAlarm",
    ),
    "function.crash": ("{function}ErrorsAlarm",),
    "function.timeout": ("{function}ErrorsAlarm",),
    "source.skipped": ("SweepLagAlarm",),
}

_TABLES: Final = ("table.outage", "table.throttled", "table.conflicts", "table.answer_lost")
_PLATFORM: Final = (
    "platform.lock_out", "platform.arrears", "platform.flow_control", "platform.no_connection",
    "platform.error_5xx", "platform.error_5xx_after_success", "platform.timeout_before",
    "platform.timeout_after_success",
)  # fmt: skip
_PUSHES: Final = (
    "push.never_sent", "push.refused_for_hours", "push.delay", "push.answer_lost", "push.reorder",
    "function.crash", "function.timeout", *_TABLES,
)  # fmt: skip

_NUMBERS: Final = ("platform.arrears", "number.suspended", "number.returned")
_VOICES: Final = ("recording.missing", "recording.late", "recording.url_expired", "recording.broken_off")
_RECEIVER: Final = ("receiver.down", "receiver.answer_lost", "function.crash", "function.timeout", *_TABLES)

#: What may have made an alarm go off; one that is not named here may never.
CAUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "Errors": ("function.crash", "function.timeout", *_TABLES),
    "Duration": ("function.crash", "function.timeout", *_TABLES, *_PLATFORM),
    "Age": ("function.crash", "function.timeout", *_TABLES),
    "InternalErrorsAlarm": _TABLES,
    "UnstoredPushesAlarm": _TABLES,
    "UndecidedQuestionsAlarm": (*_TABLES, "function.timeout"),
    "PlatformPausedAlarm": _PLATFORM,
    "PoolEmptyAlarm": (*_NUMBERS, *_PLATFORM),
    "PoolUtilisationAlarm": (*_NUMBERS, *_PLATFORM),
    "NumbersLeftAlarm": (*_NUMBERS, *_PLATFORM),
    "SweepLagAlarm": ("source.skipped", *_TABLES, *_PLATFORM, "function.crash", "function.timeout"),
    "WorkAgeAlarm": (*_TABLES, *_PLATFORM, "function.crash", "function.timeout"),
    "ReleasesStuckAlarm": _PLATFORM,
    "FlappingNumbersAlarm": _NUMBERS,
    "LateCdrsAlarm": _PUSHES,
    "ProbablyLostCdrsAlarm": _PUSHES,
    "LostFactsAlarm": _PUSHES,
    "UnendedCallsAlarm": _PUSHES,
    "UnnotifiedSmsAlarm": _PUSHES,
    "ExportsDueAlarm": _PUSHES,
    "ExportsMissedAlarm": _PUSHES,
    "UnknownBindingsAlarm": _PLATFORM,
    # The last attempts are brought forward by days when the storm is over.
    "RecordingSweepLagAlarm": (*_VOICES, *_TABLES, *_PLATFORM, "function.crash", "function.timeout"),
    "RecordingsLostAlarm": _VOICES,
    "RecordingsAtRiskAlarm": _VOICES,
    "JobsRepeatedAlarm": (*_TABLES, *_PLATFORM, "function.crash", "function.timeout"),
    "DriftListedAlarm": ("drift.foreign", *_PLATFORM, "number.returned"),
    "DriftAgeAlarm": (*_TABLES, *_PLATFORM, "function.crash", "function.timeout"),
    "WebhookSweepLagAlarm": _RECEIVER,
    "WebhookDeliveryLagAlarm": _RECEIVER,
    "ReconciliationAlarm": _PUSHES,
    "MissingCdrsAlarm": _PUSHES,
}
#: What a storm does more rarely than a deployment cannot tell that it is late.
RARE: Final = frozenset({"StatisticsLagAlarm"})

#: How long after a fault its consequences may still show.
AFTERMATH: Final = timedelta(hours=1)
LONG_AFTERMATH: Final = timedelta(days=40)
_FELT_LATE: Final = frozenset({*_VOICES, "drift.foreign", "number.returned"})
"""What is missing, or too much, is noticed when somebody looks for it."""


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


def judge_alarms(alarms: Sequence[Alarm], points: Sequence[Point], struck: Sequence[Struck]) -> Verdict:
    """Each injected outage raised its alarm, and no alarm went off without a cause."""
    verdict = Verdict("alarms", "each injected outage raised its alarm, and none went off without a cause")
    verdict.judged = len(alarms)
    series: dict[tuple[str, str, frozenset[tuple[str, str]]], list[Point]] = {}
    for point in points:
        series.setdefault((point.namespace, point.name, point.dimensions), []).append(point)
    raised = {
        alarm.name: alarm.raised(series.get((alarm.namespace, alarm.metric, alarm.dimensions), ()))
        for alarm in alarms
    }
    missing = {alarm.name for alarm in alarms if alarm.missing_is_breaching}
    for one in struck:
        _judge_must(verdict, one, raised, missing)
    for name, moments in raised.items():
        if name in RARE:
            continue
        for at in moments:
            verdict.judged += 1
            if not _caused(name, at, struck):
                verdict.broken(f"{name} went off on {at:%m-%d %H:%M} without a cause")
    told = {name: len(moments) for name, moments in raised.items() if moments}
    verdict.figures = {name: str(count) for name, count in sorted(told.items())}
    return verdict


def _judge_must(
    verdict: Verdict, one: Struck, raised: Mapping[str, list[datetime]], missing: set[str]
) -> None:
    wanted = tuple(
        name.format(function=one.function.removesuffix("Function")) for name in MUST.get(one.kind, ())
    )
    if not wanted:
        return
    verdict.judged += 1
    start, end = one.window[0] - timedelta(hours=1), one.window[1] + timedelta(minutes=15)
    off = any(start <= at <= end for name in wanted for at in raised.get(name, ()))
    # A sweep that does not run emits nothing, and that is what its alarm calls breaching.
    silent = one.kind == "source.skipped" and set(wanted) <= missing
    if not off and not silent:
        verdict.broken(f"{one.kind} on {one.window[0]:%m-%d %H:%M} raised none of {', '.join(wanted)}")


def _caused(name: str, at: datetime, struck: Sequence[Struck]) -> bool:
    kinds = CAUSES.get(name)
    if kinds is None:
        ending = next((end for end in ("Errors", "Duration", "Age") if name.endswith(f"{end}Alarm")), None)
        kinds = CAUSES.get(ending or "", ())
    return any(
        one.kind in kinds
        and one.window[0] - timedelta(hours=1)
        <= at
        <= one.window[1] + (LONG_AFTERMATH if kinds is _PUSHES or one.kind in _FELT_LATE else AFTERMATH)
        for one in struck
    )
