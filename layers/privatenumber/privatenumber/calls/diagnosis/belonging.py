"""To what a call belongs: a redial, several records of one call, a binding that is not ours or fits badly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from privatenumber.calls.diagnosis.binding_then import BindingThen, Part
from privatenumber.calls.diagnosis.bindings import binding_evidence, x_of
from privatenumber.calls.diagnosis.case import CallCase
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.records import name_of, source_of
from privatenumber.calls.diagnosis.words import beijing, plain, span
from privatenumber.codes.texts import Text
from privatenumber.settings import Mode
from privatenumber.store.calls import Call

#: A second call of the same phone within so short a time is the handset's (operations.md §14).
REDIAL: Final = timedelta(seconds=30)
_SHORTEST_RECORDING_S: Final = 3


def doubled(case: CallCase) -> Iterator[Finding]:
    """More records than one call should have: variants, several CDRs, a redial."""
    values = {"x": x_of(case.around)}
    if case.variants:
        evidence = tuple(
            Evidence(Text("came at", "到达时间"), beijing(fact.received_at), source_of(fact))
            for fact in case.variants
        )
        yield Finding("record.variant", values | {"fact": name_of(case.variants[0])}, evidence)
    if len(case.cdrs) > 1:
        evidence = tuple(Evidence(Text("record", "记录"), plain(cdr.icid or "-"), "cdr") for cdr in case.cdrs)
        yield Finding("record.several", values | {"count": plain(len(case.cdrs))}, evidence)
    yield from _redial(case)


def misplaced(case: CallCase) -> Iterator[Finding]:
    """A call whose binding is not named, not ours, over meanwhile, or names another caller."""
    around, bound = case.around, case.binding
    values = {"x": x_of(around)}
    if case.subscription_id and bound is None and case.second_leg and around.mode is not Mode.X:
        evidence = (Evidence(Text("binding named", "绑定标识"), plain(case.subscription_id), "cdr"),)
        yield Finding("subscription.unknown", values, evidence, Confidence.LIKELY)
    if case.answered_at and not case.subscription_id and around.mode is not Mode.X:
        yield _inferred(case)
    if bound is None:
        return
    if bound.over_at and case.answered_at and around.at < bound.over_at < (case.ended_at or around.at):
        told = {"ended": beijing(bound.over_at)}
        yield Finding("binding.ended_during", values | told, binding_evidence(bound))
    yield from _roles(case, bound)
    yield from _unrecorded(case, bound)


def retyped(case: CallCase) -> Iterator[Finding]:
    """AXE: the right extension came at a later attempt."""
    if case.second_leg and len(case.attempts) > 1:
        values = {"x": x_of(case.around), "attempts": plain(len(case.attempts))}
        yield Finding("extension.retyped", values)


def _redial(case: CallCase) -> Iterator[Finding]:
    """Two calls of one phone through one binding, seconds apart, the first without an answer (C-149)."""
    over, values = case.ended_at, {"x": x_of(case.around)}
    pairs = [call for call in case.neighbours if _of_pair(case, call)]
    later = [call for call in pairs if over and timedelta() <= call.started_at - over <= REDIAL]
    if later and case.answered_at is None:
        second = min(later, key=lambda call: call.started_at)
        answered = Text("answered", "已接通") if second.connected else Text("not answered", "未接通")
        told = {"later": span(second.started_at - (over or second.started_at)), "second": answered}
        evidence = _pair_evidence(second)
        yield Finding("redial.first", values | told, evidence, Confidence.LIKELY)
    earlier = [
        call
        for call in pairs
        if call.ended_at and not call.connected and timedelta() <= case.around.at - call.ended_at <= REDIAL
    ]
    if earlier:
        first = max(earlier, key=lambda call: call.started_at)
        told = {"ago": span(case.around.at - (first.ended_at or first.started_at))}
        yield Finding("redial.repeat", values | told, _pair_evidence(first), Confidence.LIKELY)


def _of_pair(case: CallCase, call: Call) -> bool:
    same = call.x == case.around.x and call.subscription_id == case.subscription_id
    return same and bool(case.subscription_id or case.around.mode is Mode.X)


def _pair_evidence(call: Call) -> tuple[Evidence, ...]:
    what = Text("the other call arrived at", "另一次呼叫到达时间")
    return (Evidence(what, beijing(call.started_at), "call row"),)


def _inferred(case: CallCase) -> Finding:
    """Only for display: same X, within the life of a binding of the caller (notifications.md §9.3)."""
    fits = [one for one in case.around.on_x if one.live and one.part is not None]
    inferred = Text("no binding of ours fits it", "没有与之相符的绑定")
    if fits:
        order = fits[0].order
        inferred = Text(
            f"by X, time and people it belongs to order {order}", f"按 X、时间和号码推断属于订单 {order}"
        )
    evidence = binding_evidence(fits[0]) if fits else ()
    confidence = Confidence.LIKELY if fits else Confidence.CERTAIN
    values = {"x": x_of(case.around), "inferred": inferred}
    return Finding("answered.unbound", values, evidence, confidence)


def _roles(case: CallCase, bound: BindingThen) -> Iterator[Finding]:
    cdr = case.cdr
    told = case.around.mode in (Mode.AX, Mode.AXB) and cdr is not None and cdr.direction in (0, 1)
    if cdr is None or not told:
        return
    by_cdr = Part.A if cdr.direction == 1 else Part.OTHER
    actual = Part.A if bound.part is Part.A else Part.OTHER
    known = bound.part is not None or case.around.mode is Mode.AX
    if known and by_cdr is not actual and bound.people_changed_at is None:
        names = {Part.A: Text("A", "A"), Part.OTHER: Text("the other side", "另一方")}
        values = {"x": x_of(case.around), "by_cdr": names[by_cdr], "by_binding": names[actual]}
        yield Finding("roles.differ", values, binding_evidence(bound))


def _unrecorded(case: CallCase, bound: BindingThen) -> Iterator[Finding]:
    cdr, answered, over = case.cdr, case.answered_at, case.ended_at
    if cdr is None or cdr.recorded or not bound.records or answered is None or over is None:
        return
    short = (over - answered).total_seconds() < _SHORTEST_RECORDING_S
    values = {"x": x_of(case.around), "talked": span(over - answered)}
    yield Finding("recording.too_short" if short else "recording.none", values)
