"""One virtual time for the platform and for us, and what makes a run repeatable.

`privatenumber.times` is the only place that reads the machine's calendar, so it is the only one that is
turned. Everything that takes `time.monotonic` or `time.sleep` takes it as the default of a parameter, at its
import: so the layer and the functions are imported while both stand for the virtual ones.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any


class Killed(BaseException):
    """The process of a function ends here: no handler of the code under test may catch it."""


class TimedOut(Killed):
    """The runtime ends the process, because its time is over."""


@dataclass
class Clockwork:
    """Our time: the platform's, a skew, and the seconds that a function has waited in the present invocation.

    Waiting moves no clock of others: what waits is over before anything else happens. `allowed_s` is the time
    of the present invocation; who waits beyond it is killed.
    """

    platform_now: Callable[[], datetime]
    start: datetime
    skew: timedelta = timedelta()
    allowed_s: float | None = None
    waited_s: float = 0.0
    _waited_before_s: float = 0.0

    def now(self) -> datetime:
        """What our clocks say."""
        return self.platform_now() + self.skew

    def monotonic(self) -> float:
        """Seconds of a clock that only grows."""
        passed = (self.platform_now() - self.start).total_seconds()
        return 1000.0 + passed + self._waited_before_s + self.waited_s

    def sleep(self, seconds: float) -> None:
        """Wait. Raises TimedOut when the runtime would not let it."""
        self.waited_s += max(0.0, seconds)
        if self.allowed_s is not None and self.waited_s > self.allowed_s:
            self.allowed_s = None
            raise TimedOut

    @contextmanager
    def invocation(self, allowed_s: float) -> Iterator[Callable[[], float]]:
        """An invocation; the one in whose midst it is waits as long. Gives how long it has waited."""
        outer = self._waited_before_s, self.waited_s, self.allowed_s
        self._waited_before_s += self.waited_s
        self.waited_s, self.allowed_s = 0.0, allowed_s
        yield lambda: self.waited_s
        own_s = self.waited_s
        self._waited_before_s, self.waited_s, self.allowed_s = outer
        self.waited_s += own_s

    def left_s(self) -> float:
        """What is left of the invocation."""
        return 0.0 if self.allowed_s is None else max(0.0, self.allowed_s - self.waited_s)

    def install(self, seed: int, functions: Sequence[str]) -> None:
        """Turn the clocks of this process, for good, and import what is to live by them.

        Raises RuntimeError when the layer was imported before: its defaults would be the machine's.
        """
        times = importlib.import_module("privatenumber.times")
        _turn(times, datetime=_Calendar(self))
        _repeatable(seed)
        with self.turned():
            for name in (*_layer(), *functions):
                importlib.import_module(name)
        _check(self)

    @contextmanager
    def turned(self) -> Iterator[None]:
        """While it lasts, what is imported takes the virtual clock for the machine's."""
        before = time.monotonic, time.sleep
        _turn(time, monotonic=self.monotonic, sleep=self.sleep)
        try:
            yield
        finally:
            _turn(time, monotonic=before[0], sleep=before[1])


class _Calendar:
    """`datetime` as `times` sees it: the same, but for what is now."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork

    def now(self, zone: tzinfo = UTC) -> datetime:
        return self._clockwork.now().astimezone(zone)

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


@dataclass
class _Chance:
    """Where everything that should be random comes from, instead of from the machine."""

    source: random.Random = field(default_factory=random.Random)

    def token_hex(self, length: int | None = None) -> str:
        return self.token_bytes(length).hex()

    def token_bytes(self, length: int | None = None) -> bytes:
        return self.source.randbytes(32 if length is None else length)


def _turn(module: ModuleType, **names: Any) -> None:
    """Let names of a module stand for something else."""
    vars(module).update(names)


def _repeatable(seed: int) -> None:
    chance = _Chance(random.Random(f"{seed}/ours"))  # noqa: S311 - repeatable, not secret

    class Repeatable(random.Random):
        def __init__(self) -> None:
            super().__init__(chance.source.getrandbits(64))

    _turn(random, SystemRandom=Repeatable)
    _turn(secrets, token_hex=chance.token_hex, token_bytes=chance.token_bytes)


def _layer() -> list[str]:
    package = importlib.import_module("privatenumber")
    paths = [str(Path(each)) for each in package.__path__]
    return sorted(each.name for each in pkgutil.walk_packages(paths, "privatenumber."))


def _check(clockwork: Clockwork) -> None:
    deadline = importlib.import_module("privatenumber.deadline").Deadline
    if deadline.after(1).monotonic() > clockwork.monotonic() + 1:
        raise RuntimeError("the layer was imported before its clocks were turned")
