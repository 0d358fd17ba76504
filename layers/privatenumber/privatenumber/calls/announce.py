"""What is told outside of a call, an SMS or a number: each occurrence once, whenever its fact arrives.

Pure. An occurrence that was told is remembered with the row, so a fact that comes late is told late, and what
came twice is told once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.calls.people import Numbers
from privatenumber.store.announcement_types import AnnouncementType as Type
from privatenumber.store.announcements import Announcement
from privatenumber.store.calls import Call, CallState
from privatenumber.store.messages import Message, MessageState
from privatenumber.times import iso

_OUTWARD_CALL: Final = (
    "mode",
    "order",
    "binding_id",
    "x",
    "direction",
    "talk_seconds",
    "state_code",
    "teardown",
    "q850",
    "sip",
    "released_by",
    "operation",
    "reason",
    "recorded",
    "recording",
)
_OUTWARD_SMS: Final = (
    "mode",
    "order",
    "binding_id",
    "x",
    "direction",
    "send_result",
    "parts",
    "operation",
    "reason",
)
_RECORDINGS: Final[Mapping[str, Type]] = {
    "archived": Type.RECORDING_ARCHIVED,
    "no_file": Type.RECORDING_FAILED,
}


def of_call(
    before: Call | None, after: Call, told: tuple[str, ...], numbers: Numbers, *, version: int
) -> list[Announcement]:
    """What is to be told once a call is ``after``, which was ``before`` when ``told`` was told.

    ``version`` is that of the row to be written: a change of what was told is one occurrence per version.
    """
    data = call_data(after)
    about = f"call#{after.call}"
    made = [
        Announcement(after.application, about, type_, _id(about, type_), at, data, numbers)
        for type_, at in _occurrences(after)
        if type_ not in told
    ]
    if before and Type.CALL_RECORDED in told and _settled(before) != _settled(after):
        identity = _id(about, f"{Type.CALL_CHANGED}#{version}")
        at = after.ended_at or after.started_at
        made.append(Announcement(after.application, about, Type.CALL_CHANGED, identity, at, data, numbers))
    return made


def of_message(after: Message, told: tuple[str, ...], numbers: Numbers) -> list[Announcement]:
    """What is to be told of an SMS."""
    about = f"sms#{after.message}"
    data = _outward(after, _OUTWARD_SMS) | {"sms": after.message, "state": after.state.value}
    return [
        Announcement(after.application, about, type_, _id(about, type_), after.at, data, numbers)
        for type_ in _of_message(after)
        if type_ not in told
    ]


def of_number(row: Mapping[str, Any], at: datetime) -> Announcement:
    """What is to be told of a state of an X number, a row of kind `number_state` (notifications.md §7)."""
    about = f"number#{row['x']}"
    data = {name: row[name] for name in ("x", "status", "cause") if name in row}
    identity = _id(about, f"{Type.NUMBER_STATE}#{row['sk']}")
    return Announcement(row["application"], about, Type.NUMBER_STATE, identity, at, data)


def call_data(call: Call) -> dict[str, Any]:
    """What is said of a call to whom it is told."""
    moments = {
        name: iso(moment)
        for name, moment in (
            ("started_at", call.started_at),
            ("alerting_at", call.alerting_at),
            ("answered_at", call.answered_at),
            ("ended_at", call.ended_at),
        )
        if moment
    }
    return (
        _outward(call, _OUTWARD_CALL)
        | moments
        | {"call": call.call, "state": call.state.value, "connected": call.connected}
    )


def _settled(call: Call) -> dict[str, Any]:
    """What was told of a settled call; its recording comes later and is told by itself."""
    return {name: value for name, value in call_data(call).items() if name != "recording"}


def _occurrences(call: Call) -> Iterator[tuple[Type, datetime]]:
    yield Type.CALL_STARTED, call.started_at
    if call.connected:
        yield Type.CALL_ANSWERED, call.answered_at or call.started_at
    if call.over:
        yield Type.CALL_ENDED, call.ended_at or call.started_at
    if call.state is CallState.SETTLED:
        yield Type.CALL_RECORDED, call.ended_at or call.started_at
    if call.recording and call.recording in _RECORDINGS:
        yield _RECORDINGS[call.recording], call.ended_at or call.started_at


def _of_message(message: Message) -> Iterator[Type]:
    if message.operation or any(notice.lower() == "block" for notice in message.notices):
        yield Type.SMS_ASKED
    if message.state is MessageState.SENT:
        yield Type.SMS_FORWARDED
    elif message.state is MessageState.NOT_SENT:
        yield Type.SMS_FAILED


def _outward(says: Call | Message, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(says, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _id(about: str, what: str) -> str:
    return hashlib.sha256(f"{about}\0{what}".encode()).hexdigest()[:32]
