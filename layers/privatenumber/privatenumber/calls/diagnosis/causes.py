"""Why a call ended as it did: from the main cause, the stage it had reached and what surrounded it.

What a code cannot say, the situation behind it does: 8014 is a stranger, a binding that was over or an
answer of ours that came too late. A code that no rule knows is told in its own words (cause-codes.md §2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from privatenumber.calls.diagnosis.answers import questioned, unanswered
from privatenumber.calls.diagnosis.bindings import directed, unbound, x_of
from privatenumber.calls.diagnosis.case import CallCase
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.modes import callee_missing, extensions
from privatenumber.calls.diagnosis.numbers import account_frozen, number_refused
from privatenumber.calls.diagnosis.words import CALL, beijing, between, minutes, plain
from privatenumber.codes.causes import q850, teardown
from privatenumber.codes.texts import Text, shown
from privatenumber.settings import Mode

Rule = Callable[[CallCase], Iterator[Finding]]
_LIMIT: Final = 8010
_RECORDS_SILENTLY: Final = Text(
    "The binding asks for recording; it needs an announcement", "该绑定要求录音，必须有录音提示音"
)
_NO_HINT: Final = Text("Our records do not say which", "我方记录无法判断是哪一项")


def caused(case: CallCase) -> Iterator[Finding]:
    """The main findings of a call that ended; none for one that was answered and ended normally."""
    code = case.code
    if code is None:
        if case.ended_at is not None and case.answered_at is None:
            yield Finding("cause.absent", {"x": x_of(case.around)})
        return
    if code == 0:
        return
    rule = _RULES.get(code)
    found = rule(case) if rule else _by_code(case, code)
    given = _given(case, code)
    for finding in found:
        evidence = (*given, *finding.evidence, *_served(case, finding))
        yield Finding(finding.situation, finding.values, evidence, finding.confidence)


def said_by_carrier(case: CallCase) -> Iterator[Finding]:
    """What the callee's network said (Q.850), beside the main cause (cause-codes.md §5)."""
    code = case.cdr.q850 if case.cdr else None
    if not code:
        return
    carrier = q850(code)
    values = {
        "meaning": carrier.texts.meaning,
        "cause": carrier.texts.cause,
        "remedy": carrier.texts.remedy,
        "code": plain(code),
    }
    yield Finding("carrier.said", values, (Evidence(_CARRIER_CAUSE, plain(code), "cdr"),))


_CARRIER_CAUSE: Final = Text("the carrier's cause (Q.850)", "运营商原因（Q.850）")


def _given(case: CallCase, code: int) -> Iterator[Evidence]:
    """The platform's own words: the cause with its code, from where it came, and the SIP status."""
    cause = teardown(code)
    of_cdr = case.cdr is not None and case.cdr.teardown is not None
    value = Text(f"{code}: {cause.texts.meaning.en}", f"{code}：{cause.texts.meaning.zh}")
    source = "cdr" if of_cdr else "event disconnect"
    yield Evidence(Text("cause given by the platform", "平台给出的原因"), value, source)
    if case.cdr is not None and case.cdr.sip:
        yield Evidence(Text("SIP status", "SIP 状态码"), plain(case.cdr.sip), "cdr")
    yield Evidence(Text("call arrived at", "通话到达时间"), beijing(case.arrived_at), source)


def _served(case: CallCase, finding: Finding) -> Iterator[Evidence]:
    """The order of the call, where the finding does not tell of its binding anyway."""
    bound = case.binding
    if bound is not None and bound.source not in {one.source for one in finding.evidence}:
        yield Evidence(Text("order", "订单"), plain(bound.order), bound.source)


def _by_code(case: CallCase, code: int) -> Iterator[Finding]:
    cause = teardown(code)
    if not cause.known:
        yield Finding("cause.unknown", {"named": shown(code)})
        return
    texts = cause.texts
    values = {"meaning": texts.meaning, "cause": texts.cause, "remedy": texts.remedy, "code": plain(code)}
    yield Finding("cause.known", values)


def _simple(identity: str) -> Rule:
    """A situation whose texts need nothing but X, the moments of the call and how long it took."""

    def rule(case: CallCase) -> Iterator[Finding]:
        yield Finding(identity, _moments(case))

    return rule


def _moments(case: CallCase) -> Mapping[str, Text]:
    return {
        "x": x_of(case.around),
        "contact": CALL,
        "at": beijing(case.arrived_at),
        "ringing": between(case.alerting_at, case.answered_at or case.ended_at),
        "after": between(case.arrived_at, case.ended_at),
        "waited": between(case.cdr.started_at if case.cdr else None, case.ended_at),
        "talked": between(case.answered_at, case.ended_at),
    }


def _nobody_bound(case: CallCase) -> Iterator[Finding]:
    """8014, 8018, 7104, 8030: in X mode a question of the platform came to nothing."""
    if case.around.mode is Mode.X:
        yield from unanswered(case)
    else:
        yield from unbound(case.around, CALL)


def _limit(case: CallCase) -> Iterator[Finding]:
    bound = case.binding
    asked = bound.max_minutes if bound else 0
    limit = minutes(asked) if asked else between(case.answered_at, case.ended_at)
    evidence: tuple[Evidence, ...] = ()
    if bound and asked:
        what = Text("longest call of the binding", "绑定的最长通话时间")
        evidence = (Evidence(what, minutes(asked), bound.source),)
    yield Finding("limit.reached", {**_moments(case), "limit": limit}, evidence)


def _busy(case: CallCase) -> Iterator[Finding]:
    """In AX an X carries one call: refused before a second leg, it was X that was busy (ax.md §7)."""
    engaged = case.around.mode is Mode.AX and not case.second_leg
    yield Finding("x.engaged" if engaged else "callee.busy", _moments(case))


def _off(case: CallCase) -> Iterator[Finding]:
    """Refused before any second leg, it is the switch of the binding (ax.md §7)."""
    switched = case.around.mode is Mode.AX and not case.second_leg
    yield Finding("x.switched_off" if switched else "callee.power_off", _moments(case))


def _no_such_number(case: CallCase) -> Iterator[Finding]:
    """Event 8100 beside 7506 in the CDR, or Q.850 28: the number is badly written (cause-codes.md §4)."""
    written_badly = case.code == 7506 or (case.cdr is not None and case.cdr.q850 == 28)
    if written_badly and (case.state_code == 8100 or case.code == 8100):
        yield Finding("callee.malformed", _moments(case))
    elif case.code == 7506:
        yield from _by_code(case, 7506)
    else:
        yield Finding("callee.empty_number", _moments(case))


def _intercepted(case: CallCase) -> Iterator[Finding]:
    bound = case.binding
    hint = _RECORDS_SILENTLY if bound and bound.records else _NO_HINT
    confidence = Confidence.POSSIBLE if hint is _NO_HINT else Confidence.LIKELY
    yield Finding("carrier.intercepted", {**_moments(case), "hint": hint}, (), confidence)


_GAVE_UP: Final = _simple("caller.gave_up_ringing")
_RULES: Final[Mapping[int, Rule]] = {
    7004: _simple("callee.barred"),
    7005: _simple("caller.barred"),
    7104: _nobody_bound,
    7108: lambda case: account_frozen(case.around, CALL),
    7500: _simple("carrier.prefix_restricted"),
    7501: _simple("caller.gave_up_early"),
    7502: _GAVE_UP,
    7503: _simple("callee.rejected"),
    7504: _simple("callee.blocked_by_service"),
    7506: _no_such_number,
    7507: _simple("tone.missing"),
    7516: _simple("extension.left"),
    8003: _simple("callee.no_answer"),
    8006: _simple("answer.tone"),
    8009: _GAVE_UP,
    _LIMIT: _limit,
    8013: callee_missing,
    8014: _nobody_bound,
    8016: directed,
    8017: questioned,
    8018: _nobody_bound,
    8019: _simple("callback.none"),
    8022: extensions,
    8023: _simple("landline.caller"),
    8024: _simple("display.forbidden"),
    8025: _simple("x.not_axe"),
    8030: _nobody_bound,
    8031: _simple("axyb.no_y"),
    8032: _simple("axyb.own_number"),
    8033: _simple("extension.nothing"),
    8035: _simple("callee.no_reaction"),
    8042: _simple("caller.abroad"),
    8055: lambda case: number_refused(case.around, CALL),
    8058: _simple("caller.unregistered"),
    8059: _intercepted,
    8100: _no_such_number,
    8101: _simple("callee.no_answer"),
    8102: _busy,
    8103: _simple("callee.no_signal"),
    8104: _off,
    8105: _simple("callee.suspended"),
}
