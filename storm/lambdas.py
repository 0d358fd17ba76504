"""Running functions as Lambda does: one environment, a time-out; whatever they print goes to their log."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import TextIOBase
from types import ModuleType
from typing import Any, Final

from aws_lambda_powertools.metrics import Metrics

from storm.clockwork import Clockwork, Killed, TimedOut
from storm.deployment import Deployment, Function

LAST: Final = 200
OF_AN_HOUR: Final = 60
"""So many warnings and errors are kept of all, and of each hour."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """What became of one invocation. `failed`: None, an exception's name, `killed` or `timed out`."""

    result: Any
    failed: str | None


@dataclass
class Context:
    """Lambda's context object."""

    clockwork: Clockwork
    aws_request_id: str
    function_name: str = "storm"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws-cn:lambda:cn-north-1:123456789012:function:storm"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the runtime ends this invocation."""
        return int(self.clockwork.left_s() * 1000)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric, as CloudWatch would keep it."""

    at: datetime
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float


class Printed(TextIOBase):
    """Standard output of the functions: loggers keep the stream they were made with, so it is one for all."""

    def __init__(self) -> None:
        self.heard: Callable[[str], None] = lambda line: None
        self._rest = ""

    def write(self, text: str) -> int:
        """Hand on every whole line."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.heard(line)
        return len(text)


@dataclass
class Logs:
    """What was printed: metrics are kept, lines are looked at and counted.

    Of warnings and errors the first of each hour are kept, and the last of all.
    """

    now: Callable[[], datetime]
    points: list[Point] = field(default_factory=list)
    levels: Counter[tuple[str, str]] = field(default_factory=Counter)
    watchers: list[Callable[[str, str], None]] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=LAST))
    early: dict[datetime, list[tuple[datetime, str]]] = field(default_factory=dict)
    function: str = ""
    _pending: list[Point] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take a line of the present invocation."""
        if not line.strip():
            return
        for watcher in self.watchers:
            watcher(self.function, line)
        try:
            found = json.loads(line)
        except ValueError:
            found = {}
        if "_aws" in found:
            self._pending += _points(found, self.now())
            return
        self.levels[self.function, str(found.get("level", "?"))] += 1
        if found.get("level") in ("ERROR", "WARNING", "CRITICAL", None):
            at = self.now()
            shown = f"{at:%m-%d %H:%M:%S} {self.function} {line[:1500]}"
            self.tail.append(shown)
            hour = self.early.setdefault(at.replace(minute=0, second=0, microsecond=0), [])
            if len(hour) < OF_AN_HOUR:
                hour.append((at, shown))

    def lines(self) -> Iterator[tuple[datetime, str]]:
        """The warnings and errors that are kept of each hour."""
        for hour in self.early.values():
            yield from hour

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """Hear a function; what another one has begun to print is kept for it."""
        outer = self.function, self._pending
        self.function, self._pending = function, []
        yield
        self.function, self._pending = outer

    def keep(self, *, metrics: bool) -> None:
        """The invocation is over; a killed one has printed its metrics to nobody."""
        if metrics:
            self.points += self._pending
        self._pending = []

    def measure(self, namespace: str, name: str, value: float, **dimensions: str) -> None:
        """Keep what AWS itself measures."""
        self.points.append(Point(self.now(), namespace, name, frozenset(dimensions.items()), value))

    def measure_queue(self, queue: str, name: str, value: float, at: datetime) -> None:
        """Keep what SQS measures, as of some moment."""
        self.points.append(Point(at, "AWS/SQS", name, frozenset({("QueueName", queue)}), value))


class Lambdas:
    """The functions, composed as they compose themselves; an environment is lost when it is killed.

    ``runs`` runs one, here unless somebody runs them elsewhere.
    """

    def __init__(self, deployment: Deployment, clockwork: Clockwork, logs: Logs) -> None:
        self._deployment = deployment
        self._clockwork = clockwork
        self._logs = logs
        self.invocations: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.running: list[tuple[str, Any]] = []
        self.before: list[Callable[[str], None]] = []
        self.after: list[Callable[[str], None]] = []
        self.runs: Callable[[Function, Any], Invoked] = self._run
        self._warm: dict[str, ModuleType] = {}

    def invoke(self, name: str, event: Any) -> Invoked:
        """Invoke a function; never raises what the function raises."""
        function = self._deployment.functions[name]
        self.invocations[name] += 1
        with _apart(), self._logs.of(name), self._clockwork.invocation(function.timeout_s) as waited:
            os.environ.update(function.environment)
            self.running.append((name, event))
            for listener in self.before:
                listener(name)
            invoked = self.runs(function, event)
            for listener in self.after:
                listener(name)
            self.running.pop()
            self._measure(name, invoked, waited())
        if self.running:
            # The one that goes on finds its own.
            os.environ.update(self._deployment.functions[self.running[-1][0]].environment)
        return invoked

    @property
    def current(self) -> str | None:
        """The function that runs, None between two."""
        return self.running[-1][0] if self.running else None

    def _run(self, function: Function, event: Any) -> Invoked:
        module = self._environment(function)
        context = Context(self._clockwork, f"request-{self.invocations.total()}")
        # Lambda gives a function its event anew at every attempt.
        given = json.loads(json.dumps(event))
        try:
            return Invoked(getattr(module, function.handler)(given, context), None)
        except Killed as end:
            del self._warm[self._place(function)]
            return Invoked(None, "timed out" if isinstance(end, TimedOut) else "killed")
        except Exception as error:
            self._logs.hear(f"{type(error).__name__}: {error}")
            return Invoked(None, type(error).__name__)

    def _environment(self, function: Function) -> ModuleType:
        """The module of a function's environment, run anew: functions may share a file, never its state."""
        place = self._place(function)
        if place not in self._warm:
            spec = importlib.util.find_spec(function.module)
            if spec is None or spec.loader is None:
                raise ImportError(function.module)
            module = importlib.util.module_from_spec(spec)
            with self._clockwork.turned():
                spec.loader.exec_module(module)
            self._warm[place] = module
        return self._warm[place]

    def _place(self, function: Function) -> str:
        """One environment each, and another for those that run within another invocation."""
        return f"{function.name} {len(self.running)}"

    def alarms(self) -> Mapping[str, Mapping[str, Any]]:
        """The alarms that are deployed."""
        return self._deployment.alarms

    def measure_age(self, name: str, age_ms: float) -> None:
        """Keep how old the oldest record of a batch was."""
        self._logs.measure("AWS/Lambda", "IteratorAge", age_ms, FunctionName=name)

    def _measure(self, name: str, invoked: Invoked, waited_s: float) -> None:
        self._logs.keep(metrics=invoked.failed not in ("killed", "timed out"))
        self.outcomes[name, invoked.failed or "done"] += 1
        self._logs.measure("AWS/Lambda", "Errors", float(invoked.failed is not None), FunctionName=name)
        self._logs.measure("AWS/Lambda", "Duration", waited_s * 1000, FunctionName=name)


@contextmanager
def _apart() -> Iterator[None]:
    """Powertools keeps what is not printed yet in one place of the process, which is one function's."""
    places: tuple[dict[str, Any], ...] = (Metrics._metrics, Metrics._dimensions, Metrics._metadata)
    outer = [dict(place) for place in places]
    for place in places:
        place.clear()
    yield
    for place, before in zip(places, outer, strict=True):
        place.clear()
        place.update(before)


def capture(logs: Logs) -> Callable[[str], None]:
    """Take standard output for the functions; the answer prints to the real one."""
    real, printed = sys.stdout, Printed()
    printed.heard = logs.hear
    sys.stdout = printed

    def say(line: str) -> None:
        real.write(line + "\n")
        real.flush()

    return say


def _points(line: Mapping[str, Any], at: datetime) -> list[Point]:
    points: list[Point] = []
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            values = line[metric["Name"]]
            for dimension_set in directive["Dimensions"] or [[]]:
                dimensions = frozenset((name, str(line[name])) for name in dimension_set)
                points += [
                    Point(at, directive["Namespace"], metric["Name"], dimensions, float(value))
                    for value in (values if isinstance(values, list) else [values])
                ]
    return points
