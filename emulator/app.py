"""The ASGI application: the admin API under its prefix, the platform's API everywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from emulator.admin.routes import PREFIX, admin_application
from emulator.platform import Emulator


class _Api:
    """The API of whatever platform stands there now; a reset replaces it."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._emulator.endpoint(scope, receive, send)


def application(emulator: Emulator) -> Starlette:
    """Return the application of one emulator; while it lives, a real clock runs what comes due."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        real = emulator.scheduler.kind == "real"
        runner = asyncio.create_task(emulator.scheduler.run()) if real else None
        yield
        if runner is not None:
            runner.cancel()
            with suppress(asyncio.CancelledError):
                await runner
        await emulator.close()

    routes = [Mount(PREFIX, admin_application(emulator)), Route("/{path:path}", _Api(emulator))]
    return Starlette(routes=routes, lifespan=lifespan)
