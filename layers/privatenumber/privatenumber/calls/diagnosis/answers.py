"""X mode: what came of the platform's question, by the answer that we stored (x.md §2, §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privatenumber.calls.diagnosis.bindings import direction_forbidden, unbound, x_of
from privatenumber.calls.diagnosis.case import Around, CallCase
from privatenumber.calls.diagnosis.model import Evidence, Finding
from privatenumber.calls.diagnosis.rules import refused_by_rule
from privatenumber.calls.diagnosis.words import CALL, beijing, plain
from privatenumber.calls.routing import Reason
from privatenumber.codes.causes import teardown
from privatenumber.codes.texts import Text

CONNECT: Final = "connect"
_WHY: Final = {
    Reason.RELATION: Text("the caller's relation names who is reached", "主叫的绑定关系指明了接通对象"),
    Reason.LAST_COUNTERPART: Text("the last who was in touch is reached", "接通最近联系过的人"),
    Reason.NO_RELATION: Text("the sender stands in no living binding", "发送方不在任何有效绑定中"),
    Reason.NO_COUNTERPART: Text("nobody is named whom A could reach", "没有 A 可以联系的人"),
    Reason.DIRECTION: Text("the binding forbids this direction", "绑定禁止该方向"),
    Reason.UNREACHABLE: Text("the receiver may not be reached here", "接收方不可接通"),
    Reason.DEFAULT: Text("the application discards what names no receiver", "应用规则丢弃未写明接收方的短信"),
    Reason.MALFORMED_RECEIVER: Text("the receiver is badly written", "接收方写法有误"),
    Reason.NO_TEXT: Text(
        "the platform delivers no text, so it may have been meant for anybody",
        "平台不提供短信内容，无法判断发给谁",
    ),
    Reason.MODE: Text("the application's mode asks no such question", "应用的模式不应有此询问"),
    Reason.UNREADABLE: Text("the question named no sender or number", "询问缺少发送方或号码"),
    Reason.RULE: Text("a rule of the application forbids it", "应用的规则不允许"),
    Reason.UNDECIDED: Text("our store or keys did not answer in time", "我方存储或密钥未及时响应"),
}


def questioned(case: CallCase) -> Iterator[Finding]:
    """Our answer ended the call (8017)."""
    around = case.around
    if around.decision is None:
        yield from _told_by_code(8017)
        return
    for finding in refused(around, CALL):
        evidence = (*decision_evidence(around), *finding.evidence)
        yield Finding(finding.situation, finding.values, evidence, finding.confidence)


def unanswered(case: CallCase) -> Iterator[Finding]:
    """The platform got no answer that it could use (8014)."""
    around = case.around
    values = {"x": x_of(around), "at": beijing(around.at)}
    if around.decision is None:
        yield Finding("answer.none", values)
        return
    operation = {"operation": plain(around.decision.operation)}
    yield Finding("answer.not_taken", values | operation, decision_evidence(around))


def refused(around: Around, contact: Text) -> Iterator[Finding]:
    """Why our answer reached nobody."""
    reason = around.decision.reason if around.decision else ""
    values = {"x": x_of(around), "contact": contact, "at": beijing(around.at)}
    if reason == Reason.NO_RELATION:
        yield from unbound(around, contact)
    elif reason == Reason.DIRECTION:
        decided = around.decision.binding_id if around.decision else None
        bound = next((one for one in around.bindings if one.id == decided), None)
        yield direction_forbidden(around, bound, contact)
    elif reason == Reason.UNDECIDED:
        yield Finding("answer.undecided", values)
    elif reason == Reason.RULE:
        yield from refused_by_rule(around, contact)
    elif reason in (Reason.UNREADABLE, Reason.MODE):
        yield Finding("answer.unreadable", values)
    elif reason == Reason.UNREACHABLE:
        yield Finding("answer.unreachable", values)
    elif reason == Reason.NO_COUNTERPART:
        yield Finding("answer.no_counterpart", values)
    else:
        yield from _told_by_code(8017)


def decision_evidence(around: Around) -> tuple[Evidence, ...]:
    """Our answer and why it was given."""
    decision = around.decision
    if decision is None:
        return ()
    why = _WHY[Reason(decision.reason)] if decision.reason in _WHY else plain(decision.reason)
    return (
        Evidence(Text("our answer", "我方的应答"), plain(decision.operation), "decision"),
        Evidence(Text("why", "依据"), why, "decision"),
        Evidence(Text("answered at", "应答时间"), beijing(decision.at), "decision"),
    )


def in_words(reason: str) -> Text:
    """A reason of ours as a part of a sentence."""
    return _WHY[Reason(reason)] if reason in _WHY else plain(reason)


def _told_by_code(code: int) -> Iterator[Finding]:
    texts = teardown(code).texts
    values = {"meaning": texts.meaning, "cause": texts.cause, "remedy": texts.remedy, "code": plain(code)}
    yield Finding("cause.known", values)
