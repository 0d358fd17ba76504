"""From a call or a text to its diagnosis: what may explain it is read, and `diagnose` says what it means.

Reads are bounded (`store.evidence`): some twenty requests at most, whatever the tables hold. What was typed
and dialled is opened from its sealed records where nothing else says it; no number leaves this room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from privatenumber.calls.diagnosis.binding_then import BindingThen, binding_then
from privatenumber.calls.diagnosis.case import (
    Around,
    CallCase,
    PauseThen,
    SmsCase,
    StateTold,
)
from privatenumber.calls.diagnosis.diagnose import diagnose, diagnose_sms
from privatenumber.calls.diagnosis.explaining_rows import (
    Row,
    caller_of,
    decision_in,
    fact_in,
    first_of_each,
    is_result,
    is_variant,
    moment_of,
    opened,
    rules_in,
    subscription_of,
    typed_in,
)
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.calls.relations import Unseal
from privatenumber.calls.timeline import in_story
from privatenumber.phone import is_global
from privatenumber.platform.pausing import scopes_of
from privatenumber.platform.push_models import EventType
from privatenumber.settings import Application, Mode
from privatenumber.store import calls
from privatenumber.store.evidence import Asked, EvidenceStore
from privatenumber.store.fact_rows import CdrFact, EventFact, call_key, read_cdr, read_event, sms_key
from privatenumber.store.sms_rows import read_sms
from privatenumber.times import from_iso, utc_now

#: A binding made so long after a call may still explain it.
_LATER: Final = timedelta(days=2)
#: A temporary callee lives at most three days (numbers.md §4): so far back its last use may lie.
_EARLIER: Final = timedelta(days=3)
_SOON: Final = timedelta(minutes=10)
#: Bindings whose versions are read, those made nearest to the moment.
_REWOUND: Final = 8
_SILENCING: Final = ("frozen", "locked")


def explain(
    evidence: EvidenceStore,
    unseal: Unseal,
    application: Application,
    session: str,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[Diagnosis, ...]:
    """What happened to a call, the main finding first; nothing when nothing is known of it.

    ``session`` is the token of its session. Raises Withheld and botocore's errors.
    """
    rows = evidence.partition(call_key(application.id, session))
    case = _call_case(evidence, unseal, application, session, rows, clock())
    return diagnose(case) if case is not None else ()


def explain_sms(
    evidence: EvidenceStore,
    application: Application,
    message: str,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[Diagnosis, ...]:
    """What became of a text; ``message`` is the token of its identifier. Raises as `explain` does."""
    rows = evidence.partition(sms_key(application.id, message))
    notices = [read_sms(row) for row in first_of_each(rows) if row["kind"] == "sms"]
    if not notices:
        return ()
    told = sorted(notices, key=lambda notice: (not is_result(notice), notice.key))
    around = _around(
        evidence,
        application,
        rows,
        at=told[0].at or told[0].received_at,
        now=clock(),
        person=told[0].calling,
        x=next((notice.x for notice in told if notice.x), None),
        subscription_id=next((notice.subscription_id for notice in told if notice.subscription_id), None),
    )
    return diagnose_sms(
        SmsCase(
            around,
            question=next((notice for notice in told if not is_result(notice)), None),
            result=next((notice for notice in told if is_result(notice)), None),
        )
    )


def _call_case(
    evidence: EvidenceStore,
    unseal: Unseal,
    application: Application,
    session: str,
    rows: Sequence[Row],
    now: datetime,
) -> CallCase | None:
    first = first_of_each(rows)
    cdrs = tuple(read_cdr(row) for row in first if row["kind"] == "cdr")
    events = tuple(in_story(read_event(row) for row in first if row["kind"] == "event"))
    decision = decision_in(rows)
    if not (cdrs or events or decision):
        return None
    at = moment_of(cdrs, events, decision)
    person = caller_of(cdrs, events, decision)
    attempts = typed_in(events, unseal)
    around = _around(
        evidence,
        application,
        rows,
        at=at,
        now=now,
        person=person,
        x=_dialled(evidence, unseal, application, rows, cdrs, events),
        subscription_id=subscription_of(cdrs, events),
        extension=next((digits for digits in reversed(attempts) if digits), None),
    )
    neighbours = (
        evidence.calls_of(application.id, person, since=at - _EARLIER, until=at + _SOON) if person else ()
    )
    return CallCase(
        around,
        cdrs=cdrs,
        events=events,
        variants=tuple(fact_in(row) for row in rows if is_variant(row) and row["kind"] in ("cdr", "event")),
        attempts=attempts,
        neighbours=tuple(call for call in neighbours if call.call != session),
        axe_digits=application.axe_digits,
    )


def _around(
    evidence: EvidenceStore,
    application: Application,
    rows: Sequence[Row],
    *,
    at: datetime,
    now: datetime,
    person: str | None,
    x: str | None,
    subscription_id: str | None,
    extension: str | None = None,
) -> Around:
    """What surrounds a moment; of what is asked for, ``x`` and ``person`` may not be known."""
    decision = decision_in(rows)
    asked = Asked(
        application.id,
        at,
        at + _LATER,
        person=person,
        x=x,
        subscription_id=subscription_id,
        ids=(decision.binding_id,) if decision and decision.binding_id else (),
        extended=application.mode is Mode.AXE,
        extension=extension,
    )
    bindings = _bindings(evidence, evidence.bindings(asked), at, person, subscription_id)
    x = x or _of_binding(application, bindings, subscription_id)
    if x and not any(x in one.numbers for one in bindings) and not evidence.is_ours(x):
        x = None  # what a push writes in the place of an X may be anybody's number
    before, after = evidence.states(application.id, x, at) if x else (None, None)
    return Around(
        application=application.id,
        mode=application.mode,
        at=at,
        now=now,
        x=x,
        bindings=bindings,
        state=_told(before),
        state_after=_told(after),
        pause=_pause(evidence, application, at),
        decision=decision,
        rules=tuple(rules_in(rows)),
    )


def _of_binding(
    application: Application, bindings: Iterable[BindingThen], subscription_id: str | None
) -> str | None:
    """X of the binding that served the call; in AXYB people dial the Y of each other, too."""
    if subscription_id is None or application.mode is Mode.AXYB:
        return None
    return next((one.x for one in bindings if one.subscription_id == subscription_id), None)


def _bindings(
    evidence: EvidenceStore,
    items: Iterable[Row],
    at: datetime,
    person: str | None,
    subscription_id: str | None,
) -> tuple[BindingThen, ...]:
    """Bindings as they were; the one that served the call and those made nearest to it with their audit."""
    nearest = sorted(
        items,
        key=lambda item: (
            subscription_id is None or item.get("subscription_id") != subscription_id,
            abs(from_iso(item["created_at"]) - at),
            item["binding_id"],
        ),
    )
    return tuple(
        binding_then(
            item,
            evidence.versions(item["binding_id"]) if n < _REWOUND else (),
            at,
            person=person,
        )
        for n, item in enumerate(nearest)
    )


def _dialled(
    evidence: EvidenceStore,
    unseal: Unseal,
    application: Application,
    rows: Sequence[Row],
    cdrs: Sequence[CdrFact],
    events: Sequence[EventFact],
) -> str | None:
    """The private number that was dialled; from an event only one that is known to be ours."""
    decision = decision_in(rows)
    said = [cdr.x for cdr in cdrs] + ([decision.x] if decision else [])
    said += [calls.read_call(row).says.x for row in rows if row["kind"] == calls.KIND]
    known = next((x for x in said if x), None)
    if known or (application.mode is Mode.AXYB and cdrs):
        return known
    for event in events:
        if event.event == EventType.CALLIN:
            entry = opened(event, unseal)
            if entry and entry.called and is_global(entry.called) and evidence.is_ours(entry.called):
                return entry.called
    return None


def _told(row: Row | None) -> StateTold | None:
    if row is None:
        return None
    return StateTold(row.get("status"), row.get("cause"), from_iso(row["received_at"]))


def _pause(evidence: EvidenceStore, application: Application, at: datetime) -> PauseThen | None:
    """A pause that was running then and keeps everything silent; a row forgets itself a day after its end."""
    found = [
        PauseThen(reason, until)
        for reason, until in evidence.pauses(scopes_of(application))
        if reason in _SILENCING and until >= at
    ]
    return min(found, key=lambda pause: _SILENCING.index(pause.reason), default=None)
