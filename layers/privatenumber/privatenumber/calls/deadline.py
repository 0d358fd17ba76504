"""The time that a question leaves us: the platform ends the call when the answer is late (x.md §2)."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

Answer = TypeVar("Answer")
Monotonic = Callable[[], float]


class OutOfTime(Exception):
    """The work was not done when its time was over."""


class Deadline:
    """A moment by which an answer is due; ``monotonic`` is a clock in seconds."""

    def __init__(self, seconds: float, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, negative when it has passed."""
        return self._end - self._monotonic()

    def minus(self, seconds: float) -> Deadline:
        """An earlier moment, so that something can still be done after it."""
        return Deadline(self.left() - seconds, self._monotonic)


def in_time(work: Callable[[], Answer], deadline: Deadline) -> Answer:
    """Do the work in a thread of its own, and give it up at the deadline.

    Time-outs of a client bound one read of a socket; neither the resolving of a name nor a connection that
    trickles. Work that was given up goes on unheard: it must look at the deadline before it writes.

    Raises OutOfTime, or what the work raises.
    """
    if deadline.left() <= 0:
        raise OutOfTime
    done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=run, name="question", daemon=True).start()
    try:
        answer, error = done.get(timeout=max(deadline.left(), 0))
    except queue.Empty:
        raise OutOfTime from None
    if error is not None:
        raise error
    return cast(Answer, answer)
