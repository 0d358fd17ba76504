"""Orders of people on the phone: calls and SMS; what they left: bindings in force, recordings."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from emulator.admin.reading import asked_x, read
from emulator.callscript import CallScript
from emulator.platform import Emulator
from emulator.recordings import content, size_of
from emulator.smsrecord import SmsScript
from emulator.views import call_view, live_bindings, sms_view


class Traffic:
    """Handlers of calls, SMS, bindings and recordings."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def post_call(self, request: Request) -> Response:
        """Place a call; with ``wait`` advance the clock to its end and the first attempt of its pushes."""
        script = await read(request, CallScript)
        engine = self._emulator.calls
        call = await engine.place_and_wait(script) if script.wait else engine.place(script)
        if call is None:
            return JSONResponse({"session_id": None, "text": "nobody knows the number: no event, no CDR"})
        return JSONResponse(call_view(call), 200 if call.ended else 202)

    async def calls(self, request: Request) -> Response:
        """Show all calls, or those on ``x``."""
        x = asked_x(request)
        found = self._emulator.calls.calls.values()
        return JSONResponse({"calls": [call_view(call) for call in found if x in (None, call.dialled)]})

    async def post_sms(self, request: Request) -> Response:
        """Send an SMS; with ``wait`` advance the clock to its outcome and the first attempt of its push."""
        script = await read(request, SmsScript)
        engine = self._emulator.sms
        sms = await engine.receive_and_wait(script) if script.wait else engine.receive(script)
        if sms is None:
            return JSONResponse({"id": None, "send_result": None, "text": "nobody knows the number: no push"})
        return JSONResponse(sms_view(sms), 200 if sms.finished else 202)

    async def sms(self, request: Request) -> Response:
        """Show all SMS, or those to ``x``."""
        x = asked_x(request)
        found = self._emulator.sms.messages.values()
        return JSONResponse({"sms": [sms_view(sms) for sms in found if x in (None, sms.x)]})

    async def bindings(self, request: Request) -> Response:
        """Show live bindings, or those on ``x``."""
        now, world = self._emulator.scheduler.now(), self._emulator.world
        return JSONResponse({"bindings": live_bindings(world, now, asked_x(request))})

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
