"""What AX and AXE have of their own: A's temporary callee, and the extension that the caller enters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from privatenumber.calls.diagnosis.binding_then import BindingThen
from privatenumber.calls.diagnosis.bindings import (
    ROUNDING,
    bind_failed,
    binding_evidence,
    living,
    not_at_platform,
    x_of,
)
from privatenumber.calls.diagnosis.case import CallCase
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.words import CALL, beijing, plain, span, typed
from privatenumber.codes.texts import Text


def extensions(case: CallCase) -> Iterator[Finding]:
    """AXE: nobody stood behind what the caller entered last (8022)."""
    around = case.around
    last = next((digits for digits in reversed(case.attempts) if digits), "")
    matched = [one for one in around.on_x if last and one.extension == last]
    values = {"x": x_of(around), "typed": typed(last), "contact": CALL}
    evidence = tuple(
        Evidence(Text(f"attempt {n}", f"第 {n} 次输入"), typed(digits), "event collectInfo")
        for n, digits in enumerate(case.attempts, 1)
    )
    for one in sorted(matched, key=lambda one: (one.created_at, one.id), reverse=True):
        evidence += binding_evidence(one)
        if one.live:
            yield not_at_platform(around, one, CALL)
        elif one.over_at and one.over_at <= around.at + ROUNDING:
            ended = {"ended": beijing(one.over_at), "ago": span(around.at - one.over_at)}
            yield Finding("extension.ended", values | ended, evidence)
        elif one.bound_at:
            later = {"bound": beijing(one.bound_at), "later": span(one.bound_at - around.at)}
            yield Finding("extension.later", values | later, evidence)
        else:
            yield bind_failed(around, one, CALL)
        return
    if 0 < len(last) < case.axe_digits:
        yield Finding("extension.too_short", values | {"digits": plain(case.axe_digits)}, evidence)
    else:
        looked = {"looked": plain(len(around.on_x))}
        yield Finding("extension.wrong", values | looked, evidence, Confidence.LIKELY)


def callee_missing(case: CallCase) -> Iterator[Finding]:
    """AX: A called without a temporary callee (8013)."""
    around = case.around
    bound = case.binding or next(iter(living(around.on_x)), None)
    values = {"x": x_of(around)}
    evidence = binding_evidence(bound) if bound else ()
    if bound is None:
        yield Finding("callee.never_set", values, evidence, Confidence.POSSIBLE)
        return
    earlier = _last_of_a(case, bound)
    until = bound.callee_until
    if until and until <= around.at:
        expired = {"until": beijing(until), "ago": span(around.at - until)}
        yield Finding("callee.expired", values | expired, evidence)
    elif (until or bound.callee_set_at) and earlier:
        yield Finding("callee.used", values | {"earlier": beijing(earlier)}, evidence, Confidence.LIKELY)
    elif until and until > around.at:
        yield Finding("callee.not_at_platform", values | {"until": beijing(until)}, evidence)
    elif bound.callee_set_later:
        late = bound.callee_set_later
        told = {"set": beijing(late), "later": span(late - around.at)}
        yield Finding("callee.set_late", values | told, evidence)
    else:
        yield Finding("callee.never_set", values, evidence, Confidence.LIKELY)


def _last_of_a(case: CallCase, bound: BindingThen) -> datetime | None:
    """When A last called somebody through this X, since the callee was set."""
    calls = (
        call.started_at
        for call in case.neighbours
        if call.x == case.around.x
        and call.called_out_at is not None
        and call.started_at < case.around.at
        and (bound.callee_set_at is None or call.started_at >= bound.callee_set_at)
    )
    return max(calls, default=None)
