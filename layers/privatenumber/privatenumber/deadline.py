"""The moment by which an answer is due, and work that is given up then."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

Answer = TypeVar("Answer")


class LambdaContext(Protocol):
    """What functions use of the runtime's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the runtime ends this invocation."""
        ...


class OutOfTime(Exception):
    """The work was not done when its time was over."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which the caller must have its answer, in seconds of a monotonic clock."""

    at: float
    monotonic: Callable[[], float] = field(default=time.monotonic, compare=False)

    @classmethod
    def after(cls, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline ``seconds`` from now."""
        return cls(monotonic() + seconds, monotonic)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.monotonic())

    def minus(self, seconds: float) -> Deadline:
        """An earlier moment, so that something can still be done after it."""
        return Deadline(self.at - seconds, self.monotonic)


def in_time(work: Callable[[], Answer], deadline: Deadline) -> Answer:
    """Do the work in a thread of its own, and give it up at the deadline.

    Time-outs of a client bound one read of a socket; neither the resolving of a name nor a connection that
    trickles. Work that was given up goes on unheard: it must look at the deadline before it writes.

    Raises OutOfTime, or what the work raises.
    """
    if not deadline.remaining():
        raise OutOfTime
    done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=run, name="in-time", daemon=True).start()
    try:
        answer, error = done.get(timeout=deadline.remaining())
    except queue.Empty:
        raise OutOfTime from None
    if error is not None:
        raise error
    return cast(Answer, answer)
