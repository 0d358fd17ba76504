"""Serving an emulator over HTTP with uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from emulator.app import application
from emulator.connections import DroppableProtocol
from emulator.platform import Emulator


class EmulatorServer(uvicorn.Server):
    """A uvicorn server that says where it listens, once it does.

    Port 0 takes a free one. `should_exit` stops it; connections held by a fault are cut after a second.
    """

    def __init__(
        self,
        emulator: Emulator,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_listening: Callable[[str], None] = lambda address: None,
    ) -> None:
        # The access log of uvicorn would print query strings, and with them phone numbers.
        config = uvicorn.Config(
            application(emulator),
            http=DroppableProtocol,
            loop="asyncio",
            ws="none",
            lifespan="on",
            access_log=False,
            proxy_headers=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._listener = socket.create_server((host, port), family=_family(host))
        # Accepted connections inherit it; without, every answer on a kept connection waits 40 ms.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_listening = on_listening

    @property
    def address(self) -> str:
        """The base address, e.g. ``http://127.0.0.1:40123``."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the address."""
        await super().startup([self._listener])
        self._on_listening(self.address)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
