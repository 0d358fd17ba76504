"""Sending a body to an address: one attempt, no redirect, no proxy, and a time after which it is given up.

The time is for all of it, the resolving of the name and a receiver that trickles included. What the receiver
says beside its status is not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as ReadTimeout
from urllib3.response import BaseHTTPResponse

from privatenumber.addresses import AddressRefused
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.network import Resolve, Way, by_the_first, resolve, ways_to
from privatenumber.settings import WebhookTargets
from privatenumber.webhooks.targets import check_form

CONNECT_S: Final = 3.0
WHOLE_S: Final = 10.0
_GONE: Final = 410
_OF_THE_EVENT: Final = frozenset(range(400, 500)) - {401, 403, 404, 405, 407, 408, _GONE, 425, 429}
"""Answers about what was sent; the others of 4xx are about the address, its secret, or too much at a time."""

_REDIRECTS: Final = range(300, 400)
_TAKEN: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to.

    ``detail`` is ``delivered`` or a word that says why not; ``wait`` what the receiver asked us to wait;
    ``gone``: it wants nothing any more. Quotes nothing that the other side said.
    """

    delivered: bool
    detail: str
    took_s: float
    status: int | None = None
    wait: timedelta | None = None

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it will never take anything again."""
        return self.status == _GONE

    @property
    def refused(self) -> bool:
        """Whether the receiver is there and does not want this event."""
        return self.status in _OF_THE_EVENT


class Posting:
    """The way to receivers; ``whole_s`` is the most that an attempt may take."""

    def __init__(
        self,
        allowed: WebhookTargets,
        *,
        resolve: Resolve = resolve,
        whole_s: float = WHOLE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._whole_s = whole_s
        self._monotonic = monotonic

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a body; whatever happens is an outcome."""
        begun = self._monotonic()
        deadline = Deadline.after(self._whole_s)
        status, wait, detail = None, None, "timeout"
        try:
            answer = in_time(lambda: self._send(target, headers, body, deadline), deadline)
            status, wait = answer.status, _retry_after(answer)
            detail = _detail(status)
        except AddressRefused as refused:
            detail = f"{refused.part}_refused"
        except NewConnectionError:
            detail = "unreachable"
        except (OutOfTime, ReadTimeout):
            detail = "timeout"
        except SSLError:
            detail = "tls"
        except (HTTPError, OSError):
            detail = "unreachable"
        return Outcome(status in _TAKEN, detail, self._monotonic() - begun, status, wait)

    def _send(
        self, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> BaseHTTPResponse:
        check_form(target, self._allowed)
        ways = ways_to(target, resolve=self._resolve, anywhere=self._allowed is WebhookTargets.ANY)
        return by_the_first(ways, lambda way: _post(way, headers, body, deadline))


def _post(way: Way, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> BaseHTTPResponse:
    left = deadline.remaining()
    if left <= 0:
        raise OutOfTime
    answer = way.pool.urlopen(
        "POST",
        way.target,
        body=body,
        headers={**headers, "Host": way.host, "Connection": "close"},
        timeout=urllib3.Timeout(connect=min(CONNECT_S, left), read=left),
        retries=False,
        redirect=False,
        preload_content=False,
    )
    answer.close()
    return answer


def _detail(status: int) -> str:
    if status in _TAKEN:
        return "delivered"
    return "redirected" if status in _REDIRECTS else f"http_{status}"


def _retry_after(answer: BaseHTTPResponse) -> timedelta | None:
    """What the receiver asks us to wait, in seconds; its other form, a date, is not worth a parser."""
    text = answer.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 86_400)) if text.isascii() and text.isdigit() else None
