"""Both halves, and the run from the first order until all is quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.privacy import Keyring
from privatenumber.recordings.model import RETENTION
from privatenumber.times import beijing_day, iso
from storm.business import Business
from storm.clockwork import Clockwork
from storm.cloud import Files, Queues
from storm.exporters import Exporters
from storm.judges.privacy import PrivacyWatch
from storm.lambdas import Lambdas, Logs
from storm.operators import Operators
from storm.orders import orders_of
from storm.plan import Plan
from storm.platform import OURS, Door
from storm.pool_gauge import PoolGauge
from storm.receiver import Receiver
from storm.sources import Schedules, Streams
from storm.tables import Tables
from storm.watches import Watches
from storm.weather import Weather

QUIET: Final = timedelta(hours=14)
"""The platform repeats a push for five hours, a release backs off half an hour, the watch looks every six."""

KEYS: Final = {ours: theirs for theirs, ours in OURS.items()}

IDLE: Final = ("ReconcileSweepSchedule",)
"""Nobody asks for what it serves."""


@dataclass
class World:
    """Everything there is. ``stand_ins`` are the clients of the layer that something here stands in for."""

    plan: Plan
    emulator: Emulator
    clockwork: Clockwork
    tables: Tables
    logs: Logs
    lambdas: Lambdas
    queues: Queues
    files: Files
    streams: Streams
    schedules: Schedules
    weather: Weather
    business: Business
    door: Door
    watches: Watches
    privacy: PrivacyWatch
    receiver: Receiver
    operators: Operators
    exporters: Exporters
    pools: PoolGauge
    keyring: Callable[[], Keyring]
    say: Callable[[str], None]
    stand_ins: tuple[str, ...]
    acknowledged: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    seconds: float = 0.0

    async def run(self) -> None:
        """Play the plan, then leave the system alone until it is quiet."""
        begun = time.perf_counter()
        self.schedules.start(tuple(one for one in self.schedules.all if one.name not in IDLE))
        self.business.play(orders_of(self.plan))
        self.operators.start()
        self.exporters.start()
        for day in range(int(self.plan.played_days)):
            await self.emulator.scheduler.advance_to(self.plan.start + timedelta(days=day + 1))
            self._progress(f"day {day + 1}", begun)
        last = max([self.plan.played_days * 86_400, *(fault.ends_s for fault in self.plan.faults)])
        await self.emulator.scheduler.advance_to(self.plan.start + timedelta(seconds=last))
        await self.emulator.scheduler.advance(QUIET.total_seconds())
        await self.operators.await_erasure()
        await self._foresee()
        await self.operators.last_look()
        await self.exporters.last_files(beijing_day(self.plan.start))
        await self.operators.count(beijing_day(self.plan.start))
        self._progress("quiet", begun)
        self.seconds = time.perf_counter() - begun

    async def _foresee(self) -> None:
        """A voice file is asked for during seven days; the last time now, as an operator may."""
        later = self.emulator.scheduler.now() + RETENTION + timedelta(days=1)
        if self.tables.due("BillsTable", "RECORDING", iso(later)):
            self.lambdas.invoke("RecordingsSweepFunction", {"scheduled_time": iso(later)})
            await self.emulator.scheduler.advance(3600)

    def _progress(self, what: str, begun: float) -> None:
        self.say(
            f"{what:>8}: {time.perf_counter() - begun:6.1f}s, {self.lambdas.invocations.total()} calls, "
            f"{self.tables.requests.total()} requests, {len(self.weather.occasions)} strikes, "
            f"{self.streams.waiting()} records waiting"
        )
