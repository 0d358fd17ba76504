"""Bodies of SMS pushes: the question (Block) and the outcome (Notify) (notifications.md §6.2, §6.6)."""

from __future__ import annotations

from datetime import datetime

from emulator.events import Body
from emulator.inventory import Application, Mode
from emulator.settings import EmulatorSettings
from emulator.smsrecord import Sms
from privatenumber.times import iso

EVENT = "Text SMS "
"""With a trailing blank, as the platform sends it."""


def question_body(sms: Sms, application: Application, at: datetime, settings: EmulatorSettings) -> Body:
    """Ask what shall become of an SMS; ``splitNum`` is what the received text would need."""
    event = _head(sms, "Block", at, settings)
    event |= _content(sms, application)
    event["extInfo"] = _ext_info(sms.parts_received, sms.direction)
    return {"appKey": sms.app_key, "smsEvent": event | _area_code(sms, settings)}


def outcome_body(sms: Sms, application: Application, at: datetime, settings: EmulatorSettings) -> Body:
    """Tell what became of an SMS; ``splitNum`` is what was sent. ValueError while nothing did."""
    if sms.result is None:
        raise ValueError("an SMS under way has no outcome")
    event = _head(sms, "Notify", at, settings)
    event |= _content(sms, application)
    event["extInfo"] = _ext_info(sms.parts_sent, sms.direction)
    event["sendResult"] = int(sms.result)
    event |= _area_code(sms, settings)
    if settings.push.user_data and sms.mode is not Mode.X:
        event |= _optional("userData", sms.user_data, settings)
    return {"appKey": sms.app_key, "smsEvent": event}


def _head(sms: Sms, mode: str, at: datetime, settings: EmulatorSettings) -> Body:
    head: Body = {"smsIdentifier": sms.id, "notificationMode": mode, "calling": sms.sender}
    if mode == "Notify":
        head |= _optional("called", sms.receiver if sms.arrived else None, settings)
    head |= {"virtualNumber": sms.x, "event": EVENT, "timeStamp": iso(at)}
    return head if sms.mode is Mode.X else head | _optional("subscriptionId", sms.subscription_id, settings)


def _content(sms: Sms, application: Application) -> Body:
    """The text as it was received, in question and outcome alike."""
    return {"smsContent": sms.text} if application.sms_content else {}


def _ext_info(parts: int, direction: int) -> Body:
    values = {"splitNum": str(parts), "direction": str(direction)}
    return {"extParas": [{"key": key, "value": value} for key, value in values.items()]}


def _area_code(sms: Sms, settings: EmulatorSettings) -> Body:
    return {"areaCode": sms.area_code} if "areaCode" in settings.cdr.arranged_fields else {}


def _optional(name: str, value: str | None, settings: EmulatorSettings) -> Body:
    if value:
        return {name: value}
    return {name: ""} if settings.push.empty_optional == "empty" else {}
