"""One row per SMS: what its notices and our decision together say (see `calls` for the same of calls).

Key: partition of the SMS's facts, ``MESSAGE``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from privatenumber.store.call_search import Kind, places
from privatenumber.store.derived import Derived, read_derived, write_derived
from privatenumber.store.fact_rows import sms_key
from privatenumber.store.transactions import Action
from privatenumber.store.watched import watched

KIND: Final = "message"
ROW: Final = "MESSAGE"
_MOMENTS: Final = frozenset({"at"})


class MessageState(StrEnum):
    """How far an SMS has come (notifications.md §6, sms-results.csv)."""

    ASKED = "asked"
    """The platform has asked whom it is for; its outcome is not known."""
    SENT = "sent"
    """Sent, of a long one at least some parts (results 0 and 9)."""
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Message:
    """An SMS as its facts tell it. Times are aware UTC.

    ``message`` is the token of its identifier, ``calling`` and ``called`` are tokens of people. ``parts`` is
    what the platform says was sent, ``parts_received`` and ``parts_forwarded`` are counted from the text.
    ``operation``, ``reason`` and ``caller_role`` are our answer to the platform's question.
    """

    application: str
    message: str
    state: MessageState
    at: datetime
    mode: str | None = None
    x: str | None = field(default=None, repr=False)
    calling: str | None = None
    called: str | None = None
    direction: int | None = None
    subscription_id: str | None = None
    binding_id: str | None = None
    order: str | None = None
    area: str | None = None
    send_result: int | None = None
    parts: int | None = None
    parts_received: int | None = None
    parts_forwarded: int | None = None
    operation: str | None = None
    reason: str | None = None
    caller_role: str | None = None
    notices: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


MessageRow = Derived[Message]


def sealed_context(application: str, message: str) -> str:
    """What the sealed numbers of a message row are bound to."""
    return f"message#{application}#{message}"


def message_row_key(application: str, message: str) -> dict[str, str]:
    """Key of the row of an SMS."""
    return {"pk": sms_key(application, message), "sk": ROW}


def write_message(table: str, row: MessageRow, *, seen: int | None) -> Action:
    """Put a row in the place of the version ``seen``, or of none."""
    message = row.says
    found = places(
        Kind.SMS,
        message.application,
        message.message,
        message.at,
        binding_id=message.binding_id,
        order=message.order,
        x=message.x,
        caller=message.calling,
        callee=message.called,
    )
    found |= watched(message.message, message.at, awaited=message.state is MessageState.ASKED)
    key = message_row_key(message.application, message.message)
    return write_derived(table, key, KIND, row, places=found, seen=seen)


def read_message(item: Mapping[str, Any]) -> MessageRow:
    """A row of an SMS from a decoded item."""
    return read_derived(Message, item, moments=_MOMENTS, state=MessageState(item["state"]))
