"""What belongs to every mode: terminate call and recordings (recording-and-call-stop.md §2, §3)."""

from enum import StrEnum
from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.platform.caller import Caller, required
from privatenumber.platform.errors import NotFound, no_answer
from privatenumber.platform.request import Request

RECORD_PATH: Final = "/rest/provision/voice/record/v1.0"
CALL_STOP_PATH: Final = "/rest/httpsessions/callStop/v2.0"


class Stopped(StrEnum):
    """What terminate call came to; both are success."""

    STOPPED = "stopped"
    ALREADY_ENDED = "already_ended"


class SessionCalls:
    """Operations on a call by its ``sessionId`` and on its recording."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def stop(self, session_id: str, *, deadline: Deadline) -> Stopped:
        """End both legs of a running call. Raises PlatformError; an unknown session counts as ended."""
        body = {"sessionid": required(session_id), "signal": "call_stop"}
        try:
            self._caller.call(Request("call.stop", "POST", CALL_STOP_PATH, None, True, body=body), deadline)
        except NotFound:
            return Stopped.ALREADY_ENDED
        return Stopped.STOPPED

    def record_address(self, file_name: str, domain: str, *, deadline: Deadline) -> str:
        """Where a recording can be fetched now; the redirect is not followed, the address not to be kept.

        Raises NotFound while there is no such file (any more), and other PlatformErrors.
        """
        query = {"fileName": required(file_name), "recordDomain": required(domain)}
        answered = self._caller.call(Request("record.url", "GET", RECORD_PATH, None, True, query), deadline)
        if answered.location is None:
            raise no_answer("record.url")
        return answered.location
