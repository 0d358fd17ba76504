"""The emulator's time: a scheduler that stands still until it is driven, or follows the machine.

Every moment is an aware UTC datetime. All methods belong to one asyncio loop.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Action = Callable[[], Awaitable[None]]
Machine = Callable[[], datetime]
LOG = logging.getLogger(__name__)
VIRTUAL_START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)


def machine_time() -> datetime:
    """Return the machine's time as aware UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Handle:
    """A scheduled action; ``cancel`` keeps it from running if it has not started."""

    when: datetime
    label: str
    action: Action | None = field(repr=False)

    def cancel(self) -> None:
        """Forget the action. Harmless when it ran already."""
        self.action = None


class Scheduler:
    """Runs actions at moments of the emulator's clock, in order of time, then of scheduling.

    ``virtual``: time stands still; only `advance` moves it. ``real``: machine time plus an offset; `run`
    executes what comes due and `advance` jumps the offset. While `advance` runs, `now` is the time of the
    action that runs. An action must not call `advance` itself: it would wait for its own end.

    An action that raises is logged and kept in `failures`; it never stops the clock. `before_moving` holds
    what an advance waits for before it leaves a moment: work that runs beside the clock, such as pushes.
    """

    def __init__(
        self,
        kind: Literal["virtual", "real"] = "virtual",
        *,
        start: datetime | None = None,
        machine: Machine = machine_time,
    ) -> None:
        self.kind = kind
        self.failures: list[tuple[str, BaseException]] = []
        self.before_moving: list[Action] = []
        self._machine = machine
        self._offset = timedelta(0) if start is None else start - machine()
        self._standing: datetime | None = (start or VIRTUAL_START) if kind == "virtual" else None
        self._queue: list[tuple[datetime, int, Handle]] = []
        self._order = itertools.count()
        self._advancing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self._standing if self._standing is not None else self._machine() + self._offset

    def machine_now(self) -> datetime:
        """Return the machine's time, whatever the emulator's clock says."""
        return self._machine()

    @property
    def offset(self) -> timedelta:
        """How far the emulator's clock is ahead of the machine's."""
        return self.now() - self._machine()

    def at(self, when: datetime, action: Action, label: str = "") -> Handle:
        """Schedule ``action`` for ``when``; a moment in the past means as soon as possible."""
        handle = Handle(when, label, action)
        heapq.heappush(self._queue, (when, next(self._order), handle))
        self._changed.set()
        return handle

    def after(self, seconds: float, action: Action, label: str = "") -> Handle:
        """Schedule ``action`` ``seconds`` from now."""
        return self.at(self.now() + timedelta(seconds=seconds), action, label)

    def pending(self) -> list[Handle]:
        """Return what is still to run, in order."""
        return [handle for _, _, handle in sorted(self._queue) if handle.action is not None]

    def clear(self) -> None:
        """Forget everything scheduled, waited for and failed; the time stays."""
        self._queue.clear()
        self.before_moving.clear()
        self.failures.clear()
        self._changed.set()

    def set_time(self, moment: datetime) -> None:
        """Set the clock without running anything; for a reset, when nothing is scheduled."""
        if self._standing is not None:
            self._standing = moment
        self._offset = moment - self._machine()
        self._changed.set()

    async def advance(self, seconds: float) -> int:
        """Move the clock ``seconds`` ahead, running what comes due; return how many actions ran.

        Raises ValueError for a negative number. Two advances at once run one after the other and add up.
        """
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        async with self._advancing:
            return await self._run_until(self.now() + timedelta(seconds=seconds))

    async def advance_to(self, when: datetime) -> int:
        """Move the clock to ``when`` (not back), running what comes due; return how many actions ran."""
        async with self._advancing:
            return await self._run_until(max(when, self.now()))

    async def run(self) -> None:
        """Run what comes due on a real clock, until cancelled. Slow actions run beside later ones."""
        while True:
            self._changed.clear()
            async with self._advancing:
                self._start_due()
            wait = self._seconds_to_next()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    async def settle(self) -> None:
        """Wait until no action is running any more."""
        while self._running:
            await asyncio.wait(set(self._running))

    def _start_due(self) -> None:
        while (handle := self._pop(self.now())) is not None:
            task = asyncio.get_running_loop().create_task(self._execute(handle))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run_until(self, target: datetime) -> int:
        self._standing = self.now()
        count = 0
        try:
            await self.settle()
            while (handle := await self._next(target)) is not None:
                self._standing = max(self._standing, handle.when)
                await self._execute(handle)
                count += 1
            self._standing = target
        finally:
            if self.kind == "real":
                self._offset = self._standing - self._machine()
                self._standing = None
            self._changed.set()
        return count

    async def _next(self, target: datetime) -> Handle | None:
        handle = self._pop(self.now())
        if handle is not None:
            return handle
        for finish in self.before_moving:
            await finish()
        return self._pop(target)

    def _pop(self, limit: datetime) -> Handle | None:
        while self._queue and (self._queue[0][0] <= limit or self._queue[0][2].action is None):
            _, _, handle = heapq.heappop(self._queue)
            if handle.action is not None:
                return handle
        return None

    def _seconds_to_next(self) -> float | None:
        if not self._queue:
            return None
        return max(0.0, (self._queue[0][0] - self.now()).total_seconds())

    async def _execute(self, handle: Handle) -> None:
        action, handle.action = handle.action, None
        if action is None:
            return
        try:
            await action()
        except Exception as failure:
            LOG.exception("scheduled action %s failed", handle.label)
            self.failures.append((handle.label, failure))
