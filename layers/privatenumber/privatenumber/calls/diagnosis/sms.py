"""Why a text was not delivered, or cost more than expected (notifications.md §6, cause-codes.md §6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privatenumber.calls.diagnosis.answers import decision_evidence, in_words
from privatenumber.calls.diagnosis.bindings import binding_evidence, unbound, x_of
from privatenumber.calls.diagnosis.case import SmsCase
from privatenumber.calls.diagnosis.model import Evidence, Finding
from privatenumber.calls.diagnosis.numbers import account_frozen, impaired, number_refused
from privatenumber.calls.diagnosis.records import LATE
from privatenumber.calls.diagnosis.rules import refused_by_rule
from privatenumber.calls.diagnosis.words import SMS, beijing, plain, span
from privatenumber.calls.routing import Reason
from privatenumber.codes.causes import sms_result
from privatenumber.codes.sms_receivers import endings
from privatenumber.codes.texts import Text, shown
from privatenumber.settings import Mode
from privatenumber.store.sms_rows import SmsFact

_SENT, _FROZEN, _UNBOUND, _SUSPENDED, _INTERNAL = 0, 1, 2, 3, 5
_DISCARDED, _TIMED_OUT, _PARTLY, _NO_SMS = 6, 7, 9, 11
_ARRIVED: Final = frozenset({_SENT, _PARTLY})


def outcome(case: SmsCase) -> Iterator[Finding]:
    """What became of the text and why."""
    result = case.result
    if result is None:
        yield from _awaited(case)
        return
    code = result.send_result
    given = _given(result)
    for finding in _of_code(case, result, code):
        evidence = (*given, *finding.evidence)
        yield Finding(finding.situation, finding.values, evidence, finding.confidence)
    if code not in _ARRIVED and code not in (_FROZEN, _SUSPENDED):
        yield from impaired(case.around, SMS)


def length(case: SmsCase) -> Iterator[Finding]:
    """What the text cost in parts, and whether it can be counted at all."""
    told = case.told
    if told is None:
        return
    values = {"x": x_of(case.around)}
    received, forwarded = told.parts_received, told.parts_forwarded
    if received is None:
        yield Finding("sms.content_missing", values)
    elif told.sender_appended and forwarded is not None and forwarded > received:
        parts = {"received": plain(received), "forwarded": plain(forwarded)}
        yield Finding("sms.longer_by_sender", values | parts)
    sent = case.result.split_num if case.result else None
    if case.result and case.result.send_result == _SENT and sent is not None and sent > 1:
        yield Finding("sms.several_parts", values | {"parts": plain(sent)})


def _of_code(case: SmsCase, result: SmsFact, code: int | None) -> Iterator[Finding]:
    around = case.around
    values = {"x": x_of(around)}
    if code == _SENT:
        yield Finding("sms.sent", values | {"parts": plain(result.split_num or 1)})
    elif code == _FROZEN:
        yield from account_frozen(around, SMS)
    elif code == _UNBOUND:
        yield from unbound(around, SMS)
        yield Finding("sms.unbound", values)
    elif code == _SUSPENDED:
        yield from number_refused(around, SMS)
    elif code == _INTERNAL and around.decision is not None:
        operation = {"operation": plain(around.decision.operation)}
        yield Finding("sms.answer_unusable", values | operation, decision_evidence(around))
    elif code == _DISCARDED:
        yield from _discarded(case)
    elif code == _TIMED_OUT:
        yield Finding("sms.answer_late", values, decision_evidence(around))
    elif code == _PARTLY:
        sent = _count(result.split_num)
        parts = _count(result.parts_forwarded)
        yield Finding("sms.partly", values | {"sent": sent, "parts": parts})
    elif code == _NO_SMS:
        yield from _switched_off(case)
    else:
        yield from _by_code(code)


def _by_code(code: int | None) -> Iterator[Finding]:
    found = sms_result(code)
    if not found.known:
        yield Finding("sms.unknown_result", {"named": shown(code)})
        return
    texts = found.texts
    values = {"meaning": texts.meaning, "cause": texts.cause, "remedy": texts.remedy, "code": plain(code)}
    yield Finding("sms.result", values)


def _discarded(case: SmsCase) -> Iterator[Finding]:
    """Our answer, or the careful one, moved the text nowhere."""
    around, told = case.around, case.told
    decision = around.decision
    reason = decision.reason if decision else ""
    values = {"x": x_of(around)}
    evidence = decision_evidence(around)
    fault = told.at_fault if told else None
    if reason == Reason.MALFORMED_RECEIVER and fault in endings():
        texts = endings()[fault]
        yield Finding(
            "sms.malformed_receiver", values | {"fault": texts.meaning, "remedy": texts.remedy}, evidence
        )
        return
    if reason == Reason.DEFAULT and around.mode is Mode.AX:
        yield Finding("sms.no_receiver", values, evidence)
        return
    if reason == Reason.RULE:
        yield from refused_by_rule(around, SMS)
    if reason == Reason.NO_RELATION:
        yield from unbound(around, SMS)
    why = in_words(reason) if reason else Text("no decision of ours is stored", "没有我方的决定记录")
    yield Finding("sms.discarded", values | {"why": why}, evidence)


def _switched_off(case: SmsCase) -> Iterator[Finding]:
    """Four switches decide; ours is the one we know (C-153)."""
    values = {"x": x_of(case.around)}
    for one in case.around.on_x:
        if one.live and not one.sms:
            evidence = binding_evidence(one)
            yield Finding("sms.switched_off", values, evidence)
            return
    yield Finding("sms.x_without_sms", values)


def _awaited(case: SmsCase) -> Iterator[Finding]:
    """The platform asked and told nothing since: Block without Notify (C-150)."""
    question = case.question
    if question is None:
        return
    waited = case.around.now - question.received_at
    what = Text("asked at", "询问时间")
    evidence = (
        Evidence(what, beijing(question.received_at), "sms Block"),
        *decision_evidence(case.around),
    )
    values = {"x": x_of(case.around), "ago": span(waited)}
    yield Finding("sms.awaited" if waited < LATE else "sms.no_notify", values, evidence)


def _count(number: int | None) -> Text:
    return Text("an unknown number", "数量未知的") if number is None else plain(number)


def _given(result: SmsFact) -> tuple[Evidence, ...]:
    cause = sms_result(result.send_result)
    code = result.send_result
    value = Text(f"{code}: {cause.texts.meaning.en}", f"{code}：{cause.texts.meaning.zh}")
    moment = result.at or result.received_at
    return (
        Evidence(Text("result given by the platform", "平台给出的结果"), value, "sms Notify"),
        Evidence(Text("told at", "通知时间"), beijing(moment), "sms Notify"),
    )
