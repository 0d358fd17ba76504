"""The alarms of the template, evaluated over metrics as CloudWatch does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from storm.judges.releases import percentile
from storm.lambdas import Point
from storm.occasions import Window

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

    def raised(
        self, points: Iterable[Point], lived: Window | None = None, spared: Collection[datetime] = ()
    ) -> list[datetime]:
        """The begin of each period in which it stands at alarm.

        Where missing data is breaching, each period of ``lived`` without any is, unless the storm ``spared``
        a run in it that a deployment would have made.
        """
        periods: dict[int, list[float]] = {}
        for point in points:
            periods.setdefault(self._period(point.at), []).append(point.value)
        breaching = {
            number
            for number, values in periods.items()
            if _COMPARED[self.comparison](_STATISTICS[self.statistic](values), self.threshold)
        }
        if self.missing_is_breaching and lived:
            known = {*periods, *map(self._period, spared)}
            # The period that is not over yet says nothing.
            breaching |= set(range(self._period(lived[0]) + 1, self._period(lived[1]))) - known
        return [
            datetime.fromtimestamp(number * self.period_s, UTC)
            for number in sorted(breaching)
            if sum(one in breaching for one in range(number - self.of + 1, number + 1)) >= self.needed
        ]

    def _period(self, at: datetime) -> int:
        return int(at.timestamp()) // self.period_s


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
