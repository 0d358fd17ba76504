"""Fetching a file as a stream: no header of ours, no redirect, no repetition, certificates verified.

The bytes arrive in small chunks and inside a deadline, however slowly or however much the other side sends.
A name is resolved once and the connection goes to what was looked at; behind a proxy, the proxy resolves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from privatenumber.deadline import Deadline
from privatenumber.network import Resolve, by_the_first, resolve, ways_to

CONNECT_S: Final = 5.0
READ_S: Final = 20.0
CHUNK_BYTES: Final = 64 * 1024
_REDIRECTS: Final = range(300, 400)
_HEADERS: Final = {"Accept-Encoding": "identity", "Connection": "close"}


class DownloadFailed(Exception):
    """No file, or not all of it; ``detail`` says in a word why. Quotes no address."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Downloads:
    """The way to the storage, through a proxy where the deployment has one."""

    def __init__(self, proxy_url: str | None = None, *, resolve: Resolve = resolve) -> None:
        self._proxy = urllib3.ProxyManager(proxy_url) if proxy_url else None
        self._resolve = resolve

    @contextmanager
    def open(self, address: str, deadline: Deadline, *, anywhere: bool = False) -> Iterator[Iterator[bytes]]:
        """The bytes at an address that was checked; one of the public internet unless ``anywhere``.

        Raises AddressRefused and DownloadFailed, the latter also while the bytes are read.
        """
        answer = self._ask(address, deadline, anywhere)
        try:
            if answer.status in _REDIRECTS:
                raise DownloadFailed("redirected")
            if answer.status != 200:
                raise DownloadFailed(f"http_{answer.status}")
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise DownloadFailed("encoded")
            yield _chunks(answer, deadline)
        finally:
            answer.close()

    def _ask(self, address: str, deadline: Deadline, anywhere: bool) -> BaseHTTPResponse:
        try:
            if self._proxy:
                return _get(self._proxy, address, _HEADERS, deadline)
            return self._ask_directly(address, deadline, anywhere)
        except (HTTPError, OSError):
            # Not chained: the text of the original holds the address.
            raise DownloadFailed("unreachable") from None

    def _ask_directly(self, address: str, deadline: Deadline, anywhere: bool) -> BaseHTTPResponse:
        ways = ways_to(address, resolve=self._resolve, anywhere=anywhere)
        return by_the_first(
            ways, lambda way: _get(way.pool, way.target, {**_HEADERS, "Host": way.host}, deadline)
        )


def _get(
    way: urllib3.HTTPConnectionPool | urllib3.ProxyManager,
    target: str,
    headers: Mapping[str, str],
    deadline: Deadline,
) -> BaseHTTPResponse:
    left = deadline.remaining()
    if left <= 0:
        raise DownloadFailed("too_slow")
    return way.urlopen(
        "GET",
        target,
        headers=headers,
        timeout=urllib3.Timeout(connect=min(CONNECT_S, left), read=min(READ_S, left)),
        retries=False,
        redirect=False,
        preload_content=False,
    )


def _chunks(answer: BaseHTTPResponse, deadline: Deadline) -> Iterator[bytes]:
    """Each chunk is what one reading gives: waiting for a full one would let a slow sender stop the clock."""
    while True:
        try:
            chunk = answer.read1(CHUNK_BYTES, decode_content=False)
        except (HTTPError, OSError):
            raise DownloadFailed("interrupted") from None
        if not chunk:
            return
        if deadline.remaining() <= 0:
            raise DownloadFailed("too_slow")
        yield chunk
