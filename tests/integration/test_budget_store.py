"""The shared budget: environments that know nothing of each other stay below it together (auth.md §11)."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.bindings import demo_application
from builders.dynamodb import Table
from builders.emulator import X1, A, B, RunningEmulator
from emulator.clock import VIRTUAL_START
from privatenumber.deadline import Deadline
from privatenumber.platform.budget import LATE_US, UNLIMITED, Budget, Full, distance_us
from privatenumber.platform.client import MemoryPauses, PlatformClient, Response, Urllib3Transport
from privatenumber.platform.errors import FlowControl, NotSent
from privatenumber.settings import Application
from privatenumber.store.budget import ALONE_US, DynamoBudget
from privatenumber.store.items import decode, encode

TPS = 10
SECOND_US = 1_000_000
START_US = 1_788_310_800 * SECOND_US
KEY = {"pk": "TOKENS#ride", "sk": "TOKENS"}


def most_in_a_second(moments: list[int]) -> int:
    ordered, first, most = sorted(moments), 0, 0
    for n, moment in enumerate(ordered):
        while ordered[first] <= moment - SECOND_US:
            first += 1
        most = max(most, n - first + 1)
    return most


def busy(budgets: list[DynamoBudget], *, seconds: int, took_us: tuple[int, int], seed: int = 1) -> list[int]:
    """Environments on one virtual clock, each sending one request after the other; when each was sent."""
    chance, sent = random.Random(seed), list[int]()
    ready = [(START_US + chance.randrange(SECOND_US), n) for n in range(len(budgets))]
    heapq.heapify(ready)
    while ready:
        now, n = heapq.heappop(ready)
        if now >= START_US + seconds * SECOND_US:
            continue
        turn = budgets[n].turn("ride", TPS, now_us=now, patience_us=20 * SECOND_US)
        if isinstance(turn, Full):
            heapq.heappush(ready, (turn.until_us, n))
            continue
        sent.append(max(now, turn))
        heapq.heappush(ready, (max(now, turn) + chance.randint(*took_us), n))
    return sent


@pytest.mark.parametrize("environments", [1, 2, 8])
@pytest.mark.parametrize("took_us", [(1_000, 5_000), (60_000, 250_000), (300_000, 900_000)])
def test_no_second_holds_more_than_the_budget(
    table: Table, environments: int, took_us: tuple[int, int]
) -> None:
    """Quick and slow requests, one environment or many; seconds that begin anywhere."""
    budgets = [DynamoBudget(table.client, table.name) for _ in range(environments)]
    sent = busy(budgets, seconds=20, took_us=took_us)
    assert most_in_a_second(sent) <= TPS


@pytest.mark.parametrize("environments", [1, 8])
def test_busy_environments_write_far_less_than_once_per_request(table: Table, environments: int) -> None:
    """No hot write per request, and the flow is used: 8 of 10 a second, the rest is for lateness."""
    budgets = [DynamoBudget(table.client, table.name) for _ in range(environments)]
    sent = busy(budgets, seconds=60, took_us=(1_000, 20_000))
    writes = sum(budget.writes for budget in budgets)
    assert len(sent) > 60 * 7.5
    assert writes / len(sent) < 0.3


def test_a_quiet_environment_takes_one_turn_and_leaves_the_rest(table: Table) -> None:
    quiet, other = (DynamoBudget(table.client, table.name) for _ in range(2))
    for second in range(5):
        now = START_US + 10 * second * SECOND_US
        assert quiet.turn("ride", TPS, now_us=now, patience_us=0) == now
        assert other.turn("ride", TPS, now_us=now, patience_us=SECOND_US) == now + distance_us(TPS)


def test_a_turn_that_would_come_too_late_is_left_to_others(table: Table) -> None:
    first, second = (DynamoBudget(table.client, table.name) for _ in range(2))
    first.turn("ride", 1, now_us=START_US, patience_us=0)
    free = START_US + distance_us(1)
    assert second.turn("ride", 1, now_us=START_US, patience_us=SECOND_US) == Full(free)
    assert second.turn("ride", 1, now_us=START_US, patience_us=2 * SECOND_US) == free


def test_another_tps_counts_from_the_next_request_on(table: Table) -> None:
    """The line is written in time, not in turns: a changed setting makes nobody wait for a year."""
    budget = DynamoBudget(table.client, table.name)
    for _ in range(5):
        budget.turn("ride", 100, now_us=START_US, patience_us=SECOND_US)
    assert isinstance(
        DynamoBudget(table.client, table.name).turn("ride", 1, now_us=START_US, patience_us=SECOND_US), int
    )


def test_a_line_that_a_wrong_clock_wrote_is_begun_anew(table: Table) -> None:
    DynamoBudget(table.client, table.name).turn("ride", TPS, now_us=START_US + 10**12, patience_us=0)
    assert (
        DynamoBudget(table.client, table.name).turn("ride", TPS, now_us=START_US, patience_us=0) == START_US
    )


def test_the_line_is_forgotten_a_day_after_its_last_request(table: Table) -> None:
    DynamoBudget(table.client, table.name).turn("ride", TPS, now_us=START_US, patience_us=0)
    item = decode(table.client.get_item(TableName=table.name, Key=encode(KEY))["Item"])
    assert item["expires_at"] == START_US // SECOND_US + 86_400


def test_without_the_table_an_environment_keeps_a_line_of_its_own(
    table: Table, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks again after some seconds, and not at every request."""
    budget, asked = DynamoBudget(table.client, table.name), list[str]()

    def unreachable(**request: Any) -> Any:
        asked.append(request["TableName"])
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    with monkeypatch.context() as patched:
        patched.setattr(table.client, "update_item", unreachable)
        turns = [budget.turn("ride", TPS, now_us=START_US, patience_us=4 * SECOND_US) for _ in range(20)]
    assert turns == [START_US + n * distance_us(TPS) for n in range(20)]
    assert len(asked) == 1
    assert "budget not shared" in caplog.messages
    later = START_US + ALONE_US
    assert budget.turn("ride", TPS, now_us=later, patience_us=0) == later
    assert "Item" in table.client.get_item(TableName=table.name, Key=encode(KEY))


class Lane:
    """A thread with a clock of its own, which moves when it sleeps or sends."""

    def __init__(self, seed: int) -> None:
        self.now_us = START_US
        self.sent: list[int] = []
        self._chance = random.Random(seed)

    def clock(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.now_us)

    def monotonic(self) -> float:
        return self.now_us / SECOND_US

    def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * SECOND_US)

    def wait_until(self, moment: datetime | None) -> None:
        """What a caller does that was told to come back."""
        assert moment is not None
        self.now_us = max(self.now_us + 1, int(moment.timestamp() * SECOND_US))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, **_: float
    ) -> Response:
        self.sent.append(self.now_us)
        self.now_us += self._chance.randrange(1_000, 200_000)
        return Response(200, {}, json.dumps({"resultcode": "0", "resultdesc": "Success"}).encode())


@pytest.mark.dynamodb_local
@pytest.mark.parametrize("environments", [1, 8])
def test_eight_threads_at_once_stay_below_the_budget(local_table: Table, environments: int) -> None:
    """Real races of writes on Amazon's own engine, virtual clocks: nobody sleeps, every turn is one's own."""
    budgets = [DynamoBudget(local_table.client, local_table.name) for _ in range(environments)]
    lanes, barrier = [Lane(n) for n in range(8)], Barrier(8)

    def run(n: int) -> None:
        lane = lanes[n]
        client = PlatformClient(
            replace(demo_application("https://platform.example"), tps=TPS),
            transport=lane,
            pauses=MemoryPauses(lane.clock),
            budget=budgets[n % environments],
            clock=lane.clock,
            sleep=lane.sleep,
        )
        barrier.wait()
        while len(lane.sent) < 40:
            try:
                client.axb.unbind("id-1", deadline=Deadline.after(5.0, lane.monotonic))
            except NotSent as full:
                lane.wait_until(full.until)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    sent = [moment for lane in lanes for moment in lane.sent]
    assert len(sent) == 320
    assert most_in_a_second(sent) <= TPS
    assert sum(budget.writes for budget in budgets) < len(sent)


def client_of(emulator: RunningEmulator, application: Application, budget: Budget) -> PlatformClient:
    """A client that lives in the emulator's time: to sleep is to move its clock."""
    return PlatformClient(
        application,
        transport=Urllib3Transport(),
        pauses=MemoryPauses(emulator.admin.now),
        budget=budget,
        clock=emulator.admin.now,
        sleep=lambda seconds: void(emulator.admin.advance(seconds)),
    )


def void(answer: object) -> None:
    """Nothing, whatever was answered."""


@pytest.fixture
def counting(emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    """The emulator with flow control; others that share it are not to feel it."""
    emulator.admin.reset(now=VIRTUAL_START.isoformat(), settings={"flow": {"app_tps": TPS}})
    emulator.admin.application()
    yield emulator
    emulator.admin.reset(settings={})


def test_a_platform_that_counts_refuses_nobody_who_keeps_to_the_budget(
    table: Table, counting: RunningEmulator
) -> None:
    """C-035: the emulator counts as strictly as a platform could, over the last second."""
    emulator = counting
    application = replace(demo_application(emulator.address), tps=TPS)
    kept = client_of(emulator, application, DynamoBudget(table.client, table.name))
    for _ in range(3 * TPS):
        kept.axb.find(X1, A, B, deadline=Deadline.after(60.0))
    hasty = client_of(emulator, application, UNLIMITED)
    emulator.admin.advance(2)
    for _ in range(TPS):
        hasty.axb.find(X1, A, B, deadline=Deadline.after(60.0))
    with pytest.raises(FlowControl):
        hasty.axb.find(X1, A, B, deadline=Deadline.after(60.0))


def test_the_margin_for_lateness_is_what_the_line_leaves_free() -> None:
    assert distance_us(TPS) * TPS == SECOND_US + LATE_US
