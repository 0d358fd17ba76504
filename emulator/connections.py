"""Dropping a connection without an answer, which ASGI has no word for.

uvicorn keeps its transports to itself, so its protocol is extended to tell them by the client's address.
"""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_open: dict[tuple[str, int], asyncio.Transport] = {}


class ConnectionDroppedError(Exception):
    """Raised where there is no connection to drop: the application runs without a server, in a test."""


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that remembers its open transports."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Remember a new connection."""
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a closed connection."""
        if self.client is not None:
            _open.pop(self.client, None)
        super().connection_lost(exc)


async def drop(scope: Scope, receive: Receive) -> None:
    """Abort the connection of a request and wait until the server knows.

    Raises ConnectionDroppedError when the request came over no known connection.
    """
    client = scope.get("client")
    transport = _open.get(cast(tuple[str, int], tuple(client))) if client else None
    if transport is None:
        raise ConnectionDroppedError
    transport.abort()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        continue
