"""Serving an emulator with uvicorn: over HTTP, and beside it over HTTPS when it has a certificate."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import uvicorn

from emulator.app import application
from emulator.certificates import TlsFiles
from emulator.connections import DroppableProtocol
from emulator.platform import Emulator


@dataclass(frozen=True, slots=True)
class Https:
    """Where HTTPS is served, and with which files; port 0 takes a free one."""

    port: int
    files: TlsFiles


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
        https: Https | None = None,
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
        self._emulator = emulator
        self._listener = _listen(host, port)
        self._https = https
        self._secure_listener = _listen(host, https.port) if https is not None else None
        self._on_listening = on_listening

    @property
    def address(self) -> str:
        """The base address, e.g. ``http://127.0.0.1:40123``."""
        return _base("http", self._listener)

    @property
    def secure_address(self) -> str | None:
        """The base address of HTTPS, None when there is none."""
        return _base("https", self._secure_listener) if self._secure_listener is not None else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the address."""
        await super().startup([self._listener])
        if self._https is not None and self._secure_listener is not None:
            # uvicorn serves one scheme; the second listener shares its protocol, state and shutdown.
            protocol = partial(DroppableProtocol, self.config, self.server_state, self.lifespan.state)
            secure = await asyncio.get_running_loop().create_server(
                protocol, sock=self._secure_listener, ssl=self._https.files.context()
            )
            self.servers.append(secure)
        self._emulator.address = self.secure_address or self.address
        self._on_listening(self.address)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), family=_family(host))
    # Accepted connections inherit it; without, every answer on a kept connection waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _base(scheme: str, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
