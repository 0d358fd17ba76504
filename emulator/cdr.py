"""Call detail records: one entry per ended call, keys in the documented order (notifications.md §5)."""

from collections.abc import Sequence
from datetime import datetime

from emulator.callrecord import Call
from emulator.events import Body
from emulator.outcomes import Ending, Party
from emulator.settings import EmulatorSettings
from emulator.world import Mode
from privatenumber.times import platform_time

HOST_NAME = "callenabler246.huaweicaas.com"
_RELEASED_BY = {Party.CALLER: 1, Party.CALLEE: 2}


def fee_body(entries: Sequence[Body]) -> Body:
    """Wrap 1 to 50 entries of one application into one push."""
    return {"eventType": "fee", "feeLst": list(entries)}


def cdr_entry(call: Call, account_id: str, settings: EmulatorSettings) -> Body:
    """Build the FeeInfo of an ended call. ValueError when the call still runs.

    Optional texts without a value are omitted, or sent as ``""`` with `push.empty_optional` = `empty`; times
    of stages that were not reached are always omitted.
    """
    if call.ended_at is None or call.ending is None:
        raise ValueError("a call that still runs has no CDR")
    entry: Body = {
        "direction": call.direction,
        "spId": account_id,
        "appKey": call.app_key,
        "icid": call.icid,
        "bindNum": call.dialled,
        "sessionId": call.session_id,
        **_binding_id("subscriptionId", call, settings),
        "callerNum": call.caller,
        "calleeNum": call.dialled,
        **_second_leg(call, settings),
        **_times(call),
        **_causes(call, call.ending, call.ended_at),
        **_recording(call, settings),
        "ttsPlayTimes": 0,
        "ttsTransDuration": 0,
        **_binding_id("mptyId", call, settings),
        "serviceType": settings.cdr.service_type.get(call.mode.value, "004"),
        "hostName": HOST_NAME,
        **_mode_fields(call),
    }
    if settings.push.user_data:
        entry |= _text("userData", call.user_data, settings)
    return entry | _arranged(call, settings)


def _text(name: str, value: str | None, settings: EmulatorSettings) -> Body:
    if value:
        return {name: value}
    return {name: ""} if settings.push.empty_optional == "empty" else {}


def _binding_id(name: str, call: Call, settings: EmulatorSettings) -> Body:
    return {} if call.mode is Mode.X else _text(name, call.subscription_id, settings)


def _second_leg(call: Call, settings: EmulatorSettings) -> Body:
    route = call.route if call.started_at is not None else None
    return _text("fwdDisplayNum", route.display if route else None, settings) | _text(
        "fwdDstNum", route.destination if route else None, settings
    )


def _times(call: Call) -> Body:
    reached: tuple[tuple[str, datetime | None], ...] = (
        ("callInTime", call.call_in_at),
        ("fwdStartTime", call.started_at),
        ("fwdAlertingTime", call.alerting_at),
        ("fwdAnswerTime", call.answered_at),
        ("callEndTime", call.ended_at),
    )
    return {name: platform_time(at) for name, at in reached if at is not None}


def _causes(call: Call, ending: Ending, ended_at: datetime) -> Body:
    causes: Body = {"fwdUnaswRsn": ending.q850}
    if call.answered_at is None:
        causes["failTime"] = platform_time(ended_at)
    causes["ulFailReason"] = ending.teardown
    causes["sipStatusCode"] = ending.sip
    causes["callOutUnaswRsn"] = 0
    return causes


def _recording(call: Call, settings: EmulatorSettings) -> Body:
    recording = call.recording
    if recording is None:
        return {"recordFlag": 0}
    fields: Body = {"recordFlag": 1, "recordStartTime": platform_time(recording.started_at)}
    if settings.recording.delivery == "direct_url":
        # recording-and-call-stop.md §1: the three names are empty, the address takes their place
        empty = {"recordDomain": "", "recordBucketName": "", "recordObjectName": ""}
        return fields | empty | {"recordFileDownloadUrl": recording.url or ""}
    return fields | {
        "recordDomain": recording.domain,
        "recordBucketName": recording.bucket,
        "recordObjectName": recording.object_name,
    }


def _mode_fields(call: Call) -> Body:
    if call.mode is Mode.AXE and call.extension:
        return {"extendNum": call.extension}
    return {"notifyMode": "Block"} if call.mode is Mode.X else {}


def _arranged(call: Call, settings: EmulatorSettings) -> Body:
    possible: dict[str, object] = {
        "areaCode": call.area_code,
        "callRelDirection": _RELEASED_BY[call.released_by] if call.released_by else None,
        "callDuration": call.talk_seconds,
    }
    arranged = {
        name: value
        for name, value in possible.items()
        if name in settings.cdr.arranged_fields and value is not None
    }
    extra = {"voiceCheckType": 0} if "voiceCheckType" in settings.cdr.extra_fields else {}
    return arranged | extra
