"""The alarms of the template over the emitted metrics: what `docs/operations.md` promises, and no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storm.judges.causes import Missed, Struck, caused
from storm.judges.cloudwatch import Alarm
from storm.judges.verdict import Verdict
from storm.lambdas import Point
from storm.occasions import Occasion, Window

#: What a storm does more rarely than a deployment cannot tell that it is late.
RARE: Final = frozenset({"StatisticsLagAlarm"})

SWEPT: Final[Mapping[str, str]] = {
    "SweepLag": "UnbindSweepFunction",
    "DriftAge": "DriftFunction",
    "WatchLag": "WatchFunction",
    "RecordingSweepLag": "RecordingsSweepFunction",
    "WebhookSweepLag": "WebhooksSweepFunction",
    "StatisticsLag": "ReportsSweepFunction",
}
"""Metrics whose silence is an alarm, by the function that emits them at each of its runs."""

MISSED: Final = tuple(name for name in (f"{metric}Alarm" for metric in SWEPT) if name not in RARE)
"""The alarms of that silence that an hour without schedules has to raise."""


@dataclass(frozen=True, slots=True)
class Must:
    """Something happened that one of these alarms is there for: it has to stand at a moment of the window.

    ``teller`` emits the metric behind it; killed within the window, it may have printed that to nobody.
    """

    what: str
    alarms: tuple[str, ...]
    window: Window
    teller: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What really happened: faults that acted, each time that one did, and pushes that did not come in time.

    ``lived`` is how long the storm lasted; ``spared`` are runs, by function, that a deployment would have
    made and the storm did not.
    """

    struck: Sequence[Struck]
    occasions: Sequence[Occasion]
    missed: Sequence[Missed]
    lived: Window | None = None
    spared: Mapping[str, Collection[datetime]] | None = None


def judge_alarms(
    alarms: Sequence[Alarm], points: Sequence[Point], seen: Seen, musts: Sequence[Must]
) -> Verdict:
    """What is to raise an alarm raised it, and no alarm went off without a cause."""
    verdict = Verdict("alarms", "what is to raise an alarm raised it, and none went off without a cause")
    series: dict[tuple[str, str, frozenset[tuple[str, str]]], list[Point]] = {}
    for point in points:
        series.setdefault((point.namespace, point.name, point.dimensions), []).append(point)
    raised: dict[str, list[datetime]] = {}
    silent: list[str] = []
    for alarm in alarms:
        own = series.get((alarm.namespace, alarm.metric, alarm.dimensions), [])
        function = SWEPT[alarm.metric] if alarm.missing_is_breaching else ""
        if not own and not function:
            silent.append(alarm.name)
            continue
        verdict.judged += 1
        raised[alarm.name] = alarm.raised(own, seen.lived, (seen.spared or {}).get(function, ()))
    by_name = {alarm.name: alarm for alarm in alarms}
    for must in musts:
        _judge_must(verdict, must, raised, by_name, seen.occasions)
    for name, moments in raised.items():
        if name not in RARE:
            _judge_causes(verdict, by_name[name], moments, seen)
    verdict.figures = {name: str(len(moments)) for name, moments in sorted(raised.items()) if moments}
    shown = ", ".join(sorted(name for name in silent if not name.endswith("ThrottlesAlarm")))
    verdict.notes.append(
        f"{len(silent)} of {len(alarms)} alarms never had data, those of throttles among them: {shown}"
    )
    return verdict


def _judge_must(
    verdict: Verdict,
    must: Must,
    raised: Mapping[str, Sequence[datetime]],
    alarms: Mapping[str, Alarm],
    occasions: Sequence[Occasion],
) -> None:
    start, end = must.window
    verdict.judged += 1
    for name in must.alarms:
        period = timedelta(seconds=alarms[name].period_s)
        if any(start - period < at <= end for at in raised.get(name, ())):
            return
    killed = ("function.crash", "function.timeout")
    if any(
        one.function == must.teller and one.kind in killed and start <= one.at <= end for one in occasions
    ):
        verdict.notes.append(f"{must.what}: {must.teller} was killed before it told of it")
        return
    verdict.broken(f"{must.what} on {start:%m-%d %H:%M} raised none of {', '.join(must.alarms)}", at=start)


def _judge_causes(verdict: Verdict, alarm: Alarm, moments: Sequence[datetime], seen: Seen) -> None:
    """Each period in which it stands must have its cause; one without is told once for a stretch of them."""
    told: datetime | None = None
    for at in moments:
        verdict.judged += 1
        if not caused(alarm, at, seen.struck, seen.occasions, seen.missed):
            if told is None or at - told > timedelta(seconds=alarm.period_s):
                verdict.broken(f"{alarm.name} stands on {at:%m-%d %H:%M} without a cause", at=at)
            told = at
