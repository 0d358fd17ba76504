"""The routes of the admin API and what they do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from emulator.admin import models, views
from emulator.callscript import CallScript
from emulator.exportcolumns import COLUMNS, ExportName
from emulator.exports import export
from emulator.faults import Fault
from emulator.platform import Emulator
from emulator.recordings import content, size_of
from emulator.settings import EmulatorSettings
from emulator.views import call_view, delivery_view, live_bindings, truth
from privatenumber.times import beijing_day

PREFIX = "/__emu"
Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]


class AdminError(Exception):
    """An order the emulator cannot follow; the text says why and what would work."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Admin:
    """Handlers of the admin API over one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def health(self, request: Request) -> Response:
        """Tell that it runs."""
        return JSONResponse(views.health(self._emulator))

    async def clock(self, request: Request) -> Response:
        """Show the clock; POST moves it to a moment."""
        if request.method == "POST":
            wanted = await _read(request, models.ClockInput)
            if wanted.now < self._emulator.scheduler.now():
                raise AdminError(409, "the clock only moves forward; reset takes an earlier moment")
            await self._emulator.scheduler.advance_to(wanted.now)
        return JSONResponse(views.clock(self._emulator))

    async def advance(self, request: Request) -> Response:
        """Move the clock, running what comes due, and wait for the pushes of the last moment."""
        wanted = await _read(request, models.AdvanceInput)
        left = models.LAST_MOMENT - self._emulator.scheduler.now()
        if wanted.seconds > left.total_seconds():
            raise AdminError(422, f"the emulated clock ends with {models.LAST_MOMENT.year - 1}")
        ran = await self._emulator.scheduler.advance(wanted.seconds)
        return JSONResponse({**views.clock(self._emulator), "ran": ran})

    async def put_application(self, request: Request) -> Response:
        """Register or replace an application."""
        app_key = request.path_params["app_key"]
        wanted = (await _read(request, models.ApplicationInput)).application(app_key)
        known = self._emulator.world.applications.get(app_key)
        if known is not None and known.mode is not wanted.mode:
            raise AdminError(409, f"the application is of mode {known.mode} for life; take another app_key")
        self._emulator.world.put_application(wanted)
        return JSONResponse(views.application(wanted))

    async def put_account(self, request: Request) -> Response:
        """Put an account into arrears, or pay."""
        wanted = await _read(request, models.AccountInput)
        account_id = request.path_params["account"]
        if account_id not in self._emulator.world.accounts:
            raise AdminError(404, "no such account; it appears with its first application")
        life = self._emulator.numbers
        account = life.enter_arrears(account_id) if wanted.frozen else life.pay(account_id)
        return JSONResponse(views.plain(account))

    async def post_numbers(self, request: Request) -> Response:
        """Issue X numbers to an application."""
        wanted = await _read(request, models.NumbersInput)
        if wanted.app_key not in self._emulator.world.applications:
            raise AdminError(404, "no such application; PUT applications/{app_key} first")
        now = self._emulator.scheduler.now()
        issued = wanted.all(beijing_day(now))
        for number in issued:
            self._emulator.world.put_number(number, now)
        shown = [views.number(self._emulator, number) for number in issued]
        return JSONResponse({"numbers": shown}, 201)

    async def numbers(self, request: Request) -> Response:
        """Show all numbers with state and load."""
        known = self._emulator.world.numbers.values()
        return JSONResponse({"numbers": [views.number(self._emulator, number) for number in known]})

    async def put_status(self, request: Request) -> Response:
        """Change the state of a number; pushed when the application wants it."""
        wanted = await _read(request, models.StatusInput)
        try:
            x = models.private_number(request.path_params["x"])
            changed = self._emulator.numbers.change(x, wanted.status, wanted.cause)
        except KeyError:
            raise AdminError(404, "no such number; POST numbers first") from None
        except ValueError as error:
            raise AdminError(422, str(error)) from None
        return JSONResponse(views.number(self._emulator, changed))

    async def post_call(self, request: Request) -> Response:
        """Place a call; with ``wait`` advance the clock to its end and the first attempt of its pushes."""
        script = await _read(request, CallScript)
        engine = self._emulator.calls
        call = await engine.place_and_wait(script) if script.wait else engine.place(script)
        if call is None:
            return JSONResponse({"session_id": None, "text": "nobody knows the number: no event, no CDR"})
        return JSONResponse(call_view(call), 200 if call.ended else 202)

    async def calls(self, request: Request) -> Response:
        """Show all calls, or those on ``x``."""
        x = _asked_x(request)
        found = self._emulator.calls.calls.values()
        return JSONResponse({"calls": [call_view(call) for call in found if x in (None, call.dialled)]})

    async def bindings(self, request: Request) -> Response:
        """Show live bindings, or those on ``x``."""
        now, world = self._emulator.scheduler.now(), self._emulator.world
        return JSONResponse({"bindings": live_bindings(world, now, _asked_x(request))})

    async def recording(self, request: Request) -> Response:
        """Send a recording; 403 without a body once its address has expired."""
        emulator = self._emulator
        call = emulator.recordings.open(request.path_params["token"], emulator.scheduler.now())
        if call is None:
            return Response(status_code=403)
        size = str(size_of(call.talk_seconds))
        return StreamingResponse(
            content(call.talk_seconds), headers={"content-type": "audio/wav", "content-length": size}
        )

    async def faults(self, request: Request) -> Response:
        """List, order or withdraw faults."""
        plan = self._emulator.faults
        if request.method == "POST":
            return JSONResponse(plan.add(await _read(request, Fault)).model_dump(), 201)
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
        limit = asked.get("limit")
        if limit is not None and not limit.isdigit():
            raise AdminError(422, "limit is a whole number")
        found = self._emulator.journal.entries(
            kind=asked.get("kind"),
            api=asked.get("api"),
            x=_asked_x(request),
            code=asked.get("code"),
            noted=asked.get("noted") == "true",
            limit=int(limit) if limit is not None else None,
        )
        return JSONResponse({"counts": self._emulator.journal.counts(), "entries": views.plain(found)})

    async def truth(self, request: Request) -> Response:
        """Show what really happened and what it really costs."""
        return JSONResponse(truth(self._emulator.books, self._emulator.world))

    async def export(self, request: Request) -> Response:
        """Write one of the console's files."""
        asked = _validate(models.ExportInput, dict(request.query_params))
        name = request.path_params["name"]
        names: dict[str, ExportName] = {known: known for known in COLUMNS}
        if name not in names:
            raise AdminError(404, f"files are {', '.join(f'{known}.csv' for known in names)}")
        emulator = self._emulator
        content = export(names[name], emulator.books, emulator.world, asked.month, asked.options())
        return Response(content, headers={"content-type": f"text/csv; charset={asked.encoding}"})

    async def reset(self, request: Request) -> Response:
        """Forget everything, optionally with other settings, another seed or another time."""
        wanted = await _read(request, models.ResetInput)
        values = self._emulator.settings.model_dump() if wanted.settings is None else wanted.settings
        if wanted.seed is not None:
            values = {**values, "seed": wanted.seed}
        await self._emulator.reset(_validate(EmulatorSettings, values), wanted.now)
        return JSONResponse(views.health(self._emulator))


def admin_application(emulator: Emulator) -> Starlette:
    """Return the admin API as an application to be mounted under `PREFIX`."""
    admin = Admin(emulator)
    table: list[tuple[str, Handler, list[str]]] = [
        ("/health", admin.health, ["GET"]),
        ("/clock", admin.clock, ["GET", "POST"]),
        ("/clock/advance", admin.advance, ["POST"]),
        ("/applications/{app_key}", admin.put_application, ["PUT"]),
        ("/accounts/{account}", admin.put_account, ["PUT"]),
        ("/numbers", admin.post_numbers, ["POST"]),
        ("/numbers", admin.numbers, ["GET"]),
        ("/numbers/{x}/status", admin.put_status, ["PUT"]),
        ("/calls", admin.post_call, ["POST"]),
        ("/calls", admin.calls, ["GET"]),
        ("/bindings", admin.bindings, ["GET"]),
        ("/recordings/{token}", admin.recording, ["GET"]),
        ("/faults", admin.faults, ["GET", "POST", "DELETE"]),
        ("/faults/{fault_id}", admin.delete_fault, ["DELETE"]),
        ("/deliveries", admin.deliveries, ["GET"]),
        ("/deliveries/{delivery_id}/resend", admin.resend, ["POST"]),
        ("/requests", admin.requests, ["GET"]),
        ("/truth", admin.truth, ["GET"]),
        ("/exports/{name}.csv", admin.export, ["GET"]),
        ("/reset", admin.reset, ["POST"]),
    ]
    known = [f"{' '.join(methods)} {PREFIX}{path}" for path, _, methods in table]

    async def explain(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return JSONResponse({"error": "no such admin route", "routes": known}, status)

    async def refuse(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, AdminError) else 500
        return JSONResponse({"error": str(error)}, status)

    async def invalid(request: Request, error: Exception) -> Response:
        problems = error.errors() if isinstance(error, ValidationError) else []
        shown = [
            {"field": ".".join(map(str, problem["loc"])), "problem": problem["msg"]} for problem in problems
        ]
        return JSONResponse({"error": "the input does not fit", "problems": shown}, 422)

    return Starlette(
        routes=[Route(path, handler, methods=methods) for path, handler, methods in table],
        exception_handlers={
            404: explain,
            405: explain,
            AdminError: refuse,
            ValidationError: invalid,
        },
    )


async def _read(request: Request, model: type[Model]) -> Model:
    body = await request.body()
    try:
        values = json.loads(body) if body else {}
    except json.JSONDecodeError as error:
        raise AdminError(400, f"the body is no JSON: {error}") from None
    except (UnicodeDecodeError, RecursionError):
        raise AdminError(400, "the body is no JSON: not UTF-8, or nested too deeply") from None
    return _validate(model, values)


def _validate(model: type[Model], values: object) -> Model:
    return model.model_validate(values)


def _asked_x(request: Request) -> str | None:
    """Read the filter ``x``, as dialled or global, the ``+`` escaped or not."""
    text = request.query_params.get("x")
    if text is None:
        return None
    try:
        return models.private_number(text)
    except ValueError as error:
        raise AdminError(422, str(error)) from None
