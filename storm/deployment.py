"""What is deployed, read from template.yaml: functions, their sources, queues and alarms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.deployment import TABLE_PROPERTIES
from builders.events import ROOT
from local.template import Template, load, resources

TABLES: Final = ("BindingsTable", "BillsTable")
#: CNY a minute. Nobody published one; a sum of these shows at which place it was rounded.
MINUTE: Final = "0.0637"
OVERRIDES: Final = {
    "PriceList": json.dumps([{"valid_from": "2026-01-01", "call": {"virtual": MINUTE, "carrier": MINUTE}}]),
    "WebhookTargets": "any",
    # Silence is judged by the usual traffic of past weeks, which a storm does not have.
    "QuietMinutes": "0",
}
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour)s?\)")
_CRON: Final = re.compile(r"cron\((\d+) (\d+) (\*|\d+) \* \? \*\)")


@dataclass(frozen=True, slots=True)
class Function:
    """One function: where its handler is, how long it may take and what its environment says."""

    name: str
    module: str
    handler: str
    timeout_s: float
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a function is invoked: every so many minutes, or at one of each day, or of one in a month."""

    name: str
    function: str
    every_min: int
    offset_min: int
    event: Mapping[str, Any]
    day: int | None = None


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A function that reads the stream of a table through filters."""

    function: str
    table: str
    batch: int
    attempts: int
    filters: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A function that works on the messages of a queue."""

    function: str
    queue: str
    batch: int


@dataclass(frozen=True, slots=True)
class QueueOf:
    """A queue as it is declared."""

    name: str
    visibility_s: float
    max_receives: int
    dead_letters: str | None


@dataclass(frozen=True)
class Deployment:
    """Everything the storm deploys in memory."""

    functions: Mapping[str, Function]
    schedules: tuple[Schedule, ...]
    streams: tuple[StreamSource, ...]
    queue_sources: tuple[QueueSource, ...]
    queues: tuple[QueueOf, ...]
    alarms: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Mapping[str, Any]]


def read_deployment(path: Path = ROOT / "template.yaml") -> Deployment:
    """Read the template; parameters have their defaults, but for `OVERRIDES`."""
    template = load(path)
    sources = resources(template, "AWS::Lambda::EventSourceMapping").values()
    return Deployment(
        functions=_functions(template),
        schedules=tuple(
            _schedule(name, found) for name, found in resources(template, "AWS::Scheduler::Schedule").items()
        ),
        streams=tuple(_stream(found) for found in sources if "StartingPosition" in found),
        queue_sources=tuple(_queue_source(found) for found in sources if "StartingPosition" not in found),
        queues=tuple(_queue(name, found) for name, found in resources(template, "AWS::SQS::Queue").items()),
        alarms=resources(template, "AWS::CloudWatch::Alarm"),
        tables={
            name: {
                key: found[key] for key in TABLE_PROPERTIES if key in found and key != "StreamSpecification"
            }
            for name, found in resources(template, "AWS::DynamoDB::Table").items()
        },
    )


def _functions(template: Template) -> dict[str, Function]:
    shared = template["Globals"]["Function"]
    parameters = {name: str(one.get("Default", "")) for name, one in template["Parameters"].items()}
    values = {**parameters, **OVERRIDES}
    found: dict[str, Function] = {}
    for name, own in resources(template, "AWS::Serverless::Function").items():
        variables = {**shared["Environment"]["Variables"], **own.get("Environment", {}).get("Variables", {})}
        room, module, handler = own["Handler"].split(".")
        environment = {key: _resolved(value, values) for key, value in variables.items()}
        timeout_s = float(own.get("Timeout", shared.get("Timeout", 3)))
        found[name] = Function(name, f"functions.{room}.{module}", handler, timeout_s, environment)
    return found


def _resolved(value: Any, parameters: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        ((_, target),) = value.items()
        name = str(target[0] if isinstance(target, list) else target).partition(".")[0]
        return parameters.get(name, name)
    return str(value)


def _name(value: Any) -> str:
    """The logical id that a Ref or GetAtt names."""
    return _resolved(value, {})


def _schedule(name: str, found: Mapping[str, Any]) -> Schedule:
    expression = found["ScheduleExpression"]
    target = found["Target"]
    event = json.loads(target.get("Input", "{}"))
    day: int | None = None
    rate, cron = _RATE.fullmatch(expression), _CRON.fullmatch(expression)
    if rate:
        every, offset = int(rate[1]) * (60 if rate[2] == "hour" else 1), 0
    elif cron:
        every, offset = 1440, int(cron[2]) * 60 + int(cron[1])
        day = None if cron[3] == "*" else int(cron[3])
    else:
        raise ValueError(f"{name}: a schedule of another form: {expression}")
    return Schedule(name, _name(target["Arn"]), every, offset, event, day)


def _stream(found: Mapping[str, Any]) -> StreamSource:
    filters = tuple(json.loads(each["Pattern"]) for each in found["FilterCriteria"]["Filters"])
    return StreamSource(
        function=_name(found["FunctionName"]),
        table=_name(found["EventSourceArn"]),
        batch=int(found["BatchSize"]),
        attempts=int(found["MaximumRetryAttempts"]),
        filters=filters,
    )


def _queue_source(found: Mapping[str, Any]) -> QueueSource:
    return QueueSource(_name(found["FunctionName"]), _name(found["EventSourceArn"]), int(found["BatchSize"]))


def _queue(name: str, found: Mapping[str, Any]) -> QueueOf:
    redrive = found.get("RedrivePolicy")
    return QueueOf(
        name,
        float(found.get("VisibilityTimeout", 30)),
        int(redrive["maxReceiveCount"]) if redrive else 1_000_000,
        _name(redrive["deadLetterTargetArn"]) if redrive else None,
    )
