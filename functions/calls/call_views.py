"""Calls and SMS as answers: nobody's number but masked, nobody's session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from privatenumber.calls.diagnosis.view import Language, in_language, views
from privatenumber.calls.lookup import CallStory, MessageStory, Page, Shown
from privatenumber.calls.story import Line
from privatenumber.store.calls import Call
from privatenumber.store.messages import Message
from privatenumber.times import iso

T = TypeVar("T")


def page_view(
    name: str, page: Page[T], view: Callable[[Shown[T]], dict[str, Any]], cursor: str | None
) -> dict[str, Any]:
    """Show a page of a list."""
    return {name: [view(row) for row in page.rows], "next_cursor": cursor}


def call_view(shown: Shown[Call]) -> dict[str, Any]:
    """Show a call; its id opens the whole story."""
    call = shown.says
    return {
        "id": call.call,
        "state": call.state.value,
        "connected": call.connected,
        "mode": call.mode,
        "x": call.x,
        "caller": shown.people.get("caller"),
        "callee": shown.people.get("callee"),
        "direction": call.direction,
        "order": call.order,
        "binding": call.binding_id,
        "area": call.area,
        "started_at": iso(call.started_at),
        "alerting_at": _moment(call.alerting_at),
        "answered_at": _moment(call.answered_at),
        "ended_at": _moment(call.ended_at),
        "talk_seconds": call.talk_seconds,
        "cause": {
            "state_code": call.state_code,
            "teardown": call.teardown,
            "q850": call.q850,
            "sip": call.sip,
        },
        "answer": call.operation,
        "answer_reason": call.reason,
        "recorded": call.recorded,
        "recording": call.recording,
        "records": len(call.icids),
        "flags": list(call.flags),
    }


def message_view(shown: Shown[Message]) -> dict[str, Any]:
    """Show an SMS; its text is not kept for reading."""
    message = shown.says
    return {
        "id": message.message,
        "state": message.state.value,
        "mode": message.mode,
        "x": message.x,
        "calling": shown.people.get("calling"),
        "called": shown.people.get("called"),
        "direction": message.direction,
        "order": message.order,
        "binding": message.binding_id,
        "area": message.area,
        "at": iso(message.at),
        "result": message.send_result,
        "parts": message.parts,
        "parts_received": message.parts_received,
        "parts_forwarded": message.parts_forwarded,
        "answer": message.operation,
        "answer_reason": message.reason,
        "flags": list(message.flags),
    }


def told_view(told: CallStory, language: Language) -> dict[str, Any]:
    """Show all that is known of a call."""
    return {
        "call": call_view(told.call),
        "story": [_line_view(line, language) for line in told.story],
        "diagnosis": views(told.diagnosis, language),
    }


def message_told_view(told: MessageStory, language: Language) -> dict[str, Any]:
    """Show all that is known of an SMS."""
    return {"message": message_view(told.message), "diagnosis": views(told.diagnosis, language)}


def _line_view(line: Line, language: Language) -> dict[str, Any]:
    return {
        "at": iso(line.at),
        "what": line.what,
        "text": in_language(line.text, language),
        "source": line.source,
    }


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
