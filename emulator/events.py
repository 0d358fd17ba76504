"""Bodies of call events: which field stands in which event, in which order (notifications.md §4)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from emulator.callrecord import Call
from emulator.settings import EmulatorSettings
from emulator.world import Mode
from privatenumber.codes.causes import hangup
from privatenumber.times import platform_time

Body = dict[str, Any]


class EventType(StrEnum):
    """Kinds of call event."""

    CALLIN = "callin"
    COLLECT_INFO = "collectInfo"
    CALLOUT = "callout"
    ALERTING = "alerting"
    ANSWER = "answer"
    DISCONNECT = "disconnect"


_DOCUMENTED_TEXTS: Mapping[int, str] = MappingProxyType(
    {0: "The user releases the call.", 8101: "The callee did not answer."}
)
_CALLS_BACK = 1


def event_body(
    event: EventType, call: Call, at: datetime, settings: EmulatorSettings, *, digits: str | None = None
) -> Body:
    """Build the push of one event of a call at a moment (UTC); ``digits`` only for collectInfo."""
    info: Body = {"timestamp": platform_time(at), "sessionId": call.session_id}
    if event is EventType.COLLECT_INFO:
        info["digitInfo"] = digits or ""
        return {"eventType": event.value, "statusInfo": info}
    info["caller"], info["called"] = _parties(event, call)
    if event is EventType.CALLIN and call.mode is Mode.X:
        info["notifyMode"] = "Block"
    if event is EventType.DISCONNECT and call.ending is not None:
        info["stateCode"] = call.ending.state_code
        info["stateDesc"] = state_text(call.ending.state_code)
    _put(info, "subscriptionId", call.subscription_id, carried=_names_binding(event, call), settings=settings)
    named = settings.push.user_data and _carries_user_data(event, call)
    _put(info, "userData", call.user_data, carried=named, settings=settings)
    return {"eventType": event.value, "statusInfo": info}


def state_text(code: int) -> str:
    """Return the text of a hang-up cause, as `stateDesc` carries it."""
    return _DOCUMENTED_TEXTS.get(code) or hangup(code).meaning


def _parties(event: EventType, call: Call) -> tuple[str, str]:
    second_leg = event is not EventType.CALLIN and call.started_at is not None
    if second_leg and call.route is not None:
        return call.route.display, call.route.destination
    return call.caller, call.dialled


def _names_binding(event: EventType, call: Call) -> bool:
    if call.mode is Mode.X:
        return False
    return not (call.mode is Mode.AXE and event is EventType.CALLIN)


def _carries_user_data(event: EventType, call: Call) -> bool:
    if event is not EventType.CALLIN or call.mode not in (Mode.X, Mode.AXE):
        return True
    return call.mode is Mode.AXE and call.direction == _CALLS_BACK


def _put(info: Body, name: str, value: str | None, *, carried: bool, settings: EmulatorSettings) -> None:
    if not carried:
        return
    if value:
        info[name] = value
    elif settings.push.empty_optional == "empty":
        info[name] = ""
