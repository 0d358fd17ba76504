"""What the application's own rules did to a call or text (users.md U-S09)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from privatenumber.calls.diagnosis.bindings import x_of
from privatenumber.calls.diagnosis.case import Around, CallCase, RuleMet
from privatenumber.calls.diagnosis.model import Evidence, Finding
from privatenumber.calls.diagnosis.words import beijing, plain
from privatenumber.codes.texts import Text
from privatenumber.store.call_rules import Act

_NAMES: Final = {
    "barred_caller": Text("the caller stands on our black list", "主叫在我方黑名单中"),
    "barred_callee": Text("the callee stands on our black list", "被叫在我方黑名单中"),
    "answers_per_day": Text("answered calls of the same two people in a day", "同两人每天的接通次数"),
    "calls_per_minute": Text("calls of one person in a minute", "单人每分钟呼叫次数"),
    "calls_per_hour": Text("calls of one person in an hour", "单人每小时呼叫次数"),
    "calls_per_day": Text("calls of one person in a day", "单人每天呼叫次数"),
    "sms_per_minute": Text("texts of one person in a minute", "单人每分钟短信条数"),
    "sms_per_hour": Text("texts of one person in an hour", "单人每小时短信条数"),
    "sms_per_day": Text("texts of one person in a day", "单人每天短信条数"),
}
_SITUATIONS: Final[Mapping[str, str]] = {
    Act.STOPPED: "rule.stopped",
    Act.FAILED: "rule.not_stopped",
    Act.ALREADY_ENDED: "rule.broken",
    Act.MISSED: "rule.broken",
}


def met(case: CallCase) -> Iterator[Finding]:
    """Rules that a running call broke, and what was done."""
    for rule in case.around.rules:
        if rule.act is None:
            continue
        identity = _SITUATIONS.get(rule.act, "rule.broken")
        yield Finding(identity, {"x": x_of(case.around), "rule": _in_words(rule)}, _evidence(rule))


def refused_by_rule(around: Around, contact: Text) -> Iterator[Finding]:
    """Our answer to the platform refused what breaks a rule."""
    unknown = RuleMet("", None)
    rule = next((each for each in around.rules if each.act is None), unknown)
    values = {"x": x_of(around), "contact": contact, "rule": _in_words(rule)}
    yield Finding("rule.refused", values, _evidence(rule) if rule.rule else ())


def _in_words(rule: RuleMet) -> Text:
    name = _NAMES.get(rule.rule, plain(rule.rule or "-"))
    if rule.limit is None:
        return name
    return Text(f"{name.en}, at most {rule.limit}", f"{name.zh}，最多 {rule.limit} 次")


def _evidence(rule: RuleMet) -> tuple[Evidence, ...]:
    source = f"rule {rule.rule}"
    told = [
        (Text("counted before", "此前已计"), rule.counted),
        (Text("counted within", "计数范围"), rule.within),
        (Text("what was done", "处理"), rule.act),
    ]
    found = tuple(Evidence(what, plain(value), source) for what, value in told if value is not None)
    if rule.at is not None:
        found += (Evidence(Text("at", "时间"), beijing(rule.at), source),)
    return found
