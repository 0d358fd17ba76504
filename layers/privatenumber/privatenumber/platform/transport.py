"""Moving one request to the platform and its answer back, inside a deadline.

The one distinction that matters: a request that certainly never left (NoConnection) may be repeated, one
whose answer is missing (NoAnswer) may have been executed. Repetitions are the client's business.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

MAX_ANSWER_BYTES: Final = 1 << 20


class NoConnection(Exception):
    """No connection came about: the request was certainly not executed."""


class NoAnswer(Exception):
    """The request may have left and no usable answer came: it may have been executed."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """What the client needs of HTTP; tests give it an in-memory platform."""

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
        """Send once. Raises NoConnection or NoAnswer; any answer, whatever its status, is a Response."""
        ...


class Urllib3Transport:
    """HTTP by the urllib3 that botocore brings along: certificates verified, no repetition, no redirect.

    Connections are short, as the platform wants them (auth.md §1): one kept while the function is frozen
    would turn the next bind into an unknown outcome.
    """

    def __init__(self, proxy_url: str | None = None) -> None:
        self._pool = urllib3.ProxyManager(proxy_url) if proxy_url else urllib3.PoolManager()

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
        """Send once; see :class:`Transport`."""
        try:
            answer = self._pool.urlopen(
                method,
                url,
                body=body,
                headers={**headers, "Connection": "close"},
                timeout=urllib3.Timeout(connect=connect_s, read=read_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = answer.read(MAX_ANSWER_BYTES + 1)
            finally:
                answer.release_conn()
        except (HTTPError, OSError) as error:
            # The original is not chained: its text holds the URL, and the URL holds phone numbers.
            raise _verdict(error) from None
        if len(content) > MAX_ANSWER_BYTES:
            raise NoAnswer("answer too large")
        return Response(answer.status, dict(answer.headers), content)


def _verdict(error: Exception) -> NoConnection | NoAnswer:
    cause = error.original_error if isinstance(error, ProxyError) else error
    refused = isinstance(cause, NewConnectionError | ConnectTimeoutError | LocationValueError)
    return NoConnection(_name(cause)) if refused or _untrusted(cause) else NoAnswer(_name(cause))


def _untrusted(error: Exception) -> bool:
    """A certificate is checked before anything is sent."""
    inner = error.args[0] if isinstance(error, SSLError) and error.args else error
    return isinstance(inner, ssl.SSLCertVerificationError)


def _name(error: Exception) -> str:
    return type(error).__name__
