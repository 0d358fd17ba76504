"""What a line of an export tells of a call or an SMS; the columns are documented in docs/statistics.md.

Where the layouts for imports have a column of the same meaning it has the same name (billing-rules.md §9.2).
People are masked, always (numbers.md §6). A CSV is for people in China: its times are Beijing times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar

from privatenumber.calls.masking import masked
from privatenumber.calls.relations import Unseal
from privatenumber.calls.statistics import billed_minutes, cause_of
from privatenumber.codes.causes import sms_result, teardown
from privatenumber.codes.texts import Text
from privatenumber.csv_rows import BYTE_ORDER_MARK, Value, rendered
from privatenumber.store import calls, messages
from privatenumber.store.call_search import Kind
from privatenumber.store.calls import Call, read_call
from privatenumber.store.derived import Derived
from privatenumber.store.exports import Format
from privatenumber.store.messages import Message, read_message
from privatenumber.times import BEIJING, iso

Cell: TypeAlias = Value | datetime | tuple[str, ...]
People: TypeAlias = Mapping[str, str]
"""Masked numbers by role."""

T = TypeVar("T", Call, Message)

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class _Told(Generic[T]):
    """A call or SMS, its people masked, and the texts of its code in English and Chinese."""

    says: T
    people: People
    code: int | None
    meaning: Text | None


CALL_COLUMNS: Final[Mapping[str, Callable[[_Told[Call]], Cell]]] = {
    "call": lambda told: told.says.call,
    "application": lambda told: told.says.application,
    "state": lambda told: told.says.state.value,
    "order": lambda told: told.says.order,
    "binding": lambda told: told.says.binding_id,
    "binding_id": lambda told: told.says.subscription_id,
    "mode": lambda told: told.says.mode,
    "direction": lambda told: told.says.direction,
    "city": lambda told: told.says.area,
    "x_number": lambda told: told.says.x,
    "caller": lambda told: told.people.get("caller"),
    "callee": lambda told: told.people.get("callee"),
    "call_in_time": lambda told: told.says.started_at,
    "call_out_time": lambda told: told.says.called_out_at,
    "ring_time": lambda told: told.says.alerting_at,
    "answer_time": lambda told: told.says.answered_at,
    "end_time": lambda told: told.says.ended_at,
    "connected": lambda told: told.says.connected,
    "duration_s": lambda told: told.says.talk_seconds,
    "billed_minutes": lambda told: _minutes(told.says),
    "result": lambda told: told.code,
    "result_en": lambda told: told.meaning.en if told.meaning else None,
    "result_zh": lambda told: told.meaning.zh if told.meaning else None,
    "released_by": lambda told: told.says.released_by,
    "q850": lambda told: told.says.q850,
    "sip": lambda told: told.says.sip,
    "recorded": lambda told: told.says.recorded,
    "record_id": lambda told: told.says.icids[0] if told.says.icids else None,
    "push_delay_ms": lambda told: told.says.settled_after_ms,
    "flags": lambda told: told.says.flags,
}
MESSAGE_COLUMNS: Final[Mapping[str, Callable[[_Told[Message]], Cell]]] = {
    "sms": lambda told: told.says.message,
    "application": lambda told: told.says.application,
    "state": lambda told: told.says.state.value,
    "order": lambda told: told.says.order,
    "binding": lambda told: told.says.binding_id,
    "binding_id": lambda told: told.says.subscription_id,
    "mode": lambda told: told.says.mode,
    "direction": lambda told: told.says.direction,
    "city": lambda told: told.says.area,
    "x_number": lambda told: told.says.x,
    "sender": lambda told: told.people.get("calling"),
    "receiver": lambda told: told.people.get("called"),
    "time": lambda told: told.says.at,
    "parts": lambda told: told.says.parts,
    "parts_counted": lambda told: told.says.parts_forwarded,
    "parts_written": lambda told: told.says.parts_received,
    "result": lambda told: told.code,
    "result_en": lambda told: told.meaning.en if told.meaning else None,
    "result_zh": lambda told: told.meaning.zh if told.meaning else None,
    "flags": lambda told: told.says.flags,
}


def head_of(kind: Kind, form: Format) -> bytes:
    """What stands before the first line."""
    titles = list(CALL_COLUMNS if kind is Kind.CALL else MESSAGE_COLUMNS)
    return (BYTE_ORDER_MARK + rendered([titles])).encode() if form is Format.CSV else b""


def line_of(kind: Kind, form: Format, row: Mapping[str, Any], unseal: Unseal) -> bytes:
    """A row of the table as a line of the file."""
    told = _call(read_call(row), unseal) if kind is Kind.CALL else _message(read_message(row), unseal)
    if form is Format.CSV:
        return rendered([[_in_csv(value) for value in told.values()]]).encode()
    document = {name: _in_json(value) for name, value in told.items()}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _call(row: Derived[Call], unseal: Unseal) -> dict[str, Cell]:
    call, code = row.says, cause_of(row.says)
    people = masked(row.sealed, calls.sealed_context(call.application, call.call), unseal)
    told = _Told(call, people, code, teardown(code).texts.meaning if call.over else None)
    return {name: column(told) for name, column in CALL_COLUMNS.items()}


def _message(row: Derived[Message], unseal: Unseal) -> dict[str, Cell]:
    text, code = row.says, row.says.send_result
    people = masked(row.sealed, messages.sealed_context(text.application, text.message), unseal)
    told = _Told(text, people, code, None if code is None else sms_result(code).texts.meaning)
    return {name: column(told) for name, column in MESSAGE_COLUMNS.items()}


def _minutes(call: Call) -> int | None:
    if not call.connected:
        return 0 if call.over else None
    return None if call.talk_seconds is None else billed_minutes(call.talk_seconds)


def _in_csv(value: Cell) -> Value:
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return " ".join(value) if isinstance(value, tuple) else value


def _in_json(value: Cell) -> Value | list[str]:
    if isinstance(value, datetime):
        return iso(value)
    return list(value) if isinstance(value, tuple) else value
