"""Not faster than so many requests a second: for work that has time, beside requests that somebody waits for.

It stands between client and network, so that the client's own repetitions count too (flow control,
auth.md §5).
"""

import time
from collections.abc import Callable, Mapping

from privatenumber.platform.transport import Response, Transport


class Pace:
    """Gives turns that lie evenly apart; one pace may serve several ways."""

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1.0 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = float("-inf")

    def wait(self) -> None:
        """Wait for the next turn."""
        now = self._monotonic()
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(self._next, now) + self._gap


class PacedTransport:
    """A way to the platform that waits for its turn before each request."""

    def __init__(self, way: Transport, pace: Pace) -> None:
        self._way = way
        self._pace = pace

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Response:
        """Send once, in turn; see `Transport`."""
        self._pace.wait()
        return self._way.send(method, url, headers, body, connect_s=connect_s, read_s=read_s)
