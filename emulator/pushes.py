"""Delivery of pushes: signed, in parallel, repeated by the schedule, logged (notifications.md §2, §8)."""

import asyncio
import json
import random
import ssl
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx

from emulator.clock import Handle, Scheduler
from emulator.deliveries import Attempt, Delivery, DeliveryLog, DeliveryState, PushKind
from emulator.events import Body
from emulator.faults import Fault, FaultPlan
from emulator.pushfaults import altered, copies, facts_of, first_delay_s
from emulator.pushsigning import PushSigner
from emulator.settings import EmulatorSettings, PushSettings
from emulator.world import Application, World


@cache
def _trust(verified: bool) -> ssl.SSLContext:
    """Whom to trust; loading the authorities takes 20 ms, which a reset need not wait for."""
    return httpx.create_ssl_context(verify=verified, trust_env=False)


def push_client(settings: PushSettings) -> httpx.AsyncClient:
    """Return the HTTP client of the pushes: short connections, no redirects, no proxy of the machine."""
    return httpx.AsyncClient(
        verify=_trust(settings.tls_verify),
        follow_redirects=False,
        timeout=settings.timeout_s,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


def retry_due(
    settings: PushSettings,
    *,
    first_at: datetime,
    last_at: datetime,
    made: int,
    kind: PushKind = "status",
) -> datetime | None:
    """Return when the next attempt is due after ``made`` failed ones, None after the last.

    notifications.md §8.2. `offset`: minutes count from the first attempt; `successive`: from the one before.
    """
    schedule = settings.sms_retry_minutes if kind == "sms_notify" else settings.retry_minutes
    if made > len(schedule):
        return None
    wait = timedelta(minutes=schedule[made - 1])
    return (first_at if settings.retry_base == "offset" else last_at) + wait


def address_for(application: Application, kind: PushKind, body: Body) -> str:
    """Return the configured address of a push, "" when there is none (notifications.md §1)."""
    urls = application.urls
    if kind == "fee":
        return urls.fee
    if kind == "sms_notify":
        return urls.sms_notify
    if kind == "sms_control":
        return urls.sms_control
    if kind == "num_status":
        return (urls.num_status or urls.status) if application.push_num_status else ""
    return (urls.callin or urls.status) if body["eventType"] == "callin" else urls.status


class Pusher:
    """Owns every push from the moment it is owed until it is delivered or given up.

    Attempts run beside the clock, at most `push.parallel` per address. A failed one of any kind - refused,
    timed out, unreachable, an error of our own - leads to the next attempt of the schedule; nothing is
    dropped silently. `log` holds every push and attempt.
    """

    def __init__(
        self,
        world: World,
        clock: Scheduler,
        faults: FaultPlan,
        settings: EmulatorSettings,
        chance: random.Random,
        *,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.log = DeliveryLog()
        self._world = world
        self._clock = clock
        self._faults = faults
        self._settings = settings
        self._chance = chance
        self._client = client or push_client(settings.push)
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._flying: set[asyncio.Task[None]] = set()
        self._retries: dict[str, Handle] = {}
        self._signer = PushSigner(world, clock, settings, chance)
        clock.before_moving.append(self.settle)

    def push(self, application: Application, kind: PushKind, body: Body) -> Delivery | None:
        """Owe a push to an application; None when it has no address for that kind (notifications.md §1)."""
        return self.send(application, kind, body, self.fault_for(application, kind, body))

    def fault_for(self, application: Application, kind: PushKind, body: Body) -> Fault | None:
        """Take the fault that waits for this push, if any and if the push has an address."""
        if not address_for(application, kind, body):
            return None
        facts = facts_of(application.app_key, kind, body, self._world.numbers)
        return self._faults.take("push", **facts)

    def send(
        self, application: Application, kind: PushKind, body: Body, fault: Fault | None
    ) -> Delivery | None:
        """Owe a push under a given fault, or under none."""
        url = address_for(application, kind, body)
        if not url:
            return None
        body = altered(body, fault)
        original = self._enter(application.app_key, kind, url, body, fault)
        if fault is not None and fault.kind == "lose":
            original.state = DeliveryState.LOST
            return original
        self._start(original, first_delay_s(fault, self._chance))
        for _ in range(copies(fault)):
            copy = self._enter(application.app_key, kind, url, body, None)
            copy.duplicate_of = original.id
            self._start(copy, 0)
        return original

    async def ask(
        self,
        application: Application,
        kind: PushKind,
        url: str,
        body: Body,
        timeout_s: float,
        fault: Fault | None,
    ) -> bytes | None:
        """Ask the receiver something, once; return the body of its answer if it came in time and counts."""
        delivery = self._enter(application.app_key, kind, url, body, fault)
        at = delivery.first_at = self._clock.now()
        status, error, answer = await self._request(delivery, timeout_s)
        delivery.attempts.append(Attempt(at, status, error, False))
        self._finish(delivery, DeliveryState.DELIVERED if error is None else DeliveryState.GIVEN_UP)
        return answer if error is None else None

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that the clock waits for before it moves."""
        task = asyncio.get_running_loop().create_task(work)
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def resend(self, delivery_id: str) -> Delivery:
        """Attempt a delivery once more now, whatever its state, beside its schedule. KeyError: unknown id."""
        delivery = self.log[delivery_id]
        await self._attempt(delivery, manual=True)
        return delivery

    async def settle(self) -> None:
        """Wait until no attempt is under way."""
        while self._flying:
            await asyncio.wait(set(self._flying))

    async def close(self) -> None:
        """Stop attempts under way and release the connections; what is pending stays pending."""
        if self.settle in self._clock.before_moving:
            self._clock.before_moving.remove(self.settle)
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._client.aclose()

    def _enter(self, app_key: str, kind: PushKind, url: str, body: Body, fault: Fault | None) -> Delivery:
        return self.log.add(
            Delivery(
                id=self.log.next_id(),
                app_key=app_key,
                kind=kind,
                url=url,
                body=body,
                facts=facts_of(app_key, kind, body, self._world.numbers),
                created_at=self._clock.now(),
                fault=fault,
            )
        )

    def _start(self, delivery: Delivery, delay_s: float) -> None:
        if delay_s > 0:
            self._plan(delivery, self._clock.now() + timedelta(seconds=delay_s))
        else:
            self._launch(delivery)

    def _plan(self, delivery: Delivery, when: datetime) -> None:
        async def launch() -> None:
            self._launch(delivery)

        delivery.next_at = when
        self._retries[delivery.id] = self._clock.at(when, launch, f"{delivery.kind} {delivery.id}")

    def _launch(self, delivery: Delivery) -> None:
        delivery.next_at = None
        self.beside(self._attempt(delivery))

    async def _attempt(self, delivery: Delivery, *, manual: bool = False) -> None:
        slot = self._slots.setdefault(delivery.url, asyncio.Semaphore(self._settings.push.parallel))
        async with slot:
            at = self._clock.now()
            delivery.first_at = delivery.first_at or at
            status, error = await self._post(delivery)
        delivery.attempts.append(Attempt(at, status, error, manual))
        if error is None:
            self._finish(delivery, DeliveryState.DELIVERED)
        elif not manual and delivery.state is DeliveryState.PENDING:
            self._plan_retry(delivery, at)

    def _plan_retry(self, delivery: Delivery, last_at: datetime) -> None:
        due = retry_due(
            self._settings.push,
            first_at=delivery.first_at or last_at,
            last_at=last_at,
            made=delivery.scheduled_attempts,
            kind=delivery.kind,
        )
        if due is None:
            self._finish(delivery, DeliveryState.GIVEN_UP)
        else:
            self._plan(delivery, max(due, self._clock.now()))

    def _finish(self, delivery: Delivery, state: DeliveryState) -> None:
        delivery.state, delivery.next_at = state, None
        handle = self._retries.pop(delivery.id, None)
        if handle is not None:
            handle.cancel()

    async def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        """Make one request; return the status and, unless it counts as delivered, what was wrong."""
        status, error, _ = await self._request(delivery, self._settings.push.timeout_s)
        return status, error

    async def _request(
        self, delivery: Delivery, timeout_s: float
    ) -> tuple[int | None, str | None, bytes | None]:
        try:
            content = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers = {**self._signer.headers(delivery), "Connection": "close"}
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(
                    delivery.url, content=content, headers=headers, timeout=timeout_s
                )
        except (TimeoutError, httpx.TimeoutException):
            return None, "timeout", None
        except Exception as failure:  # whatever went wrong, the push is owed and must stay on its schedule
            return None, type(failure).__name__, None
        status = response.status_code
        delivered = status == 200 or (self._settings.push.success == "2xx" and response.is_success)
        return status, None if delivered else f"status {status}", response.content
