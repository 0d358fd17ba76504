"""What is odd about the records of a call: missing, late, or contradicting each other.

None of it changes money or bindings; a support person has to know it before reading the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from privatenumber.calls.diagnosis.binding_then import Part
from privatenumber.calls.diagnosis.bindings import x_of
from privatenumber.calls.diagnosis.case import CallCase
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.words import (
    beijing,
    beijing_date,
    between,
    event_name,
    listed,
    span,
)
from privatenumber.codes.causes import teardown
from privatenumber.codes.texts import Text
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact, EventFact

#: notifications.md §8.3: when a missing CDR is late, and when the platform has given up.
LATE: Final = timedelta(minutes=15)
LOST: Final = timedelta(minutes=660)
#: Days the console keeps the details of a call (§8.2).
CONSOLE_DAYS: Final = 31
_EIGHT_HOURS: Final = timedelta(hours=8)
_CLOCKS_DIFFER: Final = timedelta(minutes=2)
#: What comes unasked may have been under way this long.
_UNDER_WAY: Final = timedelta(minutes=20)
#: Codes of event and CDR that mean one thing (cause-codes.md §4).
_SAME: Final = frozenset({(8018, 7104), (8100, 7506), (8014, 8006)})
#: Who is at fault in these never talked.
_UNCONNECTED: Final = frozenset({"binding", "caller", "callee", "number"})
#: In X mode there is nothing to ask when the door refuses (x.md §2).
_NO_QUESTION: Final = frozenset({8055, 7108, 8023, 8042, 7005})


def ended(case: CallCase) -> Iterator[Finding]:
    """An answered call, one that is not over, or one of which nobody knows."""
    around = case.around
    values = {"x": x_of(around), "talked": between(case.answered_at, case.ended_at)}
    if case.ended_at is not None:
        if case.answered_at is not None:
            evidence = tuple(_lengths(case))
            yield Finding("call.answered", values, evidence)
        return
    last = max(case.events, key=lambda event: event.at or event.received_at, default=None)
    waited = around.now - around.at
    if waited > LOST:
        yield Finding("end.unknown", values | {"ago": span(waited)})
    elif last is not None:
        told = {"event": event_name(last.event), "at": beijing(last.at or last.received_at)}
        yield Finding("call.running", values | told)


def undelivered(case: CallCase) -> Iterator[Finding]:
    """A hang-up without CDR, a CDR without its events, records that came late."""
    around, over = case.around, case.ended_at
    if over is None:
        return
    values = {"x": x_of(around)}
    waited = around.now - over
    if case.cdr is None:
        identity = "cdr.awaited" if waited < LATE else "cdr.late" if waited < LOST else "cdr.lost"
        export_by = beijing_date(over + timedelta(days=CONSOLE_DAYS))
        yield Finding(identity, values | {"ago": span(waited), "export_by": export_by}, tuple(_came(case)))
    elif waited > LATE:
        missing = _missing(case, case.cdr)
        if missing:
            told = listed(map(event_name, missing))
            yield Finding("events.missing", values | {"missing": told}, tuple(_came(case)))
    late = [fact for fact in case.facts if fact.received_at - over > LATE]
    for fact in late[:1]:
        came = {"fact": name_of(fact), "later": span(fact.received_at - over)}
        what = Text("arrived at", "到达时间")
        yield Finding(
            "push.late", values | came, (Evidence(what, beijing(fact.received_at), source_of(fact)),)
        )


def contradicting(case: CallCase) -> Iterator[Finding]:
    """Records that do not fit each other or themselves."""
    around, cdr = case.around, case.cdr
    values = {"x": x_of(around)}
    codes = (case.state_code, cdr.teardown if cdr else None)
    if None not in codes and codes[0] != codes[1] and codes not in _SAME:
        told = {"event": _cause(codes[0]), "cdr": _cause(codes[1])}
        yield Finding("codes.differ", told)
    contradiction = _contradiction(case)
    if contradiction:
        yield Finding("answer.contradicts", {"contradiction": contradiction})
    for before, after in _descending(cdr):
        evidence = tuple(Evidence(name, beijing(moment), "cdr") for name, moment in (before, after))
        yield Finding("times.impossible", {**values, "earlier": after[0], "later": before[0]}, evidence)
        break
    shifted = [event for event in case.events if _eight_hours_off(event, cdr)]
    if shifted:
        evidence = tuple(
            Evidence(event_name(event.event), beijing(event.at or event.received_at), source_of(event))
            for event in shifted
        )
        yield Finding("clock.eight_hours", values, evidence, Confidence.LIKELY)


def _lengths(case: CallCase) -> Iterator[Evidence]:
    """Who called, how long it rang, how long people talked (notifications.md §10)."""
    source = "cdr" if case.cdr else "event disconnect"
    bound = case.binding
    if bound is not None and bound.part is not None:
        caller = Text("A", "A") if bound.part is Part.A else Text("the other side", "另一方")
        yield Evidence(Text("caller", "主叫"), caller, bound.source)
    yield Evidence(Text("call arrived at", "通话到达时间"), beijing(case.arrived_at), source)
    yield Evidence(Text("rang for", "振铃时长"), between(case.alerting_at, case.answered_at), source)
    yield Evidence(Text("talked for", "通话时长"), between(case.answered_at, case.ended_at), source)


def _stages(cdr: CdrFact) -> tuple[tuple[str, datetime | None], ...]:
    """The moments of a CDR under the names of the events that tell of them."""
    return (
        ("callin", cdr.call_in_at),
        ("callout", cdr.started_at),
        ("alerting", cdr.alerting_at),
        ("answer", cdr.answered_at),
        ("disconnect", cdr.ended_at),
    )


def _missing(case: CallCase, cdr: CdrFact) -> list[str]:
    stored = {event.event for event in case.events}
    unasked = {"callin"} if case.around.mode is Mode.X and cdr.teardown in _NO_QUESTION else set()
    expected = [name for name, moment in _stages(cdr) if moment is not None and name not in unasked]
    return [name for name in expected if name not in stored]


def _came(case: CallCase) -> Iterator[Evidence]:
    for fact in case.facts:
        what = Text(f"{name_of(fact).en} arrived at", f"{name_of(fact).zh}到达时间")
        yield Evidence(what, beijing(fact.received_at), source_of(fact))


def _contradiction(case: CallCase) -> Text | None:
    cdr = case.cdr
    if cdr is None or cdr.teardown is None:
        return None
    cause = teardown(cdr.teardown)
    if cdr.answered_at and cause.group in _UNCONNECTED:
        told = _cause(cdr.teardown)
        return Text(
            f"Somebody answered, and yet the cause is one of a call nobody answered ({told.en})",
            f"已有人接听，原因却属于未接通（{told.zh}）",
        )
    if cdr.answered_at is None and cdr.teardown == 0:
        return Text(
            "The cause says that the call was answered, and no time of an answer is there",
            "原因表示已接通，却没有接听时间",
        )
    return None


def _descending(
    cdr: CdrFact | None,
) -> Iterator[tuple[tuple[Text, datetime], tuple[Text, datetime]]]:
    """Neighbouring moments of a CDR that stand in the wrong order."""
    if cdr is None:
        return
    reached = [(event_name(name), moment) for name, moment in _stages(cdr) if moment is not None]
    for before, after in pairwise(reached):
        if after[1] < before[1]:
            yield before, after


def _eight_hours_off(event: EventFact, cdr: CdrFact | None) -> bool:
    if event.at is None:
        return False
    true = dict(_stages(cdr)).get(event.event) if cdr else None
    if true is not None:
        return abs(event.at - true - _EIGHT_HOURS) < _CLOCKS_DIFFER
    ahead = event.at - event.received_at
    return _EIGHT_HOURS - _UNDER_WAY < ahead < _EIGHT_HOURS + _CLOCKS_DIFFER


def _cause(code: int | None) -> Text:
    meaning = teardown(code).texts.meaning
    return Text(f"{meaning.en} ({code})", f"{meaning.zh}（{code}）")


def name_of(fact: CdrFact | EventFact) -> Text:
    """A fact as people call it."""
    return Text("CDR", "话单") if isinstance(fact, CdrFact) else event_name(fact.event)


def source_of(fact: CdrFact | EventFact) -> str:
    """A fact as evidence names it."""
    return "cdr" if isinstance(fact, CdrFact) else f"event {fact.event}"
