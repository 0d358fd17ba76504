"""What belongs to every mode: the address of a recording and terminate call (recording-and-call-stop.md)."""

from __future__ import annotations

from typing import Protocol

from emulator.api.binding_rules import Caller
from emulator.api.errors import Payload, Redirect, Refusal, invalid, success
from emulator.api.params import Parameters, needed
from emulator.callrecord import Call
from emulator.recordings import RECORDINGS_PATH, Recordings
from emulator.settings import EmulatorSettings

CALL_STOP = "call_stop"


class Calls(Protocol):
    """What terminate call asks of the call engine."""

    def stoppable(self, app_key: str, session_id: str) -> Call | None:
        """Return a running call of the application that can be ended from outside."""
        ...

    def stop(self, app_key: str, session_id: str) -> bool:
        """End a running call at once."""
        ...


class SessionApi:
    """Both operations; the call ends only after the answer has been sent (§3)."""

    def __init__(self, calls: Calls, recordings: Recordings, settings: EmulatorSettings) -> None:
        self._calls = calls
        self._recordings = recordings
        self._settings = settings

    def stop_call(self, caller: Caller, given: Parameters) -> Payload:
        """POST: end both legs of a running call. Raises Refusal, 500 / 1020152 for one that ended."""
        rules = self._settings.callstop
        if caller.application.mode.value not in rules.modes:
            raise Refusal(403, "1010040")
        session_id = needed(given.text("sessionid", 1, 256), "sessionid")
        if needed(given.text("signal", 1, 128), "signal") != CALL_STOP:
            raise invalid("signal")
        app_key = caller.application.app_key
        if self._calls.stoppable(app_key, session_id) is None:
            raise Refusal(500 if rules.ended_code == "1020152" else 403, rules.ended_code)
        caller.afterwards.append(lambda: self._calls.stop(app_key, session_id))
        return success()

    def record_address(self, caller: Caller, given: Parameters) -> Redirect:
        """GET: where a recording can be fetched, for some days. Raises Refusal."""
        name = needed(given.text("fileName", 1, 128), "fileName")
        domain = needed(given.text("recordDomain", 1, 128), "recordDomain")
        if not caller.application.recording:
            raise Refusal(403, "1012012")
        token = self._recordings.address(caller.application.app_key, domain, name, caller.at)
        if token is None:
            raise Refusal(403, "1012007")
        return Redirect(f"{RECORDINGS_PATH}/{token}")
