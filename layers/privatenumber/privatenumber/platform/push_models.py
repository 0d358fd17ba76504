"""What the platform pushes, as plain data: call events, CDRs, number states, SMS notices.

Frozen dataclasses instead of pydantic models: this is the receiver's hot path and its cold start. Times are
aware UTC; numbers are global, or as they came where ``foreign_numbers`` is set. ``content`` is the canonical
JSON that tells a repetition from a change; ``raw`` is what came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias


class PushKind(StrEnum):
    """Kinds of push by their body root (notifications.md §1)."""

    EVENT = "event"
    CDR = "cdr"
    NUMBER_STATE = "number_state"
    SMS = "sms"


#: `notifyMode` and `notificationMode` of a question, compared without case.
BLOCK = "block"


class EventType(StrEnum):
    """Documented call events, in the order of a call (notifications.md §4.1, §9.1)."""

    CALLIN = "callin"
    COLLECT_INFO = "collectInfo"
    CALLOUT = "callout"
    ALERTING = "alerting"
    ANSWER = "answer"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One call event (notifications.md §4.2). Unknown event types are kept as text."""

    event_type: str
    timestamp: datetime | None
    session_id: str | None = field(repr=False)
    caller: str | None = field(repr=False)
    called: str | None = field(repr=False)
    subscription_id: str | None
    user_data: str | None = field(repr=False)
    notify_mode: str | None
    digits: str | None = field(repr=False)
    state_code: int | None
    state_text: str | None
    foreign_numbers: bool
    content: str = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def ends_call(self) -> bool:
        """Whether this is the hang-up, of which each call has exactly one."""
        return self.event_type == EventType.DISCONNECT

    @property
    def asks(self) -> bool:
        """Whether the platform waits for an answer where the call shall go (§4.5)."""
        return self.event_type == EventType.CALLIN and (self.notify_mode or "").lower() == BLOCK


@dataclass(frozen=True, slots=True)
class Cdr:
    """One call detail record (notifications.md §5.2), one ``feeLst`` entry.

    ``x`` is the private number that was dialled (``bindNum``, else ``calleeNum``). ``callee`` is the person
    reached (``fwdDstNum``). ``call_seconds`` exists only by arrangement with the platform.
    """

    app_key: str | None
    icid: str | None
    session_id: str | None = field(repr=False)
    subscription_id: str | None
    direction: int | None
    x: str | None = field(repr=False)
    caller: str | None = field(repr=False)
    display: str | None = field(repr=False)
    callee: str | None = field(repr=False)
    call_in_at: datetime | None
    started_at: datetime | None
    alerting_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    failed_at: datetime | None
    teardown: int | None
    q850: int | None
    sip: int | None
    recorded: bool
    released_by: int | None
    call_seconds: int | None
    foreign_numbers: bool
    content: str = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """One state of a private number (notifications.md §7), one ``numInfo`` entry: no time, no id."""

    number: str = field(repr=False)
    status: str | None
    cause: str | None
    content: str = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmsNotice:
    """An SMS notification or question (notifications.md §6.2).

    ``x`` is the private number that was written to, ``text`` the message as the sender wrote it, if the
    platform delivers it. ``parts`` and ``direction`` stand in ``extInfo``: the parts that were sent
    (Notify), or that the received text would need (Block).
    """

    app_key: str | None
    sms_id: str | None = field(repr=False)
    notify_mode: str | None
    calling: str | None = field(repr=False)
    called: str | None = field(repr=False)
    x: str | None = field(repr=False)
    event: str | None
    timestamp: datetime | None
    subscription_id: str | None
    text: str | None = field(repr=False)
    send_result: int | None
    parts: int | None
    direction: int | None
    area_code: str | None
    user_data: str | None = field(repr=False)
    foreign_numbers: bool
    content: str = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def asks(self) -> bool:
        """Whether the platform waits for an answer what to do with the message (§6.5)."""
        return (self.notify_mode or "").lower() == BLOCK


Entry: TypeAlias = CallEvent | Cdr | NumberStatus | SmsNotice


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry that could not be read, with the reason in words that quote nothing of it.

    ``is_list``: ``raw`` is a list of such entries, put apart together.
    """

    reason: str
    raw: Any = field(repr=False)
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """One push: what could be read, what could not, and what was unusual about it (``notes``)."""

    kind: PushKind
    entries: tuple[Entry, ...]
    bad: tuple[BadEntry, ...] = ()
    notes: tuple[str, ...] = ()
