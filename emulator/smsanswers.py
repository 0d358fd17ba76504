"""Reading the customer's answer to an SMS question: forward, discard, unusable (notifications.md §6.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.inventory import Mode
from emulator.smsrecord import SendResult, Sms
from privatenumber import phone


class Unusable(Exception):
    """The answer moves nothing; ``result`` is what becomes of the SMS."""

    def __init__(self, result: SendResult = SendResult.INTERNAL_ERROR) -> None:
        super().__init__(result.name)
        self.result = result


@dataclass(frozen=True, slots=True)
class SmsAnswer:
    """A usable answer: to whom, or to nobody (None); AX may give ``userData`` for the outcome."""

    receiver: str | None = field(repr=False)
    user_data: str | None = None


def read_answer(body: bytes | None, sms: Sms, *, strict: bool) -> SmsAnswer:
    """Read an answer; None stands for none in time. Raises Unusable."""
    action = _action(_object(body), strict=strict)
    user_data = _user_data(action, strict=strict) if sms.mode is Mode.AX else None
    operation = action.get("operation")
    if operation == "DiscardMessage":
        return SmsAnswer(None, user_data)
    message = action.get("message")
    if operation != "vNumberRoute" or not isinstance(message, dict):
        raise Unusable
    if message.get("calling") not in (None, "", sms.sender):
        raise Unusable
    called = message.get("called")
    if not isinstance(called, str) or not phone.is_global(called):
        raise Unusable
    return SmsAnswer(called, user_data)


def _object(body: bytes | None) -> Mapping[str, Any]:
    """Decode an answer; what cannot be read came too late, as far as the SMS is concerned."""
    if not body:
        raise Unusable(SendResult.DECISION_TIMED_OUT)
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unusable(SendResult.DECISION_TIMED_OUT) from None
    if not isinstance(document, dict):
        raise Unusable
    return document


def _action(document: Mapping[str, Any], *, strict: bool) -> Mapping[str, Any]:
    """Take the first action; lenient takes a single object for an array of one."""
    actions = document.get("actions")
    if isinstance(actions, dict) and not strict:
        return actions
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise Unusable
    return actions[0]


def _user_data(action: Mapping[str, Any], *, strict: bool) -> str | None:
    value = action.get("userData")
    if value in (None, ""):
        return None
    if not isinstance(value, str) or len(value) > 256:
        raise Unusable
    if strict and (not value.isascii() or set(value) & set("{}")):
        raise Unusable
    return value
