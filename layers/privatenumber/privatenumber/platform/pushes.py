"""Reading what the platform pushes (notifications.md §2.8, §4-§7).

Every field is optional but the event type and the list or object itself. `parse_push` never fails on one bad
entry of a list: the entry goes apart, the rest is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from privatenumber.platform.push_fields import Fields, UnreadableField, canonical
from privatenumber.platform.push_models import (
    BLOCK,
    BadEntry,
    CallEvent,
    Cdr,
    Entry,
    EventType,
    NumberStatus,
    Push,
    PushKind,
    SmsNotice,
)

__all__ = [
    "BLOCK",
    "BadEntry",
    "CallEvent",
    "Cdr",
    "Entry",
    "EventType",
    "NotAPush",
    "NumberStatus",
    "Push",
    "PushKind",
    "SmsNotice",
    "parse_push",
]

#: Documented bounds of the lists (notifications.md §5.1, §7); longer ones are read entirely and marked.
MAX_CDRS, MAX_NUMBER_STATES = 50, 100
#: More unreadable entries than this are put apart as one: a push must not multiply into writes without bound.
MAX_BAD_ENTRIES = 50
#: Largest single entry that is stored as a fact, in bytes of its JSON; documented ones stay below 6 KB.
MAX_ENTRY_BYTES = 65_536


class NotAPush(ValueError):
    """The body is no push at all: not text, not JSON, or without a known root.

    Attributes
    ----------
    reason : str
        ``encoding``, ``json`` or ``root``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a push of the platform: {reason}")
        self.reason = reason


def parse_push(body: bytes) -> Push:
    """Read the body of a push, dispatched by its root and not by the address it came to.

    Raises
    ------
    NotAPush
        Not UTF-8 nor GB18030, not JSON, or no known root.
    """
    document, notes = _decode(body)
    if not isinstance(document, dict):
        raise NotAPush("root")
    event_type = document.get("eventType")
    if isinstance(event_type, str) and event_type.strip():
        return _by_event_type(event_type.strip(), document, notes)
    if isinstance(_single(document.get("smsEvent")), dict):
        return _listed(PushKind.SMS, [document], _read_sms, 1, notes)
    raise NotAPush("root")


def _by_event_type(event_type: str, document: dict[str, Any], notes: tuple[str, ...]) -> Push:
    if event_type == "fee":
        return _listed(PushKind.CDR, _list_of(document, "feeLst"), _read_cdr, MAX_CDRS, notes)
    if event_type == "numStatus":
        states = _list_of(document, "numInfo")
        return _listed(PushKind.NUMBER_STATE, states, _read_number_status, MAX_NUMBER_STATES, notes)
    known = event_type in frozenset(EventType)
    if known and not isinstance(_single(document.get("statusInfo")), dict):
        raise NotAPush("root")
    unusual = notes if known else (*notes, "unknown_event_type")
    return _listed(PushKind.EVENT, [document], _read_event, 1, unusual)


def _listed(
    kind: PushKind,
    raws: list[Any],
    read: Callable[[dict[str, Any]], Entry],
    bound: int,
    notes: tuple[str, ...],
) -> Push:
    entries: list[Entry] = []
    bad: list[BadEntry] = []
    for raw in raws:
        try:
            entries.append(read(_checked(raw)))
        except UnreadableField as problem:
            bad.append(BadEntry(f"field {problem.field}", raw))
        except RecursionError:
            # Shallow enough to be parsed, too deep to be written again: its field would never be asked for.
            bad.append(BadEntry("nesting", raw))
    if not raws:
        bad.append(BadEntry("empty list", raws, is_list=True))
    if len(bad) > MAX_BAD_ENTRIES:
        bad = [BadEntry("many unreadable entries", [entry.raw for entry in bad], is_list=True)]
    unusual = (*notes, "long_list") if len(raws) > bound else notes
    return Push(kind, tuple(entries), tuple(bad), unusual)


def _checked(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise UnreadableField("(entry)")
    if len(canonical(raw)) > MAX_ENTRY_BYTES:
        raise UnreadableField("(size)")
    return raw


def _read_event(document: dict[str, Any]) -> CallEvent:
    envelope = Fields(document)
    event_type = envelope.text("eventType") or ""
    info = _single(document.get("statusInfo"))
    status = Fields(info if isinstance(info, dict) else {})
    others = {k: v for k, v in document.items() if k != "statusInfo" or not isinstance(info, dict)}
    return CallEvent(
        event_type=event_type,
        timestamp=status.time("timestamp"),
        session_id=status.text("sessionId"),
        caller=status.number("caller"),
        called=status.number("called"),
        subscription_id=status.text("subscriptionId"),
        user_data=status.text("userData"),
        notify_mode=status.text("notifyMode"),
        digits=status.text("digitInfo"),
        state_code=status.integer("stateCode"),
        state_text=status.text("stateDesc"),
        # Arguments are evaluated in order: the two below see what the getters above found.
        foreign_numbers=status.foreign_numbers,
        content=canonical({**others, "eventType": event_type}) + status.content(),
        raw=document,
    )


def _read_cdr(raw: dict[str, Any]) -> Cdr:
    record = Fields(raw)
    dialled, bound = record.number("calleeNum"), record.number("bindNum")
    return Cdr(
        app_key=record.text("appKey"),
        icid=record.text("icid"),
        session_id=record.text("sessionId"),
        subscription_id=record.text("subscriptionId"),
        direction=record.integer("direction"),
        x=bound or dialled,
        caller=record.number("callerNum"),
        display=record.number("fwdDisplayNum"),
        callee=record.number("fwdDstNum"),
        call_in_at=record.time("callInTime"),
        started_at=record.time("fwdStartTime"),
        alerting_at=record.time("fwdAlertingTime"),
        answered_at=record.time("fwdAnswerTime"),
        ended_at=record.time("callEndTime"),
        failed_at=record.time("failTime"),
        teardown=record.integer("ulFailReason"),
        q850=record.integer("fwdUnaswRsn"),
        sip=record.integer("sipStatusCode"),
        recorded=bool(record.flag("recordFlag")),
        released_by=record.integer("callRelDirection"),
        call_seconds=record.integer("callDuration"),
        # Arguments are evaluated in order: the two below see what the getters above found.
        foreign_numbers=record.foreign_numbers,
        content=record.content(),
        raw=raw,
    )


def _read_number_status(raw: dict[str, Any]) -> NumberStatus:
    state = Fields(raw)
    number = state.number("number")
    if number is None or state.foreign_numbers:
        raise UnreadableField("number")  # a state of no number of ours has nowhere to go
    status, cause = state.text("status"), state.text("cause")
    return NumberStatus(number, status, cause, state.content(), raw)


def _read_sms(document: dict[str, Any]) -> SmsNotice:
    envelope = Fields(document)
    event, extras = _sms_event(document)
    sms, extra = Fields(event), Fields(extras)
    app_key = envelope.text("appKey")
    others = {k: v for k, v in document.items() if k != "smsEvent"}
    return SmsNotice(
        app_key=app_key,
        sms_id=sms.text("smsIdentifier"),
        notify_mode=sms.text("notificationMode"),
        calling=sms.number("calling"),
        called=sms.number("called"),
        x=sms.number("virtualNumber"),
        event=sms.text("event"),
        timestamp=sms.time("timeStamp"),
        subscription_id=sms.text("subscriptionId"),
        text=sms.message("smsContent"),
        send_result=sms.integer("sendResult"),
        parts=extra.integer("splitNum"),
        direction=extra.integer("direction"),
        area_code=sms.text("areaCode"),
        user_data=sms.text("userData"),
        # Arguments are evaluated in order: the two below see what the getters above found.
        foreign_numbers=sms.foreign_numbers,
        content=canonical(others) + sms.content() + extra.content(),
        raw=document,
    )


def _sms_event(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event without its extras, and the extras by key: `extInfo` holds them as a list of pairs (§6.2)."""
    event = dict(_single(document.get("smsEvent")))
    info = _single(event.get("extInfo"))
    pairs = info.get("extParas") if isinstance(info, dict) else None
    if not isinstance(pairs, list):
        pairs = [pairs]
    if not all(isinstance(pair, dict) and isinstance(pair.get("key"), str) for pair in pairs):
        return event, {}
    others = {name: value for name, value in info.items() if name != "extParas"}
    extras = {pair["key"].strip(): pair.get("value") for pair in pairs}
    return {**event, "extInfo": others or None}, extras


def _decode(body: bytes) -> tuple[Any, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = body.decode("gb18030")
        except UnicodeDecodeError:
            raise NotAPush("encoding") from None
        notes = ("gb18030",)
    try:
        return json.loads(text), notes
    except (ValueError, RecursionError):
        raise NotAPush("json") from None  # the cause would quote the body


def _list_of(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    raise NotAPush("root")


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
