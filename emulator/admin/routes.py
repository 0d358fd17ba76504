"""The routes of the admin API and what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.admin import models, views
from emulator.admin.console import Console
from emulator.admin.reading import AdminError, asked_limit, asked_x, read, validate
from emulator.admin.traffic import Traffic
from emulator.bounds import LAST_MOMENT
from emulator.exportcolumns import COLUMNS, ExportName
from emulator.exports import export
from emulator.faults import Fault
from emulator.platform import Emulator
from emulator.settings import EmulatorSettings
from emulator.views import delivery_view, truth

PREFIX = "/__emu"
Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """Handlers of the emulator itself: clock, faults, deliveries, journal, truth."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def health(self, request: Request) -> Response:
        """Tell that it runs."""
        return JSONResponse(views.health(self._emulator))

    async def clock(self, request: Request) -> Response:
        """Show the clock; POST moves it to a moment."""
        if request.method == "POST":
            wanted = await read(request, models.ClockInput)
            if wanted.now < self._emulator.scheduler.now():
                raise AdminError(409, "the clock only moves forward; reset takes an earlier moment")
            await self._emulator.scheduler.advance_to(wanted.now)
        return JSONResponse(views.clock(self._emulator))

    async def advance(self, request: Request) -> Response:
        """Move the clock, running what comes due, and wait for the pushes of the last moment."""
        wanted = await read(request, models.AdvanceInput)
        left = LAST_MOMENT - self._emulator.scheduler.now()
        if wanted.seconds > left.total_seconds():
            raise AdminError(422, f"the emulated clock ends with {LAST_MOMENT.year - 1}")
        ran = await self._emulator.scheduler.advance(wanted.seconds)
        return JSONResponse({**views.clock(self._emulator), "ran": ran})

    async def faults(self, request: Request) -> Response:
        """List, order or withdraw faults."""
        plan = self._emulator.faults
        if request.method == "POST":
            return JSONResponse(plan.add(await read(request, Fault)).model_dump(), 201)
        if request.method == "DELETE":
            plan.clear()
        return JSONResponse({"faults": [fault.model_dump() for fault in plan.all()]})

    async def delete_fault(self, request: Request) -> Response:
        """Withdraw one fault."""
        if not self._emulator.faults.remove(request.path_params["fault_id"]):
            raise AdminError(404, "no such fault; GET faults lists them")
        return Response(status_code=204)

    async def deliveries(self, request: Request) -> Response:
        """Show pushes and their attempts, by ``kind``, ``state`` and ``application``."""
        asked = request.query_params
        found = [
            delivery
            for delivery in self._emulator.pusher.log
            if asked.get("kind") in (None, delivery.kind)
            and asked.get("state") in (None, delivery.state.value)
            and asked.get("application") in (None, delivery.app_key)
        ]
        return JSONResponse({"deliveries": [delivery_view(delivery) for delivery in found]})

    async def resend(self, request: Request) -> Response:
        """Attempt a push once more, now."""
        try:
            delivery = await self._emulator.pusher.resend(request.path_params["delivery_id"])
        except KeyError:
            raise AdminError(404, "no such delivery; GET deliveries lists them") from None
        return JSONResponse(delivery_view(delivery))

    async def requests(self, request: Request) -> Response:
        """Show the journal by ``kind``, ``api``, ``x``, ``code``, ``noted``, ``limit``, and all counts."""
        asked = request.query_params
        found = self._emulator.journal.entries(
            kind=asked.get("kind"),
            api=asked.get("api"),
            x=asked_x(request),
            code=asked.get("code"),
            noted=asked.get("noted") == "true",
            limit=asked_limit(request),
        )
        return JSONResponse({"counts": self._emulator.journal.counts(), "entries": views.plain(found)})

    async def truth(self, request: Request) -> Response:
        """Show what really happened and what it really costs."""
        return JSONResponse(truth(self._emulator.books, self._emulator.world))

    async def export(self, request: Request) -> Response:
        """Write one of the console's files."""
        asked = validate(models.ExportInput, dict(request.query_params))
        name = request.path_params["name"]
        names: dict[str, ExportName] = {known: known for known in COLUMNS}
        if name not in names:
            raise AdminError(404, f"files are {', '.join(f'{known}.csv' for known in names)}")
        emulator = self._emulator
        content = export(names[name], emulator.books, emulator.world, asked.month, asked.options())
        return Response(content, headers={"content-type": f"text/csv; charset={asked.encoding}"})

    async def reset(self, request: Request) -> Response:
        """Forget everything, optionally with other settings, another seed or another time."""
        wanted = await read(request, models.ResetInput)
        values = self._emulator.settings.model_dump() if wanted.settings is None else wanted.settings
        if wanted.seed is not None:
            values = {**values, "seed": wanted.seed}
        await self._emulator.reset(validate(EmulatorSettings, values), wanted.now)
        return JSONResponse(views.health(self._emulator))


def admin_application(emulator: Emulator) -> Starlette:
    """Return the admin API as an application to be mounted under `PREFIX`."""
    table = _routes(emulator)
    known = [f"{' '.join(methods)} {PREFIX}{path}" for path, _, methods in table]

    async def explain(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return JSONResponse({"error": "no such admin route", "routes": known}, status)

    return Starlette(
        routes=[Route(path, handler, methods=methods) for path, handler, methods in table],
        exception_handlers={
            404: explain,
            405: explain,
            AdminError: _refuse,
            ValidationError: _invalid,
        },
    )


def _routes(emulator: Emulator) -> list[tuple[str, Handler, list[str]]]:
    """Path, handler and methods of every route."""
    admin, console, traffic = Admin(emulator), Console(emulator), Traffic(emulator)
    return [
        ("/health", admin.health, ["GET"]),
        ("/clock", admin.clock, ["GET", "POST"]),
        ("/clock/advance", admin.advance, ["POST"]),
        ("/applications/{app_key}", console.put_application, ["PUT"]),
        ("/accounts/{account}", console.put_account, ["PUT"]),
        ("/accounts/{account}/release", console.release_account, ["POST"]),
        ("/accounts/{account}/packages", console.packages, ["GET", "POST"]),
        ("/numbers", console.post_numbers, ["POST"]),
        ("/numbers", console.numbers, ["GET"]),
        ("/numbers/{x}/status", console.put_status, ["PUT"]),
        ("/numbers/{x}/sms", console.put_sms, ["PUT"]),
        ("/numbers/{x}/activate", console.activate, ["POST"]),
        ("/numbers/{x}/transfer", console.transfer, ["POST"]),
        ("/numbers/{x}/unsubscribe", console.unsubscribe, ["POST"]),
        ("/calls", traffic.post_call, ["POST"]),
        ("/calls", traffic.calls, ["GET"]),
        ("/sms", traffic.post_sms, ["POST"]),
        ("/sms", traffic.sms, ["GET"]),
        ("/bindings", traffic.bindings, ["GET"]),
        ("/recordings/{token}", traffic.recording, ["GET"]),
        ("/faults", admin.faults, ["GET", "POST", "DELETE"]),
        ("/faults/{fault_id}", admin.delete_fault, ["DELETE"]),
        ("/deliveries", admin.deliveries, ["GET"]),
        ("/deliveries/{delivery_id}/resend", admin.resend, ["POST"]),
        ("/requests", admin.requests, ["GET"]),
        ("/truth", admin.truth, ["GET"]),
        ("/exports/{name}.csv", admin.export, ["GET"]),
        ("/reset", admin.reset, ["POST"]),
    ]


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, AdminError) else 500
    return JSONResponse({"error": str(error)}, status)


async def _invalid(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, ValidationError) else []
    shown = [{"field": ".".join(map(str, problem["loc"])), "problem": problem["msg"]} for problem in problems]
    return JSONResponse({"error": "the input does not fit", "problems": shown}, 422)
