"""Composition: one running platform out of its rooms."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import httpx

from emulator.api.binding_rules import Desk
from emulator.api.endpoint import ApiEndpoint
from emulator.api.operations import operations
from emulator.api.service import ApiService
from emulator.api.session import SessionApi
from emulator.auth import Gatekeeper
from emulator.books import Books
from emulator.calls import CallEngine
from emulator.clock import Machine, Scheduler, machine_time
from emulator.faults import Fault, FaultPlan
from emulator.found import Exchange
from emulator.journal import Journal
from emulator.numberlife import NumberLife
from emulator.pool import Pool
from emulator.pushes import Pusher
from emulator.recordings import Recordings
from emulator.settings import EmulatorSettings
from emulator.sms import SmsEngine
from emulator.world import World

PushClient = Callable[[EmulatorSettings], httpx.AsyncClient | None]


class Emulator:
    """The rooms of one platform. `reset` replaces all of them but the clock.

    Each room draws from its own random source, all of one seed: more calls change no id of a binding.
    ``push_client`` makes the HTTP client of the pushes; None stands for the usual one. ``address`` is where
    it is served, "" while it is served nowhere.
    """

    world: World
    journal: Journal
    faults: FaultPlan
    pusher: Pusher
    books: Books
    pool: Pool
    calls: CallEngine
    sms: SmsEngine
    recordings: Recordings
    numbers: NumberLife
    endpoint: ApiEndpoint

    def __init__(
        self,
        settings: EmulatorSettings | None = None,
        *,
        clock: Literal["virtual", "real"] = "virtual",
        start: datetime | None = None,
        machine: Machine = machine_time,
        push_client: PushClient = lambda settings: None,
    ) -> None:
        self.settings = settings or EmulatorSettings()
        self.scheduler = Scheduler(clock, start=start, machine=machine)
        self._push_client = push_client
        self.address = ""
        self._build()

    async def reset(self, settings: EmulatorSettings | None = None, start: datetime | None = None) -> None:
        """Forget everything, optionally under other settings or at another time."""
        await self.pusher.close()
        self.scheduler.clear()
        if start is not None:
            self.scheduler.set_time(start)
        self.settings = settings or self.settings
        self._build()

    async def close(self) -> None:
        """Stop pushes under way."""
        await self.pusher.close()

    def _chance(self, purpose: str) -> random.Random:
        return random.Random(f"{self.settings.seed}/{purpose}")  # noqa: S311 - repeatable, not secret

    def _build(self) -> None:
        settings, scheduler = self.settings, self.scheduler
        self.world = World(self._chance("bindings"))
        self.journal = Journal()
        self.faults = FaultPlan(self._chance("faults"))
        self.faults.listeners.append(self._note_fault)
        self.books = Books(self.world, settings.price, scheduler.now)
        self.pusher = Pusher(
            self.world,
            scheduler,
            self.faults,
            settings,
            self._chance("pushes"),
            client=self._push_client(settings),
        )
        self.pool = pool = Pool(self.world, settings, self._chance("pool"))
        self.recordings = Recordings(
            settings.recording,
            self.pusher.log.cdr_delivered_at,
            self._chance("recordings"),
            lambda: self.address,
        )
        self.calls = CallEngine(
            Exchange(self.world, settings, pool),
            scheduler,
            self.pusher,
            self.books,
            self.recordings,
            self._chance("calls"),
        )
        self.sms = SmsEngine(self.world, settings, scheduler, self.pusher, self.books)
        self.numbers = NumberLife(self.world, scheduler, self.pusher, settings)
        sessions = SessionApi(self.calls, self.recordings, settings)
        table = operations(Desk(self.world, settings, pool), sessions)
        service = ApiService(self.world, settings, Gatekeeper(self.world, settings), table)
        self.endpoint = ApiEndpoint(service, settings, scheduler, self.faults, self.journal)

    def _note_fault(self, fault: Fault, facts: dict[str, object]) -> None:
        shown = {name: facts.get(name) for name in ("api", "application", "event", "x")}
        shown["push"] = facts.get("kind")
        self.journal.fault(self.scheduler.now(), fault.id, fault.kind, where=fault.where, **shown)
