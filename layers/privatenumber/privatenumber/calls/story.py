"""The story of one call, line by line in the order in which things happened (notifications.md §4, §9.1).

Pure. Events, our answer, the CDR, recordings, what our rules did, texts of the same binding and what happened
to the binding stand in one list. Nobody's number is in it: people are told of by their role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privatenumber.calls.timeline import in_story
from privatenumber.codes.causes import hangup, teardown
from privatenumber.codes.texts import Text
from privatenumber.platform.push_models import EventType
from privatenumber.store.audit import Entry
from privatenumber.store.call_facts import CallFacts
from privatenumber.store.calls import Call
from privatenumber.store.decisions import Decision
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.messages import Message
from privatenumber.store.recordings import RecordingRow

_EVENTS: Final = {
    EventType.CALLIN: Text("The call arrived at the platform", "呼叫到达平台"),
    EventType.COLLECT_INFO: Text("The caller was asked for an extension and typed", "提示输入分机号并收号"),
    EventType.CALLOUT: Text("The platform started to call the other side", "平台开始呼叫对方"),
    EventType.ALERTING: Text("The other side rang", "对方振铃"),
    EventType.ANSWER: Text("The other side answered", "对方应答"),
    EventType.DISCONNECT: Text("The call was hung up", "通话挂断"),
}
_RECORDINGS: Final = {
    "pending": Text("Its recording is to be fetched", "录音待下载"),
    "archived": Text("Its recording is in the archive", "录音已归档"),
    "no_file": Text("There is no recording of it", "没有录音文件"),
}
_MESSAGES: Final = {
    "asked": Text("A text of the same binding is waiting for its outcome", "同一绑定的短信，结果未知"),
    "sent": Text("A text of the same binding was forwarded", "同一绑定的短信已转发"),
    "not_sent": Text("A text of the same binding was not forwarded", "同一绑定的短信未转发"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``what`` names its kind for programs, ``source`` the record; ``at`` is aware UTC."""

    at: datetime
    what: str
    text: Text
    source: str


def story_of(
    facts: CallFacts, call: Call, *, messages: Sequence[Message] = (), versions: Sequence[Entry] = ()
) -> tuple[Line, ...]:
    """The lines of a call, oldest first; of one moment in the order of the call."""
    lines = [
        *_of_events(in_story(facts.events), call),
        *_of_decision(facts.decision),
        *(_of_rule(act.rule, act.act, act.at) for act in facts.rules),
        *(_of_cdr(cdr) for cdr in facts.cdrs),
        *(_of_recording(row) for row in facts.recordings),
        *(_of_message(message) for message in messages),
        *(_of_version(entry) for entry in versions),
    ]
    return tuple(sorted(lines, key=lambda line: line.at))


def _of_events(events: Iterable[EventFact], call: Call) -> Iterator[Line]:
    for event in events:
        told = _EVENTS.get(EventType(event.event)) if event.event in set(EventType) else None
        text = told or Text("The platform reported an event we do not know", "平台上报了未知事件")
        if event.event == EventType.DISCONNECT and event.state_code is not None:
            text = _joined(text, hangup(event.state_code).texts.meaning)
        # Without a time of its own it is told where the call ended, or where it was received.
        at = event.at or call.ended_at or event.received_at
        yield Line(at, f"event.{event.event}", text, f"event {event.event}")


def _of_decision(decision: Decision | None) -> Iterator[Line]:
    if decision is not None:
        text = Text(
            f"We answered the platform's question: {decision.operation} ({decision.reason})",
            f"我方答复平台的询问：{decision.operation}（{decision.reason}）",
        )
        yield Line(decision.at, "decision", text, "decision")


def _of_rule(rule: str, act: str, at: datetime) -> Line:
    text = Text(f"Our rule {rule} acted: {act}", f"我方规则 {rule} 生效：{act}")
    return Line(at, f"rule.{rule}", text, f"rule {rule}")


def _of_cdr(cdr: CdrFact) -> Line:
    text = Text("The call detail record (CDR) came", "收到话单")
    if cdr.teardown is not None:
        text = _joined(text, teardown(cdr.teardown).texts.meaning)
    return Line(cdr.received_at, "cdr", text, f"cdr {cdr.icid}" if cdr.icid else "cdr")


def _of_recording(row: RecordingRow) -> Line:
    text = _RECORDINGS[row.state]
    if row.reason:
        text = Text(f"{text.en} ({row.reason})", f"{text.zh}（{row.reason}）")
    return Line(row.archived_at or row.received_at, f"recording.{row.state}", text, "recording")


def _of_message(message: Message) -> Line:
    return Line(message.at, f"sms.{message.state}", _MESSAGES[message.state], f"sms {message.message}")


def _of_version(entry: Entry) -> Line:
    why = f" ({entry.why})" if entry.why else ""
    text = Text(
        f"The binding became {entry.state}, by {entry.by}{why}",
        f"绑定状态变为 {entry.state}，操作者 {entry.by}{why}",
    )
    return Line(entry.at, f"binding.{entry.state.lower()}", text, f"binding {entry.subject}")


def _joined(text: Text, more: Text) -> Text:
    return Text(f"{text.en}: {more.en}", f"{text.zh}：{more.zh}")
