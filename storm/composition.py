"""The composition of a world: both halves in one process, on a DynamoDB Local."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx
from botocore.config import Config

from builders.direct_dynamodb import Wire, errors_of
from emulator.platform import Emulator
from privatenumber.privacy import Keyring
from storm.business import Business
from storm.clockwork import Clockwork
from storm.cloud import Files, Keys, Queues, Secret
from storm.deployment import TABLES, Deployment, read_deployment
from storm.exporters import Exporters
from storm.judges.privacy import PrivacyWatch
from storm.lambdas import Lambdas, Logs, capture
from storm.operators import Operators
from storm.overlaps import Overlaps
from storm.plan import Plan
from storm.platform import (
    AREA,
    NUMBERS,
    OURS,
    Door,
    Pushes,
    application_id,
    furnish,
    push_answer,
    push_event,
    secrets_document,
    settings,
    x_numbers,
)
from storm.pool_gauge import PoolGauge
from storm.receiver import HOOK, Receiver
from storm.sources import QueueWorkers, Schedules, Streams, make_queues
from storm.tables import Tables, owner_of
from storm.voices import Voices
from storm.watches import Watches
from storm.weather import Weather
from storm.world import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEYS: Final = {ours: theirs for theirs, ours in OURS.items()}

PART_BYTES: Final = 4 * 1024
"""Of exports."""


def compose(plan: Plan, dynamodb: str) -> World:
    """Make a world on an empty DynamoDB Local. Turns the clocks of this process for good."""
    deployment = read_deployment()
    clockwork = Clockwork(lambda: plan.start, plan.start)
    logs = Logs(lambda: clockwork.platform_now())
    say = capture(logs)
    _environment()
    clockwork.install(plan.seed, sorted({one.module for one in deployment.functions.values()}))
    pushes = Pushes()
    emulator = Emulator(
        settings(plan.seed), start=plan.start, push_client=lambda _: httpx.AsyncClient(transport=pushes)
    )
    clockwork.platform_now = emulator.scheduler.now
    furnish(emulator)
    door = Door(emulator, clockwork)
    client = _client(dynamodb)
    errors = errors_of(client)
    Wire(dynamodb, errors, owner=owner_of(os.getpid())).attach(client)
    weather = Weather(plan, emulator, clockwork, plan.start, door, errors)
    door.refused = weather.refused
    lambdas = Lambdas(deployment, clockwork, logs)
    lambdas.before.append(weather.invoked)
    lambdas.after.append(weather.ended)
    tables = _tables(client, deployment, emulator, weather, lambdas)
    queues = Queues(emulator.scheduler.now)
    make_queues(deployment, queues)
    queues.measured = logs.measure_queue
    workers = QueueWorkers(emulator.scheduler, lambdas, queues, deployment.queue_sources, weather.again)
    queues.woken = workers.woken
    streams = Streams(emulator.scheduler, lambdas, queues, deployment.streams)
    tables.listeners.append(streams.hear)
    files = Files()
    stand_ins = _connect(client, queues, Keys(plan.seed), files, door)
    schedules = Schedules(emulator.scheduler, lambdas, tables, deployment.schedules, weather.skipped)
    schedules.failing = lambda: weather.lasts("table.outage")
    business = Business(emulator, lambdas, plan.start)
    watches, privacy = Watches.at(emulator.scheduler.now), PrivacyWatch()
    tables.listeners.append(watches.hear)
    logs.watchers.append(privacy.hear)
    queues.watchers.append(privacy.hear)
    receiver = Receiver(emulator.scheduler.now, weather.receiver_down, weather.receiver_unheard, privacy.hear)
    receiver.install()
    Voices(emulator, weather.strikes).install()
    weather.overlap = Overlaps(lambdas, workers, business).happen
    pools = PoolGauge(tables, emulator.scheduler.now)
    lambdas.before.append(pools.invoked)
    operators = _operators(emulator, business, lambdas, weather)
    world = World(
        plan, emulator, clockwork, tables, logs, lambdas, queues, files, streams, schedules, weather,
        business, door, watches, privacy, receiver, operators, Exporters(emulator, business),
        pools, lambda: _keyring(client), say, stand_ins,
    )  # fmt: skip
    pushes.take = _taker(world)
    _register(business)
    return world


def _tables(
    client: DynamoDBClient, deployment: Deployment, emulator: Emulator, weather: Weather, lambdas: Lambdas
) -> Tables:
    """The tables of the template, where the weather strikes."""
    tables = Tables(emulator.scheduler.now)
    for table in TABLES:
        client.create_table(TableName=table, **deployment.tables[table])
    tables.tap(client, weather)
    tables.asking = lambda: lambdas.current or "-"
    return tables


def _operators(emulator: Emulator, business: Business, lambdas: Lambdas, weather: Weather) -> Operators:
    """The operators, who hear of what happens at the platform's console."""
    operators = Operators(emulator, business, lambdas)
    weather.console.hears_of_return.append(operators.number_returned)
    weather.console.hears_of_crowd.append(operators.person_called)
    return operators


def _taker(world: World) -> Callable[[str, httpx.Request], httpx.Response]:
    """API Gateway in front of the callbacks function; what it answered 200 is remembered."""

    def take(path: str, request: httpx.Request) -> httpx.Response:
        if world.weather.refuse_push(path, request.content):
            # Not 503, which is what we say when we cannot store it.
            return httpx.Response(502)
        answer = push_answer(world.lambdas.invoke("CallbacksFunction", push_event(path, request)).result)
        if answer.status_code == 200:
            body = json.loads(request.content)
            world.acknowledged.append((KEYS[path.split("/")[2]], body))
        world.weather.lose_answer(path)
        return answer

    return take


def _keyring(client: Any) -> Keyring:
    """The keys of the deployment."""
    clients = importlib.import_module("privatenumber.store.clients")
    store = importlib.import_module("privatenumber.store.keyring").KeyringStore
    found: Keyring = store(client, "BindingsTable", clients.kms(), "DataKey").load()
    return found


def _client(endpoint: str) -> DynamoDBClient:
    """A client of DynamoDB Local, which checks parameters itself; every failure is the weather's to make."""
    config = Config(parameter_validation=False, retries={"mode": "standard", "total_max_attempts": 1})
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url=endpoint, config=config)
    return client


def _environment() -> None:
    os.environ.update(
        AWS_DEFAULT_REGION="cn-north-1",
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 - opens nothing
        POWERTOOLS_LOG_LEVEL="INFO",
        AWS_LAMBDA_FUNCTION_NAME="storm",
    )


def _connect(client: Any, queues: Queues, keys: Keys, files: Files, door: Door) -> tuple[str, ...]:
    """Give the layer its clients and its way to the platform; which of its clients were given."""
    clients = importlib.import_module("privatenumber.store.clients")
    stand_ins: Mapping[str, Any] = {
        "dynamodb": client,
        "hurried_dynamodb": client,
        "kms": keys,
        "secrets": Secret(secrets_document()),
        "sqs": queues,
        "s3": files,
    }
    for name, stand_in in stand_ins.items():
        setattr(clients, name, lambda stand_in=stand_in: stand_in)
    # A storm's day is short: its files would have one part each.
    exports: Any = importlib.import_module("privatenumber.calls.exports")
    exports.PART_BYTES = PART_BYTES
    transport = importlib.import_module("privatenumber.platform.transport").Urllib3Transport
    transport.__init__ = lambda self, proxy_url=None: None
    transport.send = lambda self, *args, **named: door.send(*args, **named)
    return tuple(stand_ins)


def _register(business: Business) -> None:
    """Register the X numbers and make a webhook, as operators do before the first order."""
    made = business.ask("POST /webhooks", body=HOOK, key="hook-1", function="WebhooksFunction")
    if made.status != 201:
        raise RuntimeError(f"the webhook was not made: {made}")
    for mode in NUMBERS:
        for x in x_numbers(mode):
            body = {"application": application_id(mode), "area_code": AREA, "number_type": "virtual"}
            answer = business.ask("PUT /numbers/{x}", path={"x": x}, body=body)
            if answer.status != 201:
                raise RuntimeError(f"a number was not registered: {answer}")
